// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Text of keys, by arithmetic: no branch and no table is chosen by a secret.
extension WipedBuffer {
    mutating func append(hex bytes: UnsafeRawBufferPointer) {
        for index in bytes.indices {
            let byte = unsafe bytes[index]
            append(Self.hexDigit(byte >> 4))
            append(Self.hexDigit(byte & 15))
        }
    }

    /// Appends the 32 bytes that 64 hexadecimal digits stand for; false when they are not that.
    mutating func append(decodingKey hex: RawSpan) -> Bool {
        guard hex.byteCount == 2 * PublicKey.byteCount else { return false }
        var invalid: Int32 = 0
        unsafe append(count: PublicKey.byteCount) { bytes in
            for index in 0..<PublicKey.byteCount {
                let high = unsafe Self.value(hex.unsafeLoad(fromByteOffset: 2 * index, as: UInt8.self))
                let low = unsafe Self.value(hex.unsafeLoad(fromByteOffset: 2 * index + 1, as: UInt8.self))
                invalid |= high | low
                unsafe bytes[index] = UInt8(truncatingIfNeeded: high << 4 | low & 15)
            }
        }
        return invalid >= 0
    }

    /// Appends canonical base64 (RFC 4648, section 4) of the bytes.
    mutating func append(base64 bytes: UnsafeRawBufferPointer) {
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let length = min(3, bytes.count - start)
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < length ? UInt32(unsafe bytes[start + offset]) : 0) }
            for position in 0..<4 {
                let digit = Int32(group >> (18 - 6 * position) & 63)
                append(position <= length ? Self.base64Digit(digit) : UInt8(ascii: "="))
            }
        }
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        let value = Int32(nibble)
        return UInt8(truncatingIfNeeded: 87 + value + (((value - 10) >> 8) & ~38))
    }

    /// The value of one digit in the low four bits; negative for a byte that is none.
    private static func value(_ digit: UInt8) -> Int32 {
        let byte = Int32(digit)
        let isNumber = between(byte, 48, 57)
        let isUpper = between(byte, 65, 70)
        let isLower = between(byte, 97, 102)
        let value = isNumber & (byte - 48) | isUpper & (byte - 55) | isLower & (byte - 87)
        return value | ~(isNumber | isUpper | isLower)
    }

    private static func base64Digit(_ value: Int32) -> UInt8 {
        let letter = between(value, 0, 25) & (value + 65) | between(value, 26, 51) & (value + 71)
        let other = between(value, 52, 61) & (value - 4) | between(value, 62, 62) & 43 | between(value, 63, 63) & 47
        return UInt8(truncatingIfNeeded: letter | other)
    }

    /// All ones when `low ≤ value ≤ high`, else zero.
    private static func between(_ value: Int32, _ low: Int32, _ high: Int32) -> Int32 {
        ~((value - low) >> 31) & ~((high - value) >> 31)
    }
}
