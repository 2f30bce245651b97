// SPDX-License-Identifier: Apache-2.0

internal import WGMKeys
internal import WGMModel
internal import WGMWire

extension PeerCreateCommand {
    /// For a peer that brought its own key; the configuration then has none.
    func createOne(publicKey: String) throws {
        let line = try presharedLine(byDefault: false)
        var output: Delivery?
        if delivery.config != nil {
            var delivery = try Delivery(delivery, styled: false)
            if line.isKnown {
                try delivery.reserve(PeerConfiguration.keysOnly(.omitted, line, interface: interface, peer: name ?? ""))
            }
            output = consume delivery
        }
        var session = try Session.authenticated(global)
        var new = newPeer(publicKey)
        new.presharedKey = try session.boxed(line, for: publicKey)
        let peer = try session.create(new, in: interface)
        try global.show(PeerDetails(peer: peer, now: .now))
        guard delivery.config != nil else { return }
        let configuration = try session.configuration(of: name ?? "", in: interface)
        try output?.deliver(configuration, .omitted, line)
    }

    private func presharedLine(byDefault isWanted: Bool) throws -> PresharedLine {
        if let presharedKeyFile {
            let text = try KeyFile.read(path: presharedKeyFile) { Console.warn($0) }
            if let key = try KeyFile.presharedKey(in: text, orAlone: true) { return .key(key) }
        }
        return presharedKey ?? isWanted ? .key(try PresharedKey.generate()) : .absent
    }

    func createWithNewKey() throws {
        let name = name ?? ""
        let keyLine = KeyLine.key(try PrivateKey.generate())
        let publicKey = keyLine.publicKey?.description ?? ""
        let presharedLine = try presharedLine(byDefault: true)
        let keysOnly = try PeerConfiguration.keysOnly(keyLine, presharedLine, interface: interface, peer: name)
        var output = try Delivery(delivery, styled: global.console.styled)
        try output.reserve(keysOnly)
        var session = try Session.authenticated(global)
        var new = newPeer(publicKey)
        new.presharedKey = try session.boxed(presharedLine, for: publicKey)
        let peer: V1.Peer
        do throws(Status) {
            peer = try session.create(new, in: interface)
        } catch {
            guard error.mayHaveRun else { throw error }
            output.keepFile()
            throw uncertain(error)
        }
        do {
            let configuration = try session.configuration(of: name, in: interface)
            try output.deliver(configuration, keyLine, presharedLine)
        } catch {
            output.keepFile()
            if delivery.config == nil { try Delivery.show(keysOnly) }
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
        if let path = delivery.config { failure.hint? += "; its keys are in \(path)" }
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
    /// The preshared key for the keeper's eyes alone; nil when there is none.
    mutating func boxed(_ line: borrowing PresharedLine, for publicKey: String) throws -> [UInt8]? {
        switch line {
        case .key(let key):
            guard let peer = PublicKey(base64: publicKey), !peer.isZero else {
                let violation = Failure.Violation(field: "--public-key", rule: PublicKey.rule)
                throw Failure(.invalidArgument, "a value is refused", violations: [violation])
            }
            guard let intake = IntakeKey(bytes: try metaIntakeKey(V1.IntakeKeyRequest()).key ?? []) else {
                throw Failure(.failure, "the daemon's reply is not usable: there is no intake key in it")
            }
            do { return try key.boxed(for: peer, to: intake).bytes } catch { throw Failure(error) }
        default: return nil
        }
    }

    fileprivate mutating func create(_ peer: V1.NewPeer, in interface: String) throws(Status) -> V1.Peer {
        let reply = try peersCreate(V1.CreatePeersRequest(interface: interface, peers: [peer]))
        return reply.peers.first ?? V1.Peer(interface: interface, name: peer.name, publicKey: peer.publicKey)
    }

    fileprivate mutating func configuration(of peer: String, in interface: String) throws -> PeerConfiguration {
        let reply = try peersGetConfig(V1.GetPeerConfigRequest(interface: interface, name: peer))
        return try PeerConfiguration(reply, interface: interface, peer: peer)
    }
}
