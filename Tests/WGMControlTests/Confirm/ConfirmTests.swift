// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct ConfirmTests {
    private func furnished() async throws -> (Scene, Credential) {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface { $0.ipv4Pool = "10.0.0.0/24" }
        try await scene.makePeers("alice")
        return (scene, root)
    }

    private func confirming(_ scene: Scene, _ credential: Credential, seconds: UInt32 = 60) -> CallContext {
        var context = scene.context(credential)
        context.terms.confirmation = .within(seconds: seconds)
        return context
    }

    private func disable(_ scene: Scene, _ context: CallContext) async throws(Refusal) -> Outcome<PeerReport> {
        try await scene.gateway.setPeerEnabled(interface: "wg0", name: "alice", isEnabled: false, context)
    }

    private func isIn(_ scene: Scene) -> Bool { scene.kernel.link(scene.wg0)?.peers[testKey("alice")] != nil }

    @Test("a change that nobody confirms is undone in database and kernel when its time is over, not before")
    func overdue() async throws {
        let (scene, root) = try await furnished()
        _ = try await disable(scene, confirming(scene, root))
        let record = try #require(await scene.store.audit.first { $0.entry.message.contains("within 60 s") })
        let pending = try #require(try scene.gateway.unconfirmed(scene.context(root)))
        #expect(pending.revision == record.revision && pending.principal == "root")
        scene.clock.advance(seconds: 59)
        await scene.gateway.restoreOverdue()
        #expect(!isIn(scene))
        scene.clock.advance(seconds: 1)
        await scene.gateway.restoreOverdue()
        #expect(isIn(scene))
        #expect(try scene.gateway.unconfirmed(scene.context(root)) == nil)
        let last = try #require(await scene.store.audit.last?.entry)
        #expect(last.method == "wgmd/restore" && last.principal == nil)
    }

    @Test("no trial spans the moment at which a key is switched, which its undoing would take back")
    func keyMoment() async throws {
        let (scene, root) = try await furnished()
        let moment = scene.clock.now.milliseconds + 30_000
        let announce = KeyRotationRequest(name: "wg0", step: .announce, switchTime: moment)
        let itself = await refusal { () async throws(Refusal) in
            try await scene.gateway.rotateKey(announce, confirming(scene, root))
        }
        guard case .invalid(let found) = itself, found.map(\.field) == ["confirm"] else { throw itself ?? .underWay }
        _ = try await scene.gateway.rotateKey(announce, scene.context(root))
        let refused = await refusal { () async throws(Refusal) in try await disable(scene, confirming(scene, root)) }
        guard case .invalid(let violations) = refused else { throw refused ?? .underWay }
        #expect(violations.map(\.field) == ["confirm"] && violations[0].rule.contains("key of wg0 is switched at"))
        #expect(isIn(scene))
        _ = try await disable(scene, confirming(scene, root, seconds: 20))
        #expect(!isIn(scene))
    }

    @Test("a confirmed change stays")
    func confirm() async throws {
        let (scene, root) = try await furnished()
        _ = try await disable(scene, confirming(scene, root))
        _ = try await scene.gateway.confirm(revision: nil, undo: false, scene.context(root))
        scene.clock.advance(seconds: 600)
        await scene.gateway.restoreOverdue()
        #expect(!isIn(scene))
        let again = await refusal { () async throws(Refusal) in
            try await scene.gateway.confirm(revision: nil, undo: false, scene.context(root))
        }
        #expect(again == .store(.nothingUnconfirmed))
    }

    @Test("while one waits nothing else is changed, roles are, and it may be undone at once")
    func exclusive() async throws {
        let (scene, root) = try await furnished()
        _ = try await disable(scene, confirming(scene, root))
        let pending = try #require(try scene.gateway.unconfirmed(scene.context(root)))
        let refused = await refusal { () async throws(Refusal) in
            try await scene.gateway.deletePeer(interface: "wg0", name: "alice", scene.context(root))
        }
        #expect(refused == .store(.unconfirmed(pending)))
        _ = try await scene.gateway.setRoles(name: "anna", uid: 1000, roles: ["operator"], scene.context(root))
        let undone = try await scene.gateway.confirm(revision: pending.revision, undo: true, scene.context(root))
        guard case .done(let change, _) = undone else { throw Refusal.underWay }
        #expect(change == pending && isIn(scene))
        #expect(scene.gateway.view.principal(uid: 1000) != nil)
    }

    @Test("only the author and who may change everything can confirm; roles cannot be made on trial")
    func rights() async throws {
        let (scene, root) = try await furnished()
        _ = try await disable(scene, confirming(scene, root))
        let nobody = try await scene.login(uid: 1000, name: "nobody")
        let refused = await refusal { () async throws(Refusal) in
            try await scene.gateway.confirm(revision: nil, undo: false, scene.context(nobody))
        }
        #expect(refused == .permissionMissing(verb: "update", resource: "node/n1/interface/**"))
        // The author's own token may read only.
        for grant in ["node/*/interface/** get,list", "node/*/interface/wg0/peer/bob update"] {
            let reader = try scene.gateway.narrow(root, grant)
            let refused = await refusal { () async throws(Refusal) in
                try await scene.gateway.confirm(revision: nil, undo: true, scene.context(reader))
            }
            #expect(refused == .permissionMissing(verb: "update", resource: "node/n1/interface/wg0/peer/alice"))
        }
        #expect(try scene.gateway.unconfirmed(scene.context(root)) != nil)
        let roles = await refusal { () async throws(Refusal) in
            let context = confirming(scene, root)
            return try await scene.gateway.setRoles(name: "nobody", uid: nil, roles: ["admin"], context)
        }
        guard case .invalid(let violations) = roles else { throw Refusal.underWay }
        #expect(violations.map(\.field) == ["confirm"])
        let author = try scene.gateway.narrow(root, "node/*/interface/wg0/peer/alice update")
        _ = try await scene.gateway.confirm(revision: nil, undo: false, scene.context(author))
    }

    @Test("a daemon that starts after the time is over restores before it repairs; before, it goes on waiting")
    func restart() async throws {
        for seconds in [Int64(30), 61] {
            let (scene, root) = try await furnished()
            _ = try await disable(scene, confirming(scene, root))
            scene.clock.advance(seconds: seconds)
            let next = Gateway(
                node: scene.gateway.node,
                store: scene.store,
                kernel: scene.kernel,
                clock: scene.clock,
                lookup: TestNames()
            )
            await next.start()
            #expect((next.view.unconfirmed == nil) == (seconds > 60))
            #expect(isIn(scene) == (seconds > 60))
        }
    }

    @Test("what the kernel refuses is undone at once, and nothing waits")
    func refusedByKernel() async throws {
        let (scene, root) = try await furnished()
        let no = KernelFailure(.other, "no")
        scene.kernel.refuse { if case .setPeers = $0 { no } else { nil } }
        let found = await refusal { () async throws(Refusal) in
            let request = PeersRequest(interface: "wg0", peers: [scene.peerRequest("bob")])
            return try await scene.gateway.createPeers(request, confirming(scene, root))
        }
        guard case .kernel(_, undoneBy: .some) = found else { throw Refusal.underWay }
        #expect(scene.gateway.view.unconfirmed == nil)
    }

    @Test("drift is not taken over while a change waits")
    func adoption() async throws {
        let (scene, root) = try await furnished()
        _ = try await scene.gateway.setDriftPolicy(name: "wg0", policy: .adopt, scene.context(root))
        _ = try await disable(scene, confirming(scene, root))
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.gateway.view.interface(scene.wg0)?.mtu == 1420)
        #expect(scene.gateway.view.drift(scene.wg0)?.isOpen == true)
        _ = try await scene.gateway.confirm(revision: nil, undo: false, scene.context(root))
        await scene.gateway.reconciler.repairAll()
        #expect(scene.gateway.view.interface(scene.wg0)?.mtu == 1300)
    }
}

