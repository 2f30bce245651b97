// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// The options that every command has.
struct GlobalOptions: ParsableArguments {
    static let title = "Options of every command"
    static let defaultSocket = "/run/wgm/wgmd.sock"

    @Option(
        help: .init("The daemon's socket (WGM_SOCKET; else \(defaultSocket)).", valueName: "path"),
        completion: .file()
    )
    var socket: String?

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

    func validate() throws {
        guard message.map({ $0.utf8.count <= 512 }) ?? true else {
            throw ValidationError("--message must be at most 512 bytes long")
        }
        guard timeout.seconds > 0 else { throw ValidationError("--timeout must be longer than 0") }
    }

    var socketPath: String { socket ?? Environment.nonEmpty("WGM_SOCKET") ?? Self.defaultSocket }
    var tokenPath: String? { tokenFile ?? Environment.nonEmpty("WGM_TOKEN_FILE") }
    var console: Console { Console(format: output) }

    func show(_ result: some Presentable) throws { try console.show(result) }
}

extension Environment {
    /// A variable that is set to nothing counts as not set.
    static func nonEmpty(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }
}
