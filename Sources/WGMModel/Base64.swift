// SPDX-License-Identifier: Apache-2.0

/// Base64 (RFC 4648) for values that are no secret; secrets go through libsodium's constant-time coder in WGMKeys.
package enum Base64 {
    package enum Variant: Sendable {
        /// Section 4, padded: public keys.
        case standard
        /// Section 5, without padding: tokens.
        case url
    }

    package static func encode(_ bytes: some Collection<UInt8>, variant: Variant) -> String {
        let alphabet = alphabet(variant)
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        var buffer: UInt32 = 0
        var bitCount = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                output.append(alphabet[Int(buffer >> bitCount & 63)])
            }
        }
        if bitCount > 0 { output.append(alphabet[Int(buffer << (6 - bitCount) & 63)]) }
        if variant == .standard {
            while output.count % 4 != 0 { output.append(UInt8(ascii: "=")) }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// nil unless the text is the canonical encoding of some bytes: right alphabet, right padding, unused bits zero.
    package static func decode(_ text: some Collection<UInt8>, variant: Variant) -> [UInt8]? {
        var characters = Array(text)
        if variant == .standard {
            guard characters.count % 4 == 0 else { return nil }
            for _ in 0..<2 where characters.last == UInt8(ascii: "=") { characters.removeLast() }
        }
        guard characters.count % 4 != 1 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(characters.count * 3 / 4)
        var buffer: UInt32 = 0
        var bitCount = 0
        for character in characters {
            guard let value = value(of: character, variant) else { return nil }
            buffer = buffer << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                output.append(UInt8(truncatingIfNeeded: buffer >> bitCount))
            }
        }
        guard buffer & (1 << bitCount - 1) == 0 else { return nil }
        return output
    }

    private static func alphabet(_ variant: Variant) -> [UInt8] { variant == .standard ? standard : url }

    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private static func value(of character: UInt8, _ variant: Variant) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+") where variant == .standard: 62
        case UInt8(ascii: "/") where variant == .standard: 63
        case UInt8(ascii: "-") where variant == .url: 62
        case UInt8(ascii: "_") where variant == .url: 63
        default: nil
        }
    }
}
