// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

/// A peer `alice` whose endpoint is `a.example.org:4000`.
private struct NamedScene {
    let scene: Scene
    var gateway: Gateway { scene.gateway }
    var names: TestNames { scene.names }
    let root: Credential
    private let alice = testKey("alice")

    init() async throws {
        scene = try await Scene()
        root = try await scene.login()
        try await scene.makeInterface()
        await scene.gateway.loadTraffic()
        try await scene.makePeers("alice") { $0.endpoint = "A.example.org:4000" }
    }

    /// As wgmd does it by itself: what the kernel holds is seen, and what the names say is done.
    func turn(after seconds: Int64 = 0) async {
        scene.clock.advance(seconds: seconds)
        await gateway.reconciler.repairAll()
        for name in await gateway.endpoints.step() { await gateway.endpoints.lookUp(name) }
        _ = await gateway.endpoints.step()
    }

    /// So many seconds, one after the other.
    func run(_ seconds: Int) async { for _ in 0..<seconds { await turn(after: 1) } }

    var endpoint: String? { scene.kernel.link(scene.wg0)?.peers[alice]?.endpoint?.description }

    /// What the kernel says of alice from now on.
    func kernel(_ change: (inout ActualPeer) -> Void) {
        scene.kernel.change(scene.wg0) {
            if var peer = $0.peers[alice] {
                change(&peer)
                $0.peers[alice] = peer
            }
        }
    }

    func shake() { kernel { $0.lastHandshake = scene.clock.now } }

    func report() async throws -> PeerReport {
        try await gateway.getPeer(interface: "wg0", name: "alice", scene.context()).0
    }

    func audit() async throws -> [String] {
        try await gateway.audit.flush()
        return await scene.store.audit.map(\.0).filter { $0.method == "wgmd/endpoint" }.map(\.message)
    }
}

@Suite struct EndpointKeeperTests {
    @Test("a name is looked up at once, and the kernel gets its first IPv6 address")
    func first() async throws {
        let named = try await NamedScene()
        named.names.set("a.example.org", "192.0.2.7", "2001:db8::8", "2001:db8::7")
        #expect(named.endpoint == nil)
        await named.turn()
        #expect(named.endpoint == "[2001:db8::7]:4000")
        #expect(named.names.takeAsked() == ["a.example.org"])
        let report = try await named.report()
        #expect(report.record.endpoint?.description == "a.example.org:4000")
        #expect(report.name?.addresses.map(\.description) == ["2001:db8::7", "2001:db8::8", "192.0.2.7"])
        #expect(try await named.audit() == [])
    }

    @Test(
        "while handshakes do not come it is looked up again when the answer is over, every 30 s to 5 min",
        arguments: [(0, 30), (60, 60), (86400, 300), (UInt32.max, 300)] as [(UInt32, Int64)]
    )
    func lifetime(said: UInt32, kept: Int64) async throws {
        let named = try await NamedScene()
        named.names.set("a.example.org", "2001:db8::7", lifetime: said)
        await named.turn()
        _ = named.names.takeAsked()
        await named.turn(after: kept - 1)
        #expect(named.names.takeAsked() == [])
        await named.turn(after: 1)
        #expect(named.names.takeAsked() == ["a.example.org"])
    }

    @Test("a peer that was renumbered is sent to its new address, and the audit log says so")
    func renumbered() async throws {
        let named = try await NamedScene()
        named.names.set("a.example.org", "2001:db8::7")
        await named.turn()
        named.names.set("a.example.org", "192.0.2.9", "2001:db8::9")
        await named.turn(after: 61)
        #expect(named.endpoint == "[2001:db8::9]:4000")
        let words =
            "no handshake came, and a.example.org:4000 is [2001:db8::9]:4000 now, not [2001:db8::7]:4000"
        #expect(try await named.audit() == [words])
        await named.turn(after: 61)
        #expect(try await named.audit().count == 1)
    }

