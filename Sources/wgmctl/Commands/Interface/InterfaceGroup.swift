// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl interface`.
struct InterfaceGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interface",
        abstract: "Manage the WireGuard interfaces of this gateway.",
        subcommands: [
            InterfaceCreateCommand.self, InterfaceListCommand.self, InterfaceShowCommand.self, InterfaceUpCommand.self,
            InterfaceDownCommand.self, InterfaceSetCommand.self, InterfaceSetDriftCommand.self,
            InterfaceRotateKeyCommand.self, InterfaceStragglersCommand.self, InterfaceDeleteCommand.self,
        ]
    )
}

/// `wgmctl interface list`.
struct InterfaceListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the interfaces.",
        discussion: Wgmctl.examples("wgmctl interface list", "wgmctl interface list -o json | jq -r '.[].name'")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.interfacesList(V1.ListInterfacesRequest())
        Console.note(reply.freshness)
        try global.show(InterfaceList(interfaces: reply.interfaces))
    }
}

/// `wgmctl interface show`.
struct InterfaceShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one interface.",
        discussion: Wgmctl.examples(
            "wgmctl interface show wg0",
            "wgmctl interface show wg0 -o json | jq -r .public_key"
        )
    )

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var name: String

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.interfacesGet(V1.GetInterfaceRequest(name: name))
        Console.note(reply.freshness)
        try global.show(InterfaceDetails(interface: reply.interface ?? V1.Interface()))
    }
}
