// SPDX-License-Identifier: Apache-2.0
internal import WGMWire

/// The pre-check and the reading of every message.
///
/// What is read can be written, and reads the same again.
struct Messages: FuzzTarget {
    static let name = "messages"
    static let shape = InputShape.message

    init() {}

    func run(_ input: [UInt8]) throws {
        guard let named = NamedMessage(input) else { return }
        _ = try Self.read(named.payload, as: named.type)
    }

    /// The message's bytes as we write them; nil when it is refused.
    static func read<M: WireMessage>(_ bytes: [UInt8], as type: M.Type) throws -> Result<[UInt8], MessageError> {
        let value: M
        do throws(MessageError) { value = try M(serialized: bytes) } catch {
            try require(error.reason != .refusedByDecoder, "protobuf-c refused what the check had passed: \(error)")
            try require(error.offset <= bytes.count, "\(error) is behind the end")
            return .failure(error)
        }
        let written = value.serialized()
        let again: M
        do throws(MessageError) { again = try M(serialized: written) } catch {
            throw Finding(description: "\(M.protoName): what was written cannot be read: \(error)")
        }
        try require(again == value, "\(M.protoName): what was written reads as something else")
        try require(again.serialized() == written, "\(M.protoName): written twice, it differs")
        return .success(written)
    }
}
