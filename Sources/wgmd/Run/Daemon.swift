// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
import Logging
internal import Synchronization
import WGMService

/// wgmd's life: start as root or as a unit, serve as nobody special, end in good order.
struct Daemon {
    /// The keeper ended: a supervisor should start wgmd again (EX_TEMPFAIL).
    private static let keeperEnded: Int32 = 75
    private let start: Start
    private let reload: Reload
    private let logger: Logger

    /// Blocks the calling thread, which must be the main one, until wgmd ends; returns the exit code.
    ///
    /// `load` reads the configuration again, with what the command line says.
    static func run(
        _ configuration: Configuration,
        configurationFolder: String,
        load: @escaping () throws(ConfigurationError) -> Configuration
    ) throws -> Int32 {
        let start = try Start(configuration, configurationFolder: configurationFolder)
        let signals = Signals()
        let level = SharedLogLevel(configuration.logLevel)
        let logger = level.makeLogger()
        let service = try Service(configuration, start, logger)
        let reload = Reload(running: configuration, level: level, logger: logger, load: load)
        return Daemon(start: start, reload: reload, logger: logger).serve(service, signals)
    }

    private func serve(_ service: Service, _ signals: Signals) -> Int32 {
        let ended = DispatchSemaphore(value: 0)
        let code = Mutex<Int32>(0)
        let task = Task {
            let result = await service.run()
            // A reason of its own to end, such as the keeper's end, is not overwritten.
            code.withLock { if $0 == 0 { $0 = result } }
            ended.signal()
            kill(getpid(), SIGTERM)
        }
        if let failure = waitForEnd(service, signals) { code.withLock { $0 = failure } }
        start.supervisor.stopping()
        task.cancel()
        ended.wait()
        return code.withLock { $0 }
    }

    /// Returns an exit code if there is a reason of its own to end.
    private func waitForEnd(_ service: Service, _ signals: Signals) -> Int32? {
        var signals = signals
        while true {
            switch signals.next() {
            case SIGCHLD:
                if keeperHasEnded() {
                    logger.error("the keeper ended; tunnels stay up, and wgmd ends so that both can be started again")
                    return Self.keeperEnded
                }
                if let pid = start.database.pid, Self.hasEnded(pid) { reportDatabase() }
            case SIGHUP:
                start.supervisor.reloading()
                reload.run()
                service.reload()
                start.supervisor.ready(service.status)
            default:
                return nil
            }
        }
    }

    private func keeperHasEnded() -> Bool {
        guard case .child(_, let pid) = start.keeper else { return false }
        return Self.hasEnded(pid)
    }

    private static func hasEnded(_ pid: pid_t) -> Bool { waitpid(pid, nil, WNOHANG) == pid }

    private func reportDatabase() {
        logger.error("the embedded database ended; reads go on, changes are refused: restart wgmd to start it again")
    }
}
