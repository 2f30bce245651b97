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

    let core: ServerCore<Host>
    let group: MultiThreadedEventLoopGroup
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
        let bootstrap = ServerBootstrap(group: group)
            .childChannelOption(.writeBufferWaterMark, value: core.waterMark)
            .childChannelInitializer { channel in
                PeerCredentials.read(channel).flatMapThrowing { transport in
                    try channel.pipeline.syncOperations.addHandler(core.makeHandler(transport))
                }
            }
        do {
            let listener = try await bootstrap.withBoundSocket(descriptor).get()
            keep(listener)
        } catch {
            throw .engine("cannot listen: \(error)")
        }
    }

    func keep(_ listener: any Channel) { state.withLock { $0.listeners.append(listener) } }

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
