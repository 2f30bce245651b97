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
              wgmd certificate --host vpn.example.org
                                                make a certificate for the TLS port

            wgmctl talks to it: see `wgmctl --help`.
            """,
        version: WGMVersion.current,
        subcommands: [Run.self, Check.self, Migrate.self, RunDatabase.self, CertificateCommand.self]
    )

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Ending.finish(error)
        }
    }
}

/// The option that all commands share.
struct ConfigurationOption: ParsableArguments {
    @Option(name: .long, help: "The configuration file (default: \(ConfigurationFile.defaultPath), if there is one).")
    var config: String?

    func load() throws(ConfigurationError) -> Configuration { try ConfigurationFile.load(config) }

    /// The folder that the file is in.
    var folder: String {
        let path = config ?? ConfigurationFile.defaultPath
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// What the units say on the command line, so that one configuration file is good with and without them.
struct UnitOptions: ParsableArguments {
    @Option(
        name: .customLong("keeper-socket"),
        help: .init("Connect to the keeper at this packet socket instead of starting one.", valueName: "path")
    )
    var keeperSocket: String?

    @Option(
        name: .customLong("database-socket"),
        help: .init("The folder of the embedded database's socket; another unit runs it.", valueName: "folder")
    )
    var databaseSocket: String?

    func apply(to configuration: Configuration) -> Configuration {
        var configuration = configuration
        configuration.keeperSocket = keeperSocket ?? configuration.keeperSocket
        configuration.databaseSocket = databaseSocket ?? configuration.databaseSocket
        return configuration
    }

    func validate() throws {
        for path in [keeperSocket, databaseSocket].compactMap(\.self) where !path.hasPrefix("/") {
            throw ValidationError("\(path) is not an absolute path")
        }
    }
}

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start the database (if embedded), the keeper and the daemon; run until SIGTERM.",
        discussion: """
            Started as root it drops to the user `user` of the configuration before it listens. Under systemd it may be \
            given its listening socket, and keeper and database may be units of their own; then it needs no root. \
            SIGHUP reads the configuration again; a bad one changes nothing.
            """
    )
    @OptionGroup var options: ConfigurationOption
    @OptionGroup var units: UnitOptions

    func run() throws {
        let load = { () throws(ConfigurationError) -> Configuration in units.apply(to: try options.load()) }
        throw ExitCode(try Daemon.run(try load(), configurationFolder: options.folder, load: load))
    }
}

struct RunDatabase: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "database",
        abstract: "Run the embedded database alone, its schema up to date, until SIGTERM; for a unit of its own.",
        discussion: "To be started as the configuration's `postgres_user`. wgmd then takes --database-socket."
    )
    @OptionGroup var options: ConfigurationOption

    @Option(help: .init("The folder for its socket, which that user owns.", valueName: "folder"))
    var socketFolder: String?

    @Flag(
        name: .customLong("no-migrate"),
        help: "Leave the schema as it is: to restore a backup over one that is damaged."
    )
    var keepsSchema = false

    func run() throws {
        var configuration = try options.load()
        configuration.databaseSocket = socketFolder ?? configuration.databaseSocket
        throw ExitCode(try DatabaseService.run(configuration, migrating: !keepsSchema))
    }
}

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Say what is wrong with a configuration, and do nothing.")
    @OptionGroup var options: ConfigurationOption

    func run() throws {
        let configuration = try options.load()
        if let tls = configuration.tls { try TLSPort.check(tls) }
        let database = configuration.database == .embedded ? "embedded" : "external"
        if configuration.database.hasPassword {
            Start.say(
                "note: `database` holds a password; a client certificate or libpq's password file keeps it out of here"
            )
        }
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
        try Start.prepareFolders(configuration)
        // A wgmd that runs would lose its database when this one stops it.
        let lock = configuration.ownsState ? try StateLock(folder: configuration.state) : nil
        try withExtendedLifetime(lock) {
            let database = try Database(configuration)
            try database.migrate()
            try database.stop()
        }
        print("the schema is up to date")
    }
}