@Suite struct SessionTests {
    private func furnished() async throws -> Scene {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface { $0.ipv4Pool = "10.0.0.0/24" }
        try await scene.makePeers("alice") { $0.allowedAddresses = ["192.0.2.0/24"] }
        try await scene.makePeers("bob")
        return scene
    }

    private func context(
        _ scene: Scene,
        _ credential: Credential,
        from remote: String,
        to local: String? = nil
    ) throws
        -> CallContext
    {
        var context = scene.context(credential)
        context.terms.session = CallerSession(
            remote: try #require(IPAddress(remote)),
            local: local.flatMap { IPAddress($0) }
        )
        return context
    }

    @Test("a change that would cut the caller's own way in is refused and changes nothing; others are made")
    func cut() async throws {
        let scene = try await furnished()
        let root = try await scene.login()
        let inside = try context(scene, root, from: "192.0.2.9", to: "10.0.0.1")
        let revision = scene.gateway.view.revision
        let refusals = [
            await refusal { () async throws(Refusal) in
                try await scene.gateway.deletePeer(interface: "wg0", name: "alice", inside)
            },
            await refusal { () async throws(Refusal) in
                try await scene.gateway.setInterfaceUp(name: "wg0", isUp: false, inside)
            },
            await refusal { () async throws(Refusal) in
                let object = peerObject("alice", [.null("allowed_addresses")])
                return try await scene.gateway.applyFile(.init(objects: [object], prune: false), digest: nil, inside)
            },
        ]
        for found in refusals {
            guard case .store(.wouldCutSession(let words)) = found else {
                Issue.record("\(String(describing: found))")
                continue
            }
            #expect(words.contains("192.0.2.9") && words.contains("alice"))
        }
        #expect(scene.gateway.view.revision == revision && scene.kernel.link(scene.wg0)?.isUp == true)
        _ = try await scene.gateway.deletePeer(interface: "wg0", name: "bob", inside)
        _ = try await scene.gateway.deletePeer(interface: "wg0", name: "alice", scene.context(root))
    }

