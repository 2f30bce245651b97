// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMKeys
internal import WGMModel
internal import WGMWire

/// `wgmctl peer rotate-key`.
struct PeerRotateKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-key",
        abstract: "Give a peer a new key; the old one is out when this returns.",
        discussion: """
            Without --public-key the key pair and a preshared key are made here, and the peer's new configuration goes to \
            --config FILE, to a QR code with --qr, else to standard output. The daemon answers once the kernel was seen \
            without the old key, and the audit log has the proof.

            The peer's tunnel stands still until its end has the new keys: WireGuard cannot let two keys have the same \
            addresses, so there is no overlap.


            """
                + Wgmctl.examples(
                    "wgmctl peer rotate-key wg0 anna --config anna-2.conf -m 'laptop lost'",
                    "wgmctl peer rotate-key wg0 office --public-key KEY --no-preshared-key"
                )
    )

    @OptionGroup var peer: PeerArguments

    @Option(help: .init("The public key of a key pair that the peer has made.", valueName: "key"))
    var publicKey: String?

    @Flag(inversion: .prefixedNo, help: "Make a new preshared key; --no-preshared-key leaves the peer without.")
    var presharedKey: Bool?

    @OptionGroup var delivery: DeliveryOptions

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        if publicKey != nil, delivery.qr { throw ValidationError("--qr cannot be used together with --public-key") }
        if publicKey != nil, presharedKey == true, delivery.config == nil {
            throw ValidationError("--preshared-key with --public-key needs --config FILE: the new key is written there")
        }
        if publicKey == nil, global.output != .table, delivery.usesStandardOutput {
            throw ValidationError("With --output \(global.output.rawValue), give --config FILE and no --qr")
        }
    }

    func run() throws {
        let keyLine = publicKey == nil ? KeyLine.key(try PrivateKey.generate()) : .omitted
        let isWanted = presharedKey ?? (publicKey == nil)
        let presharedLine = isWanted ? PresharedLine.key(try PresharedKey.generate()) : .absent
        let key = keyLine.publicKey?.description ?? publicKey ?? ""
        var handover = KeyHandover(peer: peer, global: global, delivery: delivery)
        handover.isSilent = publicKey != nil && delivery.config == nil
        try handover.run(keyLine, presharedLine) { session in
            var request = V1.UpdatePeerRequest()
            (request.interface, request.name, request.publicKey) = (peer.interface, peer.name, key)
            request.presharedKey = try session.boxed(presharedLine, for: key)
            if presharedKey == false { request.presharedKey = [] }
            return request
        }
    }
}

/// `wgmctl peer rotate-psk`.
struct PeerRotatePresharedKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-psk",
        abstract: "Give a peer a new preshared key.",
        discussion: """
            The key is made here, unless --preshared-key-file has it, and encrypted so that only the keeper can read it. \
            The peer's session goes on for at most two minutes, until the next handshake needs the new key at both ends.


            """
                + Wgmctl.examples(
                    "wgmctl peer rotate-psk wg0 anna --private-key anna.conf --config anna-2.conf",
                    "wgmctl peer rotate-psk wg0 office --preshared-key-file office.psk"
                )
    )

    @OptionGroup var peer: PeerArguments

    @Option(
        help: .init("A file with the new preshared key; - is standard input.", valueName: "file"),
        completion: .file()
    )
    var presharedKeyFile: String?

    @Option(
        help: .init("A file with the peer's private key, for a configuration that is whole.", valueName: "file"),
        completion: .file()
    )
    var privateKey: String?

    @OptionGroup var delivery: DeliveryOptions

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        if delivery.qr, privateKey == nil { throw ValidationError("--qr needs --private-key") }
        if presharedKeyFile == nil, global.output != .table, delivery.usesStandardOutput {
            throw ValidationError("With --output \(global.output.rawValue), give --config FILE and no --qr")
        }
    }

    func run() throws {
        var keyLine = KeyLine.placeholder
        if let privateKey {
            keyLine = .key(try KeyFile.privateKey(in: KeyFile.read(path: privateKey) { Console.warn($0) }))
        }
        let presharedLine = PresharedLine.key(try newKey())
        var handover = KeyHandover(peer: peer, global: global, delivery: delivery)
        handover.what = "a new preshared key"
        handover.isSilent = presharedKeyFile != nil && delivery.config == nil && !delivery.qr
        let given = keyLine.publicKey
        try handover.run(keyLine, presharedLine) { session in
            let present = try session.peersGet(V1.GetPeerRequest(interface: peer.interface, name: peer.name)).peer
            if let given, let key = present?.publicKey, key != given.description {
                throw Failure.notTheKey(of: peer.name, given, key)
            }
            var request = V1.UpdatePeerRequest()
            (request.interface, request.name) = (peer.interface, peer.name)
            request.presharedKey = try session.boxed(presharedLine, for: present?.publicKey ?? "")
            return request
        }
    }

    private func newKey() throws -> PresharedKey {
        guard let presharedKeyFile else { return try PresharedKey.generate() }
        let text = try KeyFile.read(path: presharedKeyFile) { Console.warn($0) }
        guard let key = try KeyFile.presharedKey(in: text, orAlone: true) else { throw Failure(KeyError.malformed) }
        return key
    }
}

