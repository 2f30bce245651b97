// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl whoami`.
struct WhoAmICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami",
        abstract: "Show who you are to the daemon and what you may do.",
        discussion: Wgmctl.examples("wgmctl whoami", "wgmctl whoami --token-file robot.token")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        try global.show(Identity(reply: try session.authWhoAmI(V1.WhoAmIRequest()), now: .now))
    }
}
