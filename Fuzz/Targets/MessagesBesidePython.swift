// SPDX-License-Identifier: Apache-2.0
internal import WGMWire

/// The reading of every message beside Python's protobuf.
///
/// What we accept Python accepts, with the same content; what we refuse Python refuses, or only we refuse it and it
/// is on the list.
final class MessagesBesidePython: FuzzTarget {
    static let name = "messages-python"
    static let shape = InputShape.message
    static let seeds = Messages.name

    private let python: PythonOracle

    init() throws { python = try PythonOracle() }

    func run(_ input: [UInt8]) throws {
        guard let named = NamedMessage(input) else { return }
        let verdict = try python.read(named.type.protoName, named.payload)
        switch try Messages.read(named.payload, as: named.type) {
        case .success(let ours):
            try require(verdict == .read(ours), "\(named.type.protoName) is \(ours), but for Python \(verdict)")
        case .failure(let error):
            let known = verdict == .refused || verdict == .merged || Self.isStricter(error.reason)
            try require(known, "\(error), but Python accepts")
        }
    }

    /// What protobuf would repair, cut or pass on, and we refuse.
    private static func isStricter(_ reason: MessageError.Reason) -> Bool {
        switch reason {
        case .duplicateField, .textContainsNUL, .valueOutOfRange, .wrongWireType: true
        case .tooDeep, .tooManyFields, .tooManyUnknownFields, .tooMuchMemory: true
        // Tags and lengths of more than five bytes, numbers of more than 64 bits: protobuf drops the excess.
        case .malformedVarint: true
        // A field with number 0 is the end of the message there, and what follows is dropped.
        case .malformedTag: true
        case .truncated, .textIsNotUTF8, .unsupportedSchema, .refusedByDecoder: false
        }
    }
}
