// SPDX-License-Identifier: Apache-2.0

internal import Glibc
import WGMService

/// The life of `wgmd database`: the embedded cluster as a unit of its own.
enum DatabaseService {
    /// Blocks the calling thread, which must be the main one, until told to end; returns the exit code.
    static func run(_ configuration: Configuration, migrating: Bool) throws -> Int32 {
        Environment.keepWhatServicesNeed()
        let supervisor = Supervisor()
        guard configuration.database == .embedded else {
            Start.say("the database is not the embedded one: there is nothing to run")
            supervisor.ready("the database is not the embedded one")
            return 0
        }
        var signals = Signals()
        let (database, lock) = try Database.alone(configuration)
        defer { withExtendedLifetime(lock) {} }
        do {
            if migrating { try database.migrate() }
        } catch {
            try? database.stop()
            throw error
        }
        supervisor.ready("the embedded database serves in \(configuration.clusterSocketFolder)")
        while true {
            switch signals.next() {
            case SIGHUP: continue
            case SIGCHLD:
                guard let pid = database.pid, waitpid(pid, nil, WNOHANG) == pid else { continue }
                Start.say("the embedded database ended: see \(configuration.clusterState)/postgres.log")
                return 1
            default:
                supervisor.stopping()
                try database.stop()
                return 0
            }
        }
    }
}
