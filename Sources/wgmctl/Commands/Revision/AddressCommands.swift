// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl address`.
struct AddressGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "address",
        abstract: "Ask about addresses.",
        subcommands: [AddressWhoCommand.self]
    )
}

/// `wgmctl address who`.
struct AddressWhoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "who",
        abstract: "Say who holds an address, or held it at a time or after a revision.",
        discussion: "Exits with 3 when nobody did.\n\n"
            + Wgmctl.examples(
                "wgmctl address who 10.7.0.2",
                "wgmctl address who fd12:3456:789a::2 --at 2026-01-31T14:03:00Z"
            )
    )

    @Argument(help: "The address.")
    var address: String

    @Option(help: PastMoment.help)
    var at: PastMoment?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        var request = V1.FindAddressRequest(address: address)
        (request.revision, request.timeUnixMs) = (at?.revision, at?.milliseconds(now: .now))
        let reply: V1.FindAddressResponse
        do throws(Status) { reply = try session.revisionsFindAddress(request) } catch {
            throw Failure(error) { $0 == "address" ? "ADDRESS" : FieldNames.option($0) }
        }
        try global.show(AddressHolders(holders: reply.holders))
        guard !reply.holders.isEmpty else { throw ExitCode(ExitStatus.notFound.rawValue) }
    }
}
