// SPDX-License-Identifier: Apache-2.0

/// An address prefix in canonical form: no bit is set behind the prefix length.
package struct IPPrefix: Hashable, Sendable, Comparable {
    package let address: IPAddress
    package let length: UInt8

    /// nil when the length does not fit the family or a host bit is set.
    package init?(_ address: IPAddress, length: Int) {
        guard let masked = IPPrefix(masking: address, length: length), masked.address == address else { return nil }
        self = masked
    }

    /// Clears the host bits; nil when the length does not fit the family.
    package init?(masking address: IPAddress, length: Int) {
        guard (0...address.family.bitCount).contains(length) else { return nil }
        self.length = UInt8(length)
        let mask = Self.mask(address.family, length)
        self.address =
            address.family == .v4
            ? IPAddress(v4: UInt32(address.bits & mask)) : IPAddress(v6: address.bits & mask)
    }

    /// The prefix that holds just this address.
    package init(host address: IPAddress) {
        self.address = address
        length = UInt8(address.family.bitCount)
    }

    package var family: AddressFamily { address.family }

    /// True when the prefix is one address.
    package var isHost: Bool { Int(length) == family.bitCount }

    /// True for a prefix so short that it is as good as a default route: it needs the verb route-all, and no route to it
    /// is put into the main table.
    package var isWide: Bool { length < (family == .v4 ? 8 : 16) }

    package func contains(_ other: IPAddress) -> Bool {
        other.family == family && other.bits & Self.mask(family, Int(length)) == address.bits
    }

    package func overlaps(_ other: IPPrefix) -> Bool {
        length <= other.length ? contains(other.address) : other.contains(address)
    }

    private static func mask(_ family: AddressFamily, _ length: Int) -> UInt128 {
        let all: UInt128 = family == .v4 ? 0xffff_ffff : .max
        return length == 0 ? 0 : all & ~((UInt128(1) << (family.bitCount - length)) &- 1)
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.address == right.address ? left.length < right.length : left.address < right.address
    }
}

extension IPPrefix: CustomStringConvertible {
    /// Reads `address/length`, or a bare address as its host prefix; nil if a host bit is set.
    package init?(_ text: some StringProtocol) { self.init(ascii: Array(text.utf8).span) }

    /// The same, of bytes.
    package init?(ascii text: Span<UInt8>) {
        guard let parts = splitPrefix(text) else { return nil }
        self.init(parts.address, length: parts.length ?? parts.address.family.bitCount)
    }

    package var description: String { "\(address)/\(length)" }
}

/// An address of an interface with the length of the prefix that is on-link, such as `fd00:1:2::1/64`.
package struct InterfaceAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let address: IPAddress
    package let length: UInt8

    package init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.bitCount).contains(length) else { return nil }
        self.address = address
        self.length = UInt8(length)
    }

    /// Reads `address/length`; a bare address gets the length of its family.
    package init?(_ text: some StringProtocol) {
        guard let parts = splitPrefix(Array(text.utf8).span) else { return nil }
        self.init(parts.address, length: parts.length ?? parts.address.family.bitCount)
    }

    /// The on-link prefix, with the host bits cleared.
    package var prefix: IPPrefix {
        IPPrefix(masking: address, length: Int(length)) ?? IPPrefix(host: address)
    }

    package var description: String { "\(address)/\(length)" }

    package static func < (left: Self, right: Self) -> Bool {
        left.address == right.address ? left.length < right.length : left.address < right.address
    }
}

private func splitPrefix(_ text: Span<UInt8>) -> (address: IPAddress, length: Int?)? {
    guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else {
        return IPAddress(ascii: text).map { ($0, nil) }
    }
    guard let address = IPAddress(ascii: text.extracting(..<slash)) else { return nil }
    let length = IPAddress.parseDecimal(text.extracting((slash + 1)...), max: address.family.bitCount)
    return length.map { (address, $0) }
}
