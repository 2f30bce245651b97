// SPDX-License-Identifier: Apache-2.0

/// The name of a host, by RFC 1123.
///
/// Labels of 1 to 63 letters, digits and inner hyphens, the last not a number, 253 characters in all. Letters are small ones:
/// names that differ in that alone are one name.
package struct HostName: Hashable, Sendable, CustomStringConvertible {
    package let value: String
    package var description: String { value }

    package init?(_ text: some StringProtocol) {
        guard (1...253).contains(text.utf8.count) else { return nil }
        let labels = Array(text.utf8).split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let hyphen = UInt8(ascii: "-")
        let areGood = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { Self.isLetter($0) || Self.isDigit($0) || $0 == hyphen }
        }
        guard areGood, labels.last.map({ !$0.allSatisfy(Self.isDigit) }) ?? false else { return nil }
        value = text.lowercased()
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
