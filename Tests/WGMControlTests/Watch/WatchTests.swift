// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct WatchTests {
    /// What comes until nothing more does, in words.
    private func words(_ watcher: Watcher, _ scene: Scene) async throws -> [String] {
        var words: [String] = []
        while true {
            // Long enough for a watcher to say that there is nothing.
            scene.clock.advance(seconds: 11)
            guard let events = try await watcher.next() else { return words }
            for event in events {
                switch event {
                case .alive: return words
                case .changed(let change):
                    let names = change.objects.map { $0.peer ?? $0.interface }.joined(separator: ",")
                    words.append("change \(names) \(change.record.summary)")
                case .drift(_, let drift): words.append("drift \(drift.items.map(\.attribute).joined(separator: ","))")
                case .state(let change): words.append("state \(change.peer) \(change.before)-\(change.after)")
                case .sample(let sample):
                    words.append("sample \(sample.peers.map(\.record.name.value).joined(separator: ","))")
                case .lost(let count): words.append("lost \(count)")
                }
            }
        }
    }

    private func watcher(
        _ scene: Scene,
        _ credential: Credential,
        _ change: (inout WatchQuery) -> Void = { _ in }
    ) async throws -> Watcher {
        var query = WatchQuery()
        change(&query)
        let watcher = try await scene.gateway.watch(query, scene.context(credential))
        guard case .alive? = try await watcher.next()?.first else { throw Refusal.underWay }
        return watcher
    }

    /// A token of root that may read this and nothing else.
    private func token(_ scene: Scene, _ root: Credential, _ resource: String) async throws -> Credential {
        var request = TokenRequest()
        request.bindUID = 0
        request.grants = [GrantRequest(resource: resource, verbs: ["get"])]
        let issued = try await scene.gateway.issueToken(request, scene.context(root))
        return try scene.gateway.authenticate(token: issued.token, bearer: .user(0))
    }

    @Test("changes come with their revision, once, in order, and from a revision on if wanted")
    func changes() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let live = try await watcher(scene, root)
        try await scene.makeInterface()
        try await scene.makePeers("alice", "bob")
        let expected = ["change wg0 all of it", "change alice,bob all of it"]
        #expect(try await words(live, scene) == expected)
        #expect(live.revision == scene.gateway.view.revision)
        #expect(try await words(live, scene) == [])
        let late = try await watcher(scene, root) { $0.since = 0 }
        #expect(try await words(late, scene) == expected)
        let later = try await watcher(scene, root) { $0.since = scene.gateway.view.revision - 1 }
        #expect(try await words(later, scene) == ["change alice,bob all of it"])
    }

    @Test("only what may be read is told, and words about the whole only to those who may read the whole")
    func rights() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface()
        let narrow = try await watcher(scene, token(scene, root, "node/n1/interface/wg0/peer/alice"))
        try await scene.makePeers("alice", "bob")
        try await scene.makePeers("carol")
        scene.kernel.change(scene.wg0) { link in
            link.mtu = 1300
            for name in ["alice", "bob"] { link.peers[testKey(name)]?.lastHandshake = scene.clock.now }
        }
        await scene.gateway.reconciler.repairAll()
        #expect(try await words(narrow, scene) == ["change alice ", "state alice never-up"])
        let refused = await refusal { () async throws(Refusal) in
            let stranger = try await scene.gateway.watch(
                WatchQuery(),
                scene.context(try scene.gateway.narrow(root, "principal/* get"))
            )
            _ = try await stranger.next()
        }
        #expect(refused == .permissionMissing(verb: "get", resource: "node/n1/interface/*"))
    }

    @Test("drift is told once when it comes, and when it is over")
    func drift() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface { $0.driftPolicy = 1 }
        let watcher = try await watcher(scene, root) { $0.kinds = [.drift] }
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        for _ in 0..<3 { await scene.gateway.reconciler.repairAll() }
        #expect(try await words(watcher, scene) == ["drift mtu"])
        scene.kernel.change(scene.wg0) { $0.mtu = 1420 }
        await scene.gateway.reconciler.repairAll()
        #expect(try await words(watcher, scene) == ["drift mtu"])
    }

    @Test("a peer that was heard comes up, and is idle or down when it is not")
    func states() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice") { $0.keepalive = 25 }
        try await scene.makePeers("bob")
        let watcher = try await watcher(scene, root) { $0.kinds = [.state] }
        func look() async throws -> [String] {
            await scene.gateway.reconciler.repairAll()
            return try await words(watcher, scene)
        }
        #expect(try await look() == [])
        scene.kernel.change(scene.wg0) { link in
            for name in ["alice", "bob"] { link.peers[testKey(name)]?.lastHandshake = scene.clock.now }
        }
        #expect(try await look() == ["state alice never-up", "state bob never-up"])
        scene.clock.advance(seconds: 200)
        #expect(try await look() == ["state alice up-stale", "state bob up-idle"])
        scene.clock.advance(seconds: 120)
        #expect(try await look() == ["state alice stale-down"])
    }

    @Test("who reads too slowly keeps a bounded number of events, and is told how many are lost")
    func lost() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface { $0.driftPolicy = 1 }
        let watcher = try await watcher(scene, root) { $0.kinds = [.drift] }
        for number in 0..<UInt32(EventMailbox.capacity + 7) {
            scene.kernel.change(scene.wg0) { $0.mtu = 1300 + number % 2 }
            await scene.gateway.reconciler.repairAll()
        }
        let told = try await words(watcher, scene)
        #expect(told.count == EventMailbox.capacity + 1)
        #expect(told.last == "lost 7")
        scene.kernel.change(scene.wg0) { $0.mtu = 1310 }
        await scene.gateway.reconciler.repairAll()
        #expect(try await words(watcher, scene) == ["drift mtu"])
    }

    @Test("a token that is revoked or over ends the watch with that reason, and so do rights that are gone")
    func end() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface()
        _ = try await scene.gateway.setRoles(name: "vera", uid: 1001, roles: ["viewer"], scene.context(root))
        let vera = try await scene.login(uid: 1001, name: "vera")
        let first = try await watcher(scene, vera)
        let second = try await watcher(scene, root)
        _ = try await scene.gateway.setRoles(name: "vera", uid: nil, roles: [], scene.context(root))
        let gone = await refusal { () async throws(Refusal) in _ = try await first.next() }
        #expect(gone == .permissionMissing(verb: "get", resource: "node/n1/interface/*"))
        scene.clock.advance(seconds: 3600)
        let over = await refusal { () async throws(Refusal) in _ = try await second.next() }
        #expect(over == .unauthenticated("the token has expired"))
    }

    @Test("the number of watchers is bounded, for one principal and in all, and a place is free when one ends")
    func limits() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        var watchers: [Watcher] = []
        for _ in 0..<EventHub.mostOfOne { watchers.append(try await watcher(scene, root)) }
        let refused = await refusal { () async throws(Refusal) in
            _ = try await scene.gateway.watch(WatchQuery(), scene.context(root))
        }
        #expect(refused == .tooManyWatchers(EventHub.mostOfOne, of: "root"))
        watchers.removeLast()
        watchers.append(try await watcher(scene, root))
        #expect(scene.gateway.view.events.watcherCount == EventHub.mostOfOne)
        watchers = []
        #expect(scene.gateway.view.events.watcherCount == 0)
    }

    @Test("samples come at the interval that was asked for")
    func samples() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice", "bob")
        let watcher = try await watcher(scene, root) {
            $0.kinds = [.sample]
            $0.interval = 60_000
        }
        func next() async throws -> [String] { try await words(watcher, scene) }
        #expect(try await next() == ["sample alice,bob"])
        #expect(try await next() == [])
        scene.clock.advance(seconds: 60)
        #expect(try await next() == ["sample alice,bob"])
    }

    @Test(
        "what cannot be is refused, with every mistake",
        arguments: [
            ("wg/0", nil, nil, ["interface"]), ("wg0", 999, nil, ["interval_ms"]),
            ("wg0", 3_600_001, nil, ["interval_ms"]),
            ("wg0", 5000, -1, ["since"]), ("", 0, -1, ["interval_ms", "since"]),
        ] as [(String, UInt32?, Int64?, [String])]
    )
    func mistakes(interface: String, interval: UInt32?, since: Int64?, fields: [String]) async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        var query = WatchQuery()
        (query.interface, query.interval, query.since) = (interface, interval, since)
        let asked = query
        let found = await refusal { () async throws(Refusal) in
            _ = try await scene.gateway.watch(asked, scene.context(root))
        }
        guard case .invalid(let violations)? = found else { throw found ?? .underWay }
        #expect(violations.map(\.field).sorted() == fields)
    }

    @Test("a revision that there is not yet, and an interface that there is not, are refused")
    func unknown() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        var query = WatchQuery()
        query.since = 99
        let future = query
        let first = await refusal { () async throws(Refusal) in
            _ = try await scene.gateway.watch(future, scene.context(root))
        }
        #expect(first == .store(.noSuchRevision(99, first: 0)))
        query = WatchQuery()
        query.interface = "wg7"
        let absent = query
        let second = await refusal { () async throws(Refusal) in
            _ = try await scene.gateway.watch(absent, scene.context(root))
        }
        #expect(second == .store(.notFound(.interface(try #require(InterfaceName("wg7"))))))
    }

    @Test("the opening of a watch is one record, whatever comes through it")
    func record() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let watcher = try await watcher(scene, root)
        try await scene.gateway.audit.flush()
        let before = await scene.store.audit.count
        scene.clock.advance(seconds: 1)
        _ = try await words(watcher, scene)
        try await scene.gateway.audit.flush()
        #expect(await scene.store.audit.count == before)
        #expect(await scene.store.audit.contains { $0.entry.resource == "node/n1/interface/*" })
    }
}
