// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    @Suite struct Peers {
        let store: PostgresStore
        let database: TestDatabase

        init() async throws {
            database = try TestCluster.database()
            store = try database.store()
            try await store.make("wg0", ipv6Pool: "fd00:1::/64", ipv4Pool: "10.1.0.0/24")
        }

        @Test func peersGetTheNextAddressOfEachPool() async throws {
            let made = try await store.add([peer("a", key: 1), peer("b", key: 2, isIPv6Only: true), peer("c", key: 3)])
            #expect(
                made.map { $0.addresses.map(\.description) } == [
                    ["fd00:1::2", "10.1.0.2"], ["fd00:1::3"], ["fd00:1::4", "10.1.0.3"],
                ]
            )
            let state = try await store.load()
            let id = try #require(state.interfaces[interface("wg0")]?.id)
            #expect(state.peers[id]?.values.sorted { $0.id < $1.id } == made)
        }

        @Test func everythingAboutAPeerComesBackAsItWasGiven() async throws {
            var new = try peer("a", key: 1, addresses: ["10.1.0.77", "fd00:1::77"], routed: ["192.0.2.0/24", "::/0"])
            new.endpoint = PeerEndpoint("[2001:db8::1]:51820")
            new.keepalive = 25
            new.comment = "it's \"quoted\"; DROP TABLE peer; -- \\ {NULL,\"} 'ü🙂'\n$1"
            new.isEnabled = false
            let made = try await #require(store.add([new]).first)
            #expect(made.addresses == new.addresses)
            #expect(made.routed == new.routed)
            #expect(made.endpoint == new.endpoint)
            #expect(made.keepalive == 25)
            #expect(made.comment == new.comment)
            #expect(!made.isEnabled)
        }

        @Test func anEndpointIsAnAddressOrANameAndHistoryHasEither() async throws {
            let wg0 = try interface("wg0")
            var endpoints =
                ["[2001:db8::1]:51820", "far.example.org:1", "192.0.2.1:65535"].map { PeerEndpoint($0) } + [nil]
            var new = try peer("a", key: 1)
            new.endpoint = PeerEndpoint("first.example.org:7")
            let first = try await #require(store.add([new]).first?.endpoint)
            #expect(first.description == "first.example.org:7")
            endpoints.insert(first, at: 0)
            var revisions = [try await store.load().revision]
            for endpoint in endpoints.dropFirst() {
                var update = PeerUpdate()
                update.endpoint = endpoint.map { .set($0) } ?? .clear
                let changed = try await store.change(.updatePeer(wg0, name("a"), update))
                #expect(changed.peers.map(\.endpoint) == [endpoint])
                revisions.append(try await store.load().revision)
            }
            for (revision, endpoint) in zip(revisions, endpoints).reversed() {
                let past = try await store.peer(name("a"), of: wg0, at: .revision(revision))
                #expect(past.endpoint == endpoint)
                try await store.change(.rollBack(to: revision))
                let state = try await store.load()
                let id = try #require(state.interfaces[wg0]?.id)
                #expect(try state.peers[id]?[name("a")]?.endpoint == endpoint)
            }
        }

        @Test func aCharacterThatTextCannotHoldIsRefusedAndHarmsNothing() async throws {
            var new = try peer("a", key: 1)
            new.comment = "a\0b"
            guard case .other = await failure({ try await store.add([new]) }) else {
                Issue.record("NUL was taken")
                return
            }
            try await store.add([peer("a", key: 1)])
        }

        @Test func aFreedAddressIsNotGivenOutAgainWhileThereAreOthers() async throws {
            try await store.add([peer("a", key: 1), peer("b", key: 2)])
            try await store.change(.deletePeers(interface("wg0"), [name("b")]))
            let next = try await store.add([peer("c", key: 3)])
            #expect(next.first?.addresses.map(\.description) == ["fd00:1::4", "10.1.0.4"])
        }

        @Test func addressesThatSomebodyHasAreSkippedWholePrefixesAtOnce() async throws {
            try await store.add([
                peer("a", key: 1, addresses: ["fd00:1::3", "10.1.0.3"]),
                peer("b", key: 2, addresses: ["fd00:1::4"], routed: ["fd00:1::8000:0:0:0/65", "10.1.0.128/25"]),
                peer("c", key: 3, addresses: ["10.1.0.5"], routed: ["fd00:1::10/124"]),
            ])
            let names = (0..<14).map { "x\($0)" }
            let made = try await store.add(names.enumerated().map { try peer($1, key: 100 + $0) })
            let v6 = made.compactMap { $0.addresses.first?.description }
            #expect(v6.prefix(3) == ["fd00:1::2", "fd00:1::5", "fd00:1::6"])
            #expect(v6.contains("fd00:1::f"))
            #expect(v6.last == "fd00:1::21")
            #expect(made.map { $0.addresses[1].description }.prefix(3) == ["10.1.0.2", "10.1.0.4", "10.1.0.6"])
        }

        @Test func aSmallPoolRunsOutAndAFreedAddressIsFoundAgain() async throws {
            try await store.make("wg1", key: 9, ipv4Pool: "10.2.0.0/30")
            let first = try await store.add([peer("a", key: 1)], to: "wg1")
            #expect(first.first?.addresses.last?.description == "10.2.0.2")
            #expect(
                await failure { try await store.add([peer("b", key: 2)], to: "wg1") }
                    == .poolExhausted(try prefix("10.2.0.0/30"), try interface("wg1"))
            )
            try await store.add([peer("b", key: 2, isIPv6Only: true)], to: "wg1")
            try await store.change(.deletePeers(interface("wg1"), [name("a")]))
            let again = try await store.add([peer("c", key: 3)], to: "wg1")
            #expect(again.first?.addresses.last?.description == "10.2.0.2")
        }

        @Test func aFullRoundComesBackToTheLowestFreeAddress() async throws {
            try await store.make("wg1", key: 9, ipv4Pool: "10.2.0.0/29")
            try await store.add((1...5).map { try peer("p\($0)", key: $0) }, to: "wg1")
            try await store.change(.deletePeers(interface("wg1"), [name("p4"), name("p2")]))
            let made = try await store.add([peer("x", key: 11), peer("y", key: 12)], to: "wg1")
            #expect(made.map { $0.addresses[1].description } == ["10.2.0.3", "10.2.0.5"])
            #expect(
                await failure { try await store.add([peer("z", key: 13)], to: "wg1") }
                    == .poolExhausted(try prefix("10.2.0.0/29"), try interface("wg1"))
            )
        }

        @Test func whatIsTakenIsRefusedNamingItsOwner() async throws {
            try await store.add([peer("alice", key: 1, addresses: ["10.1.0.9"], routed: ["192.0.2.0/24"])])
            func refusal(_ new: NewPeer) async -> StoreFailure? { await failure { try await store.add([new]) } }
            let alice = "peer alice of wg0"
            #expect(await refusal(try peer("alice", key: 2)) == .taken(what: "name", owner: alice))
            #expect(await refusal(try peer("bob", key: 1)) == .taken(what: "public key", owner: alice))
            #expect(
                await refusal(try peer("bob", key: 1_000_000)) == .taken(what: "public key", owner: "interface wg0")
            )
            #expect(
                await refusal(try peer("bob", key: 2, addresses: ["10.1.0.9"]))
                    == .taken(what: "address 10.1.0.9", owner: alice)
            )
            #expect(
                await refusal(try peer("bob", key: 2, routed: ["192.0.2.128/25"]))
                    == .overlap(try prefix("192.0.2.128/25"), with: try prefix("192.0.2.0/24"), owner: alice)
            )
            #expect(
                await refusal(try peer("bob", key: 2, routed: ["0.0.0.0/0"]))
                    == .overlap(try prefix("0.0.0.0/0"), with: try prefix("10.1.0.9/32"), owner: alice)
            )
            #expect(
                await refusal(try peer("bob", key: 2, addresses: ["10.1.0.1"]))
                    == .taken(what: "address 10.1.0.1", owner: "interface wg0")
            )
            #expect(
                await refusal(try peer("bob", key: 2, routed: ["fd00::/16"]))
                    == .overlap(try prefix("fd00::/16"), with: try prefix("fd00:1::1/128"), owner: "interface wg0")
            )
            #expect(
                await refusal(try peer("bob", key: 2, addresses: ["10.3.0.1"]))
                    == .outsidePools(try address("10.3.0.1"), try interface("wg0"))
            )
            for edge in ["10.1.0.0", "10.1.0.255", "fd00:1::"] {
                guard case .taken = await refusal(try peer("bob", key: 2, addresses: [edge])) else {
                    Issue.record("\(edge) was given to a peer")
                    continue
                }
            }
            #expect(try await store.currentRevision() == 2)
        }

        @Test func conflictsWithinOneCallAreRefusedNamingThePeer() async throws {
            func refusal(_ first: NewPeer, _ second: NewPeer) async -> StoreFailure? {
                await failure { try await store.add([first, second]) }
            }
            let alice = "peer alice of wg0"
            #expect(
                await refusal(try peer("alice", key: 1), try peer("alice", key: 2))
                    == .taken(what: "name", owner: alice)
            )
            #expect(
                await refusal(try peer("alice", key: 1), try peer("bob", key: 1))
                    == .taken(what: "public key", owner: alice)
            )
            #expect(
                await refusal(
                    try peer("alice", key: 1, routed: ["192.0.2.0/24", "192.0.2.0/25"]),
                    try peer("bob", key: 2, routed: ["192.0.2.64/26"])
                ) == .overlap(try prefix("192.0.2.64/26"), with: try prefix("192.0.2.0/24"), owner: alice)
            )
            #expect(try await store.load().peers.values.allSatisfy(\.isEmpty))
        }

        @Test func aPeerMayHoldTheDefaultRoutesAsLongAsNobodyElseHoldsAnything() async throws {
            try await store.add([
                peer("exit", key: 1, addresses: ["fd00:1::2", "10.1.0.2"], routed: ["0.0.0.0/0", "::/0"])
            ])
            #expect(
                await failure { try await store.add([peer("a", key: 2)]) }
                    == .poolExhausted(try prefix("fd00:1::/64"), try interface("wg0"))
            )
        }

        @Test func theSameAddressesMayBeUsedOnAnotherInterface() async throws {
            try await store.make("wg1", key: 9)
            try await store.add([peer("a", key: 1, routed: ["192.0.2.0/24"])])
            try await store.add([peer("a", key: 1, routed: ["192.0.2.0/24"])], to: "wg1")
        }

        @Test func peersAreDisabledEnabledAndDeletedAllOrNone() async throws {
            try await store.add([peer("a", key: 1), peer("b", key: 2)])
            let disabled = try await store.change(.setPeersEnabled(interface("wg0"), [name("b"), name("a")], false))
            #expect(disabled.peers.map(\.isEnabled) == [false, false])
            #expect(disabled.peers.map(\.revision) == [3, 3])
            let missing = StoreFailure.notFound(.peer(try name("x"), try interface("wg0")))
            #expect(
                await failure {
                    try await store.change(.setPeersEnabled(interface("wg0"), [name("a"), name("x")], true))
                } == missing
            )
            #expect(
                await failure { try await store.change(.deletePeers(interface("wg0"), [name("a"), name("x")])) }
                    == missing
            )
            let deleted = try await store.change(.deletePeers(interface("wg0"), [name("a"), name("a")]))
            #expect(deleted.deletedPeers.map(\.name.value) == ["a"])
            #expect(deleted.deletedPeers.first?.addresses.isEmpty == false)
            #expect(try await store.load().peers.values.map(\.count) == [1])
        }

        @Test(arguments: [1_000, 5_000]) func thousandsOfPeersTakeOneCall(count: Int) async throws {
            try await store.make("wg1", key: 1_000_001, ipv4Pool: "10.64.0.0/16")
            let peers = try (0..<count).map {
                try peer("peer-\($0)", key: $0, routed: ["2001:db8:\(String($0, radix: 16))::/48"])
            }
            let clock = ContinuousClock()
            let start = clock.now
            let made = try await store.add(peers, to: "wg1")
            let elapsed = start.duration(to: clock.now)
            #expect(made.count == count)
            #expect(Set(made.flatMap(\.addresses)).count == 2 * count)
            #expect(elapsed < .seconds(count / 1_000 * 5), "took \(elapsed)")
            print("\(count) peers with 3 prefixes each: \(elapsed)")
            let again = clock.now
            let one = try await store.add([peer("one-more", key: count)], to: "wg1")
            print("one more: \(again.duration(to: clock.now))")
            #expect(one.first?.addresses.count == 2)
            #expect(try await store.load().peers.values.map(\.count).max() == count + 1)
        }
    }
}
