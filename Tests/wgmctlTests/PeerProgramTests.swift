// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMKeys
import WGMModel
import WGMWire

@testable import wgmctl

@Suite("Program: peers")
struct PeerProgramTests {
    /// A daemon that creates what it is asked to create.
    private static let creating: @Sendable (ScriptedServer.Call) -> ScriptedServer.Answer = { call in
        if call.method == V1.Peers.create.name {
            guard let request = try? V1.CreatePeersRequest(serialized: call.message) else { return .hangUp }
            let peers = request.peers.map { peer in
                V1.Peer(
                    interface: request.interface,
                    name: peer.name,
                    publicKey: peer.publicKey,
                    enabled: peer.disabled != true,
                    addresses: peer.addresses.isEmpty ? ["fd12:3456:789a::2"] : peer.addresses
                )
            }
            return .reply(V1.CreatePeersResponse(peers: peers, revision: 9))
        }
        var configuration = Samples.configuration(publicKey: Keys.second)
        configuration.hasPresharedKey = true
        return intake(call) ?? .reply(configuration)
    }

    /// The daemon's answer to the question what secrets are to be encrypted to.
    private static func intake(_ call: ScriptedServer.Call) -> ScriptedServer.Answer? {
        guard call.method == V1.Meta.intakeKey.name, let key = Keeper.key else { return nil }
        return .reply(V1.IntakeKeyResponse(key: key.bytes))
    }

    /// A keeper that can read what is encrypted to it.
    private enum Keeper {
        static let sealing = try? SealingKey.generate()
        static let key: IntakeKey? = {
            switch sealing {
            case .some(let sealing): try? IntakeKeyPair(of: sealing).publicKey
            case .none: nil
            }
        }()

        /// The preshared key in the box, in base64.
        static func opens(_ box: [UInt8]) throws -> String {
            switch sealing {
            case .none: return ""
            case .some(let sealing):
                let box = try #require(SecretBox(bytes: box))
                let secret = try IntakeKeyPair(of: sealing).reseal(box, of: InterfaceID(1), sealing)
                return try sealing.openPresharedKey(secret.key, of: InterfaceID(1), peer: secret.publicKey).base64()
                    .copy
            }
        }
    }

