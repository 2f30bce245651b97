// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMKeys
internal import WGMModel
internal import WGMWire

/// `wgmctl peer config`.
struct PeerConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Write a peer's wg-quick file again.",
        discussion: """
            The daemon does not know the private key and tells no preshared key. Give them with --private-key (the key \
            alone, or an earlier wg-quick file with both) and --preshared-key-file; without them the file has \
            placeholders, with which wg-quick does not start.


            """
                + Wgmctl.examples(
                    "wgmctl peer config wg0 anna",
                    "wgmctl peer config wg0 anna --private-key anna.key --config anna.conf",
                    "wgmctl peer config wg0 phone --private-key - --qr < phone.key"
                )
    )

    @OptionGroup var peer: PeerArguments

    @Option(
        help: .init("A file with the peer's private key; - is standard input.", valueName: "file"),
        completion: .file()
    )
    var privateKey: String?

    @Option(
        help: .init(
            "A file with the preshared key, or an earlier wg-quick file; - is standard input.",
            valueName: "file"
        ),
        completion: .file()
    )
    var presharedKeyFile: String?

    @Flag(help: "Leave the private key out, for a peer that sets it by its own means.")
    var withoutPrivateKey = false

    @OptionGroup var delivery: DeliveryOptions

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard privateKey == nil || !withoutPrivateKey else {
            throw ValidationError("--without-private-key cannot be used together with --private-key")
        }
        guard !delivery.qr || privateKey != nil else {
            throw ValidationError(
                "--qr needs --private-key: a phone can do nothing with a configuration without it; where that key is lost, "
                    + "wgmctl peer rotate-key INTERFACE NAME --qr makes a new one"
            )
        }
        guard privateKey != "-" || presharedKeyFile != "-" else {
            throw ValidationError("only one of --private-key and --preshared-key-file can be -")
        }
        let isPlain = privateKey == nil && presharedKeyFile == nil && delivery.config == nil
        guard global.output == .table || isPlain else {
            throw ValidationError(
                "--output \(global.output.rawValue) prints facts, not a file: leave the other options out"
            )
        }
    }

    func run() throws {
        var presharedLine = PresharedLine.absent
        let keyLine = try keyLine(&presharedLine)
        if let presharedKeyFile {
            let text = try KeyFile.read(path: presharedKeyFile) { Console.warn($0) }
            if let key = try KeyFile.presharedKey(in: text, orAlone: true) { presharedLine = .key(key) }
        }
        let showsFacts = global.output != .table
        var output = try showsFacts ? nil : Delivery(delivery, styled: global.console.styled)
        var session = try Session.authenticated(global)
        let reply = try session.peersGetConfig(V1.GetPeerConfigRequest(interface: peer.interface, name: peer.name))
        Console.note(reply.freshness)
        if showsFacts { return try global.show(ConfigurationFacts(reply: reply)) }
        let configuration = try PeerConfiguration(reply, interface: peer.interface, peer: peer.name)
        try check(keyLine.publicKey, against: configuration)
        try fit(&presharedLine, to: configuration)
        try output?.deliver(configuration, keyLine, presharedLine)
        if let path = delivery.config { Console.complain("configuration written to \(path.printable)") }
    }

    /// An earlier wg-quick file may hold both keys.
    private func keyLine(_ presharedLine: inout PresharedLine) throws -> KeyLine {
        guard let privateKey else { return withoutPrivateKey ? .omitted : .placeholder }
        let text = try KeyFile.read(path: privateKey) { Console.warn($0) }
        if let key = try KeyFile.presharedKey(in: text, orAlone: false) { presharedLine = .key(key) }
        return .key(try KeyFile.privateKey(in: text))
    }

    /// Only the daemon knows whether there is to be one.
    private func fit(_ line: inout PresharedLine, to configuration: PeerConfiguration) throws {
        guard configuration.hasPresharedKey else {
            line = .absent
            return
        }
        guard !line.isKnown else { return }
        let cure = "give it with --preshared-key-file FILE"
        guard !delivery.qr else { throw Failure(.failure, "\(peer.name) has a preshared key", hint: cure) }
        Console.warn("\(peer.name) has a preshared key: \(cure)")
        line = .placeholder
    }

    private func check(_ publicKey: PublicKey?, against configuration: PeerConfiguration) throws {
        guard let publicKey, publicKey != configuration.peerKey else { return }
        throw Failure.notTheKey(of: peer.name, publicKey, configuration.peerKey.description)
    }
}

extension Failure {
    static func notTheKey(of peer: String, _ given: PublicKey, _ present: String) -> Failure {
        Failure(
            .failure,
            "that is not the private key of \(peer)",
            violations: [
                .init(field: "the key's public key", rule: given.description),
                .init(field: "the peer's public key", rule: present),
            ],
            hint: "wgmctl peer list shows the peers; peer show their keys"
        )
    }
}

/// What a peer's own end must be told, for programs.
struct ConfigurationFacts: Presentable {
    var reply: V1.GetPeerConfigResponse

    var document: Document {
        .object([
            "addresses": .texts(reply.addresses), "dns": .texts(reply.dns), "mtu": .number(reply.mtu),
            "gateway_public_key": .text(reply.gatewayPublicKey),
            "gateway_next_public_key": .text(reply.gatewayNextPublicKey),
            "gateway_key_switch_unix_ms": .number(reply.gatewayKeySwitchUnixMs),
            "gateway_endpoint": .text(reply.gatewayEndpoint),
            "allowed_addresses": .texts(reply.allowedAddresses), "keepalive_s": .number(reply.keepaliveS),
            "peer_public_key": .text(reply.peerPublicKey), "has_preshared_key": .flag(reply.hasPresharedKey ?? false),
        ])
    }

    func text(styled: Bool) -> String { document.json + "\n" }
}
