// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMKeeper
import WGMKeeperProtocol
import WGMKeys
import WGMModel
import WGMVerify

@Suite("The keeper")
struct KeeperTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func isClose(_ answer: Keeper<RecordingKernel>.Answer) -> Bool {
        if case .close = answer { true } else { false }
    }

    @Test("says at hello who it is")
    func hello() throws {
        var bench = try Bench(folder)
        let identity = try bench.hello()
        #expect(identity.version == "test" && identity.state == .ready)
        #expect(identity.sealingKeyID != 0 && identity.signingKeyID.utf8.count == 16)
    }

    @Test("closes the connection on anything before hello", arguments: Sample.requests.dropFirst())
    func beforeHello(_ request: Request) throws {
        var bench = try Bench(folder)
        #expect(isClose(bench.keeper.answer(request.encoded(), at: .now)))
        #expect(bench.recording.changes.isEmpty)
    }

    @Test("closes the connection on a second hello, and on one of another version")
    func wrongHello() throws {
        var bench = try Bench(folder)
        #expect(isClose(bench.answer(.hello(version: 1))))
        _ = try bench.hello()
        #expect(isClose(bench.answer(.hello(version: Request.protocolVersion))))
        bench.keeper.beginConnection()
        #expect(isClose(bench.answer(.ownedInterfaces)))
    }

    @Test("hands every change to the kernel as it came", arguments: Sample.changes)
    func changes(_ change: KernelChange) throws {
        var bench = try Bench(folder)
        _ = try bench.hello()
        let reply = try #require(try bench.change(change))
        #expect(bench.recording.changes == [change])
        if case .setDevice(.some, _, _) = change {
            #expect(reply.failure?.reason == .sealed)
        } else {
            #expect(reply.failure == nil && reply.isLast && reply.payload.isEmpty)
        }
    }

    @Test("passes on the kernel's failure with its words")
    func failure() throws {
        var bench = try Bench(folder)
        _ = try bench.hello()
        let failure = KernelFailure(.inUse, errno: 98, "setting the port: Address already in use")
        bench.recording.failure = failure
        #expect(try bench.change(.deleteLink)?.failure == failure)
        #expect(try bench.reply(.dump(Sample.interface()))?.failure == failure)
    }

    @Test("seals a generated key for its interface alone")
    func generateKey() throws {
        var bench = try Bench(folder)
        _ = try bench.hello()
        let payload = try #require(try bench.reply(.generateKey(Sample.owner))?.payload)
        let key = try GeneratedKey(decoding: payload)
        let keys = try KeyFolder(folder.path).open(given: nil)
        #expect(try keys.sealing.openPrivateKey(key.sealed, of: Sample.owner).publicKey == key.publicKey)
        #expect(throws: KeyError.doesNotOpen) { _ = try keys.sealing.openPrivateKey(key.sealed, of: InterfaceID(1)) }
        let setting = KernelChange.setDevice(privateKey: key.sealed, listenPort: nil, firewallMark: nil)
        #expect(try bench.change(setting)?.failure == nil)
    }

    @Test("signs a token of its own key, and nothing else")
    func signToken() throws {
        var bench = try Bench(folder)
        let identity = try bench.hello()
        let header = TokenHeader.encoded(keyID: identity.signingKeyID)
        let input = Sample.tokenInput(keyID: identity.signingKeyID, at: Bench.now)
        let claims = String(decoding: input.dropFirst(header.utf8.count + 1), as: UTF8.self)
        let signature = try #require(try bench.reply(.signToken(input))?.payload)
        #expect(Signature.isValid(signature, of: input, by: identity.signingPublicKey))

        let other = TokenHeader.encoded(keyID: "AAAAAAAAAAAAAAAA")
        let notJSON = Base64.encode(Array("a checkpoint".utf8), variant: .url)
        let refused = [
            "", header, "\(header).", ".\(claims)", "\(other).\(claims)", "\(header).\(notJSON)",
            "\(header).\(claims).",
            "\(header).\(claims)=", "\(header).\(claims).\(claims)", "\(claims).\(header)", "x\(header).\(claims)",
            "\(header).\(claims) ", "\(header)\n.\(claims)",
        ]
        for text in refused {
            let reply = try #require(try bench.reply(.signToken(Array(text.utf8))))
            #expect(reply.failure?.reason == .invalidArgument && reply.payload.isEmpty, "\(text)")
        }
    }

    @Test("signs no token for later, none for long, and none whose times it cannot read")
    func signTokenOfAnotherTime() throws {
        var bench = try Bench(folder)
        let key = try bench.hello().signingKeyID
        let now = Bench.now.seconds
        var refused = [
            Sample.tokenInput(keyID: key, at: Bench.now, shift: 3600),
            Sample.tokenInput(keyID: key, at: Bench.now, shift: 157_680_000),
            Sample.tokenInput(keyID: key, at: Bench.now, lifetime: 90_000),
        ]
        refused += [
            "", #","iat":\#(now),"nbf":\#(now)"#, #","iat": \#(now),"nbf":\#(now),"exp":\#(now)"#,
            #","iat":\#(now),"nbf":\#(now),"exp":\#(now),"exp":\#(now)"#, #","iat":-1,"nbf":\#(now),"exp":\#(now)"#,
            #","iat":1e3,"nbf":\#(now),"exp":\#(now)"#, #","iat":\#(now),"nbf":\#(now),"exp":99999999999999999999"#,
            #",\"iat\":\#(now),\"nbf\":\#(now),\"exp\":\#(now)"#,
        ].map { Sample.tokenInput(keyID: key, times: $0) }
        for input in refused {
            let reply = try #require(try bench.reply(.signToken(input)))
            #expect(reply.failure?.reason == .invalidArgument && reply.payload.isEmpty, "\(input)")
        }
        for lifetime: Int64 in [900, 86_400] {
            let input = Sample.tokenInput(keyID: key, at: Bench.now, lifetime: lifetime)
            #expect(try bench.reply(.signToken(input))?.failure == nil)
        }
    }

    @Test("sends a large dump in several packets, of which the last is marked")
    func largeDump() throws {
        var bench = try Bench(folder)
        _ = try bench.hello()
        let actual = Sample.actual(peers: 2000)
        bench.recording.actual = actual
        guard case .replies(let packets) = bench.answer(.dump(Sample.interface())) else {
            Issue.record("the connection was closed")
            return
        }
        let replies = try packets.map { try Reply(decoding: $0) }
        #expect(replies.count > 3 && replies.last?.isLast == true)
        #expect(replies.dropLast().allSatisfy { !$0.isLast })
        #expect(try ActualInterface(decoding: replies.flatMap(\.payload)) == actual)
    }

    @Test("seals what was encrypted to it, all or nothing, and says which key to encrypt to")
    func sealsSecrets() throws {
        var bench = try Bench(folder)
        let intake = try #require(try bench.hello().intakeKey)
        let boxes = [
            try PresharedKey.generate().boxed(for: Sample.key(1), to: intake),
            try PresharedKey.generate().boxed(for: Sample.key(2), to: intake),
        ]
        let reply = try #require(try bench.reply(.sealSecrets(boxes, Sample.owner)))
        let secrets = try SealedSecret.decode(reply.payload)
        #expect(secrets.map(\.publicKey) == [Sample.key(1), Sample.key(2)])
        #expect(Set(secrets.compactMap(\.mark)).count == 2)
        var peer = PeerChange(publicKey: Sample.key(1))
        peer.presharedKey = .set(secrets[0].key)
        #expect(try bench.change(.setPeers([peer]))?.failure == nil)
        let refused = try bench.reply(.sealSecrets([boxes[0], Sample.box(3)], Sample.owner))
        #expect(refused?.failure?.reason == .invalidArgument && refused?.payload.isEmpty == true)
    }

    @Test("answers status and takes links down while sealed, but does nothing with keys")
    func sealed() throws {
        var bench = try Bench(folder, sealed: true)
        let identity = try bench.hello()
        #expect(identity.state == .sealed && identity.signingPublicKey.isEmpty && identity.sealingKeyID == 0)
        #expect(identity.intakeKey == nil)
        #expect(try bench.reply(.sealSecrets([Sample.box(1)], Sample.owner))?.failure?.reason == .sealed)
        #expect(try bench.reply(.generateKey(Sample.owner))?.failure?.reason == .sealed)
        #expect(try bench.reply(.signToken(Array("a.b".utf8)))?.failure?.reason == .sealed)
        let device = KernelChange.setDevice(privateKey: Sample.sealedKey, listenPort: nil, firewallMark: nil)
        #expect(try bench.change(device)?.failure?.reason == .sealed)
        #expect(try bench.change(.setPeers([Sample.fullPeer]))?.failure?.reason == .sealed)
        #expect(bench.recording.changes.isEmpty)
        #expect(try bench.change(.setLink(mtu: nil, isUp: false))?.failure == nil)
        #expect(try bench.reply(.ownedInterfaces)?.failure == nil)
        #expect(bench.recording.changes.count == 1)
    }
}
