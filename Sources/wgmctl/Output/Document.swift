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
