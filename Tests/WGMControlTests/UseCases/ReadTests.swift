// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct ReadTests {
    @Test("pages go through all peers once, whatever is deleted meanwhile")
    func pages() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        try await scene.makeInterface { request in
            request.name = "wg1"
            request.listenPort = 51821
        }
        for name in ["c", "a", "e", "b", "d"] { try await scene.makePeers(name) }
        let other = PeersRequest(interface: "wg1", peers: [scene.peerRequest("z")])
        _ = try await scene.gateway.createPeers(other, scene.context())
        var seen: [String] = []
        var token: String?
        repeat {
            let page = try await scene.gateway.listPeers(interface: nil, pageSize: 2, pageToken: token, scene.context())
            seen += page.peers.map { "\($0.interface)/\($0.record.name)" }
            #expect(page.peers.count <= 2)
            if token == nil { _ = try await scene.gateway.deletePeer(interface: "wg0", name: "b", scene.context()) }
            token = page.nextPageToken
        } while token != nil
        #expect(seen == ["wg0/a", "wg0/b", "wg0/c", "wg0/d", "wg0/e", "wg1/z"])
        let exact = try await scene.gateway.listPeers(interface: "wg0", pageSize: 4, pageToken: nil, scene.context())
        #expect(exact.peers.count == 4 && exact.nextPageToken == nil)
    }

    @Test(
        "a page that nobody could ask for is refused",
        arguments: [(0, nil), (2001, nil), (1, "x"), (1, "////"), (1, "YQ"), (1, "d2cwLy8")] as [(UInt32, String?)]
    )
    func badPages(size: UInt32, token: String?) async throws {
        let scene = try await Scene()
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.listPeers(interface: nil, pageSize: size, pageToken: token, scene.context())
        }
        guard case .invalid = found else { throw found ?? .underWay }
    }

    @Test("the peer's end is told what it needs, and no key but the gateway's public one")
    func configuration() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        let interface = try await scene.makeInterface { request in
            request.endpoint = "vpn.example.org"
            request.ipv4Pool = "10.0.0.0/24"
            request.dns = ["10.0.0.1"]
        }.record
        try await scene.makePeers("alice") { $0.keepalive = 25 }
        let config = try scene.gateway.peerConfig(interface: "wg0", name: "alice", scene.context())
        #expect(config.gatewayEndpoint == "vpn.example.org:51820")
        #expect(config.gatewayPublicKey == interface.publicKey && config.peerPublicKey == testKey("alice"))
        #expect(config.addresses.map(\.length) == [128])
        // The peer has no IPv4 address, so nothing of IPv4 is sent into its tunnel.
        #expect(config.allowedAddresses == [interface.ipv6Pool])
        #expect(config.keepalive == 25 && config.mtu == 1420 && config.dns.count == 1)
    }

    @Test("what is not there is said to be not there")
    func notFound() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        let interface = await refusal { () async throws(Refusal) in
            try await scene.gateway.getInterface(name: "wg0", scene.context())
        }
        #expect(interface == .store(.notFound(.interface(scene.wg0))))
        try await scene.makeInterface()
        let alice = try #require(ObjectName("alice"))
        let peer = await refusal { () async throws(Refusal) in
            try await scene.gateway.getPeer(interface: "wg0", name: "alice", scene.context())
        }
        #expect(peer == .store(.notFound(.peer(alice, scene.wg0))))
        let deleted = await refusal { () async throws(Refusal) in
            try await scene.gateway.deletePeer(interface: "wg0", name: "alice", scene.context())
        }
        #expect(deleted == .store(.notFound(.peer(alice, scene.wg0))))
    }

    @Test("the audit list holds what was read and refused a moment ago")
    func audit() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        _ = try await scene.gateway.listInterfaces(scene.context())
        try await scene.gateway.recordRefusal(scene.context(uid: 5), code: 7, message: "no")
        let records = try await scene.gateway.listAudit(AuditRequest(), scene.context())
        #expect(records.map(\.entry.code) == [7, 0, 0])
        #expect(records.first?.entry.uid == 5)
        var bad = AuditRequest()
        bad.limit = 1001
        bad.beforeSequence = 0
        let found = await refusal { () async throws(Refusal) in try await scene.gateway.listAudit(bad, scene.context())
        }
        guard case .invalid(let violations) = found else { throw found ?? .underWay }
        #expect(violations.map(\.field) == ["limit", "before_sequence"])
    }

    @Test("a change that somebody else wrote to the database arrives with the next look")
    func foreignChange() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        await scene.store.replaceState { state in
            state.interfaces[scene.wg0]?.mtu = 1300
            state.revision += 1
        }
        #expect(await scene.gateway.refresh())
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.mtu == 1300)
        #expect(await scene.gateway.refresh() == false)
    }
}
