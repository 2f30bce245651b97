// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization

/// Bounds the time that a blocking libpq call may take: when it is over, the socket is shut down and the call fails.
///
/// `statement_timeout` is the server's own; this one also ends a call to a server that is frozen.
final class Watchdog {
    private let cutter: Cutter
    private let timer: any DispatchSourceTimer

    init(socket: Int32) {
        cutter = Cutter(socket: socket)
        timer = DispatchSource.makeTimerSource(queue: .global())
        timer.setEventHandler { [cutter] in cutter.cutIfOverdue() }
        timer.activate()
    }

    /// The owner closes the socket only after this.
    deinit {
        cutter.setDeadline(nil)
        timer.cancel()
    }

    /// True once a call was ended.
    var hasCut: Bool { cutter.hasCut }

    func watch<Value>(milliseconds limit: Int, _ body: () -> Value) -> Value {
        let deadline = DispatchTime.now() + .milliseconds(limit)
        cutter.setDeadline(deadline)
        timer.schedule(deadline: deadline)
        defer { cutter.setDeadline(nil) }
        return body()
    }
}

/// The part of a watchdog that its timer's thread sees.
private final class Cutter: Sendable {
    private struct State {
        /// nil while nothing is watched: then the socket may be somebody else's by now.
        var deadline: DispatchTime?
        var hasCut = false
    }

    private let socket: Int32
    private let state = Mutex(State())

    init(socket: Int32) { self.socket = socket }

    var hasCut: Bool { state.withLock { $0.hasCut } }

    func setDeadline(_ new: DispatchTime?) {
        state.withLock { $0.deadline = new }
    }

    func cutIfOverdue() {
        state.withLock { state in
            guard let due = state.deadline, due <= .now() else { return }
            state.hasCut = true
            _ = shutdown(socket, Int32(SHUT_RDWR))
        }
    }
}
