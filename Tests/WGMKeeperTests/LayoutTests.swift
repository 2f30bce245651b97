// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMKeeperProtocol
import WGMModel

@Suite("Packets")
struct LayoutTests {
    @Test("every request comes back from its bytes", arguments: Sample.requests)
    func request(_ request: Request) throws {
        #expect(try Request(decoding: request.encoded()) == request)
    }

    @Test("the bytes of a request are the documented ones")
    func goldenRequest() {
        let change = KernelChange.setLink(mtu: 1280, isUp: true)
        let bytes = Request(number: 0x0102_0304, .change(change, interface: Sample.interface(), owner: InterfaceID(5)))
        let name: [UInt8] = [0x77, 0x67, 0x30] + [UInt8](repeating: 0, count: 13)
        #expect(bytes.encoded() == [1, 2, 3, 4, 5] + name + [0, 0, 0, 0, 0, 0, 0, 5] + [3, 0, 0, 5, 0, 1])
    }

    @Test("a request cut short anywhere, or with a byte more, is refused", arguments: Sample.requests)
    func cut(_ request: Request) {
        let packet = request.encoded()
        for length in 0..<packet.count {
            #expect(throws: PacketError.self) { _ = try Request(decoding: Array(packet.prefix(length))) }
        }
        #expect(throws: PacketError.self) { _ = try Request(decoding: packet + [0]) }
    }

    @Test("there are at most twelve kinds, and all others are unknown")
    func unknownKinds() {
        #expect(RequestKind.allCases.count <= 12)
        for kind in UInt8.min...UInt8.max where RequestKind(rawValue: kind) == nil {
            let packet = [0, 0, 0, 1, kind] + [UInt8](repeating: 0, count: 24)
            #expect(throws: PacketError.unknownKind(kind)) { _ = try Request(decoding: packet) }
        }
    }

    @Test("values that cannot be meant are refused")
    func invalidFields() throws {
        let zeroKey = try #require(PublicKey(bytes: [UInt8](repeating: 0, count: 32)))
        var portless = PeerChange(publicKey: Sample.key(1))
        portless.endpoint = Endpoint(IPAddress(v4: 1), port: 0)
        let changes: [KernelChange] = [
            .removePeers([zeroKey]), .setPeers([portless]),
            .createLink(backend: .kernel, mtu: 67), .setLink(mtu: 65536, isUp: nil),
        ]
        for change in changes {
            let packet = Request(number: 1, .change(change, interface: Sample.interface(), owner: Sample.owner))
                .encoded()
            #expect(throws: PacketError.invalidField) { _ = try Request(decoding: packet) }
        }
    }

    @Test("host bits, unknown flags and names with holes are refused")
    func invalidBytes() throws {
        var route = Request(
            number: 1,
            .change(.addRoutes([Sample.prefix("10.0.0.0/8")]), interface: Sample.interface(), owner: Sample.owner)
        ).encoded()
        route[route.count - 2] = 1
        #expect(throws: PacketError.invalidField) { _ = try Request(decoding: route) }
        var link = Request(
            number: 1,
            .change(.setLink(mtu: nil, isUp: nil), interface: Sample.interface(), owner: Sample.owner)
        ).encoded()
        link[29] = 64
        #expect(throws: PacketError.invalidField) { _ = try Request(decoding: link) }
        var dump = Request(number: 1, .dump(Sample.interface())).encoded()
        dump[12] = 65
        #expect(throws: PacketError.invalidField) { _ = try Request(decoding: dump) }
    }

    @Test("a count that the packet cannot hold costs no memory")
    func hugeCount() {
        let head = Request(number: 1, .change(.removePeers([]), interface: Sample.interface(), owner: Sample.owner))
        let packet = head.encoded().dropLast(2) + [0xff, 0xff]
        #expect(throws: PacketError.truncated) { _ = try Request(decoding: Array(packet)) }
    }

    @Test("a reply comes back from its bytes, with its failure")
    func reply() throws {
        var reply = Reply(number: 7, kind: .dump, payload: [1, 2, 3])
        reply.isLast = false
        #expect(try Reply(decoding: reply.encoded()) == reply)
        reply.payload = []
        reply.failure = KernelFailure(.inUse, errno: 98, "the port is taken")
        #expect(try Reply(decoding: reply.encoded()) == reply)
    }

