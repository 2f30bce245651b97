// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization
public import WGMWire

/// A server of the wire protocol: listens, reads frames, hands calls to its host, and ends in good order.
public final class Server<Host: CallHost>: Sendable {
    private struct State {
        var listeners: [any Channel] = []
        var sockets: [UnixListener] = []
    }

    private let core: ServerCore<Host>
    private let group: MultiThreadedEventLoopGroup
    private let state = Mutex(State())

    /// `agent` is name and version of the program, for clients' logs.
    public init(host: Host, agent: String, limits: WireLimits = WireLimits(), threads: Int = 1) {
        core = ServerCore(host: host, agent: agent, limits: limits)
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, threads))
    }

    /// Connections that are open now, refused ones not counted.
    public var openConnections: Int { core.admission.openConnections }
    /// Handlers that have not ended.
    public var runningHandlers: Int { core.admission.runningHandlers }

    /// Listens on a path.
    ///
    /// A socket left there by a process that has died is replaced, nothing else is.
    public func listen(unixPath path: String, access: SocketAccess = SocketAccess()) async throws(ListenError) {
        let (socket, descriptor) = try UnixListener.bind(path: path, access: access)
        try await listen(on: descriptor)
        state.withLock { $0.sockets.append(socket) }
    }

    /// Listens on a bound Unix stream socket that this process was given, and owns it from here on.
    public func listen(inheriting descriptor: Int32) async throws(ListenError) {
        guard UnixListener.isUnixStream(descriptor) else { throw .notAUnixSocket(descriptor: descriptor) }
        try await listen(on: descriptor)
    }

    private func listen(on descriptor: Int32) async throws(ListenError) {
        let core = core
        let highWater = ChannelOptions.Types.WriteBufferWaterMark(
            low: core.limits.outputLowWater,
            high: core.limits.outputHighWater
        )
        let bootstrap = ServerBootstrap(group: group)
            .childChannelOption(.writeBufferWaterMark, value: highWater)
            .childChannelInitializer { channel in
                PeerCredentials.read(channel).flatMapThrowing { transport in
                    try channel.pipeline.syncOperations.addHandler(core.makeHandler(transport))
                }
            }
        do {
            let listener = try await bootstrap.withBoundSocket(descriptor).get()
            state.withLock { $0.listeners.append(listener) }
        } catch {
            throw .engine("cannot listen: \(error)")
        }
    }

    /// Ends in good order: no new connections, then no new calls, then what runs may finish.
    ///
    /// Returns when all connections are closed and all handlers have ended, or when their time is over.
    public func shutdown() async {
        let listeners = state.withLock { state in
            defer { state = State() }
            return state.listeners
        }
        for listener in listeners { try? await listener.close() }
        core.beginDrain()
        let limits = core.limits
        let end = Moment.now() + limits.drainNotice + limits.drainTime + limits.closeFlush
        while core.hasConnections || runningHandlers > 0, Moment.now() < end {
            try? await Task.sleep(for: .milliseconds(10))
        }
        // A handler that never ends still needs its event loop; the process that is about to exit takes it along.
        if runningHandlers == 0 { try? await group.shutdownGracefully() }
    }
}

/// What all connections of a server share.
final class ServerCore<Host: CallHost>: Sendable {
    private struct State {
        var nextID: UInt64 = 0
        var isDraining = false
        var connections: [UInt64: NIOLoopBound<ConnectionHandler<Host>>] = [:]
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

    /// Decides about a new connection.
    func makeHandler(_ transport: ConnectionPeer.Transport) -> ConnectionHandler<Host> {
        let (id, isDraining) = state.withLock { state in
            state.nextID += 1
            return (state.nextID, state.isDraining)
        }
        let peer = ConnectionPeer(transport: transport, id: id)
        let refusal: ConnectionFault? =
            if isDraining {
                ConnectionFault(.shutdown, "the server is shutting down")
            } else if transport == .unknown {
                ConnectionFault(.unknownCaller, "the kernel does not say who is calling")
            } else {
                admission.connect(transport)
            }
        return ConnectionHandler(server: self, peer: peer, refusal: refusal)
    }

    func register(_ id: UInt64, _ handler: NIOLoopBound<ConnectionHandler<Host>>) {
        let isDraining = state.withLock { state in
            state.connections[id] = handler
            return state.isDraining
        }
        if isDraining { handler.eventLoop.execute { handler.value.drain() } }
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
