// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    @Suite struct Histories {
        /// wg0 with alice (who has a prefix behind her) and bob; four revisions.
        private func store() async throws -> PostgresStore {
            let store = try TestCluster.database().store()
            try await store.make("wg0", ipv4Pool: "10.7.0.0/24")
            try await store.add([peer("alice", key: 1, routed: ["192.0.2.0/24"]), peer("bob", key: 2)])
            return store
        }

        private func adoption(
            _ store: PostgresStore,
            _ meddle: (inout ActualInterface) -> Void
        ) async throws -> Adoption {
            let state = try await store.load()
            let record = try #require(try state.interfaces[interface("wg0")])
            let peers = Array((state.peers[record.id] ?? [:]).values)
            var actual = ActualInterface(name: record.name, owner: record.id, backend: .kernel)
            actual.isUp = record.isUp
            actual.mtu = record.mtu
            actual.listenPort = record.listenPort
            actual.firewallMark = record.firewallMark
            actual.publicKey = record.publicKey
            actual.addresses = Set(record.addresses)
            for peer in peers where peer.isEnabled {
                var held = ActualPeer()
                held.allowedAddresses = PrefixSet(peer.allowedAddresses)
                held.keepalive = peer.keepalive
                actual.peers[peer.publicKey] = held
            }
            meddle(&actual)
            return Adoption(interface: record, peers: peers, actual: actual)
        }

        @Test func adoptionTakesEverythingThatItNames() async throws {
            let store = try await store()
            let (alice, bob, carol) = try (key(1), key(2), key(3))
            let moved = try prefix("192.0.2.0/24")
            let extra = try #require(InterfaceAddress("203.0.113.1/28"))
            let taken = try prefix("10.7.0.99/32")
            let adoption = try await adoption(store) { actual in
                actual.mtu = 1380
                actual.firewallMark = 5
                actual.addresses.insert(extra)
                actual.peers[alice] = nil
                actual.peers[bob]?.keepalive = 25
                actual.peers[carol] = ActualPeer()
                actual.peers[carol]?.allowedAddresses = [taken]
            }
            try await store.change(.adopt(interface("wg0"), adoption))
            let state = try await store.load()
            let record = try #require(try state.interfaces[interface("wg0")])
            #expect(record.mtu == 1380 && record.firewallMark == 5 && record.addresses.contains(extra))
            let peers = try #require(state.peers[record.id])
            #expect(try peers[name("alice")]?.isEnabled == false)
            #expect(try peers[name("alice")]?.routed == [moved])
            #expect(try peers[name("bob")]?.keepalive == 25)
            let new = try #require(peers.values.first { $0.publicKey == carol })
            #expect(new.name.value.hasPrefix("key-") && new.addresses == [taken.address])
            #expect(state.progress[record.name]?.changed == state.revision)
        }

        @Test func aPresharedKeyIsKeptShownAndRolledBack() async throws {
            let store = try await store()
            let bytes = [UInt8](repeating: 3, count: SealedKey.byteCount) + Array(1...16)
            let preshared = try #require(SealedPresharedKey(bytes: bytes))
            var carol = try peer("carol", key: 3)
            carol.presharedKey = preshared
            try await store.add([carol])
            func stored() async throws -> SealedPresharedKey? {
                let peers = try await store.load().peers.values.flatMap(\.values)
                return try #require(peers.first { $0.name.value == "carol" }).presharedKey
            }
            #expect(try await stored() == preshared)
            let made = try await store.currentRevision()
            let shown = try await store.revision(made).1.objects.flatMap(\.attributes)
            #expect(shown.first { $0.name == "preshared_key" }?.after == "set (01020304)")
            #expect(!shown.contains { $0.name.contains("sealed") || $0.after?.contains("0303") == true })
            try await store.change(.deletePeers(interface("wg0"), [name("carol")]))
            #expect(try await store.peer(name("carol"), of: interface("wg0"), at: .revision(made)).hasPresharedKey)
            try await store.change(.rollBack(to: made))
            #expect(try await stored() == preshared)
            let same = try await store.differences(from: made, to: store.currentRevision())
            #expect(same.objects.isEmpty)
        }

        @Test func aChangeInPlaceKeepsTheRestAndIsRolledBack() async throws {
            let store = try await store()
            func alice() async throws -> PeerRecord {
                let peers = try await store.load().peers.values.flatMap(\.values)
                return try #require(peers.first { $0.name.value == "alice" })
            }
            let before = (revision: try await store.currentRevision(), peer: try await alice())
            var update = PeerUpdate()
            update.publicKey = try key(9)
            update.routed = [try prefix("192.0.2.0/25")]
            update.keepalive = 7
            update.validUntil = .set(Timestamp(seconds: 4_000_000_000))
            try await store.change(.updatePeer(interface("wg0"), name("alice"), update))
            let changed = try await alice()
            #expect(changed.publicKey == update.publicKey && changed.routed == update.routed && changed.keepalive == 7)
            #expect(changed.addresses == before.peer.addresses && changed.id == before.peer.id)
            #expect(changed.validity == Validity(until: Timestamp(seconds: 4_000_000_000)))
            var cleared = PeerUpdate()
            cleared.validUntil = .clear
            try await store.change(.updatePeer(interface("wg0"), name("alice"), cleared))
            let after = try await alice()
            #expect(after.validity == Validity() && after.keepalive == 7)
            try await store.change(.rollBack(to: before.revision + 1))
            #expect(try await alice().validity == changed.validity)
            try await store.change(.rollBack(to: before.revision))
            #expect(try await alice().publicKey == before.peer.publicKey)
            #expect(try await store.differences(from: before.revision, to: store.currentRevision()).objects.isEmpty)
        }

        @Test func whoWasLetInAtAMomentDependsOnThePeersTimes() async throws {
            let store = try await store()
            let (early, start, end) = (
                Timestamp(seconds: 10), Timestamp(seconds: 20), Timestamp(seconds: 4_000_000_000)
            )
            var update = PeerUpdate()
            (update.validFrom, update.validUntil) = (.set(start), .set(end))
            try await store.change(.updatePeer(interface("wg0"), name("alice"), update))
            let revision = try await store.currentRevision()
            let past = try await store.peer(name("alice"), of: interface("wg0"), at: .revision(revision))
            #expect(past.validFrom == start && past.validUntil == end && past.created != nil)
            let address = try #require(past.addresses.first.flatMap { IPAddress($0) })
            func isLetIn(at moment: HistoryPoint) async throws -> Bool? {
                try await store.holders(of: address, at: moment).first { $0.peer == "alice" }?.isEnabled
            }
            #expect(try await isLetIn(at: .newest) == true)
            #expect(try await isLetIn(at: .revision(revision)) == true)
            #expect(try await isLetIn(at: .time(end)) == false)
            (update.validFrom, update.validUntil) = (.set(Timestamp(seconds: 3_999_999_999)), .set(end))
            try await store.change(.updatePeer(interface("wg0"), name("alice"), update))
            #expect(try await isLetIn(at: .newest) == false)
            #expect(try await isLetIn(at: .revision(revision + 1)) == false)
            #expect(try await isLetIn(at: .revision(revision)) == true)
            #expect(
                await failure { _ = try await store.peer(name("alice"), of: interface("wg0"), at: .time(early)) } != nil
            )
        }

        @Test func changesFollowOneAnotherWithWhatTheyChanged() async throws {
            let store = try await store()
            let start = try await store.currentRevision()
            var update = PeerUpdate()
            update.keepalive = 7
            try await store.change(.updatePeer(interface("wg0"), name("alice"), update))
            try await store.change(.setRoles(principal: name("vera"), uid: nil, roles: [.viewer]))
            try await store.change(.deletePeers(interface("wg0"), [name("alice"), name("bob")]))
            let page = try await store.changes(after: start)
            #expect(page.completeTo == start + 3)
            #expect(page.changes.map(\.record.number) == [start + 1, start + 3])
            let edit = try #require(page.changes.first?.objects.first)
            #expect(edit.peer == "alice" && edit.kind == .changed)
            #expect(edit.attributes == [.init(name: "keepalive_s", before: "0", after: "7")])
            let last = try #require(page.changes.last?.objects)
            #expect(last.map(\.peer) == ["alice", "bob"] && last.allSatisfy { $0.kind == .deleted })
            let all = try await store.changes(after: 0)
            let first = try #require(all.changes.first?.objects.first)
            #expect(first.interface == "wg0" && first.peer == nil && first.kind == .created && first.attributes.isEmpty)
            #expect(try await store.changes(after: start + 3).changes.isEmpty)
            await #expect(throws: StoreFailure.noSuchRevision(start + 4, first: 0)) {
                try await store.changes(after: start + 4)
            }
        }

        @Test func aPageOfChangesEndsWhereTheNextBegins() async throws {
            let store = try await store()
            let start = try await store.currentRevision()
            for round in 0..<70 {
                try await store.change(.setPeersEnabled(interface("wg0"), [name("bob")], round % 2 == 1))
            }
            var numbers: [Int64] = []
            var at = start
            while true {
                let page = try await store.changes(after: at)
                if page.changes.isEmpty { break }
                #expect(page.changes.count <= ChangePage.mostRevisions)
                numbers += page.changes.map(\.record.number)
                at = page.completeTo
            }
            #expect(numbers == Array(start + 1...start + 70))
        }

        @Test func aChangeThatTakesWhatAnotherHasIsRefused() async throws {
            let store = try await store()
            var prefixes = PeerUpdate()
            prefixes.routed = [try prefix("192.0.2.128/25")]
            var taken = PeerUpdate()
            taken.publicKey = try key(1)
            let before = try await store.currentRevision()
            for update in [prefixes, taken] {
                await #expect(throws: StoreFailure.self) {
                    try await store.change(.updatePeer(interface("wg0"), name("bob"), update))
                }
            }
            var port = InterfaceUpdate()
            port.listenPort = 51820
            try await store.make("wg1", key: 1_000_001)
            await #expect(throws: StoreFailure.taken(what: "listen port 51820", owner: "interface wg0")) {
                try await store.change(.updateInterface(interface("wg1"), port))
            }
            #expect(try await store.currentRevision() == before + 1)
        }

        @Test func aPrefixThatMovedBetweenPeersIsAdopted() async throws {
            let store = try await store()
            let (alice, bob) = try (key(1), key(2))
            let moved = try prefix("192.0.2.0/24")
            let adoption = try await adoption(store) { actual in
                actual.peers[alice]?.allowedAddresses.remove(moved)
                actual.peers[bob]?.allowedAddresses.insert(moved)
            }
            try await store.change(.adopt(interface("wg0"), adoption))
            let peers = try await store.load().peers.values.flatMap(\.values)
            #expect(peers.first { $0.name.value == "bob" }?.routed == [moved])
            #expect(peers.first { $0.name.value == "alice" }?.routed == [])
        }

        @Test func whatBelongsToSomebodyElseIsNotAdopted() async throws {
            let store = try await store()
            let carol = try key(3)
            let adoption = try await adoption(store) { actual in
                let overlapping = IPPrefix("192.0.2.128/25")
                actual.peers[carol] = ActualPeer()
                actual.peers[carol]?.allowedAddresses = PrefixSet([overlapping].compactMap(\.self))
            }
            let before = try await store.currentRevision()
            guard case .overlap = await failure({ try await store.change(.adopt(interface("wg0"), adoption)) }) else {
                Issue.record("not refused")
                return
            }
            #expect(try await store.currentRevision() == before)
        }

        @Test func rollingBackBringsBackWhatWasAndMakesANewRevision() async throws {
            let store = try await store()
            let before = try await store.load()
            let wg0 = try interface("wg0")
            try await store.change(.setDriftPolicy(wg0, .adopt))
            try await store.change(.setPeersEnabled(wg0, [name("alice")], false))
            try await store.change(.deletePeers(wg0, [name("bob")]))
            // The key and the address of the one that is gone now are another's.
            let address = try #require(before.peers.values.first?[name("bob")]?.addresses.first)
            try await store.add([peer("eve", key: 2, addresses: ["\(address)"])])
            try await store.make("wg1", key: 77)
            let touched = try await store.change(.rollBack(to: before.revision))
            #expect(Set(touched.deletedPeers.map(\.name.value)).isSuperset(of: ["eve"]))
            #expect(touched.deletedInterfaces.map(\.value) == ["wg1"])
            let after = try await store.load()
            #expect(after.revision > before.revision + 5)
            #expect(after.comparable == before.comparable)
        }

        @Test func aDeletedInterfaceComesBackWithItsKeyAndPeers() async throws {
            let store = try await store()
            let before = try await store.load()
            try await store.change(.deleteInterface(interface("wg0"), withPeers: true))
            try await store.make("wg0", key: 5)
            try await store.change(.rollBack(to: before.revision))
            #expect(try await store.load().comparable == before.comparable)
            // And forwards again, to the time when there was another of the same name.
            try await store.change(.rollBack(to: before.revision + 2))
            let again = try await store.load()
            #expect(try again.interfaces[interface("wg0")]?.publicKey == key(5))
            #expect(again.peers.values.allSatisfy { $0.isEmpty })
        }

        @Test func theOtherKeyOfAnInterfaceIsKeptAndComesBack() async throws {
            let store = try await store()
            let wg0 = try interface("wg0")
            let next = InterfaceKey(
                publicKey: try key(90),
                sealed: try #require(SealedKey(bytes: [UInt8](repeating: 90, count: SealedKey.byteCount)))
            )
            let old = try #require(try await store.load().interfaces[wg0])
            let moment = Timestamp(milliseconds: 1_900_000_000_123)
            try await store.change(.rotateKey(wg0, .announce(next, at: moment, now: entry().time)))
            let announced = try await store.load()
            #expect(announced.interfaces[wg0]?.rotation == .announced(next, at: moment))
            #expect(announced.interfaces[wg0]?.publicKey == old.publicKey)
            try await store.change(.rotateKey(wg0, .switchOver(nil, now: moment)))
            let switched = try await store.load()
            let former = InterfaceKey(publicKey: old.publicKey, sealed: old.sealedKey)
            #expect(switched.interfaces[wg0]?.rotation == .switched(from: former, at: moment))
            #expect(switched.interfaces[wg0]?.sealedKey == next.sealed)
            let (_, shown) = try await store.revision(switched.revision)
            let names = shown.objects.flatMap(\.attributes).map(\.name)
            #expect(Set(names) == ["public_key", "next_key", "next_key_from", "key_before", "key_since"])
            // WireGuard ignores a peer that has the interface's own key, and this may be it again.
            #expect(
                await failure { try await store.add([peer("mirror", key: 1_000_000)]) }
                    == .taken(what: "public key", owner: "interface wg0")
            )
            guard case .keyRotation = await failure({ try await store.change(.rotateKey(wg0, .cancel)) }) else {
                Issue.record("not refused")
                return
            }
            try await store.change(.deleteInterface(wg0, withPeers: true))
            try await store.change(.rollBack(to: announced.revision))
            #expect(try await store.load().comparable == announced.comparable)
            try await store.change(.rollBack(to: switched.revision))
            #expect(try await store.load().comparable == switched.comparable)
            try await store.change(.rotateKey(wg0, .finish))
            #expect(try await store.load().interfaces[wg0]?.rotation == nil)
        }

        @Test func aKeyThatComesBackAfterItsMomentStaysAnnouncedWithoutOne() async throws {
            let store = try await store()
            let wg0 = try interface("wg0")
            let next = InterfaceKey(
                publicKey: try key(91),
                sealed: try #require(SealedKey(bytes: [UInt8](repeating: 91, count: SealedKey.byteCount)))
            )
            let (moment, early) = (entry().time, Timestamp(milliseconds: entry().time.milliseconds - 1))
            try await store.change(.rotateKey(wg0, .announce(next, at: moment, now: early)))
            let announced = try await store.load()
            try await store.change(.setPeersEnabled(wg0, [name("alice")], false))
            try await store.change(.rollBack(to: announced.revision))
            // Nothing was rolled back of it: it is due still.
            #expect(try await store.load().interfaces[wg0]?.rotation == .announced(next, at: moment))
            try await store.change(.rotateKey(wg0, .switchOver(nil, now: moment)))
            let touched = try await store.change(.rollBack(to: announced.revision))
            #expect(touched.interfaces.map(\.rotation) == [.announced(next, at: nil)])
            let back = try await store.load()
            #expect(back.interfaces[wg0]?.rotation == .announced(next, at: nil))
            #expect(back.interfaces[wg0]?.publicKey == announced.interfaces[wg0]?.publicKey)
            try await store.change(.rollBack(to: back.revision - 1))
            try await store.change(.rollBack(to: back.revision))
            #expect(try await store.load().comparable == back.comparable)
            #expect(
                await failure { try await store.change(.rotateKey(wg0, .announce(next, at: moment, now: moment))) }
                    == .momentOver
            )
        }

        @Test func aLinkThatAnImportTookOverIsGivenBackWhenThatIsUndone() async throws {
            let store = try await store()
            let before = try await store.load().revision
            let id = try await store.reserveInterfaceID()
            let new = try NewInterface(
                id: id,
                name: interface("old"),
                backend: .kernel,
                isUp: true,
                mtu: 1420,
                listenPort: 51999,
                publicKey: key(4000),
                sealedKey: #require(SealedKey(bytes: [UInt8](repeating: 7, count: SealedKey.byteCount))),
                ipv6Pool: prefix("fd77::/64"),
                ipv4Pool: nil,
                endpoint: nil,
                firewallMark: 0,
                dns: [],
                uniqueLocalPrefixIfNone: prefix("fd12:3456:789a::/48")
            )
            let imported = ImportedInterface(interface: new, addresses: [], peers: [], takesLink: true)
            let made = try await store.change(.importInterface(imported))
            #expect(made.interfaces.map(\.linkTaken) == [before + 1])
            // Undoing something later leaves it.
            try await store.change(.setPeersEnabled(interface("wg0"), [name("alice")], false))
            #expect(try await store.change(.rollBack(to: before + 1)).givenBack.isEmpty)
            let undone = try await store.change(.rollBack(to: before))
            #expect(undone.givenBack == [id] && undone.deletedInterfaces.map(\.value) == ["old"])
            let state = try await store.load()
            #expect(state.givenBack == [id] && state.formerInterfaces.contains(id))
            // It comes back, so that its link is taken over again; deleting it is no undoing.
            let again = try await store.change(.rollBack(to: before + 1))
            #expect(again.interfaces.first { $0.id == id }?.linkTaken == before + 5)
            #expect(try await store.load().givenBack.isEmpty)
            try await store.change(.deleteInterface(interface("old"), withPeers: true))
            #expect(try await store.load().givenBack.isEmpty)
        }

        @Test func aRevisionThatIsNotKnownIsRefused() async throws {
            let store = try await store()
            for number: Int64 in [-1, 99] {
                let expected = StoreFailure.noSuchRevision(number, first: 0)
                #expect(await failure { try await store.change(.rollBack(to: number)) } == expected)
            }
        }

        @Test func howFarTheKernelFollowedOutlivesARestart() async throws {
            let database = try TestCluster.database()
            let store = try database.store()
            let record = try await store.make("wg0")
            #expect(try await store.load().progress[record.name] == Progress(changed: 1, settled: 0))
            let sight = KeySight(publicKey: record.publicKey, since: Timestamp(milliseconds: 1_800_000_000_123))
            for progress in [Progress(changed: 1, settled: 1, key: sight), Progress(changed: 1, settled: 1)] {
                try await store.keepProgress([record.id: progress])
                #expect(try await database.store().load().progress[record.name] == progress)
            }
        }

        @Test func aRevisionShowsWhatItChangedAndNoSealedKey() async throws {
            let store = try await store()
            try await store.change(.setPeersEnabled(interface("wg0"), [name("bob")], false))
            let (record, differences) = try await store.revision(3)
            #expect(record.summary == "disable peer bob of wg0" && record.principal == "alice")
            let expected = ObjectDifference(
                interface: "wg0",
                peer: "bob",
                kind: .changed,
                attributes: [.init(name: "enabled", before: "true", after: "false")]
            )
            #expect(differences == Differences(objects: [expected], isTruncated: false))
            let made = try await store.revision(1).1.objects
            #expect(made.map(\.kind) == [.created])
            #expect(made[0].attributes.contains { $0.name == "public_key" && $0.before == nil && $0.after != nil })
            #expect(!made[0].attributes.contains { $0.name == "sealed_key" })
        }

        @Test func whatDiffersIsToldByTheNamesAndWordsOfAFile() async throws {
            let store = try await store()
            let made = try await store.revision(1).1.objects[0].attributes
            #expect(made.first { $0.name == "backend" }?.after == "auto")
            let created = try #require(made.first { $0.name == "created" }?.after)
            #expect(created.hasSuffix("Z") && created.contains("T"))
            var last = "null"
            for endpoint in ["vpn.example.org:51820", "192.0.2.7:51820", "[2001:db8::7]:4000"] {
                var update = PeerUpdate()
                update.endpoint = .set(try #require(PeerEndpoint(endpoint)))
                update.routed = [try #require(IPPrefix("198.51.\(last.utf8.count).0/24"))]
                let touched = try await store.change(.updatePeer(interface("wg0"), name("bob"), update))
                #expect(touched.peers.count == 1)
                let revision = try await store.currentRevision()
                for objects in [
                    try await store.revision(revision).1.objects,
                    try #require(try await store.changes(after: revision - 1).changes.last).objects,
                ] {
                    let attributes = Dictionary(
                        uniqueKeysWithValues: try #require(objects.first).attributes.map { ($0.name, $0) }
                    )
                    #expect(attributes.keys.sorted() == ["allowed_addresses", "endpoint"])
                    #expect(attributes["endpoint"]?.after == endpoint)
                    #expect(attributes["endpoint"]?.before ?? "null" == last)
                }
                last = endpoint
            }
        }

        @Test func revisionsAreListedNewestFirstAndOfOneInterface() async throws {
            let store = try await store()
            try await store.make("wg1", key: 9)
            #expect(try await store.revisions(limit: 10, before: nil, interface: nil).map(\.number) == [3, 2, 1])
            #expect(try await store.revisions(limit: 1, before: 3, interface: nil).map(\.number) == [2])
            let wg1 = try await store.revisions(limit: 10, before: nil, interface: interface("wg1"))
            #expect(wg1.map(\.number) == [3])
        }

        @Test func moreAddressesThanAStatementTakesAreGivenOnceEachInOrder() async throws {
            let store = try TestCluster.database().store()
            try await store.make("wg0")
            let made = try await store.add(
                (0..<2100).map { number in
                    try peer(
                        "p\(number)",
                        key: number,
                        routed: number < 1200 ? ["10.\(number / 200).\(number % 200).0/24"] : []
                    )
                }
            )
            let own = made.sorted { $0.id < $1.id }.compactMap { $0.addresses.first { $0.family == .v6 } }
            #expect(own.count == 2100 && own == own.sorted() && Set(own).count == 2100)
            #expect(made.count { $0.routed.count == 1 } == 1200)
        }

        @Test func theHistoryOfAThousandPeersIsOneRevision() async throws {
            let store = try TestCluster.database().store()
            try await store.make("wg0")
            try await store.add((0..<1000).map { try peer("p\($0)", key: $0) })
            let objects = try await store.differences(from: 1, to: 2).objects
            #expect(objects.count == 1000 && objects.allSatisfy { $0.kind == .created })
            try await store.change(.rollBack(to: 1))
            #expect(try await store.load().peers.values.flatMap(\.values).isEmpty)
        }
    }
}

extension GatewayState {
    /// Without what rolling back does not bring back: ids of peers, and revisions.
    fileprivate var comparable: [String] {
        interfaces.values.map { record in
            var record = record
            record.revision = 0
            return "\(record)"
        }.sorted()
            + peers.values.flatMap(\.values).map { record in
                var record = record
                (record.id, record.revision) = (0, 0)
                return "\(record)"
            }.sorted()
    }
}