/// New keys on their way to daemon and peer: on the disk before the daemon knows them.
private struct KeyHandover {
    var peer: PeerArguments
    var global: GlobalOptions
    var delivery: DeliveryOptions
    /// True when there is no configuration to hand out.
    var isSilent = false
    var what = "new keys"

    /// A new key leaves no preshared key as it is, and has two flags for it.
    private func optionName(_ field: String) -> String {
        guard field == "preshared_key", what == "new keys" else { return FieldNames.option(field) }
        return "--preshared-key --config FILE, or --no-preshared-key"
    }

    func run(
        _ keyLine: borrowing KeyLine,
        _ presharedLine: borrowing PresharedLine,
        request: (inout Session) throws -> V1.UpdatePeerRequest
    ) throws {
        let keys = try PeerConfiguration.keysOnly(keyLine, presharedLine, interface: peer.interface, peer: peer.name)
        var output = try Delivery(delivery, styled: global.console.styled)
        try output.reserve(keys)
        var session = try Session.authenticated(global)
        let update = try request(&session)
        let changed: V1.Peer
        do throws(Status) {
            changed = try session.peersUpdate(update).peer ?? V1.Peer()
        } catch {
            guard error.mayHaveRun else { throw Failure(error, naming: optionName) }
            output.keepFile()
            var failure = Failure(error)
            failure.hint = "wgmctl peer show \(peer.interface) \(peer.name) says which key the peer has"
            if let path = delivery.config { failure.hint? += "; the new keys are in \(path)" }
            throw failure
        }
        if !isSilent { try handOut(&session, &output, keyLine, presharedLine, keys) }
        guard delivery.usesStandardOutput, !isSilent else {
            return try global.show(PeerDetails(peer: changed, now: .now))
        }
        Console.complain("peer \(peer.name) of \(peer.interface) has \(what)".printable)
    }

    private func handOut(
        _ session: inout Session,
        _ output: inout Delivery,
        _ keyLine: borrowing KeyLine,
        _ presharedLine: borrowing PresharedLine,
        _ keys: borrowing SecretText
    ) throws {
        do {
            let reply = try session.peersGetConfig(V1.GetPeerConfigRequest(interface: peer.interface, name: peer.name))
            let configuration = try PeerConfiguration(reply, interface: peer.interface, peer: peer.name)
            try output.deliver(configuration, keyLine, presharedLine)
        } catch {
            output.keepFile()
            if delivery.config == nil { try Delivery.show(keys) }
            var failure = Program.failure(error) ?? Failure(.failure, "\(error)")
            failure.message = "the peer has the new keys, but its configuration is incomplete: \(failure.message)"
            throw failure
        }
    }
}
