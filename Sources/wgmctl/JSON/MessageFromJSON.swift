// SPDX-License-Identifier: Apache-2.0

internal import WGMModel
internal import WGMWire

/// The bytes of a message from JSON, by the rules of proto3's JSON mapping.
///
/// Fields go by `publicKey` or `public_key`; null is a field that is not there. What the message does not have is an error.
struct MessageFromJSON {
    private(set) var bytes: [UInt8] = []

    static func bytes(_ value: JSONValue, as type: MessageType) throws(Failure) -> [UInt8] {
        var message = MessageFromJSON()
        try message.write(value, as: type, path: "")
        return message.bytes
    }

    private mutating func write(_ value: JSONValue, as type: MessageType, path: String) throws(Failure) {
        guard case .object(let members) = value else { throw Self.wrong(path, "an object", value) }
        var written: Set<UInt64> = []
        for member in members {
            guard let field = type.fields.first(where: { $0.jsonName == member.name || $0.name == member.name }) else {
                throw Self.unknown(member.name, in: type, path)
            }
            let path = path.isEmpty ? member.name : "\(path).\(member.name)"
            guard written.insert(field.number).inserted else {
                throw Failure(.usage, "\(path): the field is there twice")
            }
            try write(member.value, as: field, path: path)
        }
    }

    private mutating func write(_ value: JSONValue, as field: MessageType.Field, path: String) throws(Failure) {
        if value == .null { return }
        guard field.isRepeated else { return try write(one: value, as: field, path: path) }
        guard case .list(let elements) = value else { throw Self.wrong(path, "a list", value) }
        for (index, element) in elements.enumerated() {
            try write(one: element, as: field, path: "\(path)[\(index)]")
        }
    }

    private mutating func write(one value: JSONValue, as field: MessageType.Field, path: String) throws(Failure) {
        append(varint: field.number << 3 | field.kind.wireForm.rawValue)
        switch (field.kind, value) {
        case (.bool, .bool(let flag)): append(varint: flag ? 1 : 0)
        case (.bool, _): throw Self.wrong(path, "true or false", value)
        case (.number(let kind), .number(let text)), (.number(let kind), .text(let text)):
            try append(number: text, as: kind, path: path)
        case (.number(let kind), _): throw Self.wrong(path, "a number (\(kind.name))", value)
        case (.text, .text(let text)):
            guard !text.utf8.contains(0) else { throw Failure(.usage, "\(path): a text must not contain U+0000") }
            append(delimited: Array(text.utf8))
        case (.text, _): throw Self.wrong(path, "a text", value)
        case (.bytes, .text(let text)):
            guard let content = Self.base64(text) else { throw Failure(.usage, "\(path): must be base64") }
            append(delimited: content)
        case (.bytes, _): throw Self.wrong(path, "a text in base64", value)
        case (.enumeration(let values), _): append(varint: try Self.number(of: value, among: values, path: path))
        case (.message(let type), _):
            var inner = MessageFromJSON()
            try inner.write(value, as: type, path: path)
            append(delimited: inner.bytes)
        }
    }

    private static func number(
        of value: JSONValue,
        among values: [MessageType.EnumValue],
        path: String
    ) throws(Failure) -> UInt64 {
        switch value {
        case .text(let name):
            if let known = values.first(where: { $0.name == name }) { return UInt64(bitPattern: Int64(known.number)) }
        case .number(let text):
            if let number = Int32(text) { return UInt64(bitPattern: Int64(number)) }
        default: break
        }
        throw Failure(.usage, "\(path): must be one of \(values.map(\.name).joined(separator: ", "))")
    }

    private static func base64(_ text: String) -> [UInt8]? {
        let plain = Array(text.utf8.filter { $0 != UInt8(ascii: "=") })
        let isURL = plain.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        if isURL { return Base64.decode(plain, variant: .url) }
        return Base64.decode(
            plain + Array(repeating: UInt8(ascii: "="), count: (4 - plain.count % 4) % 4),
            variant: .standard
        )
    }

    private static func wrong(_ path: String, _ expected: String, _ value: JSONValue) -> Failure {
        Failure(.usage, "\(path.isEmpty ? "the message" : path): must be \(expected), not \(value.article)")
    }

    private static func unknown(_ name: String, in type: MessageType, _ path: String) -> Failure {
        let place = path.isEmpty ? "" : "\(path): "
        let fields = type.fields.map(\.jsonName)
        let known = fields.isEmpty ? "it has none" : "it has \(fields.joined(separator: ", "))"
        return Failure(.usage, "\(place)\(type.name) has no field \"\(name)\"; \(known)")
    }
}

extension MessageFromJSON {
    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func append(delimited content: [UInt8]) {
        append(varint: UInt64(content.count))
        bytes += content
    }

    private mutating func append(number text: String, as kind: NumberKind, path: String) throws(Failure) {
        guard let pattern = kind.pattern(of: text) else {
            throw Failure(.usage, "\(path): \(text) is not a whole number from \(kind.least) to \(kind.most)")
        }
        guard kind.form == .fixed else { return append(varint: pattern) }
        bytes += (0..<kind.bits / 8).map { UInt8(truncatingIfNeeded: pattern >> (8 * $0)) }
    }
}

extension NumberKind {
    fileprivate var least: Int64 { isSigned ? (bits == 64 ? .min : Int64(Int32.min)) : 0 }

    fileprivate var most: UInt64 { .max >> UInt64(64 - bits + (isSigned ? 1 : 0)) }

    /// The bits that stand on the wire; nil when the number does not fit.
    fileprivate func pattern(of text: String) -> UInt64? {
        guard isSigned else { return UInt64(text).flatMap { $0 <= most ? $0 : nil } }
        guard let value = Int64(text), value >= least, value < 0 || UInt64(value) <= most else { return nil }
        return form == .zigzag ? UInt64(bitPattern: value << 1 ^ value >> 63) : UInt64(bitPattern: value)
    }
}
