// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
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

            With the key pair a preshared key is made, unless --no-preshared-key. It is encrypted here so that only the \
            keeper can read it, which never tells it again. A peer with a --public-key gets one with --preshared-key \
            --config FILE, or brings it with --preshared-key-file.

            Lines of a file for --from: NAME PUBLIC-KEY [ADDRESS-OR-PREFIX,...]; # starts a comment. \
            An address is the peer's own, a prefix lies behind it. All peers are created or none.


            """
                + Wgmctl.examples(
                    "wgmctl peer create wg0 anna --config anna.conf",
                    "wgmctl peer create wg0 phone --qr --ipv6-only",
                    "wgmctl peer create wg0 office --public-key KEY --preshared-key-file office.psk",
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

    @Flag(
        inversion: .prefixedNo,
        help: "Make a preshared key; the rule with a key pair made here, the exception with --public-key."
    )
    var presharedKey: Bool?

    @Option(
        help: .init("A file with the preshared key that the peer has already; - is standard input.", valueName: "file"),
        completion: .file()
    )
    var presharedKeyFile: String?

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

    @Option(
        help: .init(
            "Where the peer listens, if it does: an IP address or a name, and a port. wgmd looks a name up, IPv6 first, and again while no handshakes come.",
            valueName: "host:port"
        )
    )
    var endpoint: String?

    @Option(help: .init("A remark, 256 bytes at most.", valueName: "text"))
    var comment: String?

    @OptionGroup var validity: ValidityOptions

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
        if presharedKeyFile != nil, let presharedKey {
            try refuse("--preshared-key-file", with: [presharedKey ? "--preshared-key" : "--no-preshared-key"])
        }
        if publicKey != nil, presharedKey == true, delivery.config == nil {
            throw ValidationError("--preshared-key with --public-key needs --config FILE: the new key is written there")
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
        if presharedKey == true { given.append("--preshared-key") }
        if presharedKeyFile != nil { given.append("--preshared-key-file") }
        return given
    }

    private func refuse(_ option: String, with others: [String]) throws {
        guard let other = others.first else { return }
        throw ValidationError("\(other) cannot be used together with \(option)")
    }

    func run() throws {
        validity.warnOfPast()
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
        peer.validFromUnixMs = validity.validFrom?.milliseconds(now: .now)
        peer.validUntilUnixMs = validity.validUntil?.milliseconds(now: .now)
        return peer
    }

    func newPeer(_ publicKey: String) -> V1.NewPeer {
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
}
