// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Synchronization
internal import WGMWire

/// What all connections of a server share.
final class ServerCore<Host: CallHost>: Sendable {
    private struct State {
        var nextID: UInt64 = 0
        var isDraining = false
        var connections: [UInt64: NIOLoopBound<ConnectionHandler<Host>>] = [:]
        var flushes: [ObjectIdentifier: NIOLoopBound<FlushQueue<Host>>] = [:]
    }

    let host: Host
    let agent: String
    let limits: WireLimits
    let admission: Admission
    private let state = Mutex(State())

    init(host: Host, agent: String, limits: WireLimits) {
        self.host = host
        self.agent = agent
        self.limits = limits
        admission = Admission(limits: limits)
    }

    var hasConnections: Bool { state.withLock { !$0.connections.isEmpty } }

    var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
        ChannelOptions.Types.WriteBufferWaterMark(low: limits.outputLowWater, high: limits.outputHighWater)
    }

    func makeHandler(_ transport: ConnectionPeer.Transport) -> ConnectionHandler<Host> {
        let (peer, refusal) = admit(transport)
        return ConnectionHandler(server: self, peer: peer, refusal: refusal, isAdmitted: refusal == nil)
    }

    /// Decides about a new connection; without refusal it is counted.
    func admit(_ transport: ConnectionPeer.Transport) -> (peer: ConnectionPeer, refusal: ConnectionFault?) {
        let peer = nextPeer(transport)
        let isDraining = state.withLock { $0.isDraining }
        let refusal: ConnectionFault? =
            if isDraining {
                ConnectionFault(.shutdown, "the server is shutting down")
            } else if transport == .unknown {
                ConnectionFault(.unknownCaller, "the kernel does not say who is calling")
            } else {
                admission.connect(Caller(transport))
            }
        return (peer, refusal)
    }

    func nextPeer(_ transport: ConnectionPeer.Transport) -> ConnectionPeer {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return ConnectionPeer(transport: transport, id: id)
    }

    func register(_ id: UInt64, _ handler: NIOLoopBound<ConnectionHandler<Host>>) {
        let isDraining = state.withLock { state in
            state.connections[id] = handler
            return state.isDraining
        }
        if isDraining { handler.eventLoop.execute { handler.value.drain() } }
    }

    /// On the event loop itself.
    func flushes(on loop: any EventLoop) -> FlushQueue<Host> {
        state.withLock { state in
            let known = state.flushes[ObjectIdentifier(loop)] ?? NIOLoopBound(FlushQueue(loop), eventLoop: loop)
            state.flushes[ObjectIdentifier(loop)] = known
            return known.value
        }
    }

    func unregister(_ id: UInt64) { state.withLock { _ = $0.connections.removeValue(forKey: id) } }

    func beginDrain() {
        let handlers = state.withLock { state in
            state.isDraining = true
            return Array(state.connections.values)
        }
        for handler in handlers { handler.eventLoop.execute { handler.value.drain() } }
    }
}
