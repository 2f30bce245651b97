// SPDX-License-Identifier: Apache-2.0
internal import WGMWire

/// The fields of a protobuf message, taken apart without knowing the schema.
struct Fields {
    fileprivate struct Field {
        var number: UInt64
        var value: Value
    }

    fileprivate enum Value {
        case varint(UInt64)
        case fixed(wireType: UInt64, [UInt8])
        case delimited([UInt8])
    }

    fileprivate var fields: [Field] = []

    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let tag = Self.varint(&rest), tag >> 3 > 0 else { return nil }
            guard let value = Self.value(wireType: tag & 7, &rest) else { return nil }
            fields.append(Field(number: tag >> 3, value: value))
        }
        if fields.isEmpty { return nil }
    }

    private static func value(wireType: UInt64, _ rest: inout ArraySlice<UInt8>) -> Value? {
        switch wireType {
        case 0: return varint(&rest).map { .varint($0) }
        case 1, 5: return take(wireType == 1 ? 8 : 4, &rest).map { .fixed(wireType: wireType, $0) }
        case 2: return varint(&rest).flatMap { take($0, &rest) }.map { .delimited($0) }
        default: return nil
        }
    }

    private static func take(_ count: UInt64, _ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard count <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return Array(rest.prefix(Int(count)))
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    static func encoded(varint value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    var bytes: [UInt8] {
        fields.flatMap { field in
            switch field.value {
            case .varint(let value): Self.encoded(varint: field.number << 3) + Self.encoded(varint: value)
            case .fixed(let wireType, let bytes): Self.encoded(varint: field.number << 3 | wireType) + bytes
            case .delimited(let bytes):
                Self.encoded(varint: field.number << 3 | 2) + Self.encoded(varint: UInt64(bytes.count)) + bytes
            }
        }
    }

    func neighbour(_ random: inout SeededGenerator, mutate: ([UInt8]) -> [UInt8]) -> Fields {
        var copy = self
        copy.fields.disturb(&random) { $0.change(&$1, mutate) }
        return copy
    }
}

extension Fields.Field {
    private static let edges: [UInt64] = [
        0, 1, 2, 127, 128, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, .max, .max - 0x7fff_ffff, 1 << 63,
    ]

    mutating func change(_ random: inout SeededGenerator, _ mutate: ([UInt8]) -> [UInt8]) {
        if Int.random(in: 0..<8, using: &random) == 0 {
            number = UInt64.random(in: 1...20, using: &random)
            return
        }
        switch value {
        case .varint(let old):
            let edge = Self.edges.randomElement(using: &random) ?? 0
            value = .varint(Bool.random(using: &random) ? edge : old ^ 1 << UInt64.random(in: 0..<64, using: &random))
        case .fixed(let wireType, let bytes):
            value = .fixed(wireType: wireType, mutate(bytes))
        case .delimited(let bytes):
            let inner = Bool.random(using: &random) ? Fields(bytes) : nil
            value = .delimited(inner?.neighbour(&random, mutate: mutate).bytes ?? mutate(bytes))
        }
    }
}

/// The name of a message, LF, its fields.
struct NamedMessage {
    private(set) var type: any WireMessage.Type
    private(set) var payload: [UInt8]

    init?(_ input: [UInt8]) {
        let name = String(decoding: input.prefix { $0 != 0x0a }, as: UTF8.self)
        guard let type = V1.messages.first(where: { $0.protoName == name }) else { return nil }
        self.type = type
        payload = Array(input.dropFirst(name.utf8.count + 1))
    }

    var bytes: [UInt8] { Array(type.protoName.utf8) + [0x0a] + payload }

    func neighbour(_ random: inout SeededGenerator, mutate: ([UInt8]) -> [UInt8]) -> NamedMessage {
        var copy = self
        if Int.random(in: 0..<20, using: &random) == 0 {
            copy.type = V1.messages.randomElement(using: &random) ?? type
        } else {
            copy.payload = Fields(payload)?.neighbour(&random, mutate: mutate).bytes ?? mutate(payload)
        }
        return copy
    }
}
