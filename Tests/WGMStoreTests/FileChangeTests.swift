// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    @Suite struct FileChanges {
        @Test func everythingMovesWithinOneRevision() async throws {
            let store = try TestCluster.database().store()
            let wg0 = try await store.make("wg0", port: 51820, ipv4Pool: "10.7.0.0/24")
            let wg1 = try await store.make("wg1", key: 1_000_001, port: 51821)
            let made = try await store.add([
                peer("alice", key: 1, routed: ["192.0.2.0/24"]), peer("bob", key: 2), peer("carol", key: 3),
            ])
            try await store.add([peer("dave", key: 4)], to: "wg1")
            let before = try await store.currentRevision()

            var change = FileChange()
            var (first, second) = (wg0, wg1)
            (first.listenPort, second.listenPort) = (wg1.listenPort, wg0.listenPort)
            first.endpoint = nil
            first.dns = []
            change.changedInterfaces = [first, second]
            var (alice, bob) = (made[0], made[1])
            (alice.publicKey, bob.publicKey) = (bob.publicKey, alice.publicKey)
            (alice.addresses, bob.addresses) = (bob.addresses, alice.addresses)
            (alice.routed, bob.routed) = ([], alice.routed)
            bob.comment = "took over"
            bob.endpoint = PeerEndpoint("bob.example.org:4500")
            bob.validity = Validity(until: Timestamp(seconds: 1_900_000_000))
            bob.presharedKey = SealedPresharedKey(bytes: [UInt8](repeating: 3, count: 93))
            change.changedPeers = try [interface("wg0"): [alice, bob]]
            change.deletedPeers = try [interface("wg0"): [name("carol")], interface("wg1"): [name("dave")]]
            // The key and the address of somebody who goes.
            change.newPeers = try [
                interface("wg0"): [
                    NewPeer(name: name("dave"), publicKey: key(3), addresses: made[2].addresses),
                    NewPeer(name: name("eve"), publicKey: key(5), hasNoAddresses: true),
                ]
            ]
            try await store.change(.applyFile(change))

            let state = try await store.load()
            #expect(state.revision == before + 1)
            let after = try #require(try state.interfaces[interface("wg0")])
            #expect(after.listenPort == 51821 && after.endpoint == nil && after.dns.isEmpty)
            #expect(try state.interfaces[interface("wg1")]?.listenPort == 51820)
            let peers = try #require(state.peers[wg0.id])
            #expect(try Set(peers.keys) == Set(["alice", "bob", "dave", "eve"].map { try name($0) }))
            #expect(try peers[name("alice")]?.publicKey == key(2) && peers[name("alice")]?.routed == [])
            #expect(try peers[name("alice")]?.id == made[0].id && peers[name("alice")]?.addresses == made[1].addresses)
            #expect(try peers[name("bob")]?.publicKey == key(1) && peers[name("bob")]?.comment == "took over")
            #expect(
                try peers[name("bob")]?.routed == made[0].routed && peers[name("bob")]?.addresses == made[0].addresses
            )
            #expect(try peers[name("bob")]?.presharedKey == bob.presharedKey)
            #expect(try peers[name("bob")]?.endpoint == bob.endpoint)
            #expect(try peers[name("eve")]?.addresses == [] && peers[name("dave")]?.addresses == made[2].addresses)
            #expect(state.peers[wg1.id]?.isEmpty == true)

            let (record, differences) = try await store.revision(before + 1)
            #expect(try peers[name("bob")]?.validity == Validity(until: Timestamp(seconds: 1_900_000_000)))
            #expect(record.summary.contains("2 peers created, 2 peers changed, 2 peers deleted"))
            #expect(differences.objects.count == 8)
            try await store.change(.rollBack(to: before))
            let back = try await store.load()
            #expect(try back.peers[wg0.id]?[name("bob")]?.publicKey == key(2))
            #expect(try back.interfaces[interface("wg0")]?.listenPort == 51820)
        }

        @Test func nothingIsLeftOfAFileThatCannotBe() async throws {
            let store = try TestCluster.database().store()
            let wg0 = try await store.make("wg0")
            let made = try await store.add([peer("alice", key: 1), peer("bob", key: 2)])
            let before = try await store.load()
            var alice = made[0]
            alice.comment = "changed"
            var change = FileChange()
            change.changedPeers = try [interface("wg0"): [alice]]
            change.newPeers = try [interface("wg0"): [NewPeer(name: name("carol"), publicKey: key(2))]]
            await #expect(throws: StoreFailure.taken(what: "public key", owner: "peer bob of wg0")) {
                try await store.change(.applyFile(change))
            }
            let after = try await store.load()
            #expect(after.revision == before.revision && after.peers[wg0.id] == before.peers[wg0.id])
        }
    }
}
