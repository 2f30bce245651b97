// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
package import WGMModel

/// A network interface of any kind, as rtnetlink shows it.
package struct Link: Hashable, Sendable {
    var index: Int32
    var name = ""
    /// `IFLA_INFO_KIND`, such as `wireguard` or `tun`.
    var kind = ""
    var alias = ""
    var group: UInt32 = 0
    var mtu: UInt32 = 0
    var isUp = false

    /// Reads an `RTM_NEWLINK` message.
    package init(_ message: RawSpan) throws(KernelFailure) {
        guard let fixed = message.load(ifinfomsg.self) else { throw .malformed }
        index = fixed.ifi_index
        isUp = fixed.ifi_flags & UInt32(IFF_UP) != 0
        var link = self
        try message.forEachAttribute(from: MemoryLayout<ifinfomsg>.size) { (type, value) throws(KernelFailure) in
            switch type {
            case IFLA_IFNAME.type: link.name = value.text
            case IFLA_IFALIAS.type: link.alias = value.text
            case IFLA_GROUP.type: link.group = try value.value(UInt32.self)
            case IFLA_MTU.type: link.mtu = try value.value(UInt32.self)
            case IFLA_LINKINFO.type: link.kind = try Self.kind(value)
            default: break
            }
        }
        self = link
    }

    private static func kind(_ information: RawSpan) throws(KernelFailure) -> String {
        var kind = ""
        try information.forEachAttribute { (type, value) throws(KernelFailure) in
            if type == IFLA_INFO_KIND.type { kind = value.text }
        }
        return kind
    }

    /// Which implementation of WireGuard this can be; `automatic` for a link that is none.
    var backend: Backend {
        switch kind {
        case LinkKind.wireGuard: .kernel
        case LinkKind.tunnel: .userspace
        default: .automatic
        }
    }

    /// Whose mark the link carries; nil when it is no WireGuard link of ours.
    var owner: InterfaceID? { backend == .automatic ? nil : OwnerMark.owner(alias) }

    /// A link that wgm began to make and did not come to mark.
    var isHalfMade: Bool { backend == .kernel && alias.isEmpty && group == OwnerMark.halfMadeGroup }
}

/// The names of the link kinds that carry WireGuard.
enum LinkKind {
    static let wireGuard = "wireguard"
    static let tunnel = "tun"
}

/// The alias that says which interface of the database a link belongs to.
///
/// The kernel takes no alias while it makes a link. A new link is therefore in a group of its own until it has its mark, so
/// that one left over by a crash between the two steps is known for what it is.
enum OwnerMark {
    static let halfMadeGroup: UInt32 = 0x7767_6d00
    private static let prefix = "wgm:"

    static func alias(_ owner: InterfaceID) -> String { prefix + owner.description }

    static func owner(_ alias: String) -> InterfaceID? {
        guard alias.hasPrefix(prefix), let value = UInt64(alias.dropFirst(prefix.count)) else { return nil }
        let owner = InterfaceID(value)
        return Self.alias(owner) == alias ? owner : nil
    }
}
