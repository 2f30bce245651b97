// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WGMModel

@testable import WGMControl

/// What the kernel says of alice, one dump after the other.
private final class Meter {
    let scene: Scene
    let id: InterfaceID

    init() async throws {
        scene = try await Scene()
        try await scene.makeInterface()
        try await scene.makePeers("alice")
        id = try #require(scene.gateway.view.interface(scene.wg0)).id
    }

    func say(received: UInt64, sent: UInt64, handshake: Int64? = nil, key: String = "alice") async {
        scene.kernel.change(scene.wg0) { link in
            link.peers[testKey(key)]?.receivedBytes = received
            link.peers[testKey(key)]?.sentBytes = sent
            link.peers[testKey(key)]?.lastHandshake = handshake.map { Timestamp(seconds: $0) }
        }
        await look()
    }

    func look() async {
        scene.clock.advance(seconds: 2)
        await scene.gateway.reconciler.refresh(scene.wg0)
    }

    func total(_ gateway: Gateway? = nil) throws -> [UInt64] {
        let alice = try #require(ObjectName("alice"))
        let traffic = try #require((gateway ?? scene.gateway).view.ledger.traffic(of: alice, in: id))
        return [traffic.received, traffic.sent]
    }
}

@Suite("Counters that go on")
struct TrafficLedgerTests {
    @Test("A peer that was made anew counts from nothing, and is added; a late answer is not")
    func resets() async throws {
        let meter = try await Meter()
        await meter.say(received: 1000, sent: 10, handshake: 1_799_999_000)
        #expect(try meter.total() == [1000, 10])
        await meter.say(received: 1500, sent: 30, handshake: 1_799_999_000)
        #expect(try meter.total() == [1500, 30])
        // Older than what was seen, of the same session.
        await meter.say(received: 1400, sent: 29, handshake: 1_799_999_000)
        #expect(try meter.total() == [1500, 30])
        await meter.say(received: 100, sent: 5)
        #expect(try meter.total() == [1600, 35])
        await meter.say(received: 150, sent: 7, handshake: 1_799_999_500)
        #expect(try meter.total() == [1650, 37])
    }

    @Test("A link that is deleted and made again loses nothing, even if it has counted further than before")
    func newLink() async throws {
        let meter = try await Meter()
        await meter.say(received: 1000, sent: 10, handshake: 1_799_999_000)
        meter.scene.kernel.state.withLock { $0.links[meter.scene.wg0] = nil }
        await meter.look()
        #expect(try meter.total() == [1000, 10])
        await meter.scene.gateway.reconciler.repairAll()
        await meter.say(received: 3000, sent: 40)
        #expect(try meter.total() == [4000, 50])
    }

    @Test("A new key goes on with the old one's count, the last bytes of which are not forgotten")
    func newKey() async throws {
        let meter = try await Meter()
        await meter.say(received: 1000, sent: 10)
        meter.scene.kernel.change(meter.scene.wg0) { $0.peers[testKey("alice")]?.receivedBytes = 1200 }
        var update = PeerUpdateRequest()
        (update.interface, update.name, update.publicKey) = ("wg0", "alice", testKey("alice2").description)
        _ = try await meter.scene.gateway.updatePeer(update, meter.scene.context())
        #expect(try meter.total() == [1200, 10])
        await meter.say(received: 7, sent: 8, key: "alice2")
        #expect(try meter.total() == [1207, 18])
    }

    @Test("After a restart only what came meanwhile is added, and what was not saved is still in the kernel")
    func restart() async throws {
        let meter = try await Meter()
        await meter.say(received: 1000, sent: 10, handshake: 1_799_999_990)
        await meter.scene.gateway.saveTraffic()
        await meter.say(received: 1100, sent: 20, handshake: 1_799_999_990)
        let again = Gateway(
            node: meter.scene.gateway.node,
            store: meter.scene.store,
            kernel: meter.scene.kernel,
            clock: meter.scene.clock,
            lookup: TestNames()
        )
        await again.start()
        #expect(try meter.total(again) == [1100, 20])
        #expect(again.peerWords == "1 up")
    }

    @Test("What the database did not take is told again; a peer that is deleted is forgotten")
    func saving() async throws {
        let meter = try await Meter()
        await meter.say(received: 1000, sent: 10)
        await meter.scene.store.fail(.other("no"))
        await meter.scene.gateway.saveTraffic()
        await meter.scene.store.fail(nil)
        await meter.scene.gateway.saveTraffic()
        #expect(await meter.scene.store.counted.map(\.received) == [1000])
        _ = try await meter.scene.gateway.deletePeer(interface: "wg0", name: "alice", meter.scene.context())
        try await meter.scene.makePeers("alice")
        await meter.look()
        #expect(try meter.total() == [0, 0])
    }

    @Test("Setting the clock changes no peer's state")
    func clockStep() async throws {
        let meter = try await Meter()
        await meter.say(received: 1000, sent: 10, handshake: 1_799_999_990)
        meter.scene.clock.set(forward: 7200)
        await meter.look()
        #expect(meter.scene.gateway.peerWords == "1 up")
    }
}
