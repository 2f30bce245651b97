// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl login`.
struct LoginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Get a new token for the user who runs this, and say who that is.",
        discussion: """
            Every command logs in by itself; this one is for the first admin, and to take up new roles at once. The \
            token is remembered in $XDG_RUNTIME_DIR/wgm, else ~/.cache/wgm, and never shown.


            """ + Wgmctl.examples("sudo wgmctl login", "wgmctl login -o json")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        guard try global.destination.tokenFile == nil else {
            throw Failure(
                .usage,
                "a token file is in use (of --token-file, WGM_TOKEN_FILE or a profile), so there is nothing to log in for",
                hint: "wgmctl whoami shows whose token it is"
            )
        }
        let reply = try Session.loggingIn(global)
        try global.show(LoginResult(reply: reply, now: .now))
    }
}
