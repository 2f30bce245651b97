// SPDX-License-Identifier: Apache-2.0

/// The messages of one call, on either side, as bytes.
public protocol MessageChannel: Sendable {
    /// How long a sender of events should wait for the other side's credit; nil: for ever.
    var patience: Duration? { get }

    /// The next message from the other side; nil after its last.
    ///
    /// - Throws: why the call is over.
    func next() async throws(Status) -> [UInt8]?

    /// Sends a message; returns when it has left, that is when the other side had credit for it.
    ///
    /// - Throws: why the call is over; after `patience`, RESOURCE_EXHAUSTED with the reason `RESYNC`.
    func send(_ message: [UInt8], patience: Duration?) async throws(Status)
}

extension MessageChannel {
    public var patience: Duration? { nil }
}

/// The request of a method with `stream` before its request: one message after the other.
public struct Requests<Message: WireMessage>: Sendable {
    private let channel: any MessageChannel

    public init(_ channel: any MessageChannel) { self.channel = channel }

    /// The next message; nil when the caller has sent its last.
    ///
    /// - Throws: INVALID_ARGUMENT for bytes that are no such message; CANCELLED, DEADLINE_EXCEEDED and so on when the call
    ///   is over.
    public func next() async throws(Status) -> Message? {
        guard let bytes = try await channel.next() else { return nil }
        do throws(MessageError) { return try Message(serialized: bytes) } catch { throw .malformed(error) }
    }
}

/// The reply of a method with `stream` before its reply.
public struct Replies<Message: WireMessage>: Sendable {
    private let channel: any MessageChannel

    public init(_ channel: any MessageChannel) { self.channel = channel }

    /// A caller who takes no events for so long is to start over; as the server is configured, nil for ever.
    public var patience: Duration? { channel.patience }

    /// Sends a message; returns when it has left.
    ///
    /// - Throws: why the call is over; after `patience`, RESOURCE_EXHAUSTED with the reason `RESYNC`, which the handler
    ///   passes on.
    public func send(_ message: Message, patience: Duration? = nil) async throws(Status) {
        try await channel.send(message.serialized(), patience: patience)
    }
}
