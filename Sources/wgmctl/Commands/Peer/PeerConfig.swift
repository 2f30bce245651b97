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
            The daemon does not know the private key. Give it with --private-key (the key alone, or an earlier \
            wg-quick file); without it the file has a placeholder, with which wg-quick does not start.


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

    @Flag(help: "Leave the private key out, for a peer that sets it by its own means.")
    var withoutPrivateKey = false

    @OptionGroup var delivery: DeliveryOptions

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard privateKey == nil || !withoutPrivateKey else {
            throw ValidationError("--without-private-key cannot be used together with --private-key")
        }
        guard !delivery.qr || privateKey != nil else {
            throw ValidationError("--qr needs --private-key: a phone can do nothing with a configuration without it")
        }
        guard global.output == .table || (privateKey == nil && delivery.config == nil) else {
            throw ValidationError(
                "--output \(global.output.rawValue) prints facts, not a file: leave the other options out"
            )
        }
    }

    func run() throws {
        let keyLine = try keyLine()
        let showsFacts = global.output != .table
        var output = try showsFacts ? nil : Delivery(delivery, styled: global.console.styled)
        var session = try Session.authenticated(global)
        let reply = try session.peersGetConfig(V1.GetPeerConfigRequest(interface: peer.interface, name: peer.name))
        Console.note(reply.freshness)
        if showsFacts { return try global.show(ConfigurationFacts(reply: reply)) }
        let configuration = try PeerConfiguration(reply, interface: peer.interface, peer: peer.name)
        try check(keyLine.publicKey, against: configuration)
        try output?.deliver(configuration, keyLine)
        if let path = delivery.config { Console.complain("configuration written to \(path.printable)") }
    }

    private func keyLine() throws -> KeyLine {
        guard let privateKey else { return withoutPrivateKey ? .omitted : .placeholder }
        return .key(try PrivateKeyFile.read(path: privateKey) { Console.warn($0) })
    }

    private func check(_ publicKey: PublicKey?, against configuration: PeerConfiguration) throws {
        guard let publicKey, publicKey != configuration.peerKey else { return }
        throw Failure(
            .failure,
            "that is not the private key of \(peer.name)",
            violations: [
                .init(field: "the key's public key", rule: publicKey.description),
                .init(field: "the peer's public key", rule: configuration.peerKey.description),
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
            "gateway_public_key": .text(reply.gatewayPublicKey), "gateway_endpoint": .text(reply.gatewayEndpoint),
            "allowed_addresses": .texts(reply.allowedAddresses), "keepalive_s": .number(reply.keepaliveS),
            "peer_public_key": .text(reply.peerPublicKey),
        ])
    }

    func text(styled: Bool) -> String { document.json + "\n" }
}
