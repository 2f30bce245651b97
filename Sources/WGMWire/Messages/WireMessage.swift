// SPDX-License-Identifier: Apache-2.0

/// A message of the schema, as a Swift value.
///
/// The generated types conform; the bytes are made and read by protobuf-c behind a check of its own (`precheck.c`).
public protocol WireMessage: Hashable, Sendable {
    /// The full name in the schema: `wgm.v1.Peer`.
    static var protoName: String { get }

    /// Reads a message from bytes that nobody has to be trusted for.
    ///
    /// `budget` is how many bytes of memory reading may take beside the value itself. Throws for everything that is
    /// not exactly one well-formed message.
    init(serialized bytes: UnsafeRawBufferPointer, budget: Int) throws(MessageError)

    /// The message's bytes.
    ///
    /// A NUL in a text becomes U+FFFD, because protobuf-c would cut the text there.
    func serialized() -> [UInt8]
}

extension WireMessage {
    /// Reads a message within the ordinary budget.
    public init(serialized bytes: UnsafeRawBufferPointer) throws(MessageError) {
        try unsafe self.init(serialized: bytes, budget: MessageBudget.ordinary(forByteCount: bytes.count))
    }

    /// Reads a message within the ordinary budget.
    public init(serialized bytes: [UInt8]) throws(MessageError) {
        let budget = MessageBudget.ordinary(forByteCount: bytes.count)
        let result = unsafe bytes.withUnsafeBytes { buffer in
            Result { () throws(MessageError) in try unsafe Self(serialized: buffer, budget: budget) }
        }
        self = try result.get()
    }
}

/// An enum of the schema: values that this version does not know survive.
public protocol WireEnum: Hashable, Sendable, CaseIterable {
    init(rawValue: Int32)
    var rawValue: Int32 { get }
    /// The name in the schema; the number for a value that this version does not know.
    var protoName: String { get }
}

/// How much memory the reading of a message may take.
public enum MessageBudget {
    /// Sixteen times the message and 64 KiB; honest messages take two to six times their size.
    public static func ordinary(forByteCount count: Int) -> Int {
        let (product, overflow) = count.multipliedReportingOverflow(by: 16)
        return overflow || product > Int.max - 65_536 ? Int.max : product + 65_536
    }
}
