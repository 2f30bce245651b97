// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix
public import WGMWire

/// One connection to a server, for many calls at the same time.
///
/// It blocks no thread. The typed methods of `AsyncCaller` (`peersList(_:options:)`) are made from the schema. When the
/// connection is lost, every call on it ends with UNAVAILABLE and one of the reasons `NEVER_RUN` and `MAY_HAVE_RUN`; connect
/// again then. It closes when it is released, or by `close()`.
public final class Client: AsyncCaller {
    private static let connectTimeout = TimeAmount.seconds(5)
    private let handler: NIOLoopBound<ClientHandler>
    private let channel: any Channel

    /// For every call with one message each way that names no other.
    public static let timeout: Duration = .seconds(30)

    /// Connects to a Unix socket.
    ///
    /// Without a token only anonymous methods can be called. `agent` is name and version of the program, printable ASCII, for
    /// the server's logs.
    ///
    /// - Throws: UNAVAILABLE when nobody listens there; INVALID_ARGUMENT for a token that no server takes.
    public static func connect(
        unixPath path: String,
        token: String?,
        agent: String,
        limits: WireLimits = .client
    ) async throws(Status) -> Client {
        var connection = ClientConnection(limits: limits, agent: agent)
        if let token { try connection.authenticate(slot: ClientHandler.slot, token: token) }
        let box = ClientHandler(connection, hasToken: token != nil)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let handler = NIOLoopBoundBox.makeBoxSendingValue(box, eventLoop: loop)
        do {
            let channel = try await ClientBootstrap(group: loop)
                .connectTimeout(connectTimeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(handler.value)
                    }
                }
                .connect(unixDomainSocketPath: path).get()
            let bound = try await loop.submit { NIOLoopBound(handler.value, eventLoop: loop) }.get()
            return Client(bound, channel)
        } catch let error as IOError {
            throw Status(connecting: path, failed: error.errnoCode)
        } catch {
            throw Status(.unavailable, "cannot connect to \(path): \(error)", reason: "CONNECT_FAILED")
        }
    }

    private init(_ handler: NIOLoopBound<ClientHandler>, _ channel: any Channel) {
        self.handler = handler
        self.channel = channel
    }

    deinit { channel.close(promise: nil) }

    /// Closes the connection; calls that run on it end with UNAVAILABLE.
    public func close() async { try? await channel.close() }

    /// Presents another token for all later calls, in place of the earlier one.
    ///
    /// If the server refuses it, the earlier one stays in use.
    public func authenticate(token: String) async throws(Status) {
        try await onLoop { (handler) throws(Status) in try handler.authenticate(token) }
    }

    public func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        as reply: R.Type,
        options: CallOptions
    ) async throws(Status) -> R {
        var options = options
        options.timeout = options.timeout ?? Self.timeout
        let call: StreamedCall<Q, R> = try await open(method, request, options: options)
        return try await call.reply()
    }

    public func open<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q?,
        options: CallOptions
    ) async throws(Status) -> StreamedCall<Q, R> {
        var options = options
        if method.isMutation, options.idempotencyKey == nil { options.idempotencyKey = CallOptions.randomKey() }
        return StreamedCall(try await open(method.name, request?.serialized(), options: options))
    }

    /// Makes a call with messages that are serialized already; nil is no message yet.
    ///
    /// With `isComplete` false further messages may be sent until `finish`. A call that is given up by cancelling its task
    /// is cancelled at the server.
    public func open(
        _ method: String,
        _ message: [UInt8]?,
        isComplete: Bool? = nil,
        options: CallOptions
    ) async throws(Status) -> any ClientChannel {
        let call = ClientCall(handler)
        let isComplete = isComplete ?? (message != nil)
        try await onLoop { (handler) throws(Status) in
            try handler.open(call, method, message, isComplete: isComplete, options)
        }
        return call
    }

    private func onLoop(
        _ body: @escaping @Sendable (ClientHandler) throws(Status) -> Void
    ) async throws(Status) {
        let handler = handler
        let failure = await withCheckedContinuation { (continuation: CheckedContinuation<Status?, Never>) in
            handler.eventLoop.execute {
                do throws(Status) {
                    try body(handler.value)
                    continuation.resume(returning: nil)
                } catch { continuation.resume(returning: error) }
            }
        }
        if let failure { throw failure }
    }
}
