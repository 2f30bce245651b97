// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import WGMWire

/// Counts connections and running handlers, in total and for each caller.
final class Admission: Sendable {
    private struct Counts {
        var connections = 0
        var handlers = 0
    }

    private struct State {
        var total = Counts()
        var callers: [ConnectionPeer.Transport: Counts] = [:]
    }

    private let limits: WireLimits
    private let state = Mutex(State())

    init(limits: WireLimits) { self.limits = limits }

    /// nil when one more connection of this caller fits; it is then counted.
    func connect(_ caller: ConnectionPeer.Transport) -> ConnectionFault? {
        state.withLock { state in
            let own = state.callers[caller, default: Counts()].connections
            guard state.total.connections < limits.connections else {
                return ConnectionFault(.tooManyConnections, "\(limits.connections) connections are open")
            }
            guard own < limits.connectionsPerCaller else {
                return ConnectionFault(.tooManyConnections, "\(own) connections of this caller are open")
            }
            state.total.connections += 1
            state.callers[caller, default: Counts()].connections += 1
            return nil
        }
    }

    func disconnect(_ caller: ConnectionPeer.Transport) {
        state.withLock { state in
            state.total.connections -= 1
            Self.change(&state.callers, caller) { $0.connections -= 1 }
        }
    }

    /// nil when one more handler of this caller may run; it is then counted until `end`.
    func begin(_ caller: ConnectionPeer.Transport) -> Status? {
        state.withLock { state in
            let own = state.callers[caller, default: Counts()].handlers
            guard state.total.handlers < limits.handlers, own < limits.handlersPerCaller else {
                let words =
                    own < limits.handlersPerCaller
                    ? "\(limits.handlers) calls are running" : "\(own) calls of this caller are running"
                return Status(.resourceExhausted, words, reason: "TOO_MANY_CALLS", retryAfterMilliseconds: 1000)
            }
            state.total.handlers += 1
            state.callers[caller, default: Counts()].handlers += 1
            return nil
        }
    }

    func end(_ caller: ConnectionPeer.Transport) {
        state.withLock { state in
            state.total.handlers -= 1
            Self.change(&state.callers, caller) { $0.handlers -= 1 }
        }
    }

    /// Handlers that have not ended, those of closed connections included.
    var runningHandlers: Int { state.withLock { $0.total.handlers } }
    var openConnections: Int { state.withLock { $0.total.connections } }

    /// Forgets a caller of whom nothing is left, so that the table is bounded by what is open.
    private static func change(
        _ callers: inout [ConnectionPeer.Transport: Counts],
        _ caller: ConnectionPeer.Transport,
        _ change: (inout Counts) -> Void
    ) {
        guard var counts = callers[caller] else { return }
        change(&counts)
        callers[caller] = counts.connections == 0 && counts.handlers == 0 ? nil : counts
    }
}
