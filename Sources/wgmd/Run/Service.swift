// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
import Logging
import WGMControl
import WGMKeeperProtocol
import WGMModel
import WGMRPC
import WGMResolver
import WGMServer
import WGMService
import WGMStore
import WGMWire

/// What runs after the start: the rules, their background work, and the listener.
struct Service: Sendable {
    private let gateway: Gateway
    private let keeper: KeeperClient
    private let keeperIsUnit: Bool
    private let server: Server<Dispatcher>
    private let socket: String
    private let sockets: [InheritedSocket]
    private let supervisor: Supervisor
    private let tls: TLSPort?
    private let logger: Logger

    init(_ configuration: Configuration, _ start: borrowing Start, _ logger: Logger) throws {
        guard let node = ObjectName(configuration.node) else { throw StartError("`node` must be \(ObjectName.rule)") }
        let keys = TokenKeys()
        let hints = LinkHints()
        switch start.keeper {
        case .child(let socket, _):
            keeper = KeeperClient(
                fileDescriptor: socket,
                greeted: { Self.take($0, keys, logger) },
                noticed: { hints.add($0) }
            )
            keeperIsUnit = false
        case .unit(let path):
            keeper = KeeperClient(path: path, greeted: { Self.take($0, keys, logger) }, noticed: { hints.add($0) })
            keeperIsUnit = true
        }
        gateway = Gateway(
            node: node,
            store: PostgresStore(address: start.database.address, node: node),
            kernel: KeeperKernel(client: keeper),
            clock: SystemClock(),
            lookup: SystemResolver(),
            logger: logger,
            keys: keys,
            hints: hints
        )
        let dispatcher = Dispatcher(gateway: gateway, clock: SystemClock(), logger: logger)
        server = Server(host: dispatcher, agent: "wgmd/\(WGMVersion.current)", limits: configuration.limits)
        socket = configuration.socket
        sockets = start.sockets
        supervisor = start.supervisor
        tls = try configuration.tls.map { try TLSPort($0, logger) }
        self.logger = logger
    }

    /// Each keeper says who it is; one that was started again may hold other keys, or be sealed.
    private static func take(_ identity: KeeperIdentity, _ keys: TokenKeys, _ logger: Logger) {
        if identity.state == .ready {
            keys.use(keyID: identity.signingKeyID, publicKey: identity.signingPublicKey)
            keys.use(sealingKeyID: identity.sealingKeyID)
            logger.debug("the keeper answers", metadata: ["version": "\(identity.version)"])
        } else {
            keys.useNone()
            logger.error("the keeper is sealed: its key-encryption key is missing or another; nobody can log in")
        }
    }

    /// One line for `systemctl status`.
    var status: String {
        let sick = gateway.health().components.filter { !$0.isHealthy }
        guard !sick.isEmpty else { return "serving \(gateway.node); database and keeper are well" }
        return "degraded: " + sick.map { "\($0.name): \($0.message)" }.joined(separator: "; ")
    }

    /// Until the task is cancelled, or something needed fails; returns the exit code.
    func run() async -> Int32 {
        do {
            try await greetKeeper()
            await gateway.start()
            try await listen()
        } catch let failure as KernelFailure {
            logger.error("the keeper did not answer", metadata: ["reason": "\(failure.message)"])
            return 1
        } catch {
            let words = "\(error); \(Self.cure(for: error))"
            Start.say(words)
            supervisor.status(words)
            return 1
        }
        logger.info("ready", metadata: ["socket": "\(socket)", "node": "\(gateway.node)"])
        supervisor.ready(status)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await gateway.run() }
            group.addTask { await reportStatus() }
            group.addTask { await returnMemory() }
            if let tls { group.addTask { await tls.watch() } }
            if supervisor.alivePeriod != nil { group.addTask { await reportAlive() } }
            if keeperIsUnit { group.addTask { await watchKeeper() } }
        }
        logger.info("stopping: tunnels stay up")
        await server.shutdown()
        await gateway.saveTraffic()
        return 0
    }

    /// A keeper that is a unit of its own may be away for a while: reads go on without it.
    private func greetKeeper() async throws(KernelFailure) {
        do throws(KernelFailure) {
            _ = try await keeper.hello()
        } catch {
            guard keeperIsUnit else { throw error }
            let reason = error.message
            logger.error("the keeper does not answer yet; trying again", metadata: ["reason": "\(reason)"])
        }
    }

    private func listen() async throws {
        let ports = sockets.filter(\.isOfNetwork)
        let local = sockets.filter { !ports.contains($0) }
        if local.isEmpty { try await server.listen(unixPath: socket, access: SocketAccess(mode: 0o660)) }
        for socket in local { try await server.listen(inheriting: socket.descriptor) }
        try await tls?.open(on: server, inheriting: ports)
    }

    private static func cure(for error: any Error) -> String {
        if case .inUse = error as? ListenError {
            return "`ss -tlnpx` says which: stop it, or change `listen` or `socket`"
        }
        return "correct `listen` or `socket` in the configuration"
    }

    /// What may change while wgmd runs, besides the configuration, is read again.
    func reload() { tls?.reload() }

    /// Connects again after the keeper was away, so that the first change afterwards need not.
    private func watchKeeper() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil { _ = try? await keeper.hello() }
    }

    private func reportStatus() async {
        var last = status
        while (try? await Task.sleep(for: .seconds(2))) != nil {
            let now = status
            if now != last { supervisor.status(now) }
            last = now
        }
    }

    /// After a gateway file with tens of thousands of peers more is free than in use.
    private func returnMemory() async {
        while (try? await Task.sleep(for: .seconds(20))) != nil { wgm_return_free_memory() }
    }

    /// From a task, so that a runtime that is stuck is not taken for one that works.
    private func reportAlive() async {
        guard let period = supervisor.alivePeriod else { return }
        repeat { supervisor.alive() } while (try? await Task.sleep(for: period)) != nil
    }
}
