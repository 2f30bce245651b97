// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WGMModel

@testable import WGMControl

/// What somebody with root does behind wgm's back.
enum Meddling: String, CaseIterable {
    case addsPeer, removesPeer, changesKeepalive, changesAllowed, setsPresharedKey, changesMTU, setsDown, addsAddress
    case removesAddress, removesRoute, removesOnLinkRoute, replacesKey, changesPort, setsMark

    func meddle(_ link: inout ActualInterface) {
        switch self {
        case .addsPeer:
            var peer = ActualPeer()
            peer.allowedAddresses = [IPPrefix("2001:db8:9::/48")].compactMap(\.self).reduce(into: []) { $0.insert($1) }
            link.peers[testKey("mallory")] = peer
        case .removesPeer: link.peers[testKey("alice")] = nil
        case .changesKeepalive: link.peers[testKey("alice")]?.keepalive = 25
        case .changesAllowed:
            if let prefix = IPPrefix("192.0.2.0/24") { link.peers[testKey("alice")]?.allowedAddresses.insert(prefix) }
        case .setsPresharedKey: link.peers[testKey("alice")]?.presharedKey = .unknown
        case .changesMTU: link.mtu = 1300
        case .setsDown: link.follow(.setLink(mtu: nil, isUp: false))
        case .addsAddress: if let address = InterfaceAddress("192.0.2.1/24") { link.addresses.insert(address) }
        case .removesAddress: link.addresses = []
        case .removesRoute: link.routes = []
        case .removesOnLinkRoute: link.unroutedNetworks = Set(link.addresses.map(\.prefix))
        case .replacesKey: link.publicKey = testKey("other")
        case .changesPort: link.listenPort = 4444
        case .setsMark: link.firewallMark = 7
        }
    }
}

@Suite struct DriftTests {
    private func scene(_ policy: DriftPolicy) async throws -> Scene {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface { $0.driftPolicy = UInt32(policy.rawValue) }
        try await scene.makePeers("alice", "bob") { $0.allowedAddresses = $0.name == "bob" ? ["10.9.0.0/16"] : [] }
        await scene.gateway.reconciler.repairAll()
        try await scene.gateway.audit.flush()
        _ = scene.kernel.takeTold()
        return scene
    }

    @Test("every difference that is repaired has words, and the other way round", arguments: Meddling.allCases)
    func wordsAndPlanAgree(_ meddling: Meddling) async throws {
        let scene = try await scene(.repair)
        let wanted = try #require(scene.gateway.view.wanted(scene.wg0, at: scene.clock.now))
        let clean = scene.kernel.link(scene.wg0)
        #expect(InterfaceDrift(interface: wanted.interface, peers: wanted.peers, actual: clean).items == [])
        var link = try #require(clean)
        meddling.meddle(&link)
        let plan = InterfacePlan(interface: wanted.interface, peers: wanted.peers, actual: link)
        let drift = InterfaceDrift(interface: wanted.interface, peers: wanted.peers, actual: link)
        #expect(!plan.isEmpty && !drift.items.isEmpty)
    }

