// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMModel

/// The routes through one link.
struct LinkRoutes {
    /// Those that wgm made, in the main table.
    var ours: Set<IPPrefix> = []
    /// The networks of its addresses.
    let networks: Set<IPPrefix>
    /// Those to which others have a route: the kernel, which makes one by itself, and in the main table anybody.
    ///
    /// Of all other routes nothing is kept: there may be a million.
    var routed: Set<IPPrefix> = []
}

extension RouteSocket {
    /// Those in the main table; `addresses` are the link's.
    mutating func routes(of link: Link, _ addresses: Set<InterfaceAddress> = []) throws(KernelFailure) -> LinkRoutes {
        var routes = LinkRoutes(networks: Set(addresses.map(\.prefix).filter { !$0.isHost }))
        for family in [AddressFamily.v4, .v6] { try read(&routes, of: link, family, table: RT_TABLE_MAIN) }
        return routes
    }

    /// The networks of its addresses that there is no route to but wgm's own; the kernel's may be in the table of a VRF.
    mutating func unrouted(of link: Link, _ main: LinkRoutes) throws(KernelFailure) -> Set<IPPrefix> {
        let missing = main.networks.subtracting(main.routed)
        guard !missing.isEmpty else { return [] }
        var elsewhere = LinkRoutes(networks: missing)
        for family in [AddressFamily.v4, .v6] { try read(&elsewhere, of: link, family, table: RT_TABLE_UNSPEC) }
        return missing.subtracting(elsewhere.routed)
    }

    private mutating func read(
        _ routes: inout LinkRoutes,
        of link: Link,
        _ family: AddressFamily,
        table: rt_class_t
    ) throws(KernelFailure) {
        var fixed = rtmsg()
        fixed.rtm_family = family.number
        fixed.rtm_table = UInt8(table.rawValue)
        let purpose = "reading the routes of \(link.name)"
        var message = NetlinkMessage(RTM_GETROUTE, .dump, fixed, capacity: Self.smallRequest)
        try message.write(purpose) { message throws(MessageFull) in
            try message.put(RTA_OIF, UInt32(bitPattern: link.index))
        }
        // Without IPv6, or before the first route of the namespace, there is no table to read.
        _ = try KernelFailure.unless(EAFNOSUPPORT, EOPNOTSUPP, ENOENT) { () throws(KernelFailure) in
            routes = try socket.dump(&message, purpose, into: routes) {
                (routes: inout LinkRoutes, type, payload) throws(KernelFailure) in
                if type == UInt16(RTM_NEWROUTE) { try routes.add(payload, through: link) }
            }
        }
    }

    /// Routes that are there are success; a prefix that leads elsewhere, with our metric, is `alreadyExists`.
    mutating func add(_ prefixes: [IPPrefix], to link: Link) throws(KernelFailure) {
        var found: [IPPrefix] = []
        for prefix in prefixes where try !create(prefix, link) { found.append(prefix) }
        guard !found.isEmpty else { return }
        let ours = try routes(of: link).ours
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

extension LinkRoutes {
    /// Nothing for a route that leads elsewhere, or that somebody made in a table of their own.
    fileprivate mutating func add(_ message: RawSpan, through link: Link) throws(KernelFailure) {
        guard let fixed = message.load(rtmsg.self) else { throw .malformed }
        guard fixed.rtm_type == RTN_UNICAST, let family = AddressFamily(number: fixed.rtm_family) else { return }
        let isMain = fixed.rtm_table == RT_TABLE_MAIN.rawValue
        let isOurs = isMain && fixed.rtm_protocol == NetlinkLimit.routeProtocol
        guard isMain || fixed.rtm_protocol == RTPROT_KERNEL else { return }
        var destination = family == .v4 ? IPAddress(v4: 0) : IPAddress(v6: 0)
        var output: Int32 = 0
        try message.forEachAttribute(from: MemoryLayout<rtmsg>.size) { (type, value) throws(KernelFailure) in
            if type == RTA_OIF.type { output = try value.value(Int32.self) }
            guard type == RTA_DST.type else { return }
            guard let address = IPAddress(bytes: value.array), address.family == family else { throw .malformed }
            destination = address
        }
        guard let prefix = IPPrefix(masking: destination, length: Int(fixed.rtm_dst_len)) else { throw .malformed }
        guard output == link.index else { return }
        if isOurs { ours.insert(prefix) } else if networks.contains(prefix) { routed.insert(prefix) }
    }
}

extension NetlinkMessage {
    fileprivate mutating func put(_ prefix: IPPrefix, through link: Link) throws(MessageFull) {
        if prefix.length > 0 { try put(RTA_DST, prefix.address.bytes) }
        try put(RTA_OIF, UInt32(bitPattern: link.index))
        try put(RTA_PRIORITY, NetlinkLimit.routeMetric)
    }
}