    private static func presharedKeyLine(_ text: String) throws -> String {
        let line = text.split(separator: "\n").first { $0.hasPrefix("PresharedKey = ") }
        return try String(#require(line).dropFirst("PresharedKey = ".count))
    }

    private func created(_ scene: Scene) throws -> V1.NewPeer {
        let create = try #require(scene.server.calls.first { $0.method == V1.Peers.create.name })
        return try #require(V1.CreatePeersRequest(serialized: create.message).peers.first)
    }

    @Test("The preshared key is made here, and only the keeper can read what is sent of it")
    func presharedKey() throws {
        let scene = try Scene(answer: Self.creating)
        let path = scene.folder.file("anna.conf")
        #expect(try scene.run("peer", "create", "wg0", "anna", "--config", path).status == 0)
        let secret = try Self.presharedKeyLine(scene.folder.text("anna.conf"))
        #expect(secret.count == 44)
        #expect(try Keeper.opens(created(scene).presharedKey ?? []) == secret)
        for call in scene.server.calls { #expect(!String(decoding: call.message, as: UTF8.self).contains(secret)) }
        let plain = try Scene(answer: Self.creating)
        #expect(try plain.run("peer", "create", "wg0", "anna", "--no-preshared-key").status == 0)
        #expect(try created(plain).presharedKey == nil)
        #expect(plain.server.methods == ["Auth/Login", "Peers/Create", "Peers/GetConfig"])
    }

    @Test("A peer with a key of its own gets a preshared key into its file, or brings one")
    func presharedKeyOfOwn() throws {
        let made = try Scene(answer: Self.creating)
        let path = made.folder.file("anna.conf")
        let arguments = ["--public-key", Keys.second, "--preshared-key"]
        #expect(try made.run("peer", "create", "wg0", "anna", arguments[0], arguments[1], arguments[2]).status == 64)
        let run = try made.run(
            "peer",
            "create",
            "wg0",
            "anna",
            arguments[0],
            arguments[1],
            arguments[2],
            "--config",
            path
        )
        #expect(run.status == 0, "\(run.errors)")
        let secret = try Self.presharedKeyLine(made.folder.text("anna.conf"))
        #expect(try Keeper.opens(created(made).presharedKey ?? []) == secret)

        let brought = try Scene(answer: Self.creating)
        let own = try PresharedKey.generate().base64().copy
        let file = ["--preshared-key-file", "-"]
        let piped = try brought.run(
            "peer",
            "create",
            "wg0",
            "bob",
            arguments[0],
            arguments[1],
            file[0],
            file[1],
            input: own + "\n"
        )
        #expect(piped.status == 0, "\(piped.errors)")
        #expect(try Keeper.opens(created(brought).presharedKey ?? []) == own)
        #expect(!piped.output.contains(own) && !piped.errors.contains(own))
    }

    @Test("A configuration is written again with the preshared key of an earlier file, or says that it lacks one")
    func presharedKeyAgain() throws {
        let scene = try Scene(answer: Self.creating)
        let path = scene.folder.file("anna.conf")
        let key = try PrivateKey.generate()
        let (secret, publicKey) = (try key.base64().copy, key.publicKey.description)
        let preshared = try PresharedKey.generate().base64().copy
        try Data("[Interface]\nPrivateKey = \(secret)\n[Peer]\nPresharedKey=\(preshared)\n".utf8)
            .write(to: URL(fileURLWithPath: path))
        let daemon = try Scene { _ in
            var configuration = Samples.configuration(publicKey: publicKey)
            configuration.hasPresharedKey = true
            return .reply(configuration)
        }
        let again = try daemon.run("peer", "config", "wg0", "anna", "--private-key", path)
        #expect(try Self.presharedKeyLine(again.output) == preshared)
        let alone = try daemon.run("peer", "config", "wg0", "anna", "--private-key", "-", input: secret)
        #expect(alone.status == 0 && alone.errors.contains("--preshared-key-file"))
        #expect(try Self.presharedKeyLine(alone.output) == PeerConfiguration.presharedPlaceholder)
        #expect(
            try daemon.run("peer", "config", "wg0", "anna", "--private-key", "-", "--qr", input: secret).status == 1
        )
    }

    private static func privateKeyLine(_ text: String) throws -> String {
        let line = text.split(separator: "\n").first { $0.hasPrefix("PrivateKey = ") }
        return try String(#require(line).dropFirst("PrivateKey = ".count))
    }

    @Test("The key pair is made here: only the public key is sent, the private one is in the file")
    func createToFile() throws {
        let scene = try Scene(answer: Self.creating)
        let path = scene.folder.file("anna.conf")
        let run = try scene.run("peer", "create", "wg0", "anna", "--config", path, "--keepalive", "25", "-o", "json")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try scene.folder.mode("anna.conf") == 0o600)
        let secret = try Self.privateKeyLine(scene.folder.text("anna.conf"))
        #expect(try scene.folder.text("anna.conf").contains("\n[Peer]\nPublicKey = \(Keys.first)\n"))
        let create = try #require(scene.server.calls.first { $0.method == V1.Peers.create.name })
        let request = try V1.CreatePeersRequest(serialized: create.message)
        let witness = try Run.program(["wg", "pubkey"], input: secret).output.trimmed
        #expect(request.peers.map(\.publicKey) == [witness])
        #expect(request.peers[0].keepaliveS == 25)
        for call in scene.server.calls { #expect(!String(decoding: call.message, as: UTF8.self).contains(secret)) }
        #expect(run.output.contains("\"name\": \"anna\"") && !run.output.contains(secret))
        #expect(!run.errors.contains(secret))
    }

    @Test("Without a file the configuration is all that standard output has")
    func createToStandardOutput() throws {
        let scene = try Scene(answer: Self.creating)
        let run = try scene.run("peer", "create", "wg0", "anna")
        #expect(run.status == 0)
        #expect(run.output.hasPrefix("# Peer anna of wg0, written by wgmctl"))
        #expect(run.errors == "peer anna of wg0 created with fd12:3456:789a::2\n")
    }

    @Test("A file that is there already is never touched, and nothing is created")
    func existingFile() throws {
        let scene = try Scene(answer: Self.creating)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: scene.folder.file("a.conf")))
        let run = try scene.run("peer", "create", "wg0", "anna", "--config", scene.folder.file("a.conf"))
        #expect(run.status == 1)
        #expect(run.errors.contains("exists already"))
        #expect(try scene.folder.text("a.conf") == "mine")
        #expect(scene.server.calls.isEmpty)
    }

