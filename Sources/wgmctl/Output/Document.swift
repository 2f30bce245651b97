// SPDX-License-Identifier: Apache-2.0

/// What a program gets to read: a tree of plain values that JSON and YAML can both say.
indirect enum Document: Hashable, Sendable {
    case absent
    case flag(Bool)
    case number(Int64)
    case text(String)
    case list([Document])
    case object([String: Document])

    static func text(_ value: String?) -> Document { value.map(Document.text) ?? .absent }
    static func flag(_ value: Bool?) -> Document { value.map(Document.flag) ?? .absent }
    static func number(_ value: (some BinaryInteger)?) -> Document {
        value.map { .number(Int64(clamping: $0)) } ?? .absent
    }
    static func texts(_ values: [String]) -> Document { .list(values.map { .text($0) }) }
}

extension Document: Encodable {
    /// A key of an object that is not known when this program is compiled.
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .list(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        case .object(let members):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                try container.encode(value, forKey: Key(stringValue: key))
            }
        case .absent, .flag, .number, .text:
            try encodeScalar(to: encoder)
        }
    }

    private func encodeScalar(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .absent, .list, .object: try container.encodeNil()
        }
    }
}
