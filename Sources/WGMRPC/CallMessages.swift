// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import WGMWire

/// The messages of one call between the connection, on its event loop, and a task anywhere.
final class CallMessages: Sendable {
    typealias Taken = Result<[UInt8]?, Status>

    private struct State {
        var inbox: [(message: [UInt8], cost: Int)] = []
        /// No more messages come.
        var isOver = false
        /// The call is over, and not well.
        var failure: Status?
        var reader: CheckedContinuation<Taken, Never>?
        var writers: [(number: Int, continuation: CheckedContinuation<Status?, Never>)] = []
        var nextWriter = 0
    }

    private let state = Mutex(State())

    // MARK: From the connection

    func arrived(_ message: [UInt8], cost: Int, used: (Int) -> Void) {
        let reader = state.withLock { state -> CheckedContinuation<Taken, Never>? in
            guard let reader = state.reader else {
                if state.failure == nil { state.inbox.append((message, cost)) }
                return nil
            }
            state.reader = nil
            return reader
        }
        guard let reader else { return }
        used(cost)
        reader.resume(returning: .success(message))
    }

    /// The other side sends nothing more.
    func over() {
        let reader = state.withLock { state -> CheckedContinuation<Taken, Never>? in
            state.isOver = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: .success(nil))
    }

    /// The call has ended; whoever waits gets to know why, after what has arrived unless that is dropped.
    func fail(_ status: Status, dropping: Bool) {
        let (reader, writers) = state.withLock { state in
            if state.failure == nil { state.failure = status }
            if dropping { state.inbox = [] }
            defer {
                state.reader = nil
                state.writers = []
            }
            return (state.reader, state.writers)
        }
        reader?.resume(returning: .failure(status))
        for writer in writers { writer.continuation.resume(returning: status) }
    }

    /// The call has ended well: what has arrived can be read, nothing can be sent.
    func close(_ status: Status) {
        let writers = state.withLock { state in
            defer { state.writers = [] }
            return state.writers
        }
        for writer in writers { writer.continuation.resume(returning: status) }
    }

    /// Everything that was sent has left.
    func sent() {
        let writers = state.withLock { state in
            defer { state.writers = [] }
            return state.writers
        }
        for writer in writers { writer.continuation.resume(returning: nil) }
    }

    // MARK: From the task

    /// The next message; `used` gets the cost of one that had waited.
    func next(used: (Int) -> Void) async throws(Status) -> [UInt8]? {
        if let taken = take(used) { return try taken.get() }
        let taken = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Taken, Never>) in
                let answer = state.withLock { state -> (Taken, Int?)? in
                    if let answer = Self.take(&state) { return answer }
                    guard !Task.isCancelled, state.reader == nil else { return (.failure(.givenUp), nil) }
                    state.reader = continuation
                    return nil
                }
                guard let (taken, cost) = answer else { return }
                if let cost { used(cost) }
                continuation.resume(returning: taken)
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: .failure(.givenUp))
        }
        return try taken.get()
    }

    private func take(_ used: (Int) -> Void) -> Taken? {
        guard let (taken, cost) = state.withLock({ Self.take(&$0) }) else { return nil }
        if let cost { used(cost) }
        return taken
    }

    private static func take(_ state: inout State) -> (Taken, Int?)? {
        if state.inbox.isEmpty {
            if let failure = state.failure { return (.failure(failure), nil) }
            return state.isOver ? (.success(nil), nil) : nil
        }
        let first = state.inbox.removeFirst()
        return (.success(first.message), first.cost)
    }

    /// Waits until `sent` is called; `begin` runs when that can be noticed and says whether it need not be waited for.
    func sending(_ begin: (_ number: Int) throws(Status) -> Bool) async throws(Status) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        let failure = await withCheckedContinuation { (continuation: CheckedContinuation<Status?, Never>) in
            let number = state.withLock { state in
                state.nextWriter += 1
                state.writers.append((state.nextWriter, continuation))
                return state.nextWriter
            }
            do throws(Status) {
                if try begin(number) { settle(number, nil) }
            } catch {
                settle(number, error)
            }
        }
        if let failure { throw failure }
    }

    /// Ends the wait of one writer, if it still waits.
    func settle(_ number: Int, _ status: Status?) {
        let writer = state.withLock { state in
            state.writers.firstIndex { $0.number == number }.map { state.writers.remove(at: $0) }
        }
        writer?.continuation.resume(returning: status)
    }
}

extension Status {
    /// The task that waited was cancelled.
    static var givenUp: Status { Status(.cancelled, "the call was given up") }

    /// Nobody took the messages in time.
    static func resync(after patience: Duration) -> Status {
        Status(
            .resourceExhausted,
            "the caller gave no credit for \(patience): start over from the present state",
            reason: "RESYNC"
        )
    }
}
