// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

extension MessageType.Field {
    /// The name in JSON: `publicKey`.
    var jsonName: String {
        var output = ""
        var raise = false
        for sign in name {
            if sign == "_" {
                raise = true
            } else {
                output += raise ? sign.uppercased() : String(sign)
                raise = false
            }
        }
        return output
    }

    /// The type as the schema says it: `repeated string`.
    var typeName: String { (isRepeated ? "repeated " : "") + kind.name }
}

extension MessageType.Kind {
    var name: String {
        switch self {
        case .bool: "bool"
        case .number(let kind): kind.name
        case .text: "string"
        case .bytes: "bytes"
        case .enumeration(let values): values.map(\.name).joined(separator: " | ")
        case .message(let type): type.name
        }
    }
}

/// The number that begins a field on the wire: its own number and how its value is written.
enum WireForm: UInt64 {
    case varint = 0
    case fixed64 = 1
    case delimited = 2
    case fixed32 = 5
}

extension MessageType.Kind {
    var wireForm: WireForm {
        switch self {
        case .bool, .enumeration: .varint
        case .number(let kind): kind.form != .fixed ? .varint : kind.bits == 64 ? .fixed64 : .fixed32
        case .text, .bytes, .message: .delimited
        }
    }
}
