// SPDX-License-Identifier: Apache-2.0

/// What the caller of a method with a stream of requests does next.
public enum NextRequest<Message> {
    case message(Message)
    /// Nothing to send yet; to be asked again.
    case notYet
    /// No more messages follow.
    case end
}

extension BlockingClient {
    /// Makes a call with a stream on both sides, or on the client's alone.
    ///
    /// `next` is asked whenever the last message has left, and at each `interval` while it has nothing yet; it must not wait.
    /// `each` is given every reply as it comes; the call is given up when it returns false. Without a timeout in the options
    /// the call lasts until the server ends it, which it may do before `next` has ended.
    ///
    /// - Throws: the server's status, or what `next` or `each` throws, after giving the call up.
    public mutating func call(
        _ method: String,
        options: CallOptions,
        every interval: Duration,
        next: () throws(Status) -> NextRequest<[UInt8]>,
        each: ([UInt8]) throws(Status) -> Bool
    ) throws(Status) {
        let call = try open(method, nil, isComplete: false, options)
        var isComplete = false
        while true {
            let message: [UInt8]
            var isLast = false
            do throws(Status) {
                if !isComplete { isComplete = try sendAll(on: call, next) }
            } catch {
                give(up: call)
                throw error
            }
            switch try arrival(for: call, within: interval) {
            case nil: continue
            case .message(let bytes): message = bytes
            case .end(let bytes?): (message, isLast) = (bytes, true)
            case .end(nil): return
            }
            let goesOn: Bool
            do throws(Status) { goesOn = try each(message) } catch {
                give(up: call)
                throw error
            }
            if isLast { return }
            guard goesOn else { return give(up: call) }
        }
    }

    /// Sends what there is as far as there is credit; true when that was all.
    private mutating func sendAll(
        on call: Opened,
        _ next: () throws(Status) -> NextRequest<[UInt8]>
    ) throws(Status) -> Bool {
        while connection.isOpen(call.stream), !connection.isWaiting(call.stream) {
            switch try next() {
            case .message(let bytes):
                connection.send(call.stream, bytes)
                pass()
            case .notYet: return false
            case .end:
                connection.finish(call.stream)
                pass()
                return true
            }
        }
        return !connection.isOpen(call.stream)
    }
}
