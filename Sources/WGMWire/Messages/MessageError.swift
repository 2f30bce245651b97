// SPDX-License-Identifier: Apache-2.0
internal import CWGMProto

/// Why bytes are not a message.
public struct MessageError: Error, Hashable, Sendable {
    /// What was wrong.
    public enum Reason: String, Hashable, Sendable {
        case truncated
        case malformedVarint
        case malformedTag
        case wrongWireType
        case valueOutOfRange
        case duplicateField
        case textContainsNUL
        case textIsNotUTF8
        case tooDeep
        case tooManyFields
        case tooManyUnknownFields
        case tooMuchMemory
        case unsupportedSchema
        /// protobuf-c refused what the check had passed.
        case refusedByDecoder
    }

    public var reason: Reason
    /// Path of the field, as far as it is known: `peers[3].public_key`.
    public var field: String?
    /// Where in the bytes.
    public var offset: Int

    public init(_ reason: Reason, field: String? = nil, offset: Int = 0) {
        self.reason = reason
        self.field = field
        self.offset = offset
    }
}

extension MessageError: CustomStringConvertible {
    /// The rule that was broken, in words for people.
    public var rule: String {
        switch reason {
        case .truncated: "ends before its announced length"
        case .malformedVarint: "holds a number that is not a valid varint"
        case .malformedTag: "holds a field with number 0"
        case .wrongWireType: "has another wire type than the schema says"
        case .valueOutOfRange: "is a number out of the range of its type"
        case .duplicateField: "is there more than once"
        case .textContainsNUL: "contains a NUL"
        case .textIsNotUTF8: "is not valid UTF-8"
        case .tooDeep: "is nested too deeply"
        case .tooManyFields: "has too many fields"
        case .tooManyUnknownFields: "has too many fields that the schema does not know"
        case .tooMuchMemory: "needs more memory than a message of its size may"
        case .unsupportedSchema: "is of a type that cannot be read"
        case .refusedByDecoder: "was refused by the decoder"
        }
    }

    public var description: String {
        "\(field ?? "message") \(rule) (at byte \(offset))"
    }
}

extension MessageError {
    /// What the check in C found.
    init(_ check: wgm_check) {
        self.init(Reason(check.reason), field: Self.path(of: check), offset: Int(check.offset))
    }

    private static func path(of check: wgm_check) -> String? {
        guard check.steps > 0 else { return nil }
        return unsafe withUnsafeBytes(of: check.path) { bytes in
            let steps = unsafe bytes.bindMemory(to: wgm_check_step.self).prefix(Int(check.steps))
            return unsafe steps.map { step in
                let name = unsafe step.field.map { unsafe String(cString: $0) } ?? "?"
                return unsafe step.index < 0 ? name : "\(name)[\(step.index)]"
            }.joined(separator: ".")
        }
    }
}

extension MessageError.Reason {
    init(_ reason: wgm_check_reason) {
        self =
            switch reason {
            case WGM_CHECK_TRUNCATED: .truncated
            case WGM_CHECK_VARINT: .malformedVarint
            case WGM_CHECK_TAG: .malformedTag
            case WGM_CHECK_WIRE_TYPE: .wrongWireType
            case WGM_CHECK_RANGE: .valueOutOfRange
            case WGM_CHECK_DUPLICATE: .duplicateField
            case WGM_CHECK_NUL: .textContainsNUL
            case WGM_CHECK_UTF8: .textIsNotUTF8
            case WGM_CHECK_TOO_DEEP: .tooDeep
            case WGM_CHECK_TOO_MANY_FIELDS: .tooManyFields
            case WGM_CHECK_TOO_MANY_UNKNOWN: .tooManyUnknownFields
            case WGM_CHECK_MEMORY: .tooMuchMemory
            case WGM_CHECK_SCHEMA: .unsupportedSchema
            default: .refusedByDecoder
            }
    }
}
