// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl interface set`.
struct InterfaceSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change an interface in place.",
        discussion: "What is not named stays as it is; the word none clears. All of it is one revision.\n\n"
            + Wgmctl.examples(
                "wgmctl interface set wg0 --mtu 1380 --endpoint vpn.example.org",
                "wgmctl interface set wg0 --dns 10.7.0.1 --dns fd00::1",
                "wgmctl interface set wg0 --fwmark none --dns none"
            )
    )

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var name: String

    @Option(help: .init("Where peers dial, or none.", valueName: "host[:port]"))
    var endpoint: Clearable<String>?

    @Option(help: .init("The UDP port; peers that know the old one have to be told.", valueName: "port"))
    var listenPort: UInt32?

    @Option(help: .init("Largest packet inside the tunnel.", valueName: "bytes"))
    var mtu: UInt32?

    @Option(help: .init("All resolvers for the peers' configuration, or none. May be repeated.", valueName: "address"))
    var dns: [String] = []

    @Option(help: .init("The firewall mark of encrypted packets, or none.", valueName: "number"))
    var fwmark: Clearable<FirewallMark>?

    @Option(help: .init("What is done when somebody else changes it in the kernel.", valueName: "policy"))
    var drift: DriftChoice?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    private var request: V1.UpdateInterfaceRequest {
        var request = V1.UpdateInterfaceRequest(name: name)
        request.mtu = mtu
        request.listenPort = listenPort
        request.endpoint = endpoint.map { $0.value ?? "" }
        request.firewallMark = fwmark.map { $0.value?.number ?? 0 }
        request.dns = V1.TextList(option: dns)
        request.driftPolicy = drift?.message
        return request
    }

    func run() throws {
        // Not in validate(), which comes before an unknown option is named.
        guard request != V1.UpdateInterfaceRequest(name: name) else {
            throw ValidationError("say what is to be changed")
        }
        var session = try Session.authenticated(global)
        let reply = try session.interfacesUpdate(request)
        Console.note(unless: reply.revision)
        try global.show(InterfaceDetails(interface: reply.interface ?? V1.Interface(name: name)))
    }
}
