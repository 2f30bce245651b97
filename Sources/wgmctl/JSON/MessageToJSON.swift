// SPDX-License-Identifier: Apache-2.0

internal import WGMModel
internal import WGMWire

/// A message as a document, by the rules of proto3's JSON mapping: `publicKey`, 64-bit numbers as texts, bytes in base64.
struct MessageToJSON {
    private var rest: ArraySlice<UInt8>

    /// `bytes` have been read and written by the message's own type.
    static func document(_ bytes: some Collection<UInt8>, as type: MessageType) -> Document {
        var reader = MessageToJSON(rest: Array(bytes)[...])
        var members: [String: Document] = [:]
        while let tag = reader.varint() {
            guard let content = reader.value(form: tag & 7) else { break }
            guard let field = type.fields.first(where: { $0.number == tag >> 3 }) else { continue }
            let values = Self.values(content, of: field.kind)
            guard field.isRepeated else {
                members[field.jsonName] = values.first
                continue
            }
            var list: [Document] = []
            if case .list(let earlier) = members[field.jsonName] { list = earlier }
            members[field.jsonName] = .list(list + values)
        }
        return .object(members)
    }

    private enum Content {
        case number(UInt64)
        case bytes(ArraySlice<UInt8>)
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private mutating func value(form: UInt64) -> Content? {
        switch WireForm(rawValue: form) {
        case .varint: varint().map { .number($0) }
        case .fixed64: fixed(8).map { .number($0) }
        case .fixed32: fixed(4).map { .number($0) }
        case .delimited: varint().flatMap { take($0) }.map { .bytes($0) }
        case nil: nil
        }
    }

    private mutating func take(_ count: UInt64) -> ArraySlice<UInt8>? {
        guard count <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return rest.prefix(Int(count))
    }

    private mutating func fixed(_ count: UInt64) -> UInt64? {
        take(count)?.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// One value, or those of a list of numbers in one piece.
    private static func values(_ content: Content, of kind: MessageType.Kind) -> [Document] {
        switch (content, kind) {
        case (.number(let pattern), _): return [document(pattern, of: kind)]
        case (.bytes(let bytes), .text): return [.text(String(decoding: bytes, as: UTF8.self))]
        case (.bytes(let bytes), .bytes): return [.text(Base64.encode(bytes, variant: .standard))]
        case (.bytes(let bytes), .message(let type)): return [document(bytes, as: type)]
        case (.bytes(let bytes), _):
            var reader = MessageToJSON(rest: bytes)
            var values: [Document] = []
            while case .number(let pattern)? = reader.value(form: kind.wireForm.rawValue) {
                values.append(document(pattern, of: kind))
            }
            return values
        }
    }

    private static func document(_ pattern: UInt64, of kind: MessageType.Kind) -> Document {
        switch kind {
        case .bool: return .flag(pattern != 0)
        case .enumeration(let values):
            let number = Int32(truncatingIfNeeded: pattern)
            return values.first { $0.number == number }.map { .text($0.name) } ?? .number(number)
        case .number(let kind): return document(pattern, kind)
        case .text, .bytes, .message: return .absent
        }
    }

    private static func document(_ pattern: UInt64, _ kind: NumberKind) -> Document {
        var value = Int64(bitPattern: pattern)
        if kind.form == .zigzag { value = Int64(bitPattern: pattern >> 1) ^ -Int64(pattern & 1) }
        switch (kind.bits, kind.isSigned) {
        case (32, true): return .number(Int32(truncatingIfNeeded: value))
        case (32, false): return .number(UInt32(truncatingIfNeeded: pattern))
        case (_, true): return .text(String(value))
        case (_, false): return .text(String(pattern))
        }
    }
}
