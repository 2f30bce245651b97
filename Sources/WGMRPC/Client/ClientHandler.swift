// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import WGMWire

/// Drives one `ClientConnection`: calls in, bytes out, and back, all on the event loop of the channel.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Open {
        let call: ClientCall
        var deadline: Scheduled<Void>?
        let hasDeadline: Bool
    }

    static let slot = 1
    /// Messages are handed to the channel in pieces of this size.
    private static let writeSize = 256 * 1024
    /// How much longer than the server's deadline the client waits for the answer that says so.
    private static let grace: Duration = .seconds(1)

    private var connection: ClientConnection
    private var hasToken: Bool
    private var calls: [UInt32: Open] = [:]
    private var context: ChannelHandlerContext?
    private var isFlushScheduled = false
    private var isClosed = false
    /// Why the token was refused, if it was.
    private var refusal: Status?
    private var goaway: V1.Goaway?
    private var fault: ConnectionFault?

    init(_ connection: consuming ClientConnection, hasToken: Bool) {
        self.connection = connection
        self.hasToken = hasToken
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        flush()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { channelActive(context: context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        connection.receive(buffer.readableBytesSpan)
        while let event = connection.nextEvent() { take(event) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { flush() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        isClosed = true
        let open = calls
        calls = [:]
        for (stream, entry) in open {
            entry.deadline?.cancel()
            entry.call.end(broken(callMayHaveRun: goaway?.lastStream ?? stream >= stream), trailers: [])
        }
    }

    private func take(_ event: ClientConnection.Event) {
        switch event {
        case .authed(let authed): refusal = Status(authed)
        case .message(let stream, let message, let cost):
            guard let call = calls[stream]?.call else { return connection.used(stream, cost: cost) }
            call.messages.arrived(message, cost: cost) { connection.used(stream, cost: $0) }
        case .ended(let stream, let end): ended(stream, end)
        case .goaway(let goaway):
            self.goaway = goaway
            for stream in calls.keys.sorted() where stream > goaway.lastStream ?? 0 {
                finish(stream, broken(callMayHaveRun: false))
            }
        case .failed(let fault):
            self.fault = fault
            flush()
            context?.close(promise: nil)
        }
    }

    private func ended(_ stream: UInt32, _ end: V1.End) {
        let trailers = end.trailers.map { ($0.key ?? "", $0.value ?? []) }
        guard let failure = Status(end) else {
            if let reply = end.reply { calls[stream]?.call.messages.arrived(reply, cost: 0) { _ in } }
            return finish(stream, nil, trailers)
        }
        finish(stream, failure.code == .unauthenticated ? refusal ?? failure : failure, trailers)
    }

    private func finish(_ stream: UInt32, _ failure: Status?, _ trailers: [(key: String, value: [UInt8])] = []) {
        guard let entry = calls.removeValue(forKey: stream) else { return }
        entry.deadline?.cancel()
        entry.call.end(failure, trailers: trailers)
    }

    private func broken(callMayHaveRun: Bool) -> Status {
        refusal ?? Status(connectionLost: goaway, fault, callMayHaveRun: callMayHaveRun)
    }

    // MARK: From calls

    func authenticate(_ token: String) throws(Status) {
        try connection.authenticate(slot: Self.slot, token: token)
        hasToken = true
        flushSoon()
    }

    func open(
        _ call: ClientCall,
        _ method: String,
        _ message: [UInt8]?,
        isComplete: Bool,
        _ options: CallOptions
    ) throws(Status) {
        if isClosed || goaway != nil { throw broken(callMayHaveRun: false) }
        var request = ClientConnection.Call(method: method, message: message, slot: hasToken ? Self.slot : 0)
        request.isComplete = isComplete
        request.set(options)
        let stream = try connection.call(request)
        call.opened(stream)
        let deadline = options.timeout.flatMap { timeout in
            context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout + Self.grace)) { [weak self] in
                guard let self else { return }
                self.late(stream, timeout)
            }
        }
        calls[stream] = Open(call: call, deadline: deadline, hasDeadline: options.timeout != nil)
        flushSoon()
    }

    private func late(_ stream: UInt32, _ timeout: Duration) {
        connection.cancel(stream)
        finish(stream, Status(.deadlineExceeded, "no answer within \(timeout)", reason: "MAY_HAVE_RUN"))
        flushSoon()
    }

    /// True when it has left already.
    func send(_ stream: UInt32, _ message: [UInt8]) throws(Status) -> Bool {
        guard calls[stream] != nil else { throw Status(.cancelled, "the call is over") }
        connection.send(stream, message)
        if context?.channel.isWritable == true { fill() }
        flushSoon()
        return !connection.isWaiting(stream)
    }

    func finishSending(_ stream: UInt32) {
        connection.finish(stream)
        flushSoon()
    }

    func cancel(_ stream: UInt32) {
        connection.cancel(stream)
        flushSoon()
    }

    func used(_ stream: UInt32, cost: Int) {
        connection.used(stream, cost: cost)
        flushSoon()
    }

    // MARK: Output

    private func fill() {
        for stream in connection.fill(upTo: Self.writeSize) { calls[stream]?.call.messages.sent() }
    }

    private func flush() {
        guard let context else { return }
        repeat {
            if context.channel.isWritable { fill() }
            guard connection.hasOutput else { return }
            let output = context.channel.allocator.buffer(bytes: connection.takeOutput())
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        } while context.channel.isWritable
    }

    /// One write for whatever happens within this turn of the event loop.
    private func flushSoon() {
        guard let context, !isFlushScheduled else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }
}
