// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl init`.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "First steps on a new gateway: the first admin, then the first interface.",
        discussion: """
            Run by root, who becomes the first admin. Keys and the database are there from wgmd's start; this says so, or \
            what is wrong. On a terminal it asks for the first interface; elsewhere --interface or --no-interface says. \
            It may be run again: what exists stays as it is.


            """
                + Wgmctl.examples(
                    "sudo wgmctl init",
                    "sudo wgmctl init --interface wg0 --endpoint vpn.example.org --ipv4-pool 10.7.0.0/24",
                    "sudo wgmctl init --no-interface"
                )
    )

    @Option(name: .customLong("interface"), help: .init("The first interface, such as wg0.", valueName: "name"))
    var interface: String?

    @Option(help: .init("Where peers dial it, a name or an address.", valueName: "host[:port]"))
    var endpoint: String?

    @Option(
        name: .customLong("ipv6-pool"),
        help: .init("Where its peers get IPv6 addresses from; a random private /64 if not said.", valueName: "prefix")
    )
    var ipv6Pool: String?

    @Option(
        name: .customLong("ipv4-pool"),
        help: .init("Where its peers get IPv4 addresses from; no IPv4 if not said.", valueName: "prefix")
    )
    var ipv4Pool: String?

    @Flag(help: "Make no interface, and do not ask.")
    var noInterface = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard interface == nil else {
            guard !noInterface else { throw ValidationError("--interface and --no-interface exclude each other") }
            guard endpoint != nil else { throw ValidationError("--interface needs --endpoint, where its peers dial") }
            return
        }
        guard endpoint == nil, ipv6Pool == nil, ipv4Pool == nil else {
            throw ValidationError("--endpoint, --ipv6-pool and --ipv4-pool are for --interface NAME")
        }
    }

    func run() throws {
        guard try global.destination.tokenFile == nil else {
            throw Failure(
                .usage,
                "init is for a person on this host, not for a token file (of --token-file, WGM_TOKEN_FILE or a profile)",
                hint: "--socket /run/wgm/wgmd.sock reaches this host's gateway in spite of a profile"
            )
        }
        let login = try Session.loggingIn(global)
        guard login.roles.contains("admin") else {
            throw Failure(
                .permissionDenied,
                "you are \(login.principal ?? "nobody") here, and no admin",
                hint: "the first admin is root: sudo wgmctl init; later ones get their role from an admin"
            )
        }
        var session = try Session.authenticated(global)
        let health = try session.healthCheck(V1.CheckHealthRequest())
        guard health.status == .serving else { throw Self.failure(health) }
        var interfaces = try session.interfacesList(V1.ListInterfacesRequest()).interfaces
        if let request = try request(existing: interfaces) {
            let reply = try session.interfacesCreate(request)
            interfaces.append(reply.interface ?? V1.Interface(name: request.name))
        }
        try global.show(FirstSteps(login: login, interfaces: interfaces))
    }

    private static func failure(_ health: V1.CheckHealthResponse) -> Failure {
        let sick = health.components.filter { $0.healthy != true }
        let words = sick.map { "\($0.name ?? "?"): \($0.message ?? "not well")" }.joined(separator: "; ")
        return Failure(.unhealthy, "you are admin, but the gateway is not well: \(words)", hint: "wgmctl doctor")
    }

    /// The interface to make, from the options or from a person; nil for none.
    private func request(existing: [V1.Interface]) throws -> V1.CreateInterfaceRequest? {
        guard !noInterface else { return nil }
        if let interface {
            guard !existing.contains(where: { $0.name == interface }) else {
                Console.note("\(interface) exists already and stays as it is")
                return nil
            }
            return request(interface, endpoint, ipv4Pool)
        }
        guard existing.isEmpty, let questions = Questions() else { return nil }
        let name = questions.ask("The first interface's name (- for none)", suggestion: "wg0")
        guard name != "-" else { return nil }
        let host = questions.ask(
            "Where its peers dial, a name or an address (- for none yet)",
            suggestion: Questions.hostName
        )
        let pool = questions.ask("A prefix for IPv4 addresses of peers (- for IPv6 alone)", suggestion: "-")
        return request(name, host == "-" ? nil : host, pool == "-" ? nil : pool)
    }

    private func request(_ name: String, _ endpoint: String?, _ ipv4Pool: String?) -> V1.CreateInterfaceRequest {
        var request = V1.CreateInterfaceRequest()
        request.name = name
        request.backend = .auto
        request.endpoint = endpoint
        request.ipv6Pool = ipv6Pool
        request.ipv4Pool = ipv4Pool
        return request
    }
}
