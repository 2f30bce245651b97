// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMModel

extension RouteSocket {
    /// The routes through the link that wgm made, in the main table.
    mutating func routes(of link: Link) throws(KernelFailure) -> Set<IPPrefix> {
        try routes(of: link, .v4).union(routes(of: link, .v6))
    }

    private mutating func routes(of link: Link, _ family: AddressFamily) throws(KernelFailure) -> Set<IPPrefix> {
        var fixed = rtmsg()
        fixed.rtm_family = family.number
        fixed.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
        fixed.rtm_protocol = NetlinkLimit.routeProtocol
        let purpose = "reading the routes of \(link.name)"
        var message = NetlinkMessage(RTM_GETROUTE, .dump, fixed, capacity: Self.smallRequest)
        try message.write(purpose) { message throws(MessageFull) in
            try message.put(RTA_OIF, UInt32(bitPattern: link.index))
        }
        var prefixes: Set<IPPrefix> = []
        // Without IPv6, or before the first route of the namespace, there is no table to read.
        let hasTable = try KernelFailure.unless(EAFNOSUPPORT, EOPNOTSUPP, ENOENT) { () throws(KernelFailure) in
            prefixes = try socket.dump(&message, purpose, into: []) {
                (prefixes: inout Set<IPPrefix>, type, payload) throws(KernelFailure) in
                guard type == UInt16(RTM_NEWROUTE) else { return }
                if let prefix = try Self.prefix(payload, through: link) { prefixes.insert(prefix) }
            }
        }
        return hasTable ? prefixes : []
    }

    /// nil for a route that is not ours, or leads elsewhere.
    private static func prefix(_ message: RawSpan, through link: Link) throws(KernelFailure) -> IPPrefix? {
        guard let fixed = message.load(rtmsg.self) else { throw .malformed }
        guard fixed.rtm_protocol == NetlinkLimit.routeProtocol, fixed.rtm_type == RTN_UNICAST,
            fixed.rtm_table == RT_TABLE_MAIN.rawValue, let family = AddressFamily(number: fixed.rtm_family)
        else { return nil }
        var destination = family == .v4 ? IPAddress(v4: 0) : IPAddress(v6: 0)
        var output: Int32 = 0
        try message.forEachAttribute(from: MemoryLayout<rtmsg>.size) { (type, value) throws(KernelFailure) in
            if type == RTA_OIF.type { output = try value.value(Int32.self) }
            guard type == RTA_DST.type else { return }
            guard let address = IPAddress(bytes: value.array), address.family == family else { throw .malformed }
            destination = address
        }
        guard let prefix = IPPrefix(masking: destination, length: Int(fixed.rtm_dst_len)) else { throw .malformed }
        return output == link.index ? prefix : nil
    }

    /// Routes that are there are success; a prefix that leads elsewhere, with our metric, is `alreadyExists`.
    mutating func add(_ prefixes: [IPPrefix], to link: Link) throws(KernelFailure) {
        var found: [IPPrefix] = []
        for prefix in prefixes where try !create(prefix, link) { found.append(prefix) }
        guard !found.isEmpty else { return }
        let ours = try routes(of: link)
        for prefix in found where !ours.contains(prefix) {
            throw KernelFailure(.alreadyExists, errno: EEXIST, "\(prefix) has a route through another interface")
        }
    }

    /// False when the kernel says that it is there.
    private mutating func create(_ prefix: IPPrefix, _ link: Link) throws(KernelFailure) -> Bool {
        var fixed = Self.fixed(prefix)
        fixed.rtm_scope = UInt8((prefix.family == .v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE).rawValue)
        let purpose = "adding the route \(prefix) through \(link.name)"
        return try KernelFailure.unless(EEXIST) { () throws(KernelFailure) in
            try send(RTM_NEWROUTE, [.create, .exclusive], fixed, purpose) { message throws(MessageFull) in
                try message.put(prefix, through: link)
            }
        }
    }

    /// Routes that are gone already are success.
    mutating func remove(_ prefixes: [IPPrefix], from link: Link) throws(KernelFailure) {
        for prefix in prefixes {
            var fixed = Self.fixed(prefix)
            fixed.rtm_scope = UInt8(RT_SCOPE_NOWHERE.rawValue)
            let purpose = "removing the route \(prefix) through \(link.name)"
            _ = try KernelFailure.unless(ESRCH) { () throws(KernelFailure) in
                try send(RTM_DELROUTE, [], fixed, purpose) { message throws(MessageFull) in
                    try message.put(prefix, through: link)
                }
            }
        }
    }

    private static func fixed(_ prefix: IPPrefix) -> rtmsg {
        var fixed = rtmsg()
        fixed.rtm_family = prefix.family.number
        fixed.rtm_dst_len = prefix.length
        fixed.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
        fixed.rtm_protocol = NetlinkLimit.routeProtocol
        fixed.rtm_type = UInt8(RTN_UNICAST)
        return fixed
    }
}

extension NetlinkMessage {
    fileprivate mutating func put(_ prefix: IPPrefix, through link: Link) throws(MessageFull) {
        if prefix.length > 0 { try put(RTA_DST, prefix.address.bytes) }
        try put(RTA_OIF, UInt32(bitPattern: link.index))
        try put(RTA_PRIORITY, NetlinkLimit.routeMetric)
    }
}