    @Test("a peer of the caller's own may get no end within the hour, and no other preshared key, but a later end")
    func keptOut() async throws {
        let scene = try await furnished()
        let root = try await scene.login()
        let inside = try context(scene, root, from: "192.0.2.9")
        let now = scene.clock.now.seconds
        func isCut(_ change: (inout PeerUpdateRequest) -> Void) async -> Bool {
            var update = PeerUpdateRequest()
            (update.interface, update.name) = ("wg0", "alice")
            change(&update)
            let found = await refusal { () async throws(Refusal) in
                try await scene.gateway.updatePeer(update, inside)
            }
            if case .store(.wouldCutSession(let words)) = found { return words.contains("alice") }
            #expect(found == nil)
            return false
        }
        for seconds: Int64 in [-60, 60, 3599] { #expect(await isCut { $0.validUntil = (now + seconds) * 1000 }) }
        #expect(await isCut { $0.validFrom = (now + 60) * 1000 })
        #expect(await !isCut { $0.validUntil = (now + 7200) * 1000 })
        #expect(await !isCut { $0.comment = "the end stays" })
    }

    @Test(
        "a route of another interface that is longer than the caller's network takes the session away",
        arguments: [28, 23]
    )
    func longerRoute(length: Int) async throws {
        let scene = try await furnished()
        let root = try await scene.login()
        try await scene.makeInterface { ($0.name, $0.listenPort) = ("wg3", 51_999) }
        // Carl's own address lies in wg0's 10.0.0.0/24, which is the route to him.
        let address = try #require(IPAddress("10.0.0.9"))
        try await scene.makePeers("carl") { $0.addresses = ["\(address)"] }
        let networks = scene.gateway.view.interface(scene.wg0)?.addresses.map(\.prefix.description)
        #expect(networks?.contains("10.0.0.0/24") == true)
        let inside = try context(scene, root, from: "\(address)")
        var thief = scene.peerRequest("thief")
        thief.allowedAddresses = [try #require(IPPrefix(masking: address, length: length)).description]
        let request = PeersRequest(interface: "wg3", peers: [thief])
        let found = await refusal { () async throws(Refusal) in try await scene.gateway.createPeers(request, inside) }
        if length > 24 {
            guard case .store(.wouldCutSession(let words)) = found else { throw found ?? .underWay }
            #expect(words.contains("through the peer carl of wg0"))
        } else {
            #expect(found == nil)
        }
    }

    @Test("nor may its interface get another key within the hour, but one that is announced for later")
    func keySwitch() async throws {
        let scene = try await furnished()
        let inside = try context(scene, try await scene.login(), from: "192.0.2.9")
        let now = scene.clock.now.milliseconds
        for seconds: Int64 in [60, 3599] {
            let request = KeyRotationRequest(name: "wg0", step: .announce, switchTime: now + seconds * 1000)
            let found = await refusal { () async throws(Refusal) in try await scene.gateway.rotateKey(request, inside) }
            guard case .store(.wouldCutSession(let words)) = found else { throw found ?? .underWay }
            #expect(words.contains("within the hour"))
        }
        let later = KeyRotationRequest(name: "wg0", step: .announce, switchTime: now + 7_200_000)
        _ = try await scene.gateway.rotateKey(later, inside)
    }

    @Test("neither may a peer get the address from which the caller comes, nor the near end's address go")
    func takeover() async throws {
        let scene = try await furnished()
        let root = try await scene.login()
        let outside = try context(scene, root, from: "198.51.100.7")
        var carol = scene.peerRequest("carol")
        carol.allowedAddresses = ["198.51.100.0/24"]
        let request = PeersRequest(interface: "wg0", peers: [carol])
        let taken = await refusal { () async throws(Refusal) in
            try await scene.gateway.createPeers(request, outside)
        }
        guard case .store(.wouldCutSession(let words)) = taken else { throw Refusal.underWay }
        #expect(words.contains("carol"))
        let near = try context(scene, root, from: "203.0.113.1", to: "10.0.0.1")
        let gone = await refusal { () async throws(Refusal) in
            try await scene.gateway.deleteInterface(name: "wg0", withPeers: true, near)
        }
        guard case .store(.wouldCutSession) = gone else { throw Refusal.underWay }
    }
}
