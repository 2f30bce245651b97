// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMModel

extension RouteSocket {
    /// nil when there is no link of that name.
    mutating func link(_ name: InterfaceName) throws(KernelFailure) -> Link? {
        var link: Link?
        let isThere = try KernelFailure.unless(ENODEV) { () throws(KernelFailure) in
            try send(RTM_GETLINK, [], ifinfomsg(), "reading the interface \(name)") { message throws(MessageFull) in
                try message.put(IFLA_IFNAME, name.value)
                try message.put(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
            } answer: { (type, payload) throws(KernelFailure) in
                if type == UInt16(RTM_NEWLINK) { link = try Link(payload) }
            }
        }
        return isThere && link?.name == name.value ? link : nil
    }

    mutating func links() throws(KernelFailure) -> [Link] {
        let purpose = "listing the interfaces"
        var message = NetlinkMessage(RTM_GETLINK, .dump, ifinfomsg(), capacity: Self.smallRequest)
        try message.write(purpose) { message throws(MessageFull) in
            try message.put(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
        }
        return try socket.dump(&message, purpose, into: []) {
            (links: inout [Link], type, payload) throws(KernelFailure) in
            if type == UInt16(RTM_NEWLINK) { links.append(try Link(payload)) }
        }
    }

    /// Makes a link of kernel WireGuard without its mark, in the group of half-made links.
    mutating func createWireGuard(_ name: InterfaceName, mtu: UInt32) throws(KernelFailure) {
        let flags: NetlinkMessage.Flags = [.create, .exclusive]
        let purpose = "creating the WireGuard interface \(name)"
        do throws(KernelFailure) {
            try send(RTM_NEWLINK, flags, ifinfomsg(), purpose) { message throws(MessageFull) in
                try message.put(IFLA_IFNAME, name.value)
                try message.put(IFLA_MTU, mtu)
                try message.put(IFLA_GROUP, OwnerMark.halfMadeGroup)
                try message.nest(IFLA_LINKINFO) { message throws(MessageFull) in
                    try message.put(IFLA_INFO_KIND, LinkKind.wireGuard)
                }
            }
        } catch  where error.errno == EOPNOTSUPP {
            throw KernelFailure(
                .noWireGuard,
                errno: error.errno,
                "\(error.message): the kernel has no WireGuard, and its module cannot be loaded; the backend userspace needs neither"
            )
        }
    }

    /// Gives a link its mark and takes it out of the group of half-made links, in one step.
    mutating func mark(_ link: Link, owner: InterfaceID) throws(KernelFailure) {
        try change(link, "marking the interface \(link.name)") { message throws(MessageFull) in
            try message.put(IFLA_GROUP, UInt32(0))
            try message.put(IFLA_IFALIAS, OwnerMark.alias(owner))
        }
    }

    /// Gives a link another alias and leaves everything else of it alone.
    mutating func setAlias(_ alias: String, of link: Link) throws(KernelFailure) {
        try change(link, "marking the interface \(link.name)") { message throws(MessageFull) in
            try message.put(IFLA_IFALIAS, alias)
        }
    }

    mutating func set(_ link: Link, mtu: UInt32) throws(KernelFailure) {
        try change(link, "setting MTU \(mtu) on \(link.name)") { message throws(MessageFull) in
            try message.put(IFLA_MTU, mtu)
        }
    }

    mutating func set(_ link: Link, isUp: Bool) throws(KernelFailure) {
        var fixed = ifinfomsg()
        fixed.ifi_index = link.index
        fixed.ifi_flags = isUp ? UInt32(IFF_UP) : 0
        fixed.ifi_change = UInt32(IFF_UP)
        let purpose = "setting \(link.name) \(isUp ? "up" : "down")"
        try send(RTM_NEWLINK, [], fixed, purpose) { _ throws(MessageFull) in }
    }

    /// No link-local address by itself, which is what the kernel's WireGuard does; without IPv6 there is nothing to do.
    mutating func withoutLinkLocalAddress(_ link: Link) throws(KernelFailure) {
        let purpose = "setting the address mode of \(link.name)"
        _ = try KernelFailure.unless(EAFNOSUPPORT, EOPNOTSUPP, EINVAL) { () throws(KernelFailure) in
            try change(link, purpose) { message throws(MessageFull) in
                try message.nest(IFLA_AF_SPEC) { message throws(MessageFull) in
                    try message.nest(Int(AF_INET6)) { message throws(MessageFull) in
                        try message.put(IFLA_INET6_ADDR_GEN_MODE, UInt8(IN6_ADDR_GEN_MODE_NONE.rawValue))
                    }
                }
            }
        }
    }

    /// A link that is gone already is success.
    mutating func delete(_ link: Link) throws(KernelFailure) {
        var fixed = ifinfomsg()
        fixed.ifi_index = link.index
        _ = try KernelFailure.unless(ENODEV) { () throws(KernelFailure) in
            try send(RTM_DELLINK, [], fixed, "deleting the interface \(link.name)") { _ throws(MessageFull) in }
        }
    }

    private mutating func change(
        _ link: Link,
        _ purpose: String,
        attributes: (inout NetlinkMessage) throws(MessageFull) -> Void
    ) throws(KernelFailure) {
        var fixed = ifinfomsg()
        fixed.ifi_index = link.index
        try send(RTM_NEWLINK, [], fixed, purpose, attributes: attributes)
    }
}