    @Test("a peer that is heard, or that nobody sends anything, is left alone, wherever it roamed to")
    func heard() async throws {
        let named = try await NamedScene()
        named.names.set("a.example.org", "2001:db8::7")
        await named.turn()
        _ = named.names.takeAsked()
        named.names.set("a.example.org", "2001:db8::9")
        named.kernel { $0.endpoint = Endpoint("198.51.100.1:999") }
        named.shake()
        await named.run(400)
        #expect(try await named.report().state == .idle)
        #expect(named.endpoint == "198.51.100.1:999" && named.names.takeAsked() == [])
        // Now somebody sends, and nobody answers.
        named.kernel { $0.sentBytes += 1000 }
        await named.run(29)
        #expect(named.names.takeAsked() == [])
        await named.run(10)
        #expect(try await named.report().state == .stale)
        #expect(named.endpoint == "[2001:db8::9]:4000" && named.names.takeAsked() == ["a.example.org"])
    }

    @Test("of several addresses the next one is tried when what was sent to one has no answer, each time for longer")
    func next() async throws {
        let named = try await NamedScene()
        named.names.set("a.example.org", "2001:db8::7", "192.0.2.7", lifetime: 300)
        await named.turn()
        await named.run(100)
        #expect(named.endpoint == "[2001:db8::7]:4000", "nothing was sent")
        named.kernel { $0.sentBytes += 500 }
        await named.turn(after: 1)
        #expect(named.endpoint == "192.0.2.7:4000")
        named.kernel { $0.sentBytes += 500 }
        await named.run(59)
        #expect(named.endpoint == "192.0.2.7:4000")
        await named.run(2)
        #expect(named.endpoint == "[2001:db8::7]:4000")
        named.kernel { $0.sentBytes += 500 }
        await named.run(118)
        #expect(named.endpoint == "[2001:db8::7]:4000")
        await named.run(2)
        #expect(named.endpoint == "192.0.2.7:4000")
        #expect(try await named.audit() == [], "it is one of the name's addresses all the time")
        // It was heard, so that the next silence begins from the start.
        named.shake()
        await named.turn(after: 1)
        named.kernel { $0.sentBytes += 500 }
        await named.run(75)
        #expect(named.endpoint == "[2001:db8::7]:4000")
    }

    @Test("a name that is not found says why, is asked for less and less often, and keeps the addresses of before")
    func failure() async throws {
        let named = try await NamedScene()
        named.names.fail("a.example.org", "no name server answers")
        var asked: [Int] = []
        for second in 0..<700 {
            await named.turn(after: 1)
            if !named.names.takeAsked().isEmpty { asked.append(second) }
        }
        #expect(asked == [0, 30, 90, 210, 450])
        #expect(named.endpoint == nil)
        #expect(try await named.report().name?.failure == "no name server answers")
        named.names.set("a.example.org", "2001:db8::7")
        await named.run(60)
        #expect(named.endpoint == "[2001:db8::7]:4000")
        #expect(try await named.report().name?.failure == nil)
        named.names.fail("a.example.org", "no name server answers")
        await named.run(70)
        #expect(try await named.report().name?.failure == "no name server answers")
        // The link is made anew meanwhile.
        named.kernel { $0.endpoint = nil }
        await named.turn(after: 1)
        #expect(named.endpoint == "[2001:db8::7]:4000")
    }

    @Test(
        "an endpoint that somebody decides takes the peer along, heard or not; a rollback too",
        arguments: [true, false]
    )
    func decided(isHeard: Bool) async throws {
        let named = try await NamedScene()
        named.names.set("a.example.org", "2001:db8::7")
        named.names.set("b.example.org", "2001:db8::b")
        await named.turn()
        let before = named.gateway.view.revision
        if isHeard { named.shake() }
        await named.turn(after: 10)
        var request = PeerUpdateRequest()
        (request.interface, request.name, request.endpoint) = ("wg0", "alice", "b.example.org:5000")
        _ = try await named.gateway.updatePeer(request, named.scene.context())
        await named.turn(after: 1)
        #expect(named.endpoint == "[2001:db8::b]:5000")
        _ = try await named.gateway.rollBack(to: before, named.scene.context(named.root))
        await named.turn(after: 10)
        #expect(named.endpoint == "[2001:db8::7]:4000")
        request.endpoint = "[2001:db8::1]:6000"
        _ = try await named.gateway.updatePeer(request, named.scene.context())
        #expect(named.endpoint == "[2001:db8::1]:6000")
        _ = named.names.takeAsked()
        await named.run(100)
        #expect(named.endpoint == "[2001:db8::1]:6000" && named.names.takeAsked() == [])
    }

