// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
import Logging
internal import Synchronization
import WGMControl
import WGMKeeperProtocol
import WGMModel
import WGMRPC
import WGMServer
import WGMStore
import WGMWire

/// wgmd's life: start as root, serve as nobody special, end in good order.
enum Daemon {
    /// The keeper ended: a supervisor should start wgmd again (EX_TEMPFAIL).
    private static let keeperEnded: Int32 = 75

    /// Blocks the calling thread, which must be the main one, until wgmd ends; returns the exit code.
    static func run(_ configuration: Configuration) throws -> Int32 {
        let start = try Start(configuration)
        var signals = Signals()
        let logger = makeLogger(configuration.logLevel)
        let service = try Service(configuration, start.database.address, start.keeperSocket, logger)
        let ended = DispatchSemaphore(value: 0)
        let code = Mutex<Int32>(0)
        let task = Task {
            let result = await service.run()
            code.withLock { $0 = result }
            ended.signal()
            kill(getpid(), SIGTERM)
        }
        while true {
            switch signals.next() {
            case SIGCHLD:
                guard hasEnded(start.keeperPID) else {
                    if let pid = start.database.pid, hasEnded(pid) { reportDatabase(logger) }
                    continue
                }
                logger.error("the keeper ended; tunnels stay up, and wgmd ends so that both can be started again")
                code.withLock { $0 = keeperEnded }
            case SIGHUP: continue
            default: break
            }
            task.cancel()
            ended.wait()
            return code.withLock { $0 }
        }
    }

    private static func hasEnded(_ pid: pid_t) -> Bool { waitpid(pid, nil, WNOHANG) == pid }

    private static func reportDatabase(_ logger: Logger) {
        logger.error("the embedded database ended; reads go on, changes are refused: restart wgmd to start it again")
    }

    private static func makeLogger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "wgmd") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }
}

/// What runs after the start: the rules, their background work, and the listener.
private struct Service: Sendable {
    private let gateway: Gateway
    private let keeper: KeeperClient
    private let server: Server<Dispatcher>
    private let socket: String
    private let access: SocketAccess
    private let logger: Logger

    init(
        _ configuration: Configuration,
        _ address: DatabaseAddress,
        _ keeperSocket: Int32,
        _ logger: Logger
    ) throws {
        guard let node = ObjectName(configuration.node) else { throw StartError("`node` must be \(ObjectName.rule)") }
        keeper = KeeperClient(fileDescriptor: keeperSocket)
        gateway = Gateway(
            node: node,
            store: PostgresStore(address: address, node: node),
            kernel: KeeperKernel(client: keeper),
            clock: SystemClock(),
            logger: logger
        )
        let dispatcher = Dispatcher(gateway: gateway, clock: SystemClock(), logger: logger)
        server = Server(host: dispatcher, agent: "wgmd/\(WGMVersion.current)")
        socket = configuration.socket
        access = SocketAccess(mode: 0o660)
        self.logger = logger
    }

    /// Until the task is cancelled, or something needed fails; returns the exit code.
    func run() async -> Int32 {
        do {
            let identity = try await keeper.hello()
            if identity.state == .ready {
                gateway.keys.use(keyID: identity.signingKeyID, publicKey: identity.signingPublicKey)
            } else {
                logger.error("the keeper is sealed: its key-encryption key is missing or another; nobody can log in")
            }
            await gateway.start()
            try await server.listen(unixPath: socket, access: access)
        } catch let failure as KernelFailure {
            logger.error("the keeper did not answer", metadata: ["reason": "\(failure.message)"])
            return 1
        } catch {
            logger.error("wgmd cannot listen", metadata: ["reason": "\(error)"])
            return 1
        }
        logger.info("ready", metadata: ["socket": "\(socket)", "node": "\(gateway.node)"])
        await gateway.run()
        logger.info("stopping: tunnels stay up")
        await server.shutdown()
        return 0
    }
}
