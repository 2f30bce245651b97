// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Show the versions of wgmctl and, when it can be reached, of wgmd.",
        discussion: Wgmctl.examples("wgmctl version", "wgmctl version -o yaml")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var server: V1.VersionResponse?
        do {
            var session = try Session.anonymous(global)
            server = try session.metaVersion(V1.VersionRequest())
        } catch let status as Status {
            Console.note("wgmd is not reached: \(status.message)")
        }
        try global.show(Versions(server: server))
    }
}
