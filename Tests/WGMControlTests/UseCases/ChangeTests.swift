// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WGMModel

@testable import WGMControl

@Suite struct ChangeTests {
    @Test("an interface is in database, kernel and view when the call returns")
    func create() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        let report = try await scene.makeInterface { request in
            request.endpoint = "vpn.example.org"
            request.ipv4Pool = "10.0.0.0/24"
        }
        #expect(report.endpoint == "vpn.example.org:51820")
        #expect(report.observation?.isInSync == true)
        let link = try #require(scene.kernel.link(scene.wg0))
        #expect(link.isUp && link.owner == report.record.id && link.publicKey == report.record.publicKey)
        #expect(link.addresses == Set(report.record.addresses))
        let last = try #require(await scene.store.audit.last)
        #expect(last.revision == 2 && last.entry.code == 0)
        try await scene.makePeers("alice", "bob")
        #expect(scene.kernel.link(scene.wg0)?.peers.count == 2)
    }

    @Test("what the kernel refuses is undone, and the kernel's words reach the caller")
    func undoCreate() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        let inUse = KernelFailure(.inUse, errno: 98, "Address already in use")
        scene.kernel.refuse { if case .setLink = $0 { inUse } else { nil } }
        let found = await refusal { () async throws(Refusal) in
            var request = request("wg0")
            request.listenPort = 51820
            return try await scene.gateway.createInterface(request, scene.context())
        }
        #expect(found == .kernel(inUse, undoneBy: 3))
        #expect(scene.kernel.link(scene.wg0) == nil)
        #expect(scene.gateway.view.interface(scene.wg0) == nil)
        #expect(await scene.store.state.interfaces.isEmpty)
        let undo = try #require(await scene.store.audit.last)
        #expect(undo.entry.method == "wgmd/undo" && undo.entry.message.contains("Address already in use"))
    }

    @Test("a port that was not asked for and is held by another program is passed over")
    func skipsBusyPorts() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        let held = KernelFailure(.inUse, errno: 98, "Address already in use")
        scene.kernel.refuse { change in
            guard case .setDevice(_, let port?, _) = change, port < 51822 else { return nil }
            return held
        }
        let report = try await scene.makeInterface()
        #expect(report.record.listenPort == 51822 && scene.kernel.link(scene.wg0)?.listenPort == 51822)
        let methods = await scene.store.audit.map(\.entry.method)
        #expect(methods.filter { $0 == "wgmd/next-port" }.count == 2)
    }

    @Test("a peer counts as enabled within its time only, whatever else is changed")
    func validity() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        let now = scene.clock.now.milliseconds
        try await scene.makePeers("alice") { $0.validUntil = now + 10_000 }
        try await scene.makePeers("bob") { $0.validFrom = now + 20_000 }
        func present() -> Set<PublicKey> { Set(scene.kernel.link(scene.wg0)?.peers.keys.map { $0 } ?? []) }
        #expect(present() == [testKey("alice")])
        scene.clock.advance(milliseconds: 9_999)
        await scene.gateway.enforceValidityNow()
        #expect(present() == [testKey("alice")])
        scene.clock.advance(milliseconds: 1)
        await scene.gateway.enforceValidityNow()
        #expect(present().isEmpty)
        scene.clock.advance(seconds: 10)
        await scene.gateway.enforceValidityNow()
        #expect(present() == [testKey("bob")])
        let found = await refusal { () async throws(Refusal) in
            var request = PeerUpdateRequest()
            (request.interface, request.name, request.validUntil) = ("wg0", "bob", now + 20_000)
            return try await scene.gateway.updatePeer(request, scene.context())
        }
        #expect(found == .invalid([.init(field: "valid_until_unix_ms", rule: "it must end after it begins")]))
    }

    @Test("what is so already makes no revision, leaves a record, and still makes the kernel follow")
    func nothingToChange() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice")
        func disable() async throws(Refusal) -> Int64? {
            let made = try await scene.gateway.setPeerEnabled(
                interface: "wg0",
                name: "alice",
                isEnabled: false,
                scene.context()
            )
            guard case .done(_, let revision) = made else { return nil }
            return revision
        }
        #expect(try await disable() == scene.gateway.view.revision)
        let before = scene.gateway.view.revision
        // Somebody lets her in behind wgm's back.
        scene.kernel.change(scene.wg0) { $0.peers[testKey("alice")] = ActualPeer() }
        #expect(try await disable() == 0)
        #expect(scene.kernel.link(scene.wg0)?.peers.isEmpty == true)
        var peer = PeerUpdateRequest()
        (peer.interface, peer.name, peer.keepalive) = ("wg0", "alice", 0)
        _ = try await scene.gateway.updatePeer(peer, scene.context())
        // Her own addresses are routed to her in any case.
        peer.allowedAddresses = try #require(scene.gateway.view.peers(of: scene.wg0).first).addresses.map(\.description)
        _ = try await scene.gateway.updatePeer(peer, scene.context())
        var interface = InterfaceUpdateRequest()
        (interface.name, interface.mtu) = ("wg0", 1420)
        _ = try await scene.gateway.updateInterface(interface, scene.context())
        _ = try await scene.gateway.setInterfaceUp(name: "wg0", isUp: true, scene.context())
        _ = try await scene.gateway.setDriftPolicy(name: "wg0", policy: .repair, scene.context())
        #expect(scene.gateway.view.revision == before)
        try await scene.gateway.audit.flush()
        // Equal calls of one second share a record.
        let last = try #require(await scene.store.audit.last)
        #expect(last.entry.code == 0 && last.revision == nil)
        // On trial it is a change like any other.
        var trial = scene.context()
        trial.terms.confirmation = .within(seconds: 60)
        _ = try await scene.gateway.setInterfaceUp(name: "wg0", isUp: true, trial)
        #expect(scene.gateway.view.unconfirmed?.revision == before + 1)
    }

    private func request(_ name: String) -> InterfaceRequest {
        var request = InterfaceRequest()
        request.name = name
        return request
    }

    @Test("peers, switching on and setting up are undone as well; what was there before is not touched")
    func undoOthers() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface { $0.isDown = true }
        try await scene.makePeers("alice") { $0.isDisabled = true }
        let failure = KernelFailure(.other, "no")

        scene.kernel.refuse { if case .setPeers = $0 { failure } else { nil } }
        let peers = PeersRequest(interface: "wg0", peers: [scene.peerRequest("bob")])
        let created = await refusal { () async throws(Refusal) in
            try await scene.gateway.createPeers(peers, scene.context())
        }
        guard case .kernel(failure, undoneBy: .some) = created else { throw created ?? .underWay }
        let alice = try #require(ObjectName("alice"))
        #expect(scene.gateway.view.peers(of: scene.wg0).map(\.name) == [alice])

        let enabled = await refusal { () async throws(Refusal) in
            try await scene.gateway.setPeerEnabled(interface: "wg0", name: "alice", isEnabled: true, scene.context())
        }
        guard case .kernel(failure, undoneBy: .some) = enabled else { throw enabled ?? .underWay }
        #expect(scene.gateway.view.peer(alice, of: scene.wg0)?.isEnabled == false)

        scene.kernel.refuse { if case .setLink = $0 { failure } else { nil } }
        let up = await refusal { () async throws(Refusal) in
            try await scene.gateway.setInterfaceUp(name: "wg0", isUp: true, scene.context())
        }
        guard case .kernel(failure, undoneBy: .some) = up else { throw up ?? .underWay }
        #expect(scene.gateway.view.interface(scene.wg0)?.isUp == false)
    }

    @Test("taking access away is never undone, and is done by the timer when the kernel lets it")
    func restrictionsStay() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice")
        let failure = KernelFailure(.other, "no")
        scene.kernel.refuse { if case .removePeers = $0 { failure } else { nil } }
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.setPeerEnabled(interface: "wg0", name: "alice", isEnabled: false, scene.context())
        }
        #expect(found == .notFollowed(failure, revision: scene.gateway.view.revision))
        let alice = try #require(ObjectName("alice"))
        #expect(scene.gateway.view.peer(alice, of: scene.wg0)?.isEnabled == false)
        #expect(scene.gateway.view.observation(scene.wg0)?.failure == failure)
        scene.kernel.refuse(nil)
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.peers.isEmpty == true)
        #expect(scene.gateway.view.observation(scene.wg0)?.isInSync == true)
    }

    @Test("a removal that is done counts as done, though something else about the interface is refused")
    func removalDespiteOtherTrouble() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice")
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        scene.kernel.refuse { if case .setLink = $0 { KernelFailure(.other, "no") } else { nil } }
        guard case .done = try await scene.gateway.deletePeer(interface: "wg0", name: "alice", scene.context()) else {
            throw Refusal.underWay
        }
        #expect(scene.kernel.link(scene.wg0)?.peers.isEmpty == true)
    }

    @Test("deleting takes the link away, and refuses while there are peers")
    func delete() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice")
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.deleteInterface(name: "wg0", withPeers: false, scene.context())
        }
        #expect(found == .store(.hasPeers(scene.wg0, count: 1)))
        #expect(scene.kernel.link(scene.wg0) != nil)
        _ = try await scene.gateway.deleteInterface(name: "wg0", withPeers: true, scene.context())
        #expect(scene.kernel.link(scene.wg0) == nil)
    }

    @Test("a link that wgm did not make is never touched")
    func foreignLink() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        var foreign = ActualInterface(name: scene.wg0, owner: nil, backend: .kernel)
        foreign.peers[testKey("theirs")] = ActualPeer()
        scene.kernel.state.withLock { $0.links[scene.wg0] = foreign }
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.createInterface(request("wg0"), scene.context())
        }
        guard case .kernel(let failure, undoneBy: .some) = found else { throw found ?? .underWay }
        #expect(failure.reason == .notOurs)
        #expect(scene.kernel.link(scene.wg0) == foreign)
        #expect(scene.kernel.takeTold() == [])
    }

    @Test("the same key again returns the kept reply, or says that the call is under way")
    func repeated() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        let context = scene.context(key: [1])
        _ = try await scene.gateway.createInterface(request("wg0"), context)
        let early = await refusal { () async throws(Refusal) in
            try await scene.gateway.createInterface(request("wg0"), context)
        }
        #expect(early == .underWay)
        await scene.gateway.keepReply([1, 2, 3], for: context)
        guard case .repeated(let reply) = try await scene.gateway.createInterface(request("wg0"), context) else {
            throw Refusal.underWay
        }
        #expect(reply == [1, 2, 3])
        #expect(await scene.store.state.interfaces.count == 1)
    }

    @Test("changes are refused while the database is away, and when the copy is too old")
    func databaseGone() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        await scene.store.fail(.unavailable("gone"))
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.setInterfaceUp(name: "wg0", isUp: false, scene.context())
        }
        #expect(found == .store(.unavailable("gone")))
        let (report, freshness) = try await scene.gateway.getInterface(name: "wg0", scene.context())
        #expect(report.record.isUp && freshness.staleReason == "gone" && freshness.asOf == scene.clock.now)
        await scene.store.fail(nil)
        scene.clock.advance(seconds: 61)
        let old = await refusal { () async throws(Refusal) in
            try await scene.gateway.setInterfaceUp(name: "wg0", isUp: false, scene.context())
        }
        guard case .store(.unavailable) = old else { throw old ?? .underWay }
        _ = await scene.gateway.refresh()
        _ = try await scene.gateway.setInterfaceUp(name: "wg0", isUp: false, scene.context())
    }

    @Test("calls on one interface do not get between one another's commit and kernel change")
    func serialised() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        let gateway = scene.gateway
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<40 {
                let request = PeersRequest(interface: "wg0", peers: [scene.peerRequest("p\(index)")])
                let context = scene.context()
                group.addTask {
                    _ = try? await gateway.createPeers(request, context)
                    if index.isMultiple(of: 2) {
                        _ = try? await gateway.deletePeer(interface: "wg0", name: "p\(index)", context)
                    }
                }
            }
        }
        #expect(scene.kernel.link(scene.wg0)?.peers.count == 20)
        #expect(gateway.view.peers(of: scene.wg0).count == 20)
        #expect(gateway.view.revision == (await scene.store.state.revision))
        #expect(gateway.view.observation(scene.wg0)?.isInSync == true)
    }

    @Test(
        "a default route needs a right of its own on the peer",
        arguments: ["0.0.0.0/0", "::/0", "0.0.0.0/1", "2000::/3"]
    )
    func routeAll(prefix: String) async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface()
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["operator"], scene.context(root))
        let olga = try await scene.login(uid: 1001, name: "olga")
        var peer = scene.peerRequest("exit")
        peer.allowedAddresses = [prefix]
        let request = PeersRequest(interface: "wg0", peers: [peer])
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.createPeers(request, scene.context(olga))
        }
        #expect(found == .permissionMissing(verb: "route-all", resource: "node/n1/interface/wg0/peer/exit"))
        #expect(scene.gateway.view.peers(of: scene.wg0).isEmpty)
        _ = try await scene.gateway.createPeers(request, scene.context(root))
        #expect(scene.kernel.link(scene.wg0)?.routes.isEmpty == true)
    }

    @Test("a route to a part of what another interface has takes the right to change that interface")
    func routesOfOthers() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface { $0.ipv4Pool = "10.7.0.0/24" }
        try await scene.makeInterface { $0.name = "wg1" }
        try await scene.makePeers("site") { $0.allowedAddresses = ["172.16.0.0/16"] }
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["operator"], scene.context(root))
        var narrow = TokenRequest()
        narrow.principal = "olga"
        narrow.grants = [GrantRequest(resource: "node/n1/interface/wg1/**", verbs: ["get", "create", "update"])]
        narrow.bindUID = 1001
        let issued = try await scene.gateway.issueToken(narrow, scene.context(root))
        let olga = try scene.gateway.authenticate(token: issued.token, bearer: .user(1001))
        func create(_ name: String, _ prefix: String, _ caller: Credential) async -> Refusal? {
            var peer = scene.peerRequest(name)
            peer.allowedAddresses = [prefix]
            let request = PeersRequest(interface: "wg1", peers: [peer])
            return await refusal { () async throws(Refusal) in
                try await scene.gateway.createPeers(request, scene.context(caller))
            }
        }
        let missing = Refusal.permissionMissing(verb: "update", resource: "node/n1/interface/wg0")
        for prefix in ["10.7.0.64/26", "10.7.0.0/24", "10.7.0.1/32", "172.16.5.0/24", "172.16.0.0/16"] {
            #expect(await create("thief", prefix, olga) == missing, "\(prefix)")
        }
        // What is wider, or elsewhere, takes nothing away.
        #expect(await create("wide", "10.0.0.0/9", olga) == nil)
        #expect(await create("own", "192.168.9.0/24", olga) == nil)
        var update = PeerUpdateRequest()
        update.interface = "wg1"
        update.name = "own"
        update.allowedAddresses = ["192.168.9.0/24", "10.7.0.128/25"]
        let changed = await refusal { () async throws(Refusal) in
            try await scene.gateway.updatePeer(update, scene.context(olga))
        }
        #expect(changed == missing)
        #expect(await create("both", "172.16.6.0/24", root) == nil)
    }

    @Test("many prefixes that hold as much as half of a default route need the same right, whoever has them")
    func routeAllInParts() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface()
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["operator"], scene.context(root))
        let olga = try await scene.login(uid: 1001, name: "olga")
        func create(_ name: String, _ prefixes: [String], _ caller: Credential) async -> Refusal? {
            var peer = scene.peerRequest(name)
            peer.allowedAddresses = prefixes
            let request = PeersRequest(interface: "wg0", peers: [peer])
            return await refusal { () async throws(Refusal) in
                try await scene.gateway.createPeers(request, scene.context(caller))
            }
        }
        let missing = Refusal.permissionMissing(verb: "route-all", resource: "node/n1/interface/wg0/peer/*")
        #expect(await create("parts4", (1...100).map { "\($0).0.0.0/8" }, olga) == missing)
        #expect(await create("parts6", ["2000::/16", "2001::/16"], olga) == missing)
        #expect(await create("home", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "2001::/16"], olga) == nil)
        #expect(await create("more", ["11.0.0.0/8"], olga) == missing)
        #expect(await create("other", ["2002:a::/32"], olga) == nil)
        #expect(await create("exit", ["0.0.0.0/0"], root) == nil)
        #expect(await create("small", ["100.64.0.0/24"], olga) == nil)
    }

    @Test("a change whose turn comes after the right was lost, or after it was given up, is not made")
    func lateChange() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface()
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["operator"], scene.context(root))
        let olga = try await scene.login(uid: 1001, name: "olga")
        let resource = try #require(ResourcePattern("node/n1/interface/wg0/peer/late"))
        var context = scene.context(olga)
        context.permission = Permission(verb: "create", resources: [resource])
        let request = PeersRequest(interface: "wg0", peers: [scene.peerRequest("late")])
        context.passCommitPoint = { false }
        let found = await refusal { [context] () async throws(Refusal) in
            try await scene.gateway.createPeers(request, context)
        }
        #expect(found == .givenUp)
        context.passCommitPoint = { true }
        _ = try await scene.gateway.setRoles(name: "olga", uid: nil, roles: [], scene.context(root))
        let later = await refusal { [context] () async throws(Refusal) in
            try await scene.gateway.createPeers(request, context)
        }
        #expect(later == .permissionMissing(verb: "create", resource: "node/n1/interface/wg0/peer/late"))
        #expect(scene.gateway.view.peers(of: scene.wg0).isEmpty)
    }
}
