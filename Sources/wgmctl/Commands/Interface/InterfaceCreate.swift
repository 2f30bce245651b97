// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// How an interface is made: by the kernel, by a program, or as the daemon finds best.
enum BackendChoice: String, CaseIterable, ExpressibleByArgument, Sendable {
    case auto, kernel, userspace

    var message: V1.InterfaceBackend {
        switch self {
        case .auto: .auto
        case .kernel: .kernel
        case .userspace: .userspace
        }
    }
}

/// What is done when somebody else changes an interface in the kernel.
enum DriftChoice: String, CaseIterable, ExpressibleByArgument, Sendable {
    case repair, report, adopt

    var message: V1.DriftPolicy {
        switch self {
        case .repair: .repair
        case .report: .report
        case .adopt: .adopt
        }
    }
}

/// `wgmctl interface create`.
struct InterfaceCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create an interface, with a key pair and an address prefix of its own.",
        discussion: Wgmctl.examples(
            "wgmctl interface create wg0 --endpoint vpn.example.org",
            "wgmctl interface create wg0 --ipv4-pool 10.7.0.0/24 --dns 10.7.0.1",
            "wgmctl interface create wg1 --listen-port 51821 --mtu 1380 --down"
        )
    )

    @Argument(help: "The name of the interface, such as wg0.")
    var name: String

    @Option(
        help: .init(
            "Where peers dial, a name or an address; the port is the listen port if not said.",
            valueName: "host[:port]"
        )
    )
    var endpoint: String?

    @Option(help: .init("The UDP port; the first free one from 51820 if not said.", valueName: "port"))
    var listenPort: UInt32?

    @Option(help: .init("Largest packet inside the tunnel; 1420 if not said.", valueName: "bytes"))
    var mtu: UInt32?

    @Option(
        name: .customLong("ipv6-pool"),
        help: .init("Where peers get IPv6 addresses from; a random private /64 if not said.", valueName: "prefix")
    )
    var ipv6Pool: String?

    @Option(
        name: .customLong("ipv4-pool"),
        help: .init("Where peers get IPv4 addresses from; no IPv4 if not said.", valueName: "prefix")
    )
    var ipv4Pool: String?

    @Option(help: .init("A resolver for the peers' configuration; may be repeated.", valueName: "address"))
    var dns: [String] = []

    @Option(help: .init("What implements it.", valueName: "backend"))
    var backend = BackendChoice.auto

    @Option(help: .init("The firewall mark of encrypted packets, such as 51820 or 0x10.", valueName: "number"))
    var fwmark: FirewallMark?

    @Option(help: .init("What is done when somebody else changes it in the kernel.", valueName: "policy"))
    var drift = DriftChoice.repair

    @Flag(help: "Leave it down.")
    var down = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        var request = V1.CreateInterfaceRequest()
        request.name = name
        request.backend = backend.message
        request.mtu = mtu
        request.listenPort = listenPort
        request.endpoint = endpoint
        request.ipv6Pool = ipv6Pool
        request.ipv4Pool = ipv4Pool
        request.firewallMark = fwmark?.number
        request.dns = dns
        if drift != .repair { request.driftPolicy = drift.message }
        if down { request.down = true }
        let reply = try session.interfacesCreate(request)
        try global.show(InterfaceDetails(interface: reply.interface ?? V1.Interface(name: name)))
    }
}
