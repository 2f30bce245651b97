// SPDX-License-Identifier: Apache-2.0

/// The two address families of the Internet Protocol.
package enum AddressFamily: UInt8, Hashable, Sendable, Comparable {
    case v4 = 4
    case v6 = 6

    /// The number of bits in an address of this family.
    package var bitCount: Int { self == .v4 ? 32 : 128 }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// An IPv4 or IPv6 address, without zone.
package struct IPAddress: Hashable, Sendable, Comparable {
    /// In halves: a gateway holds many, and a number of 128 bits would align each prefix to 48 bytes instead of 24.
    private let high: UInt64
    private let low: UInt64
    package let family: AddressFamily

    /// The address as a number; an IPv4 address fills the low 32 bits.
    package var bits: UInt128 { UInt128(high) << 64 | UInt128(low) }

    package init(v4 bits: UInt32) {
        family = .v4
        high = 0
        low = UInt64(bits)
    }

    package init(v6 bits: UInt128) {
        family = .v6
        high = UInt64(truncatingIfNeeded: bits >> 64)
        low = UInt64(truncatingIfNeeded: bits)
    }

    /// The address in network byte order: 4 bytes or 16; nil for another count.
    package init?(bytes: some Collection<UInt8>) {
        let bits = bytes.reduce(into: UInt128(0)) { $0 = $0 << 8 | UInt128($1) }
        switch bytes.count {
        case 4: self.init(v4: UInt32(bits))
        case 16: self.init(v6: bits)
        default: return nil
        }
    }

    /// The address in network byte order: 4 bytes or 16.
    package var bytes: [UInt8] {
        let count = family.bitCount / 8
        return (0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * (count - 1 - $0))) }
    }

    /// The IPv4 address that an IPv6 one of `::ffff:0:0/96` stands for (RFC 4291 section 2.5.5.2); every other as it is.
    package var unmapped: IPAddress {
        family == .v6 && high == 0 && low >> 32 == 0xffff ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : self
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.family, left.high, left.low) < (right.family, right.high, right.low)
    }
}

extension IPAddress: CustomStringConvertible {
    /// Reads dotted decimal, or the forms of RFC 4291 section 2.2 without a zone.
    package init?(_ text: some StringProtocol) { self.init(ascii: Array(text.utf8).span) }

    /// The same, of bytes; nothing is allocated, since a dump has tens of thousands.
    package init?(ascii text: Span<UInt8>) {
        if text.firstIndex(of: UInt8(ascii: ":")) != nil {
            guard let bits = Self.parseV6(text) else { return nil }
            self.init(v6: bits)
        } else {
            guard let bits = Self.parseV4(text) else { return nil }
            self.init(v4: bits)
        }
    }

    package var description: String { family == .v4 ? Self.dotted(UInt32(bits)) : formattedV6 }

    private static func dotted(_ bits: UInt32) -> String {
        (0..<4).map { String(bits >> (24 - 8 * $0) & 0xff) }.joined(separator: ".")
    }

    /// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`.
    private var formattedV6: String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
        let hex = groups.map { String($0, radix: 16) }
        guard let zeros = Self.longestZeroRun(groups) else { return hex.joined(separator: ":") }
        return hex[..<zeros.lowerBound].joined(separator: ":") + "::" + hex[zeros.upperBound...].joined(separator: ":")
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var best = 0..<0
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start > best.count { best = start..<index }
            start = index + 1
        }
        return best.count >= 2 ? best : nil
    }

    private static func parseV4(_ text: Span<UInt8>) -> UInt32? {
        var (bits, octets, start) = (UInt32(0), 0, 0)
        for index in 0...text.count where index == text.count || text[index] == UInt8(ascii: ".") {
            guard octets < 4, let octet = parseDecimal(text.extracting(start..<index), max: 255) else { return nil }
            bits = bits << 8 | UInt32(octet)
            octets += 1
            start = index + 1
        }
        return octets == 4 ? bits : nil
    }

    /// A decimal number without sign or leading zeros.
    static func parseDecimal(_ text: some Collection<UInt8>, max: Int) -> Int? {
        parseDecimal(Array(text).span, max: max)
    }

    static func parseDecimal(_ text: Span<UInt8>, max: Int) -> Int? {
        guard (1...10).contains(text.count), text.count == 1 || text[0] != UInt8(ascii: "0") else { return nil }
        var value = 0
        for index in text.indices {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) else { return nil }
            value = value * 10 + Int(text[index] - UInt8(ascii: "0"))
        }
        return value <= max ? value : nil
    }

    private static func parseV6(_ text: Span<UInt8>) -> UInt128? {
        let colon = UInt8(ascii: ":")
        guard (2...45).contains(text.count), text[0] != colon || text[1] == colon else { return nil }
        var (head, tail) = (GroupRun(), GroupRun())
        var hasGap = text[0] == colon
        var position = hasGap ? 2 : 0
        while position < text.count {
            let rest = text.extracting(position...)
            let end = rest.firstIndex(of: colon)
            let read =
                hasGap
                ? tail.read(rest.extracting(..<(end ?? rest.count)), isLast: end == nil)
                : head.read(rest.extracting(..<(end ?? rest.count)), isLast: end == nil)
            guard read else { return nil }
            guard let end else { break }
            position += end + 1
            // A colon ends no address, two do.
            guard position < text.count else { return nil }
            if text[position] == colon {
                guard !hasGap else { return nil }
                hasGap = true
                position += 1
            }
        }
        guard hasGap ? head.count + tail.count <= 7 : head.count == 8 else { return nil }
        return head.bits << UInt128(16 * (8 - head.count)) | tail.bits
    }

    /// Groups of 16 bits, one behind the other.
    private struct GroupRun {
        var bits: UInt128 = 0
        var count = 0

        /// Reads hexadecimal digits, or as the last a dotted quad; false when it is neither.
        mutating func read(_ text: Span<UInt8>, isLast: Bool) -> Bool {
            if isLast, let quad = parseV4(text) {
                bits = bits << 32 | UInt128(quad)
                count += 2
            } else {
                guard let group = parseHex(text) else { return false }
                bits = bits << 16 | UInt128(group)
                count += 1
            }
            return count <= 8
        }
    }

    private static func parseHex(_ text: Span<UInt8>) -> UInt16? {
        guard (1...4).contains(text.count) else { return nil }
        var value: UInt16 = 0
        for index in text.indices {
            guard let digit = hexDigit(text[index]) else { return nil }
            value = value << 4 | digit
        }
        return value
    }

    private static func hexDigit(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

extension Span<UInt8> {
    func firstIndex(of byte: UInt8) -> Int? {
        for index in indices where self[index] == byte { return index }
        return nil
    }
}
