// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// The options that every command has.
struct GlobalOptions: ParsableArguments {
    static let title = "Options of every command"
    static let defaultSocket = "/run/wgm/wgmd.sock"

    @Option(
        help: .init("The daemon's socket (WGM_SOCKET; else \(defaultSocket)).", valueName: "path"),
        completion: .file()
    )
    var socket: String?

    @Option(
        help: .init(
            "A daemon on another machine; may be repeated: the next is tried (WGM_SERVER).",
            valueName: "tls://host:port"
        )
    )
    var server: [String] = []

    @Option(
        help: .init("The authority of the server's certificate (WGM_CA; else the system's).", valueName: "file"),
        completion: .file()
    )
    var ca: String?

    @Option(help: .init("Your client certificate (WGM_CERT).", valueName: "file"), completion: .file())
    var cert: String?

    @Option(help: .init("The key of your client certificate (WGM_KEY).", valueName: "file"), completion: .file())
    var key: String?

    @Option(help: .init("The gateway of that name in wgmctl profile list (WGM_PROFILE).", valueName: "name"))
    var profile: String?

    @Option(name: [.short, .long], help: .init("How to print the result.", valueName: "format"))
    var output = OutputFormat.table

    @Option(help: .init("How long to wait for an answer, such as 30s or 2m.", valueName: "time"))
    var timeout = TimeSpan(seconds: 30)

    @Option(
        help: .init("A file with the token to use instead of logging in (WGM_TOKEN_FILE).", valueName: "file"),
        completion: .file()
    )
    var tokenFile: String?

    @Option(
        name: [.customShort("m"), .long],
        help: .init("Why, for the revision and the audit record of a change.", valueName: "text")
    )
    var message: String?

    @Option(
        help: .init(
            "Undo a change after this time unless wgmctl confirm is called before; at least 10s.",
            valueName: "time"
        )
    )
    var confirm: TimeSpan?

    @Flag(help: "Make a change even if it cuts the session that you are in.")
    var force = false

    func validate() throws {
        guard confirm.map({ (10...86_400).contains($0.seconds) }) ?? true else {
            throw ValidationError("--confirm must be 10s to 1d")
        }
        guard message.map({ $0.utf8.count <= 512 }) ?? true else {
            throw ValidationError("--message must be at most 512 bytes long")
        }
        guard timeout.seconds > 0 else { throw ValidationError("--timeout must be longer than 0") }
        guard socket == nil || server.isEmpty else { throw ValidationError("--socket and --server exclude each other") }
        guard profile == nil || (socket == nil && server.isEmpty) else {
            throw ValidationError("--profile says which server; --socket and --server do so too")
        }
    }

    /// This host's, whatever server is named.
    var socketPath: String { socket ?? Environment.nonEmpty("WGM_SOCKET") ?? Self.defaultSocket }
    var console: Console { Console(format: output) }

    func show(_ result: some Presentable) throws { try console.show(result) }
}

extension GlobalOptions {
    /// On what terms changes are made, as the protocol says it.
    var terms: [(key: String, value: [UInt8])] {
        var pairs: [(key: String, value: [UInt8])] = []
        func add(_ key: String, _ value: String) { pairs.append((key: key, value: Array(value.utf8))) }
        if let confirm { add("confirm", String(confirm.seconds)) }
        if force {
            add("force", "1")
        } else if let session = Environment.nonEmpty("SSH_CONNECTION") {
            let parts = session.split(separator: " ")
            // What is no such thing is for the daemon to refuse: the check would not be made, and nobody would know.
            add("session", parts.count == 4 ? "\(parts[0]) \(parts[2])" : session)
        }
        return pairs
    }
}

extension Environment {
    /// A variable that is set to nothing counts as not set.
    static func nonEmpty(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }
}
