// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show whether wgmd, the keeper and the database are well.",
        discussion: "Exits with 2 when something is not. Needs no token.\n\n"
            + Wgmctl.examples("wgmctl status", "wgmctl status -o json --timeout 2s")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.anonymous(global)
        let health = Health(reply: try session.healthCheck(V1.CheckHealthRequest()))
        try global.show(health)
        guard health.isServing else { throw ExitCode(ExitStatus.unhealthy.rawValue) }
    }
}