    @Test("the message of a failure is cut to its limit between characters")
    func longMessage() throws {
        var reply = Reply(number: 7, kind: .dump)
        reply.failure = KernelFailure(.other, String(repeating: "é", count: 2000))
        let message = try Reply(decoding: reply.encoded()).failure?.message
        #expect(message == String(repeating: "é", count: 250))
    }

    @Test("an interface with many peers comes back from its bytes", arguments: [0, 1, 1000])
    func dump(peers: Int) throws {
        let actual = Sample.actual(peers: peers)
        #expect(try ActualInterface(decoding: actual.encoded()) == actual)
    }

    @Test("identity, key and owners come back from their bytes")
    func payloads() throws {
        let ready = KeeperIdentity(
            version: "1.2.3",
            state: .ready,
            sealingKeyID: 9,
            signingKeyID: "abc",
            signingPublicKey: [UInt8](repeating: 1, count: 32),
            intakeKey: IntakeKey(bytes: [UInt8](repeating: 2, count: 32))
        )
        #expect(try KeeperIdentity(decoding: ready.encoded()) == ready)
        let key = GeneratedKey(publicKey: Sample.key(1), sealed: Sample.sealedKey)
        #expect(try GeneratedKey(decoding: key.encoded()) == key)
        let mark = KeyMark(bytes: 1...16)
        let secrets = [mark, nil].map { SealedSecret(publicKey: Sample.key(1), key: Sample.sealedKey, mark: $0) }
        #expect(try SealedSecret.decode(SealedSecret.encoded(secrets)) == secrets)
        let owners = [Sample.interface("a"): InterfaceID(1), Sample.interface("b"): InterfaceID(.max)]
        #expect(try OwnedInterfaces.decode(OwnedInterfaces.encoded(owners)) == owners)
    }
}

@Suite("Splitting of changes")
struct SplittingTests {
    private func requireFit(_ parts: [KernelChange]) throws {
        for part in parts {
            let request = Request(number: 1, .change(part, interface: Sample.interface(), owner: Sample.owner))
            #expect(request.encoded().count <= PacketLimit.packet)
            #expect(try Request(decoding: request.encoded()) == request)
        }
    }

    @Test("what fits one packet is not split", arguments: Sample.changes)
    func small(_ change: KernelChange) {
        let parts = change.splitToFit()
        #expect(parts == [change] || parts.isEmpty)
    }

    @Test("thousands of peers, keys and prefixes are split in order, and none is lost")
    func long() throws {
        let keys = (0..<5000).map(Sample.key(number:))
        let removal = KernelChange.removePeers(keys).splitToFit()
        try requireFit(removal)
        let removed = removal.flatMap { part in if case .removePeers(let keys) = part { keys } else { [PublicKey]() } }
        #expect(removal.count > 1 && removed == keys)

        let peers = keys.map { key in
            var peer = Sample.fullPeer
            peer.publicKey = key
            return peer
        }
        let setting = KernelChange.setPeers(peers).splitToFit()
        try requireFit(setting)
        let set = setting.flatMap { part in if case .setPeers(let peers) = part { peers } else { [PeerChange]() } }
        #expect(setting.count > 1 && set == peers)

        let routes = Sample.prefixes(10_000)
        let adding = KernelChange.addRoutes(routes).splitToFit()
        try requireFit(adding)
        let added = adding.flatMap { part in if case .addRoutes(let routes) = part { routes } else { [IPPrefix]() } }
        #expect(adding.count > 1 && added == routes)
    }

    @Test("one peer with very many addresses is set once and then only added to")
    func longPeer() throws {
        var peer = Sample.fullPeer
        peer.updateOnly = false
        peer.addAllowedAddresses = Sample.prefixes(20_000)
        let parts = KernelChange.setPeers([Sample.clearingPeer, peer, PeerChange(publicKey: Sample.key(3))])
            .splitToFit()
        try requireFit(parts)
        let all = parts.flatMap { part in if case .setPeers(let peers) = part { peers } else { [PeerChange]() } }
        #expect(all.first == Sample.clearingPeer && all.last == PeerChange(publicKey: Sample.key(3)))
        let pieces = all.filter { $0.publicKey == peer.publicKey }
        #expect(pieces.flatMap(\.addAllowedAddresses) == peer.addAllowedAddresses)
        var first = try #require(pieces.first)
        first.addAllowedAddresses = peer.addAllowedAddresses
        #expect(first == peer)
        #expect(
            pieces.dropFirst().allSatisfy { $0.updateOnly && !$0.replaceAllowedAddresses && $0.presharedKey == .keep }
        )
    }
}
