// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import WGMWire

/// Calls with streams: what unary calls never touch.
extension ConnectionHandler {
    /// Asks the host how the method takes its request, and prepares for it; true when the call can begin now.
    func prepareMessages(_ call: ReceivedCall) -> Bool {
        guard let shape = server.host.shape(of: call.method) else {
            // Its messages may be on their way; the host says that there is no such method.
            connection.expectMessages(call.stream, limit: server.limits.message)
            return true
        }
        if shape.isStream {
            connection.expectMessages(call.stream, limit: shape.limit)
            return true
        }
        connection.collect(call, limit: shape.limit)
        return false
    }

    /// Starts work that takes or sends many messages.
    func start(
        _ call: ReceivedCall,
        _ commitPoint: CommitPoint,
        _ work: @escaping @Sendable (any MessageChannel) async -> CallOutcome
    ) {
        guard let loop = eventLoop else { return server.admission.end(caller) }
        connection.setStreamDeadline(call, now: .now())
        let bound = NIOLoopBound(self, eventLoop: loop)
        let channel = CallChannel(bound, stream: call.stream, patience: server.limits.streamStall)
        if let message = call.message { channel.messages.arrived(message, cost: 0) { _ in } }
        if call.isComplete { channel.messages.over() }
        channels[call.stream] = channel.messages
        start(call.stream, commitPoint) { await work(channel) }
    }

    func arrived(_ stream: UInt32, _ message: [UInt8], cost: Int) {
        guard let messages = channels[stream] else { return connection.used(stream, cost: cost) }
        messages.arrived(message, cost: cost) { connection.used(stream, cost: $0) }
    }

    func requestEnded(_ stream: UInt32) { channels[stream]?.over() }

    /// The call has its END; what its handler still waits for does not come.
    func endMessages(_ stream: UInt32, _ status: Status) {
        guard !channels.isEmpty else { return }
        channels.removeValue(forKey: stream)?.fail(status, dropping: true)
    }

    func endAllMessages(_ status: Status) {
        let open = channels
        channels = [:]
        for (_, messages) in open { messages.fail(status, dropping: true) }
    }

    /// Moves waiting messages towards the socket; true when some have moved.
    func passMessages() -> Bool {
        let before = connection.outputCount
        for stream in connection.fill(upTo: server.limits.outputLowWater) { channels[stream]?.sent() }
        return connection.outputCount > before
    }

    /// Queues a message; true when it has left already.
    func send(_ stream: UInt32, _ message: [UInt8]) throws(Status) -> Bool {
        guard channels[stream] != nil else { throw Status(.cancelled, "the call is over") }
        try connection.send(stream, message)
        if canWrite, connection.outputCount < server.limits.outputLowWater { _ = passMessages() }
        pumpSoon()
        return !connection.isWaiting(stream)
    }

    func used(_ stream: UInt32, cost: Int) {
        connection.used(stream, cost: cost)
        pumpSoon()
    }
}

/// The messages of one call, as its handler sees them.
final class CallChannel<Host: CallHost>: MessageChannel {
    let messages = CallMessages()
    let patience: Duration?
    private let handler: NIOLoopBound<ConnectionHandler<Host>>
    private let stream: UInt32

    init(_ handler: NIOLoopBound<ConnectionHandler<Host>>, stream: UInt32, patience: Duration?) {
        self.handler = handler
        self.stream = stream
        self.patience = patience
    }

    func next() async throws(Status) -> [UInt8]? {
        try await messages.next { cost in
            if cost > 0 { onLoop { handler, stream in handler.used(stream, cost: cost) } }
        }
    }

    func send(_ message: [UInt8], patience: Duration?) async throws(Status) {
        try await messages.sending { (number) throws(Status) in
            if handler.eventLoop.inEventLoop {
                if try handler.value.send(stream, message) { return true }
            } else {
                let messages = messages
                onLoop { handler, stream in
                    do throws(Status) {
                        if try handler.send(stream, message) { messages.settle(number, nil) }
                    } catch { messages.settle(number, error) }
                }
            }
            if let patience { giveUp(number, after: patience) }
            return false
        }
    }

    private func giveUp(_ number: Int, after patience: Duration) {
        let messages = messages
        handler.eventLoop.scheduleTask(in: TimeAmount(patience)) {
            messages.settle(number, .resync(after: patience))
        }
    }

    private func onLoop(_ body: @escaping @Sendable (ConnectionHandler<Host>, UInt32) -> Void) {
        guard !handler.eventLoop.inEventLoop else { return body(handler.value, stream) }
        let (handler, stream) = (handler, stream)
        handler.eventLoop.execute { body(handler.value, stream) }
    }
}
