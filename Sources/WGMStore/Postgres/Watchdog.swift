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
    private let limit: DispatchTimeInterval

    init(socket: Int32, limit: DispatchTimeInterval) {
        cutter = Cutter(socket: socket)
        self.limit = limit
        timer = DispatchSource.makeTimerSource(queue: .global())
        timer.setEventHandler { [cutter] in cutter.cutIfOverdue() }
        timer.activate()
    }

    /// The owner closes the socket only after this.
    deinit {
        cutter.setDeadline(nil)
        timer.cancel()
    }

    func watch<Value>(_ body: () -> Value) -> Value {
        let deadline = DispatchTime.now() + limit
        cutter.setDeadline(deadline)
        timer.schedule(deadline: deadline)
        defer { cutter.setDeadline(nil) }
        return body()
    }
}

/// The part of a watchdog that its timer's thread sees.
private final class Cutter: Sendable {
    private let socket: Int32
    /// nil while nothing is watched: then the socket may be somebody else's by now.
    private let deadline = Mutex<DispatchTime?>(nil)

    init(socket: Int32) { self.socket = socket }

    func setDeadline(_ new: DispatchTime?) {
        deadline.withLock { $0 = new }
    }

    func cutIfOverdue() {
        deadline.withLock { deadline in
            guard let due = deadline, due <= .now() else { return }
            _ = shutdown(socket, Int32(SHUT_RDWR))
        }
    }
}