    @Test("repair puts everything back", arguments: Meddling.allCases)
    func repair(_ meddling: Meddling) async throws {
        let scene = try await scene(.repair)
        let before = scene.kernel.link(scene.wg0)
        scene.kernel.change(scene.wg0, meddling.meddle)
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.peers.keys == before?.peers.keys)
        let drift = try #require(scene.gateway.view.drift(scene.wg0))
        #expect(drift.outcome == .repaired && !drift.items.isEmpty)
        #expect(scene.gateway.view.observation(scene.wg0)?.isInSync == true)
    }

    @Test("report tells the kernel nothing, and says once what differs", arguments: Meddling.allCases)
    func report(_ meddling: Meddling) async throws {
        let scene = try await scene(.report)
        let count = await scene.store.audit.count
        scene.kernel.change(scene.wg0, meddling.meddle)
        let meddled = scene.kernel.link(scene.wg0)
        let seen = scene.clock.now
        for _ in 0..<3 {
            await scene.gateway.reconciler.repairAll()
            scene.clock.advance(seconds: 5)
        }
        #expect(scene.kernel.link(scene.wg0) == meddled && scene.kernel.takeTold() == [])
        let drift = try #require(scene.gateway.view.drift(scene.wg0))
        #expect(drift.isOpen && drift.since == seen)
        #expect(!scene.gateway.health().isServing)
        try await scene.gateway.audit.flush()
        let records = await scene.store.audit.dropFirst(count).map(\.entry)
        #expect(records.count == 1 && records[0].message.hasPrefix("drift, left as it is: "))
        #expect(records[0].request.contains(#""attribute":"\#(drift.items[0].attribute)""#))
        if let peer = drift.items[0].peer { #expect(records[0].request.contains(#"{"peer":"\#(peer)","attribute""#)) }
    }

    @Test("what is reported ends when the kernel agrees again")
    func reportEnds() async throws {
        let scene = try await scene(.report)
        let before = try #require(scene.kernel.link(scene.wg0))
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        await scene.gateway.reconciler.repairAll()
        scene.kernel.change(scene.wg0) { $0 = before }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.gateway.view.drift(scene.wg0)?.outcome == .ended)
        #expect(scene.gateway.health().isServing)
    }

    @Test("adopt makes database and kernel agree, whatever was done", arguments: Meddling.allCases)
    func adopt(_ meddling: Meddling) async throws {
        let scene = try await scene(.adopt)
        scene.kernel.change(scene.wg0, meddling.meddle)
        await scene.gateway.reconciler.repairAll()
        let wanted = try #require(scene.gateway.view.wanted(scene.wg0, at: scene.clock.now))
        let link = try #require(scene.kernel.link(scene.wg0))
        #expect(InterfacePlan(interface: wanted.interface, peers: wanted.peers, actual: link).isEmpty)
        let drift = try #require(scene.gateway.view.drift(scene.wg0))
        switch meddling {
        case .setsPresharedKey, .removesRoute, .removesOnLinkRoute, .replacesKey, .removesAddress:
            #expect(drift.outcome == .repaired)
        default:
            guard case .adopted = drift.outcome else {
                Issue.record("\(drift.outcome)")
                return
            }
        }
        let peers = Dictionary(uniqueKeysWithValues: wanted.peers.map { ($0.name.value, $0) })
        switch meddling {
        case .addsPeer: #expect(peers.values.contains { $0.publicKey == testKey("mallory") && $0.isEnabled })
        case .removesPeer: #expect(peers["alice"]?.isEnabled == false && peers["alice"]?.addresses.isEmpty == false)
        case .changesKeepalive: #expect(peers["alice"]?.keepalive == 25)
        case .changesAllowed: #expect(peers["alice"]?.routed == [try #require(IPPrefix("192.0.2.0/24"))])
        case .changesMTU: #expect(wanted.interface.mtu == 1300)
        case .setsDown: #expect(!wanted.interface.isUp && !link.isUp)
        case .addsAddress: #expect(wanted.interface.addresses.count == 2)
        default: break
        }
    }

    @Test("of what is adopted in part, the rest is told as repaired")
    func adoptInPart() async throws {
        let scene = try await scene(.adopt)
        scene.kernel.change(scene.wg0) { link in
            Meddling.changesMTU.meddle(&link)
            Meddling.removesRoute.meddle(&link)
        }
        await scene.gateway.reconciler.repairAll()
        let drift = try #require(scene.gateway.view.drift(scene.wg0))
        guard case .adopted = drift.outcome else {
            Issue.record("\(drift.outcome)")
            return
        }
        let items = Dictionary(uniqueKeysWithValues: drift.items.map { ($0.attribute, $0.wasRepaired) })
        #expect(items == ["mtu": false, "route 10.9.0.0/16": true])
    }

    @Test("a disabled peer that somebody puts back is never adopted")
    func revokedStaysRevoked() async throws {
        let scene = try await scene(.adopt)
        let before = try #require(scene.kernel.link(scene.wg0)?.peers[testKey("alice")])
        _ = try await scene.gateway.setPeerEnabled(
            interface: "wg0",
            name: "alice",
            isEnabled: false,
            scene.context()
        )
        scene.kernel.change(scene.wg0) { $0.peers[testKey("alice")] = before }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.peers[testKey("alice")] == nil)
        #expect(scene.gateway.view.drift(scene.wg0)?.outcome == .repaired)
    }

    @Test("a change that the kernel did not follow yet is no drift", arguments: [DriftPolicy.report, .adopt])
    func unfinishedIsFinished(_ policy: DriftPolicy) async throws {
        let scene = try await scene(policy)
        scene.kernel.refuse { _ in KernelFailure(.keeperGone, "the keeper is away") }
        let refused = await refusal { () async throws(Refusal) in
            try await scene.gateway.deletePeer(interface: "wg0", name: "alice", scene.context())
        }
        #expect(refused != nil && scene.kernel.link(scene.wg0)?.peers[testKey("alice")] != nil)
        scene.kernel.refuse(nil)
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.peers[testKey("alice")] == nil)
        #expect(scene.gateway.view.wanted(scene.wg0, at: scene.clock.now)?.peers.count == 1)
    }

    @Test(
        "what a repair leaves that is cut off is no drift either, also after a restart",
        arguments: [DriftPolicy.report, .adopt]
    )
    func cutOffRepairIsFinished(_ policy: DriftPolicy) async throws {
        let scene = try await scene(policy)
        let before = try #require(scene.kernel.link(scene.wg0))
        let revision = scene.gateway.view.revision
        // The link is gone, is made anew, and the keeper ends before a peer is in it.
        scene.kernel.state.withLock { $0.links[scene.wg0] = nil }
        scene.kernel.refuse { change in
            if case .createLink = change { return nil }
            return KernelFailure(.keeperGone, "the keeper is away")
        }
        if policy == .adopt {
            await scene.gateway.reconciler.repairAll()
        } else {
            _ = try? await scene.gateway.reconciler.settle(scene.wg0)
        }
        #expect(scene.kernel.link(scene.wg0)?.peers.isEmpty == true)
        let kept = try await scene.store.load()
        #expect(kept.progress[scene.wg0]?.isSettled == false, "wgmd may end as well")
        scene.kernel.refuse(nil)
        await scene.gateway.reconciler.repairAll()
        let after = try #require(scene.kernel.link(scene.wg0))
        #expect(after.peers.keys == before.peers.keys && after.isUp && after.addresses == before.addresses)
        #expect(scene.gateway.view.revision == revision)
        #expect(try await scene.store.load().progress[scene.wg0]?.isSettled == true)
        // What somebody does from now on is drift again.
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.mtu == 1300)
    }

    @Test("adoption waits for a database that is away, and repairs what it refuses")
    func databaseAway() async throws {
        let scene = try await scene(.adopt)
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        await scene.store.fail(.unavailable("gone"))
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.mtu == 1300)
        #expect(scene.gateway.view.drift(scene.wg0)?.isOpen == true)
        await scene.store.fail(.taken(what: "listen port", owner: "another interface"))
        _ = await scene.gateway.refresh()
        await scene.store.fail(nil)
        _ = await scene.gateway.refresh()
        await scene.store.fail(.taken(what: "listen port", owner: "another interface"))
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.mtu == 1420)
    }

    @Test("the kernel seen without a key is proved in a record with the call's id")
    func proof() async throws {
        let scene = try await scene(.repair)
        _ = try await scene.gateway.deletePeer(interface: "wg0", name: "alice", scene.context())
        try await scene.gateway.audit.flush()
        let record = try #require(await scene.store.audit.last?.entry)
        #expect(record.method == "wgmd/removal-proof" && record.requestID == "r1")
        #expect(record.request.contains(testKey("alice").description) && record.request.contains(#""peers_seen":1"#))
    }
}
