// SPDX-License-Identifier: Apache-2.0

import Logging

/// Reading the configuration again while wgmd runs.
struct Reload {
    /// What wgmd was started with.
    let running: Configuration
    let level: SharedLogLevel
    let logger: Logger
    let load: () throws(ConfigurationError) -> Configuration

    /// Changes what can be changed, names what needs a restart; a bad file changes nothing.
    func run() {
        let new: Configuration
        do {
            new = try load()
        } catch {
            for problem in error.lines {
                logger.error("the configuration is bad; the old one stays in force", metadata: ["at": "\(problem)"])
            }
            return
        }
        level.current = new.logLevel
        let waiting = running.keysNeedingRestart(for: new)
        logger.notice("configuration read again", metadata: ["log_level": "\(new.logLevel)"])
        guard !waiting.isEmpty else { return }
        logger.warning(
            "changed in the configuration, but in force only after a restart",
            metadata: ["keys": "\(waiting.joined(separator: ", "))"]
        )
    }
}

extension Configuration {
    /// The keys whose values differ and are read at the start alone.
    func keysNeedingRestart(for new: Configuration) -> [String] {
        let checks: [(key: String, isSame: Bool)] = [
            ("node", node == new.node),
            ("state", state == new.state),
            ("socket", socket == new.socket),
            ("socket_group", socketGroup == new.socketGroup),
            ("database", database == new.database),
            ("user", user == new.user),
            ("keeper_user", keeperUser == new.keeperUser),
            ("postgres_user", postgresUser == new.postgresUser),
            ("userspace_program", userspaceProgram == new.userspaceProgram),
            ("keeper_program", keeperProgram == new.keeperProgram),
            ("keeper_socket", keeperSocket == new.keeperSocket),
            ("database_socket", databaseSocket == new.databaseSocket),
            ("tls", tls == new.tls),
            ("limits", limits == new.limits),
        ]
        return checks.filter { !$0.isSame }.map(\.key)
    }
}
