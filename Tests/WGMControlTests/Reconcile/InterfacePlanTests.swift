// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct InterfacePlanTests {
    private let interface: InterfaceRecord
    private let alice: PeerRecord
    private let bob: PeerRecord
    private let actual: ActualInterface

    init() throws {
        let name = try #require(InterfaceName("wg0"))
        interface = InterfaceRecord(
            id: InterfaceID(7),
            name: name,
            backend: .automatic,
            isUp: true,
            mtu: 1420,
            listenPort: 51820,
            publicKey: try #require(PublicKey(bytes: [UInt8](repeating: 0xA0, count: 31) + [9])),
            sealedKey: try #require(SealedKey(bytes: [UInt8](repeating: 9, count: SealedKey.byteCount))),
            addresses: [try #require(InterfaceAddress("fd00::1/64")), try #require(InterfaceAddress("10.0.0.1/24"))],
            ipv6Pool: try #require(IPPrefix("fd00::/64")),
            ipv4Pool: IPPrefix("10.0.0.0/24"),
            endpoint: nil,
            firewallMark: 0,
            dns: [],
            revision: 1,
            created: Timestamp(seconds: 1)
        )
        alice = try Self.peer("alice", ["fd00::2", "10.0.0.2"], ["192.168.1.0/24", "2001:db8:1::/48"])
        bob = try Self.peer("bob", ["fd00::3"], ["192.168.2.0/24"])
        var actual = ActualInterface(name: name, owner: interface.id, backend: .kernel)
        let plan = InterfacePlan(interface: interface, peers: [alice, bob], actual: nil)
        actual.mtu = 1420
        for change in plan.changes { actual.follow(change) }
        self.actual = actual
    }

    private static func peer(_ name: String, _ addresses: [String], _ routed: [String]) throws -> PeerRecord {
        PeerRecord(
            id: 1,
            interface: InterfaceID(7),
            name: try #require(ObjectName(name)),
            publicKey: testKey(name),
            isEnabled: true,
            addresses: try addresses.map { try #require(IPAddress($0)) },
            routed: try routed.map { try #require(IPPrefix($0)) },
            endpoint: nil,
            keepalive: 25,
            comment: "",
            revision: 1,
            created: Timestamp(seconds: 1)
        )
    }

    private func plan(
        _ interface: InterfaceRecord? = nil,
        _ peers: [PeerRecord]? = nil,
        _ change: (inout ActualInterface) -> Void = { _ in }
    ) -> [KernelChange] {
        var actual = actual
        change(&actual)
        return InterfacePlan(interface: interface ?? self.interface, peers: peers ?? [alice, bob], actual: actual)
            .changes
    }

    private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

    @Test("a new interface is made in the order in which its parts need one another")
    func fresh() throws {
        let plan = InterfacePlan(interface: interface, peers: [alice, bob], actual: nil)
        var first = PeerChange(publicKey: alice.publicKey)
        first.keepalive = 25
        first.addAllowedAddresses = alice.allowedAddresses.sorted()
        var second = PeerChange(publicKey: bob.publicKey)
        second.keepalive = 25
        second.addAllowedAddresses = bob.allowedAddresses.sorted()
        #expect(
            plan.changes == [
                .createLink(backend: .automatic, mtu: 1420),
                .setDevice(privateKey: interface.sealedKey, listenPort: 51820, firewallMark: nil),
                .setPeers([first, second]),
                .setLink(mtu: nil, isUp: true),
                .addAddresses(interface.addresses.sorted()),
                .addRoutes([try prefix("192.168.1.0/24"), try prefix("192.168.2.0/24"), try prefix("2001:db8:1::/48")]),
            ]
        )
        #expect(plan.differences.count == plan.changes.count)
    }

    @Test("where nothing differs nothing is sent, and what is foreign stays")
    func nothing() throws {
        let linkLocal = try #require(InterfaceAddress("fe80::1/64"))
        let endpoint = try #require(Endpoint("192.0.2.9:4444"))
        #expect(plan() == [])
        #expect(plan { $0.addresses.insert(linkLocal) } == [])
        #expect(
            plan { actual in
                actual.peers[alice.publicKey]?.endpoint = endpoint
                actual.peers[alice.publicKey]?.receivedBytes = 5
                actual.peers[alice.publicKey]?.lastHandshake = Timestamp(seconds: 9)
                actual.backend = .userspace
            } == []
        )
    }

    @Test("each attribute of the interface alone is one step")
    func interfaceAttributes() throws {
        #expect(plan { $0.mtu = 1300 } == [.setLink(mtu: 1420, isUp: nil)])
        #expect(plan { $0.isUp = false } == [.setLink(mtu: nil, isUp: true)])
        #expect(
            plan { $0.publicKey = nil }
                == [.setDevice(privateKey: interface.sealedKey, listenPort: nil, firewallMark: nil)]
        )
        #expect(plan { $0.listenPort = 1 } == [.setDevice(privateKey: nil, listenPort: 51820, firewallMark: nil)])
        #expect(plan { $0.firewallMark = 5 } == [.setDevice(privateKey: nil, listenPort: nil, firewallMark: 0)])
        let own = interface.addresses[1]
        let other = try #require(InterfaceAddress("10.0.0.1/16"))
        #expect(plan { $0.addresses.remove(own) } == [.addAddresses([own])])
        #expect(plan { $0.addresses.insert(other) } == [.removeAddresses([other])])
        let route = try prefix("192.168.1.0/24")
        let extra = try prefix("172.16.0.0/12")
        #expect(plan { $0.routes.remove(route) } == [.addRoutes([route])])
        #expect(plan { $0.routes.insert(extra) } == [.removeRoutes([extra])])
    }

    @Test("where the kernel's own route to a network of the interface is gone, wgm's stands in, until it is back")
    func onLinkRoute() throws {
        let network = interface.addresses[1].prefix
        let foreign = try prefix("203.0.113.0/24")
        #expect(plan { $0.unroutedNetworks = [network, foreign] } == [.addRoutes([network])])
        #expect(
            plan { actual in
                actual.unroutedNetworks = [network]
                actual.routes.insert(network)
            } == []
        )
        #expect(plan { $0.routes.insert(network) } == [.removeRoutes([network])])
    }

    @Test("a preshared key is set when there is none or another, and left alone when it is the same")
    func presharedKey() throws {
        let sealed = try #require(SealedKey(bytes: [UInt8](repeating: 5, count: SealedKey.byteCount)))
        let mark = try #require(KeyMark(bytes: [UInt8](repeating: 5, count: KeyMark.byteCount)))
        let other = try #require(KeyMark(bytes: [UInt8](repeating: 6, count: KeyMark.byteCount)))
        var peer = alice
        peer.presharedKey = SealedPresharedKey(key: sealed, mark: mark)
        func plan(_ found: KeyMark?) -> [KernelChange] {
            var actual = actual
            actual.peers[peer.publicKey]?.presharedKey = found
            return InterfacePlan(interface: interface, peers: [peer, bob], actual: actual).changes
        }
        var change = PeerChange(publicKey: peer.publicKey)
        change.updateOnly = true
        change.presharedKey = .set(sealed)
        #expect(plan(nil) == [.setPeers([change])] && plan(other) == [.setPeers([change])])
        // A sealed keeper cannot tell, and could not set it either.
        #expect(plan(mark).isEmpty && plan(.unknown).isEmpty)
    }

    @Test("each attribute of a peer alone is one step that names this peer only")
    func peerAttributes() throws {
        var change = PeerChange(publicKey: alice.publicKey)
        change.updateOnly = true
        let key = alice.publicKey

        var keepalive = change
        keepalive.keepalive = 25
        #expect(plan { $0.peers[key]?.keepalive = 0 } == [.setPeers([keepalive])])

        var cleared = change
        cleared.presharedKey = .clear
        #expect(plan { $0.peers[key]?.presharedKey = .unknown } == [.setPeers([cleared])])

        let missing = try prefix("fd00::2")
        var added = change
        added.addAllowedAddresses = [missing]
        #expect(plan { $0.peers[key]?.allowedAddresses.remove(missing) } == [.setPeers([added])])

        let stale = try prefix("172.16.0.0/12")
        var replaced = change
        replaced.replaceAllowedAddresses = true
        replaced.addAllowedAddresses = alice.allowedAddresses.sorted()
        #expect(plan { $0.peers[key]?.allowedAddresses.insert(stale) } == [.setPeers([replaced])])

        var silent = alice
        silent.keepalive = 0
        var off = change
        off.keepalive = 0
        #expect(plan(nil, [silent, bob]) == [.setPeers([off])])

        var dialed = alice
        dialed.endpoint = PeerEndpoint("192.0.2.1:1")
        var told = change
        told.endpoint = dialed.endpoint?.address
        #expect(plan(nil, [dialed, bob]) == [.setPeers([told])])
    }

    @Test("a peer that is off, or unknown, is removed before anything is added")
    func removal() throws {
        var off = alice
        off.isEnabled = false
        let routes = [try prefix("192.168.1.0/24"), try prefix("2001:db8:1::/48")]
        #expect(plan(nil, [off, bob]) == [.removeRoutes(routes), .removePeers([alice.publicKey])])
        #expect(plan(nil, [bob]) == [.removeRoutes(routes), .removePeers([alice.publicKey])])
        let stranger = testKey("stranger")
        #expect(plan { $0.peers[stranger] = ActualPeer() } == [.removePeers([stranger])])
        let both = plan { actual in
            actual.peers[stranger] = ActualPeer()
            actual.peers[alice.publicKey] = nil
        }
        #expect(both.count == 2 && both.first == .removePeers([stranger]))
    }

    @Test("a prefix that moves to another peer is only added there")
    func moving() throws {
        let moved = try prefix("192.168.1.0/24")
        var poorer = alice
        poorer.routed = [try prefix("2001:db8:1::/48")]
        var richer = bob
        richer.routed.append(moved)
        var change = PeerChange(publicKey: bob.publicKey)
        change.updateOnly = true
        change.addAllowedAddresses = [moved]
        #expect(plan(nil, [poorer, richer]) == [.setPeers([change])])
    }

    @Test("an interface that is down has neither routes nor missing addresses")
    func down() throws {
        var record = interface
        record.isUp = false
        #expect(plan(record) == [.setLink(mtu: nil, isUp: false)])
        var settled = actual
        settled.follow(.setLink(mtu: nil, isUp: false))
        #expect(InterfacePlan(interface: record, peers: [alice, bob], actual: settled).isEmpty)
        let up = InterfacePlan(interface: interface, peers: [alice, bob], actual: settled)
        #expect(
            up.changes == [
                .setLink(mtu: nil, isUp: true),
                .addAddresses([try #require(InterfaceAddress("fd00::1/64"))]),
                .addRoutes([try prefix("192.168.1.0/24"), try prefix("192.168.2.0/24"), try prefix("2001:db8:1::/48")]),
            ]
        )
    }

    @Test(
        "a default route is allowed to the peer and kept out of the main table",
        arguments: ["0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3"]
    )
    func wideRoutes(text: String) throws {
        var exit = bob
        exit.routed.append(try prefix(text))
        var change = PeerChange(publicKey: bob.publicKey)
        change.updateOnly = true
        change.addAllowedAddresses = [try prefix(text)]
        #expect(plan(nil, [alice, exit]) == [.setPeers([change])])
    }

    @Test("1 000 peers are one step, and one of them that differs is told alone")
    func manyPeers() throws {
        let peers = try (0..<1000).map { index in
            try Self.peer("p\(index)", ["10.1.\(index / 250).\(index % 250)"], [])
        }
        let plan = InterfacePlan(interface: interface, peers: peers, actual: nil)
        let batches = plan.changes.compactMap { change -> Int? in
            if case .setPeers(let changes) = change { changes.count } else { nil }
        }
        #expect(batches == [1000])
        var actual = ActualInterface(name: interface.name, owner: interface.id, backend: .kernel)
        actual.mtu = interface.mtu
        for change in plan.changes { actual.follow(change) }
        #expect(InterfacePlan(interface: interface, peers: peers, actual: actual).isEmpty)
        actual.peers[peers[500].publicKey]?.keepalive = 1
        let repair = InterfacePlan(interface: interface, peers: peers, actual: actual)
        #expect(repair.changes.count == 1)
        #expect(repair.differences == ["peers that differed: p500 (keepalive was 1)"])
    }

    @Test("from any state the plan leads to one where nothing is left to do")
    func convergence() throws {
        var random = Xorshift(state: 3)
        let names = ["alice", "bob", "carol", "dave"]
        let prefixes = try (0..<8).map { try prefix("192.168.\($0).0/24") }
        for _ in 0..<3000 {
            var record = interface
            record.isUp = random.below(4) > 0
            var owner: [IPPrefix: String] = [:]
            for prefix in prefixes { owner[prefix] = names[random.below(names.count)] }
            let peers = try names.filter { _ in random.below(4) > 0 }.map { name in
                var peer = try Self.peer(name, [], [])
                peer.routed = prefixes.filter { owner[$0] == name && random.below(3) > 0 }
                peer.isEnabled = random.below(4) > 0
                peer.keepalive = UInt16(random.below(2)) * 25
                return peer
            }
            var actual = ActualInterface(name: record.name, owner: record.id, backend: .kernel)
            actual.isUp = random.below(2) == 0
            actual.mtu = random.below(2) == 0 ? 1420 : 1280
            actual.addresses = Set(interface.addresses.filter { _ in random.below(2) == 0 })
            if actual.isUp { actual.routes = Set(prefixes.filter { _ in random.below(2) == 0 }) }
            for name in names + ["eve"] where random.below(2) == 0 { actual.peers[testKey(name)] = ActualPeer() }
            for prefix in prefixes {
                guard let key = actual.peers.keys.sorted().randomElement(using: &random) else { continue }
                actual.peers[key]?.allowedAddresses.insert(prefix)
            }
            for change in InterfacePlan(interface: record, peers: peers, actual: actual).changes {
                actual.follow(change)
            }
            // The second look is for addresses that going down took away.
            let rest = InterfacePlan(interface: record, peers: peers, actual: actual)
            #expect(rest.changes.allSatisfy { if case .setDevice = $0 { true } else { false } })
        }
    }
}