    @Test("nobody asks for the names of peers that are kept out, or of an interface that is down")
    func keptOut() async throws {
        let named = try await NamedScene()
        func enable(_ isEnabled: Bool) async throws {
            let context = named.scene.context()
            _ = try await named.gateway.setPeerEnabled(interface: "wg0", name: "alice", isEnabled: isEnabled, context)
        }
        try await enable(false)
        await named.run(3)
        #expect(named.names.takeAsked() == [])
        try await enable(true)
        _ = try await named.gateway.setInterfaceUp(name: "wg0", isUp: false, named.scene.context())
        await named.run(3)
        #expect(named.names.takeAsked() == [])
    }

    @Test("what the kernel refuses is tried again, and not all the time")
    func refused() async throws {
        let named = try await NamedScene()
        named.names.set("a.example.org", "2001:db8::7")
        let failure = KernelFailure(.other, errno: 22, "Invalid argument")
        named.scene.kernel.refuse { if case .setPeers = $0 { failure } else { nil } }
        await named.run(20)
        let told = named.scene.kernel.takeTold().filter { if case .setPeers = $0 { true } else { false } }
        // One of them made the peer.
        #expect((3...5).contains(told.count), "\(told.count)")
        named.scene.kernel.refuse(nil)
        await named.run(7)
        #expect(named.endpoint == "[2001:db8::7]:4000")
    }

    @Test("eight names are looked up at a time, and none keeps others waiting for good")
    func many() async throws {
        let scene = try await Scene()
        try await scene.makeInterface()
        await scene.gateway.loadTraffic()
        for index in 0..<40 {
            try await scene.makePeers("p\(index)") { $0.endpoint = "n\(index).example.org:1" }
        }
        await scene.gateway.reconciler.repairAll()
        var seen: Set<String> = []
        // All fail, and each round takes so long that the first are due again before the last had their turn.
        for _ in 0..<5 {
            let names = await scene.gateway.endpoints.step()
            #expect(names.count == 8)
            #expect(await scene.gateway.endpoints.step() == [], "these are under way")
            for name in names { await scene.gateway.endpoints.lookUp(name) }
            seen.formUnion(names.map(\.value))
            scene.clock.advance(seconds: 40)
        }
        #expect(seen.count == 40)
    }

    @Test("health counts names that stand for nothing, until they are found")
    func lostNames() async throws {
        let named = try await NamedScene()
        func words() -> String? { named.gateway.health().components.first { $0.name == "peers" }?.message }
        await named.turn()
        #expect(words()?.hasSuffix("; 1 endpoint is a name that stands for nothing") == true)
        named.names.set("a.example.org", "2001:db8::7")
        await named.run(61)
        #expect(words() == "1 never")
    }

    @Test("the gateway's own addresses, and what lies behind the interface itself, are not followed")
    func ownAddresses() async throws {
        let named = try await NamedScene()
        let own = try #require(named.gateway.view.interface(named.scene.wg0)?.addresses.first)
        let inside = IPAddress(v6: own.address.bits + 8)
        named.names.set("a.example.org", own.address.description, inside.description)
        await named.turn()
        #expect(named.endpoint == nil)
        named.names.set("a.example.org", own.address.description, inside.description, "2001:db8::7")
        await named.run(301)
        #expect(named.endpoint == "[2001:db8::7]:4000")
    }

    @Test("of an answer is taken what a peer can have, each address once, and sixteen at most")
    func answers() throws {
        func read(_ texts: [String]) -> [String]? {
            NamedAddresses(texts.compactMap { IPAddress($0) }, lifetime: 1)?.addresses.map(\.description)
        }
        #expect(read([]) == nil)
        #expect(
            read(["ff02::1", "fe80::1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::ffff:192.0.2.1"]) == nil
        )
        #expect(read(["127.0.0.53", "::1"]) == nil)
        #expect(read(["192.0.2.1", "fe80::1", "2001:db8::1", "192.0.2.1"]) == ["2001:db8::1", "192.0.2.1"])
        #expect(read((1...100).map { "2001:db8::\($0)" })?.count == 16)
    }
}
