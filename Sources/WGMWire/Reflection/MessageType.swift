// SPDX-License-Identifier: Apache-2.0
internal import CWGMProto

/// What the schema says about a message, for programs that work with any of them.
package struct MessageType: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        /// As in the schema: `public_key`.
        package let name: String
        package let number: UInt64
        package let isRepeated: Bool
        package let kind: Kind
    }

    package indirect enum Kind: Hashable, Sendable {
        case bool
        case number(NumberKind)
        case text
        case bytes
        case enumeration([EnumValue])
        case message(MessageType)
    }

    package struct EnumValue: Hashable, Sendable {
        package let name: String
        package let number: Int32
    }

    /// `wgm.v1.Peer`.
    package let name: String
    /// In the order of their numbers.
    package let fields: [Field]

    /// nil for what is not of our schema.
    package init?(of message: any WireMessage.Type) {
        guard let message = message as? any CConvertible.Type else { return nil }
        unsafe self.init(message.descriptor.pointee)
    }

    /// The generator refuses messages that contain themselves, so this ends.
    private init(_ c: ProtobufCMessageDescriptor) {
        name = unsafe String(cString: c.name)
        let all = unsafe UnsafeBufferPointer(start: c.fields, count: Int(c.n_fields))
        fields = unsafe all.map { unsafe Field($0) }.sorted { $0.number < $1.number }
    }
}

/// How a number is written, and what fits into it.
package struct NumberKind: Hashable, Sendable {
    package enum Form: Hashable, Sendable { case varint, zigzag, fixed }

    package let form: Form
    package let bits: Int
    package let isSigned: Bool
    /// As in the schema: `uint32`.
    package let name: String
}

extension MessageType.Field {
    fileprivate init(_ c: ProtobufCFieldDescriptor) {
        name = unsafe String(cString: c.name)
        number = unsafe UInt64(c.id)
        isRepeated = unsafe c.label == PROTOBUF_C_LABEL_REPEATED
        kind = unsafe MessageType.Kind(c)
    }
}

extension MessageType.Kind {
    fileprivate init(_ c: ProtobufCFieldDescriptor) {
        switch unsafe c.type {
        case PROTOBUF_C_TYPE_BOOL: self = .bool
        case PROTOBUF_C_TYPE_STRING: self = .text
        case PROTOBUF_C_TYPE_ENUM: self = unsafe .enumeration(Self.values(of: c.descriptor))
        case PROTOBUF_C_TYPE_MESSAGE: self = unsafe .message(Self.message(c.descriptor))
        default: self = unsafe NumberKind(c.type).map { .number($0) } ?? .bytes
        }
    }

    private static func values(of descriptor: UnsafeRawPointer) -> [MessageType.EnumValue] {
        let c = unsafe descriptor.assumingMemoryBound(to: ProtobufCEnumDescriptor.self).pointee
        return unsafe UnsafeBufferPointer(start: c.values, count: Int(c.n_values)).map { value in
            unsafe MessageType.EnumValue(name: String(cString: value.name), number: value.value)
        }
    }

    private static func message(_ descriptor: UnsafeRawPointer) -> MessageType {
        unsafe MessageType(descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self).pointee)
    }
}

extension NumberKind {
    /// nil for what is no number.
    ///
    /// The generator refuses fractions.
    fileprivate init?(_ type: ProtobufCType) {
        switch type {
        case PROTOBUF_C_TYPE_INT32: self.init(form: .varint, bits: 32, isSigned: true, name: "int32")
        case PROTOBUF_C_TYPE_SINT32: self.init(form: .zigzag, bits: 32, isSigned: true, name: "sint32")
        case PROTOBUF_C_TYPE_SFIXED32: self.init(form: .fixed, bits: 32, isSigned: true, name: "sfixed32")
        case PROTOBUF_C_TYPE_UINT32: self.init(form: .varint, bits: 32, isSigned: false, name: "uint32")
        case PROTOBUF_C_TYPE_FIXED32: self.init(form: .fixed, bits: 32, isSigned: false, name: "fixed32")
        case PROTOBUF_C_TYPE_INT64: self.init(form: .varint, bits: 64, isSigned: true, name: "int64")
        case PROTOBUF_C_TYPE_SINT64: self.init(form: .zigzag, bits: 64, isSigned: true, name: "sint64")
        case PROTOBUF_C_TYPE_SFIXED64: self.init(form: .fixed, bits: 64, isSigned: true, name: "sfixed64")
        case PROTOBUF_C_TYPE_UINT64: self.init(form: .varint, bits: 64, isSigned: false, name: "uint64")
        case PROTOBUF_C_TYPE_FIXED64: self.init(form: .fixed, bits: 64, isSigned: false, name: "fixed64")
        default: return nil
        }
    }
}
