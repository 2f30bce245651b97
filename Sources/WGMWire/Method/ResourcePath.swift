// SPDX-License-Identifier: Apache-2.0

/// Segments of resource paths.
package enum ResourcePath {
    /// A value as one segment; `*` when there is none.
    package static func segment(_ value: String?) -> String {
        guard let value, !value.isEmpty else { return "*" }
        guard value.utf8.contains(where: isSpecial) else { return value }
        var segment = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "/": segment += "%2F"
            case "*": segment += "%2A"
            case "%": segment += "%25"
            default: segment.unicodeScalars.append(scalar)
            }
        }
        return segment
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "%")
    }
}
