// SPDX-License-Identifier: Apache-2.0

/// A Linux interface name: 1 to 15 bytes of `[A-Za-z0-9_=+.-]`, as wg-quick accepts; not `.`, `..`, `all`, `default`, `lo`,
/// and not starting with `-`.
package struct InterfaceName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let rule =
        "1 to 15 characters of A-Z a-z 0-9 _ = + . -, not starting with '-', and not '.', '..', 'all', 'default' or 'lo'"
    package let value: String

    package init?(_ value: String) {
        let reserved = [".", "..", "all", "default", "lo"]
        let fits = (1...15).contains(value.utf8.count) && value.utf8.allSatisfy { isWordByte($0, or: "_=+.-") }
        guard fits, value.utf8.first != UInt8(ascii: "-"), !reserved.contains(value) else { return nil }
        self.value = value
    }

    package var description: String { value }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// The name of a peer or principal: 1 to 63 bytes, a letter or digit first, then `[A-Za-z0-9._@+-]`.
///
/// Neither `/` nor `*` can occur, so a name is always exactly one segment of a resource path.
package struct ObjectName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let rule = "1 to 63 characters of A-Z a-z 0-9 . _ @ + -, starting with a letter or digit"
    package let value: String

    package init?(_ value: String) {
        guard let first = value.utf8.first, isWordByte(first, or: "") else { return nil }
        guard value.utf8.count <= 63, value.utf8.allSatisfy({ isWordByte($0, or: "._@+-") }) else { return nil }
        self.value = value
    }

    package var description: String { value }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

private func isWordByte(_ byte: UInt8, or others: String) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default:
        others.utf8.contains(byte)
    }
}