    @Test("When the daemon refuses, no file stays behind")
    func refused() throws {
        let scene = try Scene { _ in .failure(.alreadyExists("taken", reason: "NAME_TAKEN", owner: "anna")) }
        let run = try scene.run("peer", "create", "wg0", "anna", "--config", scene.folder.file("a.conf"))
        #expect(run.status == 4)
        #expect(!scene.folder.exists("a.conf"))
    }

    @Test(
        "When it is unknown whether the peer was created, the key stays",
        arguments: [nil, Status(.unavailable, "the change may have been made", reason: "OUTCOME_UNKNOWN")]
    )
    func uncertain(status: Status?) throws {
        let scene = try Scene { call in Self.intake(call) ?? status.map { .failure($0) } ?? .hangUp }
        let run = try scene.run("peer", "create", "wg0", "anna", "--config", scene.folder.file("a.conf"))
        #expect(run.status == 7)
        #expect(run.errors.contains("may have"))
        #expect(run.errors.contains("its keys are in \(scene.folder.file("a.conf"))"))
        #expect(try Self.privateKeyLine(scene.folder.text("a.conf")).count == 44)
        #expect(try scene.folder.mode("a.conf") == 0o600)
    }

    @Test("When the peer is created but its configuration cannot be read, the key stays", arguments: [true, false])
    func incomplete(toFile: Bool) throws {
        let scene = try Scene { call in
            guard call.method != V1.Peers.create.name else { return Self.creating(call) }
            return Self.intake(call) ?? .failure(Status(.unavailable, "no database"))
        }
        let file = toFile ? ["--config", scene.folder.file("a.conf")] : []
        let run = try Run.program(
            [Here.program(), "peer", "create", "wg0", "anna"] + file,
            environment: ["XDG_RUNTIME_DIR": scene.folder.path, "WGM_SOCKET": scene.server.path]
        )
        #expect(run.status == 7)
        #expect(run.errors.contains("the peer is created, but its configuration is incomplete: no database"))
        let text = toFile ? try scene.folder.text("a.conf") : run.output
        #expect(try Self.privateKeyLine(text).count == 44)
    }

    @Test("A QR code of the configuration can be scanned off standard output")
    func createQR() throws {
        let scene = try Scene(answer: Self.creating)
        let run = try scene.run("peer", "create", "wg0", "phone", "--qr", "--config", scene.folder.file("p.conf"))
        #expect(run.status == 0)
        let scanned = try QRCodeTests.scanned(QRCodeTests.picture(run.output))
        let secret = try Self.privateKeyLine(scene.folder.text("p.conf"))
        #expect(scanned.output.hasPrefix("[Interface]\nPrivateKey = \(secret)\n"))
    }

    @Test("A peer with a key of its own gets a file without one")
    func ownKey() throws {
        let scene = try Scene(answer: Self.creating)
        let run = try scene.run(
            "peer",
            "create",
            "wg0",
            "anna",
            "--public-key",
            Keys.second,
            "--address",
            "10.0.0.9",
            "--disabled",
            "--config",
            scene.folder.file("a.conf")
        )
        #expect(run.status == 0)
        #expect(run.output.contains("Public key:         \(Keys.second)\n"))
        #expect(run.output.contains("State:              disabled\n"))
        #expect(try !scene.folder.text("a.conf").contains("PrivateKey ="))
    }

