// SPDX-License-Identifier: Apache-2.0

/// Something that makes calls without blocking a thread, many at the same time.
///
/// The generated extension gives it a typed method for each method of the schema: `peersCreate(_:options:)`.
public protocol AsyncCaller: Sendable {
    /// A call with one message each way.
    func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        as reply: R.Type,
        options: CallOptions
    ) async throws(Status) -> R

    /// A call with a stream on at least one side; `request` is its only message, nil when messages follow.
    func open<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q?,
        options: CallOptions
    ) async throws(Status) -> StreamedCall<Q, R>
}

/// What a client does with the messages of one call, as bytes.
public protocol ClientChannel: MessageChannel {
    /// No more messages follow.
    func finish()

    /// Gives the call up.
    func cancel()

    /// What came with the end of the call; empty before.
    var trailers: [(key: String, value: [UInt8])] { get }
}

/// A call that is under way: messages to the server, messages from it.
public struct StreamedCall<Request: WireMessage, Reply: WireMessage>: Sendable {
    private let channel: any ClientChannel

    public init(_ channel: any ClientChannel) { self.channel = channel }

    /// Sends a message; returns when the server had credit for it.
    ///
    /// - Throws: how the call ended.
    public func send(_ message: Request) async throws(Status) {
        try await channel.send(message.serialized(), patience: nil)
    }

    /// No more messages follow.
    public func finish() { channel.finish() }

    /// The server's next message; nil when the call has succeeded and all have come.
    ///
    /// - Throws: how the call ended.
    public func next() async throws(Status) -> Reply? {
        guard let bytes = try await channel.next() else { return nil }
        do throws(MessageError) { return try Reply(serialized: bytes) } catch {
            throw Status(.internal, "the reply cannot be read: \(error)", reason: "REPLY_MALFORMED")
        }
    }

    /// Sends no more and waits for the one reply of a method whose request alone is a stream.
    ///
    /// - Throws: how the call ended.
    public func reply() async throws(Status) -> Reply {
        finish()
        let first = try await next()
        guard let first else { return try Self.empty() }
        guard try await next() == nil else {
            cancel()
            throw Status(.internal, "the server sent a second message", reason: "REPLY_MALFORMED")
        }
        return first
    }

    /// Gives the call up.
    public func cancel() { channel.cancel() }

    /// What came with the end of the call; empty before.
    public var trailers: [(key: String, value: [UInt8])] { channel.trailers }

    private static func empty() throws(Status) -> Reply {
        do throws(MessageError) { return try Reply(serialized: [UInt8]()) } catch {
            throw Status(.internal, "the server sent no reply", reason: "REPLY_MALFORMED")
        }
    }
}

extension StreamedCall: AsyncSequence {
    public struct AsyncIterator: AsyncIteratorProtocol {
        let call: StreamedCall

        public mutating func next() async throws(Status) -> Reply? { try await call.next() }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Status) -> Reply? {
            try await call.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(call: self) }
}
