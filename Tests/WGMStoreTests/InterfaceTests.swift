// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    @Suite struct Interfaces {
        @Test func anInterfaceGetsASubnetOfTheNodesPrefixAPortAndTheFirstAddressOfEachPool() async throws {
            let store = try TestCluster.database().store()
            let made = try await store.make("wg0", ipv4Pool: "10.1.0.0/24")
            #expect(made.ipv6Pool == (try prefix("fd12:3456:789a::/64")))
            #expect(made.listenPort == 51820)
            #expect(made.addresses.map(\.description) == ["fd12:3456:789a::1/64", "10.1.0.1/24"])
            #expect(made.dns.map(\.description) == ["2001:db8::53", "192.0.2.53"])
            #expect(made.revision == 1)
            let state = try await store.load()
            #expect(state.revision == 1)
            #expect(state.interfaces == [made.name: made])
            #expect(try await store.currentRevision() == 1)
        }

        @Test func theNodesPrefixIsChosenOnceAndASubnetIsNeverGivenTwice() async throws {
            let store = try TestCluster.database().store()
            try await store.make("wg0", key: 1)
            try await store.change(.deleteInterface(interface("wg0"), withPeers: false))
            try await store.make("wg1", key: 2, ipv6Pool: "fd12:3456:789a:1::/64")
            let third = try await store.make("wg2", key: 3)
            #expect(third.ipv6Pool == (try prefix("fd12:3456:789a:2::/64")))
            #expect(third.listenPort == 51821)
        }

        @Test func whatIsTakenIsRefusedNamingItsOwner() async throws {
            let store = try TestCluster.database().store()
            try await store.make("wg0", key: 1, ipv4Pool: "10.1.0.0/24")
            #expect(
                await failure { try await store.make("wg0", key: 2) } == .taken(what: "name", owner: "interface wg0")
            )
            #expect(
                await failure { try await store.make("wg1", key: 1) }
                    == .taken(what: "public key", owner: "interface wg0")
            )
            #expect(
                await failure { try await store.make("wg1", key: 2, port: 51820) }
                    == .taken(what: "listen port 51820", owner: "interface wg0")
            )
            #expect(
                await failure { try await store.make("wg1", key: 2, ipv4Pool: "10.1.0.128/25") }
                    == .overlap(try prefix("10.1.0.128/25"), with: try prefix("10.1.0.0/24"), owner: "interface wg0")
            )
            #expect(
                await failure { try await store.make("wg1", key: 2, ipv6Pool: "fd12:3456:789a::/60") }
                    == .overlap(
                        try prefix("fd12:3456:789a::/60"),
                        with: try prefix("fd12:3456:789a::/64"),
                        owner: "interface wg0"
                    )
            )
            #expect(try await store.currentRevision() == 1)
        }

        @Test func twoNodesOfOneDatabaseDoNotSeeEachOthersInterfaces() async throws {
            let database = try TestCluster.database()
            let (first, second) = (try database.store("gw1"), try database.store("gw2"))
            try await first.make("wg0", key: 1)
            try await second.make("wg0", key: 2)
            #expect(try await first.load().interfaces.count == 1)
            #expect(try await second.load().interfaces.count == 1)
            #expect(try await second.load().revision == 2)
        }

        @Test func anInterfaceIsSetDownAndDeletedWithItsPeersOnlyWhenToldSo() async throws {
            let store = try TestCluster.database().store()
            try await store.make("wg0")
            try await store.add([peer("a", key: 1), peer("b", key: 2)])
            let down = try await store.change(.setInterfaceUp(interface("wg0"), false)).interfaces
            #expect(down.map(\.isUp) == [false])
            #expect(down.map(\.revision) == [3])
            #expect(
                await failure { try await store.change(.deleteInterface(interface("wg0"), withPeers: false)) }
                    == .hasPeers(try interface("wg0"), count: 2)
            )
            let deleted = try await store.change(.deleteInterface(interface("wg0"), withPeers: true))
            #expect(deleted.deletedInterfaces == [try interface("wg0")])
            #expect(deleted.deletedPeers.map(\.name.value) == ["a", "b"])
            #expect(
                await failure { try await store.change(.setInterfaceUp(interface("wg0"), true)) }
                    == .notFound(.interface(try interface("wg0")))
            )
        }

        @Test func interfaceNumbersAreNeverGivenOutTwice() async throws {
            let database = try TestCluster.database()
            let (first, second) = (try database.store(), try database.store())
            var seen: Set<InterfaceID> = []
            for _ in 0..<20 {
                seen.insert(try await first.reserveInterfaceID())
                seen.insert(try await second.reserveInterfaceID())
            }
            #expect(seen.count == 40)
        }
    }
}

/// Everything that runs on the shared cluster: one test after the other, since it takes few connections.
@Suite(.serialized) struct StoreTests {}
