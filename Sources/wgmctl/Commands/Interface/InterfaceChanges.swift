// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl interface up`.
struct InterfaceUpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Set an interface up.",
        discussion: Wgmctl.examples("wgmctl interface up wg0")
    )

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var name: String

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws { try global.setInterface(name, up: true) }
}

/// `wgmctl interface down`.
struct InterfaceDownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Set an interface down; its tunnels stop, nothing is forgotten.",
        discussion: Wgmctl.examples("wgmctl interface down wg0")
    )

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var name: String

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws { try global.setInterface(name, up: false) }
}

extension GlobalOptions {
    fileprivate func setInterface(_ name: String, up: Bool) throws {
        var session = try Session.authenticated(self)
        let reply = try session.interfacesSetUp(V1.SetInterfaceUpRequest(name: name, up: up))
        Console.note(unless: reply.revision)
        try show(InterfaceDetails(interface: reply.interface ?? V1.Interface(name: name, up: up)))
    }
}

/// `wgmctl interface delete`.
struct InterfaceDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete an interface and its key.",
        discussion: Wgmctl.examples("wgmctl interface delete wg0", "wgmctl interface delete wg0 --with-peers")
    )

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var name: String

    @Flag(help: "Delete its peers too; without this an interface that has peers stays.")
    var withPeers = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let request = V1.DeleteInterfaceRequest(name: name, withPeers: withPeers ? true : nil)
        let reply = try session.interfacesDelete(request)
        try global.show(Outcome(sentence: "interface \(name) deleted", revision: reply.revision))
    }
}
