// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import WGMWire

/// Whose connections and handlers are counted together.
enum Caller: Hashable {
    case user(UInt32)
    /// An IPv4 address, or the first 64 bits of an IPv6 address: one host has all of such a network.
    case network([UInt8])
    case unknown

    init(_ transport: ConnectionPeer.Transport) {
        self =
            switch transport {
            case .unix(let uid, _): .user(uid)
            case .tls(let address, _): .network(Array(address.bytes.prefix(address.bytes.count == 16 ? 8 : 4)))
            case .unknown: .unknown
            }
    }

    var isNetwork: Bool { if case .network = self { true } else { false } }
}

/// Counts connections and running handlers, in total and for each caller.
final class Admission: Sendable {
    private struct Counts {
        var connections = 0
        var handlers = 0
        /// For incomplete messages, of one caller.
        var room: AssemblyRoom?
    }

    private struct State {
        var total = Counts()
        var networkConnections = 0
        var callers: [Caller: Counts] = [:]
    }

    private let limits: WireLimits
    private let room: AssemblyRoom
    private let state = Mutex(State())

    init(limits: WireLimits) {
        self.limits = limits
        room = AssemblyRoom(size: limits.assemblyTotal)
    }

    /// nil when one more connection of this caller fits; it is then counted.
    func connect(_ caller: Caller) -> ConnectionFault? {
        state.withLock { state in
            let own = state.callers[caller, default: Counts()].connections
            let ownMost = caller.isNetwork ? limits.connectionsPerAddress : limits.connectionsPerCaller
            // Others cannot keep root out, who may have to end what they do.
            let kept = caller == .user(0) ? 0 : limits.connectionsForRoot
            guard state.total.connections < limits.connections - kept else {
                return ConnectionFault(.tooManyConnections, "\(limits.connections) connections are open")
            }
            guard !caller.isNetwork || state.networkConnections < limits.networkConnections else {
                let words = "\(limits.networkConnections) connections from the network are open"
                return ConnectionFault(.tooManyConnections, words)
            }
            guard own < ownMost else {
                return ConnectionFault(.tooManyConnections, "\(own) connections of this caller are open")
            }
            state.total.connections += 1
            state.networkConnections += caller.isNetwork ? 1 : 0
            state.callers[caller, default: Counts()].connections += 1
            return nil
        }
    }

    /// Where a caller's connections have their incomplete messages; the same for all that are open.
    func room(of caller: Caller) -> AssemblyRoom {
        state.withLock { state in
            if let own = state.callers[caller]?.room { return own }
            let own = AssemblyRoom(size: limits.assemblyPerCaller, of: room)
            state.callers[caller]?.room = own
            return own
        }
    }

    func disconnect(_ caller: Caller) {
        state.withLock { state in
            state.total.connections -= 1
            state.networkConnections -= caller.isNetwork ? 1 : 0
            Self.change(&state.callers, caller) { $0.connections -= 1 }
        }
    }

    /// nil when one more handler of this caller may run; it is then counted until `end`.
    func begin(_ caller: Caller) -> Status? {
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

    func end(_ caller: Caller) {
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
        _ callers: inout [Caller: Counts],
        _ caller: Caller,
        _ change: (inout Counts) -> Void
    ) {
        guard var counts = callers[caller] else { return }
        change(&counts)
        callers[caller] = counts.connections == 0 && counts.handlers == 0 ? nil : counts
    }
}
