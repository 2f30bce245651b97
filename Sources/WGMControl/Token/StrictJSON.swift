// SPDX-License-Identifier: Apache-2.0

/// A value of the part of JSON that tokens use: no fractions, no null.
enum StrictJSON: Hashable, Sendable {
    case object([String: StrictJSON])
    case array([StrictJSON])
    case string(String)
    case integer(Int64)
    case bool(Bool)

    static let maxBytes = 4096
    static let maxDepth = 6

    /// nil for anything that is not exactly one such value: too long, too deep, duplicate members, fractions, bad UTF-8.
    static func parse(_ bytes: [UInt8]) -> StrictJSON? {
        guard bytes.count <= maxBytes else { return nil }
        var reader = StrictJSONReader(bytes: bytes)
        guard let value = reader.value(depth: 1), reader.isAtEnd else { return nil }
        return value
    }

    var object: [String: StrictJSON]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    var array: [StrictJSON]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var integer: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }
}

/// A reader that goes through the bytes once and gives up at the first one that is wrong.
private struct StrictJSONReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return position == bytes.count
        }
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) -> StrictJSON? {
        guard depth <= StrictJSON.maxDepth else { return nil }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case UInt8(ascii: "t"): return word("true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return word("false") ? .bool(false) : nil
        default: return integer().map { .integer($0) }
        }
    }

    private mutating func object(depth: Int) -> StrictJSON? {
        guard take("{") else { return nil }
        var members: [String: StrictJSON] = [:]
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard let name = string(), take(":"), let member = value(depth: depth + 1) else { return nil }
            guard members.updateValue(member, forKey: name) == nil else { return nil }
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func array(depth: Int) -> StrictJSON? {
        guard take("[") else { return nil }
        var elements: [StrictJSON] = []
        if take("]") { return .array(elements) }
        repeat {
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
        } while take(",")
        return take("]") ? .array(elements) : nil
    }

    private mutating func word(_ word: StaticString) -> Bool {
        let wanted = Array(String(describing: word).utf8)
        guard bytes[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    /// Digits with an optional minus; what could continue a number in JSON (`.`, `e`) ends the parse as a bad byte.
    private mutating func integer() -> Int64? {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        let digits = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        let hasLeadingZero =
            bytes[start..<position].count > 1 && position > digits && bytes[digits] == UInt8(ascii: "0")
        guard position > digits, !hasLeadingZero else { return nil }
        return Int64(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func string() -> String? {
        guard next == UInt8(ascii: "\"") else { return nil }
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case 0..<0x20: return nil
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                text += Array(String(scalar).utf8)
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard let byte = next else { return nil }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return unicodeEscape()
        default: return nil
        }
    }

    private mutating func unicodeEscape() -> Unicode.Scalar? {
        guard let first = fourHexDigits() else { return nil }
        guard (0xd800..<0xdc00).contains(first) else { return Unicode.Scalar(first) }
        guard bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else { return nil }
        position += 2
        guard let second = fourHexDigits(), (0xdc00..<0xe000).contains(second) else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    }

    private mutating func fourHexDigits() -> UInt32? {
        guard position + 4 <= bytes.count else { return nil }
        let digits = bytes[position..<(position + 4)]
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }) else { return nil }
        position += 4
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}

extension StrictJSON {
    /// A JSON string; what is not printable ASCII is escaped.
    static func quote(_ text: String) -> String {
        var quoted = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22, 0x5c: quoted += "\\" + String(decoding: [UInt8(unit)], as: UTF8.self)
            case 0x20..<0x7f: quoted += String(decoding: [UInt8(unit)], as: UTF8.self)
            default:
                let hex = String(unit, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            }
        }
        return quoted + "\""
    }
}
