// SPDX-License-Identifier: Apache-2.0

/// Why a text is no JSON, and where.
struct JSONError: Error, Hashable, Sendable {
    var line: Int
    var column: Int
    var rule: String
}

/// Reads RFC 8259 and nothing more: no comments, no trailing commas, no name twice.
struct JSONReader {
    private static let depth = 32
    private let bytes: [UInt8]
    private var at = 0

    static func read(_ text: String) throws(JSONError) -> JSONValue {
        var reader = JSONReader(bytes: Array(text.utf8))
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.at == reader.bytes.count else { throw reader.error("something stands behind the value") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func error(_ rule: String) -> JSONError {
        let before = bytes[..<min(at, bytes.count)]
        let line = before.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return JSONError(
            line: line.count,
            column: String(decoding: line.last ?? [], as: UTF8.self).count + 1,
            rule: rule
        )
    }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { at += 1 }
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: sign) else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.depth else { throw error("nested too deeply") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try members(depth))
        case UInt8(ascii: "["): return .list(try elements(depth))
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "-")?: return .number(try number())
        case let digit? where Self.isDigit(digit): return .number(try number())
        case nil: throw error("a value is missing")
        default: return try word()
        }
    }

    private mutating func word() throws(JSONError) -> JSONValue {
        let words: [(String, JSONValue)] = [("true", .bool(true)), ("false", .bool(false)), ("null", .null)]
        for (word, value) in words where bytes[at...].starts(with: word.utf8) {
            at += word.utf8.count
            return value
        }
        throw error("no value begins like this; texts and names stand in double quotes")
    }

    private mutating func elements(_ depth: Int) throws(JSONError) -> [JSONValue] {
        at += 1
        var elements: [JSONValue] = []
        if take("]") { return elements }
        repeat { elements.append(try value(depth: depth + 1)) } while take(",")
        guard take("]") else { throw error("expected , or ]") }
        return elements
    }

    private mutating func members(_ depth: Int) throws(JSONError) -> [JSONValue.Member] {
        at += 1
        var members: [JSONValue.Member] = []
        if take("}") { return members }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("expected a name in double quotes") }
            let name = try text()
            guard !members.contains(where: { $0.name == name }) else { throw error("\"\(name)\" is there twice") }
            guard take(":") else { throw error("expected :") }
            members.append(JSONValue.Member(name: name, value: try value(depth: depth + 1)))
        } while take(",")
        guard take("}") else { throw error("expected , or }") }
        return members
    }

    private mutating func number() throws(JSONError) -> String {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        let startsWithZero = next == UInt8(ascii: "0")
        let whole = skipDigits()
        var isNumber = whole == 1 || whole > 1 && !startsWithZero
        if next == UInt8(ascii: ".") {
            at += 1
            isNumber = skipDigits() > 0 && isNumber
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            isNumber = skipDigits() > 0 && isNumber
        }
        guard isNumber else {
            at = start
            throw error("no number is written like this")
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private mutating func skipDigits() -> Int {
        let start = at
        while let byte = next, Self.isDigit(byte) { at += 1 }
        return at - start
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

extension JSONReader {
    private mutating func text() throws(JSONError) -> String {
        at += 1
        var content: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw error("a control character in a text must be escaped") }
            if byte == UInt8(ascii: "\\") {
                content += Array(String(try escape()).utf8)
            } else {
                content.append(byte)
                at += 1
            }
        }
        guard next != nil else { throw error("a text lacks its closing quote") }
        guard let text = String(validating: content, as: UTF8.self) else { throw error("a text is not UTF-8") }
        at += 1
        return text
    }

    private mutating func escape() throws(JSONError) -> Character {
        let start = at
        at += 2
        guard start + 1 < bytes.count else { throw error("a text lacks its closing quote") }
        switch bytes[start + 1] {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return Character(try codePoint())
        default:
            at = start
            throw error("no such escape")
        }
    }

    /// The four digits behind `\u`, and the second half of a pair if they are a first one.
    private mutating func codePoint() throws(JSONError) -> Unicode.Scalar {
        let first = try unit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xd800..<0xdc00).contains(first), bytes[at...].starts(with: "\\u".utf8) else {
            throw error("half of a surrogate pair")
        }
        at += 2
        let second = try unit()
        guard (0xdc00..<0xe000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
        else { throw error("half of a surrogate pair") }
        return scalar
    }

    private mutating func unit() throws(JSONError) -> UInt32 {
        let digits = bytes[at...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw error("\\u needs four hexadecimal digits") }
        at += 4
        return value
    }
}
