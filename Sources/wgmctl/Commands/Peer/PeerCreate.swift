// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMKeys
internal import WGMModel
internal import WGMWire

/// `wgmctl peer create`.
struct PeerCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a peer, with a key pair made here, or many peers from a file.",
        discussion: """
            Without --public-key the key pair is made here and the daemon gets the public key only. \
            The peer's configuration goes to --config FILE, to a QR code with --qr, else to standard output. Nobody \
            else knows the private key: what is lost then is lost.

            Lines of a file for --from: NAME PUBLIC-KEY [ADDRESS-OR-PREFIX,...]; # starts a comment. \
            An address is the peer's own, a prefix lies behind it. All peers are created or none.


            """
                + Wgmctl.examples(
                    "wgmctl peer create wg0 anna --config anna.conf",
                    "wgmctl peer create wg0 phone --qr --ipv6-only",
                    "wgmctl peer create wg0 --from peers.txt"
                )
    )

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var interface: String

    @Argument(help: "The name of the new peer.")
    var name: String?

    @Option(help: .init("A file of many peers; - is standard input.", valueName: "file"), completion: .file())
    var from: String?

    @Option(help: .init("The public key of a peer that has a key pair already.", valueName: "key"))
    var publicKey: String?

    @OptionGroup var delivery: DeliveryOptions

    @Option(
        help: .init(
            "An address of the peer's own; the next free ones if not said. May be repeated.",
            valueName: "address"
        )
    )
    var address: [String] = []

    @Option(
        help: .init(
            """
            A network behind the peer, routed to it; one shorter than /8, or /16 of IPv6, needs the role admin and gets \
            no route. May be repeated.
            """,
            valueName: "prefix"
        )
    )
    var allow: [String] = []

    @Flag(name: .customLong("ipv6-only"), help: "No IPv4 address.")
    var ipv6Only = false

    @Option(help: .init("How often the peer keeps its way open; 0 is off.", valueName: "time"))
    var keepalive: TimeSpan?

    @Option(help: .init("Where the peer listens, if it does: an IP address and a port.", valueName: "address:port"))
    var endpoint: String?

    @Option(help: .init("A remark, 256 bytes at most.", valueName: "text"))
    var comment: String?

    @Flag(help: "Keep the peer out until peer enable.")
    var disabled = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard (name == nil) != (from == nil) else {
            throw ValidationError("Give either the NAME of one peer or --from FILE")
        }
        if from != nil {
            try refuse("--from", with: forOnePeer)
        } else if publicKey != nil {
            try refuse("--public-key", with: delivery.qr ? ["--qr"] : [])
        } else if global.output != .table, delivery.usesStandardOutput {
            throw ValidationError("With --output \(global.output.rawValue), give --config FILE and no --qr")
        }
    }

    private var forOnePeer: [String] {
        var given: [String] = []
        if publicKey != nil { given.append("--public-key") }
        if delivery.config != nil { given.append("--config") }
        if delivery.qr { given.append("--qr") }
        if !address.isEmpty { given.append("--address") }
        if !allow.isEmpty { given.append("--allow") }
        if endpoint != nil { given.append("--endpoint") }
        return given
    }

    private func refuse(_ option: String, with others: [String]) throws {
        guard let other = others.first else { return }
        throw ValidationError("\(other) cannot be used together with \(option)")
    }

    func run() throws {
        if let from {
            try createMany(PeerFile.read(path: from))
        } else if let publicKey {
            try createOne(publicKey: publicKey)
        } else {
            try createWithNewKey()
        }
    }

    /// The part of a new peer that is the same whether one is created or many.
    private var template: V1.NewPeer {
        var peer = V1.NewPeer()
        if ipv6Only { peer.ipv6Only = true }
        peer.keepaliveS = keepalive?.seconds
        peer.comment = comment
        if disabled { peer.disabled = true }
        return peer
    }

    private func newPeer(_ publicKey: String) -> V1.NewPeer {
        var peer = template
        peer.name = name
        peer.publicKey = publicKey
        peer.addresses = address
        peer.allowedAddresses = allow
        peer.endpoint = endpoint
        return peer
    }

    private func createMany(_ listed: [ListedPeer]) throws {
        var session = try Session.authenticated(global)
        let peers = listed.map { line in
            var peer = template
            peer.name = line.name.value
            peer.publicKey = line.publicKey.description
            peer.addresses = line.addresses.map(\.description)
            peer.allowedAddresses = line.prefixes.map(\.description)
            return peer
        }
        let reply: V1.CreatePeersResponse
        do throws(Status) {
            reply = try session.peersCreate(V1.CreatePeersRequest(interface: interface, peers: peers))
        } catch {
            var failure = Failure(error) { FieldNames.line($0, of: listed) }
            if error.code == .alreadyExists, let others = try? session.allPeers(of: interface).peers {
                failure.violations += PeerFile.collisions(of: listed, with: others)
            }
            throw failure
        }
        try global.show(PeerList(peers: reply.peers, now: .now))
    }

    /// For a peer that brought its own key; the configuration then has none.
    private func createOne(publicKey: String) throws {
        let file = delivery.config != nil
        var output = try file ? Delivery(delivery, styled: false) : nil
        var session = try Session.authenticated(global)
        let peer = try session.create(newPeer(publicKey), in: interface)
        try global.show(PeerDetails(peer: peer, now: .now))
        guard file else { return }
        let configuration = try session.configuration(of: name ?? "", in: interface)
        try output?.deliver(configuration, .omitted)
    }

    private func createWithNewKey() throws {
        let name = name ?? ""
        let key = try PrivateKey.generate()
        let publicKey = key.publicKey.description
        let keyOnly = try PeerConfiguration.keyOnly(key, interface: interface, peer: name)
        var output = try Delivery(delivery, styled: global.console.styled)
        try output.reserve(keyOnly)
        var session = try Session.authenticated(global)
        let peer: V1.Peer
        do throws(Status) {
            peer = try session.create(newPeer(publicKey), in: interface)
        } catch {
            guard error.mayHaveRun else { throw error }
            output.keepFile()
            throw uncertain(error)
        }
        do {
            let configuration = try session.configuration(of: name, in: interface)
            try output.deliver(configuration, .key(key))
        } catch {
            output.keepFile()
            if delivery.config == nil { try Delivery.show(keyOnly) }
            throw incomplete(error)
        }
        try report(peer)
    }

    /// What was created, where it does not get in the way of the configuration.
    private func report(_ peer: V1.Peer) throws {
        guard delivery.usesStandardOutput else { return try global.show(PeerDetails(peer: peer, now: .now)) }
        let addresses = peer.addresses.isEmpty ? "" : " with \(Words.list(peer.addresses))"
        Console.complain("peer \(name ?? "") of \(interface) created\(addresses)".printable)
    }

    private func uncertain(_ status: Status) -> Failure {
        var failure = Failure(status)
        failure.hint = "wgmctl peer show \(interface) \(name ?? "") says whether the peer is there"
        if let path = delivery.config { failure.hint? += "; its private key is in \(path)" }
        return failure
    }

    private func incomplete(_ error: any Error) -> Failure {
        let cause = Program.failure(error)
        var failure = cause ?? Failure(.failure, "\(error)")
        failure.message = "the peer is created, but its configuration is incomplete: \(failure.message)"
        let source = delivery.config ?? "FILE-WITH-THE-KEY"
        failure.hint = "wgmctl peer config \(interface) \(name ?? "") --private-key \(source) --config NEW-FILE"
        return failure
    }
}

extension Session {
    fileprivate mutating func create(_ peer: V1.NewPeer, in interface: String) throws(Status) -> V1.Peer {
        let reply = try peersCreate(V1.CreatePeersRequest(interface: interface, peers: [peer]))
        return reply.peers.first ?? V1.Peer(interface: interface, name: peer.name, publicKey: peer.publicKey)
    }

    fileprivate mutating func configuration(of peer: String, in interface: String) throws -> PeerConfiguration {
        let reply = try peersGetConfig(V1.GetPeerConfigRequest(interface: interface, name: peer))
        return try PeerConfiguration(reply, interface: interface, peer: peer)
    }
}
