// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Synchronization
internal import WGMWire

/// One call of a `Client`.
final class ClientCall: ClientChannel {
    private struct State {
        var stream: UInt32 = 0
        var trailers: [(key: String, value: [UInt8])] = []
    }

    let messages = CallMessages()
    private let handler: NIOLoopBound<ClientHandler>
    private let state = Mutex(State())

    init(_ handler: NIOLoopBound<ClientHandler>) { self.handler = handler }

    var trailers: [(key: String, value: [UInt8])] { state.withLock { $0.trailers } }

    func opened(_ stream: UInt32) { state.withLock { $0.stream = stream } }

    /// The call is over; nil is success.
    func end(_ failure: Status?, trailers: [(key: String, value: [UInt8])]) {
        state.withLock { $0.trailers = trailers }
        if let failure {
            messages.fail(failure, dropping: false)
        } else {
            messages.over()
            messages.close(Status(.cancelled, "the call is over"))
        }
    }

    func next() async throws(Status) -> [UInt8]? {
        do throws(Status) {
            return try await messages.next { cost in
                if cost > 0 { onLoop { handler, stream in handler.used(stream, cost: cost) } }
            }
        } catch {
            if Task.isCancelled { cancel() }
            throw error
        }
    }

    func send(_ message: [UInt8], patience: Duration?) async throws(Status) {
        let messages = messages
        try await messages.sending { (number) throws(Status) in
            onLoop { handler, stream in
                do throws(Status) {
                    if try handler.send(stream, message) { messages.settle(number, nil) }
                } catch { messages.settle(number, error) }
            }
            if let patience {
                handler.eventLoop.scheduleTask(in: TimeAmount(patience)) {
                    messages.settle(number, .resync(after: patience))
                }
            }
            return false
        }
    }

    func finish() { onLoop { handler, stream in handler.finishSending(stream) } }

    func cancel() { onLoop { handler, stream in handler.cancel(stream) } }

    private func onLoop(_ body: @escaping @Sendable (ClientHandler, UInt32) -> Void) {
        let stream = state.withLock { $0.stream }
        let handler = handler
        if handler.eventLoop.inEventLoop { return body(handler.value, stream) }
        handler.eventLoop.execute { body(handler.value, stream) }
    }
}
