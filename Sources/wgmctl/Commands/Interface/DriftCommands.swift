// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl interface set-drift`.
struct InterfaceSetDriftCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-drift",
        abstract: "Say what is done when somebody else changes an interface in the kernel.",
        discussion:
            "repair: the kernel is made again what the database says. report: nothing, but wgmctl drift and status "
            + "show it. adopt: the database takes it over, as a new revision.\n\n"
            + Wgmctl.examples("wgmctl interface set-drift wg0 report")
    )

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var name: String

    @Argument(help: "The policy.")
    var policy: DriftChoice

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let request = V1.SetDriftPolicyRequest(name: name, policy: policy.message)
        let reply = try session.interfacesSetDriftPolicy(request)
        Console.note(unless: reply.revision)
        try global.show(InterfaceDetails(interface: reply.interface ?? V1.Interface(name: name)))
    }
}

/// `wgmctl drift`.
struct DriftCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drift",
        abstract: "Show what the kernel holds otherwise than the database wants it.",
        discussion: "Shows the last drift of each interface, also when it is over. Exits with 2 when some is open.\n\n"
            + Wgmctl.examples("wgmctl drift", "wgmctl drift wg0 -o json", "wgmctl audit list --method wgmd/reconcile")
    )

    @Argument(help: "The interface; all if not said.", completion: Completion.interfaces)
    var interface: String?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.interfacesListDrift(V1.ListDriftRequest(interface: interface))
        Console.note(reply.freshness)
        let list = DriftList(drifts: reply.drifts)
        try global.show(list)
        guard !list.hasOpen else { throw ExitCode(ExitStatus.unhealthy.rawValue) }
    }
}
