// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMModel

extension RouteSocket {
    mutating func addresses(of link: Link) throws(KernelFailure) -> Set<InterfaceAddress> {
        var fixed = ifaddrmsg()
        fixed.ifa_index = UInt32(bitPattern: link.index)
        let purpose = "reading the addresses of \(link.name)"
        var message = NetlinkMessage(RTM_GETADDR, .dump, fixed, capacity: Self.smallRequest)
        return try socket.dump(&message, purpose, into: []) {
            (addresses: inout Set<InterfaceAddress>, type, payload) throws(KernelFailure) in
            guard type == UInt16(RTM_NEWADDR) else { return }
            if let address = try Self.address(payload, index: fixed.ifa_index) { addresses.insert(address) }
        }
    }

    /// nil for an address of another link.
    private static func address(_ message: RawSpan, index: UInt32) throws(KernelFailure) -> InterfaceAddress? {
        guard let fixed = message.load(ifaddrmsg.self) else { throw .malformed }
        guard fixed.ifa_index == index else { return nil }
        var local: IPAddress?
        var peer: IPAddress?
        try message.forEachAttribute(from: MemoryLayout<ifaddrmsg>.size) { (type, value) throws(KernelFailure) in
            if type == IFA_LOCAL.type { local = IPAddress(bytes: value.array) }
            if type == IFA_ADDRESS.type { peer = IPAddress(bytes: value.array) }
        }
        guard let address = local ?? peer else { throw .malformed }
        guard let address = InterfaceAddress(address, length: Int(fixed.ifa_prefixlen)) else { throw .malformed }
        return address
    }

    /// An address that is there is success; one that is there with another prefix length is replaced.
    ///
    /// IPv6 without duplicate address detection: behind a tunnel nobody can answer, and the address works at once. The
    /// kernel's on-link route stays, so that packets to an address that no peer holds end in the tunnel and nowhere else.
    mutating func add(_ address: InterfaceAddress, to link: Link) throws(KernelFailure) {
        if try create(address, on: link) { return }
        let present = try addresses(of: link)
        if present.contains(address) { return }
        for other in present where other.address == address.address { try delete(other, from: link) }
        _ = try create(address, on: link)
    }

    /// False when the kernel says that it is there.
    private mutating func create(_ address: InterfaceAddress, on link: Link) throws(KernelFailure) -> Bool {
        let purpose = "adding the address \(address) to \(link.name)"
        return try KernelFailure.unless(EEXIST) { () throws(KernelFailure) in
            try send(RTM_NEWADDR, [.create, .exclusive], Self.fixed(address, link), purpose) {
                message throws(MessageFull) in
                try message.put(IFA_LOCAL, address.address.bytes)
                try message.put(IFA_ADDRESS, address.address.bytes)
                if address.address.family == .v6 { try message.put(IFA_FLAGS, UInt32(IFA_F_NODAD)) }
            }
        }
    }

    /// Removes the addresses, of which any may be gone already, and no others: with the first IPv4 address of a network the
    /// kernel may remove the rest of that network, which is put back.
    mutating func remove(_ addresses: [InterfaceAddress], from link: Link) throws(KernelFailure) {
        let kept = try self.addresses(of: link).subtracting(addresses)
        for address in addresses { try delete(address, from: link) }
        for lost in kept.subtracting(try self.addresses(of: link)).sorted() { try add(lost, to: link) }
    }

    private mutating func delete(_ address: InterfaceAddress, from link: Link) throws(KernelFailure) {
        let purpose = "removing the address \(address) from \(link.name)"
        _ = try KernelFailure.unless(EADDRNOTAVAIL) { () throws(KernelFailure) in
            try send(RTM_DELADDR, [], Self.fixed(address, link), purpose) { message throws(MessageFull) in
                try message.put(IFA_LOCAL, address.address.bytes)
                try message.put(IFA_ADDRESS, address.address.bytes)
            }
        }
    }

    private static func fixed(_ address: InterfaceAddress, _ link: Link) -> ifaddrmsg {
        var fixed = ifaddrmsg()
        fixed.ifa_family = address.address.family.number
        fixed.ifa_prefixlen = address.length
        fixed.ifa_scope = UInt8(RT_SCOPE_UNIVERSE.rawValue)
        fixed.ifa_index = UInt32(bitPattern: link.index)
        return fixed
    }
}

extension AddressFamily {
    /// `AF_INET` or `AF_INET6`.
    var number: UInt8 { UInt8(self == .v4 ? AF_INET : AF_INET6) }

    init?(number: some BinaryInteger) {
        switch Int32(truncatingIfNeeded: number) {
        case AF_INET: self = .v4
        case AF_INET6: self = .v6
        default: return nil
        }
    }
}
