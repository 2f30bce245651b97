// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Blocks of addresses that mean something else than a host.
private enum Block {
    static let unspecifiedV4 = prefix("0.0.0.0/8")
    static let loopbackV4 = prefix("127.0.0.0/8")
    static let linkLocalV4 = prefix("169.254.0.0/16")
    static let multicastV4 = prefix("224.0.0.0/4")
    static let reservedV4 = prefix("240.0.0.0/4")
    static let linkLocalV6 = prefix("fe80::/10")
    static let multicastV6 = prefix("ff00::/8")
    static let mappedV6 = prefix("::ffff:0:0/96")
    /// The unspecified address, and IPv4 addresses in the oldest of their clothes (RFC 4291 section 2.5.5.1).
    static let unspecifiedV6 = prefix("::/16")
    static let loopbackV6 = prefix("::1/128")

    private static func prefix(_ text: String) -> IPPrefix { IPPrefix(text) ?? IPPrefix(host: IPAddress(v6: 0)) }

    static func isLinkLocal(_ prefix: IPPrefix) -> Bool { linkLocalV6.covers(prefix) || linkLocalV4.covers(prefix) }

    static func fault(of prefix: IPPrefix) -> String? {
        let blocks: [(IPPrefix, String)] = [
            (mappedV6, "an IPv4 address must be written as one, not mapped into IPv6"),
            (loopbackV6, "a loopback address never leaves its host"),
            (unspecifiedV6, "::/16 holds no hosts"), (unspecifiedV4, "0.0.0.0/8 holds no hosts"),
            (loopbackV4, "a loopback address never leaves its host"),
            (multicastV6, "a multicast address is a group's"), (multicastV4, "a multicast address is a group's"),
            (reservedV4, "240.0.0.0/4 is reserved"),
        ]
        return blocks.first { $0.0.covers(prefix) }?.1
    }
}

extension IPAddress {
    var isLinkLocal: Bool { Block.isLinkLocal(IPPrefix(host: self)) }

    /// Why this cannot be a peer's, resolver's or gateway's address inside the tunnel; nil if it can.
    var hostFault: String? {
        Block.fault(of: IPPrefix(host: self)) ?? (isLinkLocal ? "a link-local address is of no use here" : nil)
    }

    /// Why packets cannot be sent to this address from the gateway; nil if they can.
    ///
    /// A loopback address can be one: a relay on the same host.
    var remoteFault: String? {
        let isLoopback = Block.loopbackV4.contains(self) || Block.loopbackV6.contains(self)
        return isLoopback ? nil : hostFault
    }
}

extension IPPrefix {
    /// True when these prefixes of one family, those left out that are wide by themselves, hold as much together as the
    /// longest prefix that is wide.
    static func areWide(_ prefixes: [IPPrefix]) -> Bool {
        var size: UInt64 = 0
        for prefix in prefixes where !prefix.isWide {
            // Of IPv6 in networks of 64 bits: what is smaller counts as one.
            let bits = prefix.family == .v4 ? 32 - Int(prefix.length) : max(0, 64 - Int(prefix.length))
            size &+= 1 << UInt64(bits)
            if size >= 1 << (prefix.family == .v4 ? 32 - 7 : 64 - 15) { return true }
        }
        return false
    }

    /// Why this cannot be routed to a peer; nil if it can.
    var routeFault: String? {
        Block.fault(of: self) ?? (Block.isLinkLocal(self) ? "link-local addresses are never routed" : nil)
    }

    /// True when every address of `other` is one of ours.
    func covers(_ other: IPPrefix) -> Bool { length <= other.length && contains(other.address) }
}
