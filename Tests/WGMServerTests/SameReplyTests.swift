// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl
@testable import WGMRPC
@testable import WGMServer
@testable import WGMWire

@Suite("What is answered from the bytes of a call, beside what the handler answers") struct SameReplyTests {
    private let scene: ReadScene
    private let caller: ConnectionReads

    init() throws {
        scene = try ReadScene(isObserved: false)
        caller = try scene.caller(lifetime: 100_000)
        let kinds = try Self.kinds(scene)
        try scene.change { $0.peers = kinds }
    }

    /// Peers with every field that a peer can have, and without.
    private static func kinds(_ scene: ReadScene) throws -> [PeerRecord] {
        var bare = try scene.peer("bare", 3)
        (bare.addresses, bare.routed, bare.keepalive, bare.validity) = ([], [], 0, Validity())
        bare.endpoint = PeerEndpoint("far.example.org:51820")
        var disabled = try scene.peer("disabled", 4)
        disabled.isEnabled = false
        var late = try scene.peer("late", 5)
        late.validity = Validity(from: Timestamp(seconds: 1_800_000_100), until: Timestamp(seconds: 1_800_000_200))
        var over = try scene.peer("over", 6)
        over.validity = Validity(until: Timestamp(seconds: 1_799_999_999))
        var long = try scene.peer("long", 7, comment: String(repeating: "ä", count: 120))
        long.routed = try (0..<250).map { try #require(IPPrefix("10.\($0).0.0/16")) }
        var dialled = try scene.peer("dialled", 8)
        dialled.endpoint = PeerEndpoint("[2001:db8::1]:51820")
        let sealed = Array(repeating: 1 as UInt8, count: SealedPresharedKey.byteCount)
        dialled.presharedKey = SealedPresharedKey(bytes: sealed)
        return [bare, disabled, late, over, long, dialled]
    }

    private static let names = ["a", "b", "bare", "disabled", "late", "over", "long", "dialled", "none"]

    /// How many peers were answered at once, each like the handler answers; and their states.
    @discardableResult
    private func compare() throws -> (answered: Int, states: Set<V1.PeerState?>, stragglers: Set<Bool?>) {
        var answered = 0
        var stragglers: Set<Bool?> = []
        var states: Set<V1.PeerState?> = []
        for name in Self.names {
            let context = CallContext(
                credential: nil,
                uid: 1,
                method: "m",
                resource: "r",
                requestID: "1",
                time: scene.clock.now
            )
            let request = V1.GetPeerRequest(interface: "wg0", name: name)
            let reply = try scene.ask(caller, name)
            guard case .now(let expected) = PeersHandler(gateway: scene.gateway).get(request, context) else {
                #expect(reply == nil, "\(name)")
                continue
            }
            #expect(reply == expected, "\(name)")
            answered += 1
            states.insert(reply?.peer?.status?.state)
            stragglers.insert(reply?.peer?.status?.straggler)
        }
        return (answered, states, stragglers)
    }

    /// One look at the kernel, as the reconciler takes it.
    private func look(failure: KernelFailure? = nil, _ make: (inout ActualInterface) throws -> Void) throws {
        var actual = ActualInterface(name: scene.wg0, owner: InterfaceID(7), backend: .userspace)
        actual.isUp = true
        try make(&actual)
        try look(actual, failure)
    }

    private func look(_ actual: ActualInterface?, _ failure: KernelFailure? = nil) throws {
        let (view, now) = (scene.gateway.view, scene.clock.now)
        let ticket = view.beginObservation()
        view.count(scene.wg0, actual, at: now, steady: now.milliseconds, ticket: ticket)
        let seen = Observation(
            actual: actual,
            isInSync: failure == nil,
            failure: failure,
            time: now,
            ticket: ticket
        )
        view.record(seen, of: scene.wg0)
    }

    private func peer(_ received: UInt64, handshake: Int64?) -> ActualPeer {
        var peer = ActualPeer()
        (peer.receivedBytes, peer.sentBytes) = (received, 2 * received)
        peer.lastHandshake = handshake.map { Timestamp(seconds: scene.clock.now.seconds - $0) }
        return peer
    }

    @Test("before the kernel was asked, the kernel is asked, by the handler")
    func unobserved() throws {
        #expect(try compare().answered == 0)
    }

    @Test("no peer is told otherwise: present or not, up or down, counted in earlier runs, let in or not")
    func observed() throws {
        try look { $0.peers[try ReadScene.key(1)] = peer(7, handshake: 3) }
        // Nothing is counted before it is known what was counted already.
        let uncounted = try compare()
        #expect(uncounted.answered == 8 && uncounted.states == [nil])
        let record = TrafficRecord(
            interface: InterfaceID(7),
            peer: try #require(ObjectName("bare")),
            publicKey: try ReadScene.key(3),
            received: 1 << 40,
            sent: .max,
            lastHandshake: Timestamp(seconds: 1_700_000_000)
        )
        scene.gateway.view.load([record])
        #expect(try compare().answered == 8)
        var states: Set<V1.PeerState?> = []
        for step in 0..<60 {
            try look { actual in
                for key in 1...8 as ClosedRange<UInt8> where (Int(key) + step) % 7 != 0 {
                    var peer = peer(UInt64(step / 5) * 1000, handshake: Int64(key) * 60)
                    peer.endpoint = Endpoint("198.51.100.\(key):\(1000 + step)")
                    actual.peers[try ReadScene.key(key)] = peer
                }
                actual.isUp = step % 11 != 10
            }
            states.formUnion(try compare().states)
            scene.clock.advance(milliseconds: 20_000)
        }
        #expect(states.isSuperset(of: [nil, .never, .up, .down]))
        #expect(try compare().answered == 0)
    }

    @Test("a link that went, a kernel that says no, a keeper that is gone and a database that is away are told alike")
    func failures() throws {
        try look(nil)
        #expect(try compare().answered == 8)
        try look(failure: KernelFailure(.inUse, "port")) { $0.peers[try ReadScene.key(2)] = peer(1, handshake: nil) }
        #expect(try compare().answered == 8)
        try look(nil, KernelFailure(.keeperGone, "gone"))
        #expect(try compare().answered == 8)
        scene.gateway.view.markStale("the database is away")
        #expect(try compare().answered == 8)
        scene.gateway.view.markFresh(at: scene.clock.now)
        #expect(try compare().answered == 8)
        scene.clock.advance(milliseconds: 999)
        #expect(try compare().answered == 8)
        scene.clock.advance(milliseconds: 1)
        #expect(try compare().answered == 0)
        scene.clock.advance(milliseconds: -1001)
        #expect(try compare().answered == 0)
    }

    @Test("a peer that is switched off, has a new key, goes, or comes back as another is told as it is")
    func changes() throws {
        scene.gateway.view.load([])
        try look { actual in
            for key in 1...8 as ClosedRange<UInt8> { actual.peers[try ReadScene.key(key)] = peer(9, handshake: 1) }
        }
        let counted = try compare()
        #expect(counted.answered == 8 && counted.states == [.up, nil])
        try scene.change { touched in
            var peer = try scene.peer("a", 1)
            peer.isEnabled = false
            touched.peers = [peer, try scene.peer("b", 9)]
        }
        #expect(try compare().answered == 8)
        try scene.change { $0.deletedPeers = [try scene.peer("long", 7)] }
        #expect(try compare().answered == 7)
        try scene.change { $0.peers = [try scene.peer("long", 2, comment: "another"), try scene.peer("none", 10)] }
        #expect(try compare().answered == 9)
        try scene.change { $0.deletedInterfaces = [scene.wg0] }
        #expect(try compare().answered == 0)
    }

    @Test("what was found out about a name is in the reply at once")
    func names() throws {
        scene.gateway.view.load([])
        try look { _ in }
        try compare()
        let name = try #require(HostName("far.example.org"))
        let address = try #require(IPAddress("2001:db8::7"))
        let found = try #require(NamedAddresses([address], lifetime: 60))
        func note(_ found: NamedAddresses?) {
            let (now, steady) = (scene.clock.now, scene.clock.steady)
            if let found {
                scene.gateway.view.note(found, for: name, now: now, steady: steady)
            } else {
                scene.gateway.view.note(LookupFailure("no"), for: name, now: now, steady: steady)
            }
        }
        for found in [found, nil, found] {
            note(found)
            scene.clock.advance(milliseconds: 100)
            #expect(try compare().answered == 8)
        }
    }

    @Test("a straggler is none as soon as its handshake with the new key is seen, and when the rotation is finished")
    func stragglers() throws {
        scene.gateway.view.load([])
        func look(_ key: UInt8, shaken: ClosedRange<UInt8>?) throws {
            try self.look { actual in
                actual.publicKey = try ReadScene.key(key)
                for key in 1...8 as ClosedRange<UInt8> {
                    actual.peers[try ReadScene.key(key)] = peer(9, handshake: shaken?.contains(key) == true ? 0 : 100)
                }
            }
        }
        var interface = try #require(scene.gateway.view.interface(scene.wg0))
        let old = InterfaceKey(publicKey: interface.publicKey, sealed: interface.sealedKey)
        try look(0, shaken: nil)
        #expect(try compare().stragglers == [nil])
        interface.publicKey = try ReadScene.key(99)
        interface.rotation = .switched(from: old, at: scene.clock.now)
        try scene.change { $0.interfaces = [interface] }
        #expect(try compare().stragglers == [true, nil])
        // The kernel has not followed: these handshakes are the old key's.
        scene.clock.advance(milliseconds: 500)
        try look(0, shaken: 1...8)
        #expect(try compare().stragglers == [true, nil])
        scene.clock.advance(milliseconds: 500)
        try look(99, shaken: nil)
        #expect(try compare().stragglers == [true, nil])
        scene.clock.advance(milliseconds: 500)
        try look(99, shaken: 1...4)
        #expect(try compare().stragglers == [true, false, nil])
        try look(99, shaken: 1...8)
        #expect(try compare().stragglers == [false, nil])
        interface.rotation = nil
        try scene.change { $0.interfaces = [interface] }
        let finished = try compare()
        #expect(finished.stragglers == [nil] && finished.answered == 8)
    }
}