    @Test("Many peers go in one call, from a file or standard input")
    func createMany() throws {
        let scene = try Scene(answer: Self.creating)
        let lines = "anna \(Keys.first) fd00::9\n# comment\nbob \(Keys.second) 10.9.0.0/24\n"
        let run = try scene.run("peer", "create", "wg0", "--from", "-", "--ipv6-only", input: lines)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.split(separator: "\n").count == 3)
        #expect(scene.server.methods == ["Auth/Login", "Peers/Create"])
        let request = try V1.CreatePeersRequest(serialized: #require(scene.server.calls.last).message)
        #expect(
            request.peers == [
                V1.NewPeer(name: "anna", publicKey: Keys.first, addresses: ["fd00::9"], ipv6Only: true),
                V1.NewPeer(name: "bob", publicKey: Keys.second, allowedAddresses: ["10.9.0.0/24"], ipv6Only: true),
            ]
        )
    }

    @Test("Mistakes in a file are all listed, and so are the daemon's objections, by line")
    func createManyRefused() throws {
        let scene = try Scene { _ in .failure(.invalidArgument(field: "peers[1].name", rule: "is taken by bob")) }
        let wrong = try scene.run("peer", "create", "wg0", "--from", "-", input: "x\n-y \(Keys.first)\n")
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("  line 1: ") && wrong.errors.contains("  line 2: "))
        #expect(scene.server.calls.isEmpty)
        let lines = "anna \(Keys.first)\n\nbob \(Keys.second)\n"
        let refused = try scene.run("peer", "create", "wg0", "--from", "-", input: lines)
        #expect(refused.status == 8)
        #expect(refused.errors.contains("  line 3 (name): is taken by bob\n"))
    }

    @Test("A configuration is written again with a key, with a placeholder, or without")
    func config() throws {
        let key = try PrivateKey.generate()
        let secret = try key.base64().copy
        let publicKey = key.publicKey.description
        let scene = try Scene { _ in .reply(Samples.configuration(publicKey: publicKey)) }
        let placeholder = try scene.run("peer", "config", "wg0", "anna")
        #expect(placeholder.output.contains("PrivateKey = \(PeerConfiguration.placeholder)\n"))
        #expect(
            try !scene.run("peer", "config", "wg0", "anna", "--without-private-key").output.contains("PrivateKey =")
        )
        let piped = try scene.run("peer", "config", "wg0", "anna", "--private-key", "-", input: secret + "\n")
        #expect(try Self.privateKeyLine(piped.output) == secret)
        let file = scene.folder.file("anna.conf")
        #expect(
            try scene.run("peer", "config", "wg0", "anna", "--private-key", "-", "--config", file, input: secret).status
                == 0
        )
        #expect(try scene.folder.text("anna.conf") == piped.output)
        let qr = try scene.run("peer", "config", "wg0", "anna", "--private-key", file, "--qr")
        #expect(try QRCodeTests.scanned(QRCodeTests.picture(qr.output)).output.contains("PrivateKey = \(secret)\n"))
        let facts = try scene.run("peer", "config", "wg0", "anna", "-o", "json")
        #expect(facts.output.contains("\"gateway_endpoint\": \"192.0.2.1:51820\""))
    }

    @Test("The private key of another peer is refused")
    func otherKey() throws {
        let key = try PrivateKey.generate()
        let secret = try key.base64().copy
        let scene = try Scene { _ in .reply(Samples.configuration(publicKey: Keys.first)) }
        let file = scene.folder.file("a.conf")
        let run = try scene.run("peer", "config", "wg0", "anna", "--private-key", "-", "--config", file, input: secret)
        #expect(run.status == 1)
        #expect(run.errors.contains("that is not the private key of anna"))
        #expect(!run.errors.contains(secret))
        #expect(!scene.folder.exists("a.conf"))
    }
}
