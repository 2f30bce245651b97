// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import WGMWire

/// The gateway daemon.
@main
struct WGMD: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wgmd",
        abstract: "The WireGuard gateway daemon.",
        discussion: """
            EXAMPLES
              wgmd run                          start with /etc/wgm/wgmd.toml, or with defaults when there is none
              wgmd run --config ./gateway.toml  start with another configuration
              wgmd check --config ./gateway.toml
                                                say what is wrong with a configuration, line by line

            wgmctl talks to it: see `wgmctl --help`.
            """,
        version: WGMVersion.current,
        subcommands: [Run.self, Check.self, Migrate.self]
    )
}

/// The option that all commands share.
struct ConfigurationOption: ParsableArguments {
    @Option(name: .long, help: "The configuration file (default: \(ConfigurationFile.defaultPath), if there is one).")
    var config: String?

    func load() throws(ConfigurationError) -> Configuration { try ConfigurationFile.load(config) }
}

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start the database (if embedded), the keeper and the daemon; run until SIGTERM.",
        discussion: "Started as root it drops to the user `user` of the configuration before it listens."
    )
    @OptionGroup var options: ConfigurationOption

    func run() throws {
        let configuration = try options.load()
        throw ExitCode(try Daemon.run(configuration))
    }
}

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Say what is wrong with a configuration, and do nothing.")
    @OptionGroup var options: ConfigurationOption

    func run() throws {
        let configuration = try options.load()
        let database = configuration.database == .embedded ? "embedded" : "external"
        print("configuration ok: node \(configuration.node), socket \(configuration.socket), database \(database)")
    }
}

struct Migrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database's schema to this version and end.",
        discussion: "`wgmd run` does this by itself; the command is for those who want to see it done first."
    )
    @OptionGroup var options: ConfigurationOption

    func run() throws {
        let configuration = try options.load()
        let database = try Database(configuration)
        try database.migrate()
        try database.stop()
        print("the schema is up to date")
    }
}
