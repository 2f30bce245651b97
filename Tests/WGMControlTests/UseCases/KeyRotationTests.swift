// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite("The way of an interface from one key to the next")
struct KeyRotationTests {
    private func scene() async throws -> Scene {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice", "bob")
        return scene
    }

    @discardableResult
    private func rotate(
        _ scene: Scene,
        _ step: KeyRotationRequest.Step,
        at moment: Int64? = nil
    ) async throws -> InterfaceRecord {
        let request = KeyRotationRequest(name: "wg0", step: step, switchTime: moment)
        guard case .done(let report, _) = try await scene.gateway.rotateKey(request, scene.context()) else {
            throw Unexpected()
        }
        return report.record
    }
    private struct Unexpected: Error {}

    private func refusedStep(_ scene: Scene, _ step: KeyRotationRequest.Step, at moment: Int64? = nil) async -> Refusal?
    {
        let request = KeyRotationRequest(name: "wg0", step: step, switchTime: moment)
        return await refusal { () async throws(Refusal) in try await scene.gateway.rotateKey(request, scene.context()) }
    }

    @Test("an announced key is published and not in force, until it is switched; the one before can be put back")
    func switching() async throws {
        let scene = try await scene()
        let old = try #require(scene.gateway.view.interface(scene.wg0)?.publicKey)
        let announced = try await rotate(scene, .announce)
        let next = try #require(announced.rotation?.next)
        #expect(announced.publicKey == old && next != old)
        #expect(scene.kernel.link(scene.wg0)?.publicKey == old)
        let config = try scene.gateway.peerConfig(interface: "wg0", name: "alice", scene.context())
        #expect(config.gatewayPublicKey == old && config.gatewayNextKey == next && config.gatewayKeySwitch == nil)

        let switched = try await rotate(scene, .switchOver)
        #expect(switched.publicKey == next && scene.kernel.link(scene.wg0)?.publicKey == next)
        try await scene.gateway.audit.flush()
        let proof = try #require(await scene.store.audit.last { $0.entry.method == "wgmd/key-proof" })
        #expect(
            proof.entry.request.contains("\"key\":\"\(next)\"")
                && proof.entry.request.contains("\"key_gone\":\"\(old)\"")
        )

        let back = try await rotate(scene, .undo)
        #expect(back.publicKey == old && back.rotation?.next == next)
        #expect(scene.kernel.link(scene.wg0)?.publicKey == old)
        #expect(try await rotate(scene, .cancel).rotation == nil)
    }

    @Test("a key that was not announced is made and put in force at once")
    func atOnce() async throws {
        let scene = try await scene()
        let old = try #require(scene.gateway.view.interface(scene.wg0)?.publicKey)
        let switched = try await rotate(scene, .switchOver)
        #expect(switched.publicKey != old && scene.kernel.link(scene.wg0)?.publicKey == switched.publicKey)
        #expect(try await rotate(scene, .finish).rotation == nil)
        #expect(
            await refusedStep(scene, .undo) == .store(.keyRotation(scene.wg0, "no key before the present one is kept"))
        )
    }

    @Test("at its moment the announced key is put in force by itself, once")
    func moment() async throws {
        let scene = try await scene()
        let moment = scene.clock.now.milliseconds + 10_000
        let announced = try await rotate(scene, .announce, at: moment)
        scene.clock.advance(milliseconds: 9_999)
        await scene.gateway.switchDueKeys()
        #expect(scene.kernel.link(scene.wg0)?.publicKey == announced.publicKey)
        scene.clock.advance(milliseconds: 1)
        await scene.gateway.switchDueKeys()
        let revision = scene.gateway.view.revision
        await scene.gateway.switchDueKeys()
        #expect(scene.kernel.link(scene.wg0)?.publicKey == announced.rotation?.next)
        #expect(scene.gateway.view.revision == revision)
        #expect(await scene.store.audit.contains { $0.entry.method == "wgmd/rotate-key" })
    }

    @Test("announcing again keeps key and moment unless a moment is said")
    func again() async throws {
        let scene = try await scene()
        let first = scene.clock.now.milliseconds + 10_000
        let announced = try await rotate(scene, .announce, at: first)
        guard case .store(.keyRotation(_, let words)) = await refusedStep(scene, .announce) else {
            Issue.record("not refused")
            return
        }
        #expect(words.contains("announced already"))
        #expect(scene.gateway.view.interface(scene.wg0)?.rotation == announced.rotation)
        let later = try await rotate(scene, .announce, at: first + 5_000)
        #expect(later.rotation?.next == announced.rotation?.next)
        #expect(later.rotation?.due == Timestamp(milliseconds: first + 5_000))
    }

    @Test("a switch that is repeated does not throw away the key that the peers have")
    func switchedTwice() async throws {
        let scene = try await scene()
        let old = scene.gateway.view.interface(scene.wg0)?.publicKey
        try await rotate(scene, .announce)
        let switched = try await rotate(scene, .switchOver)
        guard case .store(.keyRotation(_, let words)) = await refusedStep(scene, .switchOver) else {
            Issue.record("not refused")
            return
        }
        #expect(words.contains("switched at \(scene.clock.now) already") && words.contains("Z already"))
        #expect(scene.gateway.view.interface(scene.wg0)?.publicKey == switched.publicKey)
        try await rotate(scene, .undo)
        #expect(scene.gateway.view.interface(scene.wg0)?.publicKey == old)
    }

    @Test("steps that do not fit, and moments that are over or absurd, change nothing")
    func refused() async throws {
        let scene = try await scene()
        let before = scene.gateway.view.revision
        for step in [KeyRotationRequest.Step.cancel, .undo, .finish] {
            guard case .store(.keyRotation) = await refusedStep(scene, step) else {
                Issue.record("\(step) was not refused")
                return
            }
        }
        let now = scene.clock.now.milliseconds
        for moment in [Int64.min, 0, now] {
            #expect(await refusedStep(scene, .announce, at: moment) == .store(.momentOver))
        }
        for moment in [now + 3651 * 86_400_000, .max] {
            guard case .invalid = await refusedStep(scene, .announce, at: moment) else {
                Issue.record("\(moment) was not refused")
                return
            }
        }
        guard case .invalid = await refusedStep(scene, .switchOver, at: now + 1000) else {
            Issue.record("not refused")
            return
        }
        #expect(scene.gateway.view.revision == before)
    }

    @Test(
        "the same call again gets the reply that was kept, whatever came since",
        arguments: [KeyRotationRequest.Step.announce, .switchOver, .cancel, .undo, .finish]
    )
    func retried(step: KeyRotationRequest.Step) async throws {
        let scene = try await scene()
        switch step {
        case .announce, .switchOver: break
        case .cancel: try await rotate(scene, .announce)
        case .undo, .finish: try await rotate(scene, .switchOver)
        }
        let moment = step == .announce ? scene.clock.now.milliseconds + 1000 : nil
        let context = scene.context(key: [7])
        let request = KeyRotationRequest(name: "wg0", step: step, switchTime: moment)
        guard case .done = try await scene.gateway.rotateKey(request, context) else { throw Unexpected() }
        await scene.gateway.keepReply([1, 2, 3], for: context)
        scene.clock.advance(seconds: 2)
        let before = scene.gateway.view.revision
        guard case .repeated(let bytes) = try await scene.gateway.rotateKey(request, scene.context(key: [7])) else {
            throw Unexpected()
        }
        #expect(bytes == [1, 2, 3] && scene.gateway.view.revision == before)
    }

    @Test(
        "what the kernel refuses leaves keys and moment as they were",
        arguments: [KeyRotationRequest.Step.announce, .switchOver, .undo]
    )
    func refusedByKernel(before: KeyRotationRequest.Step) async throws {
        let scene = try await scene()
        let moment = before == .announce ? scene.clock.now.milliseconds + 60_000 : nil
        // A key of its own each time: announced with a moment, none, the one before.
        if before != .undo { try await rotate(scene, before, at: moment) }
        let record = try #require(scene.gateway.view.interface(scene.wg0))
        let failure = KernelFailure(.other, errno: 22, "Invalid argument")
        scene.kernel.refuse { if case .setDevice = $0 { failure } else { nil } }
        let refused = await refusedStep(scene, before == .switchOver ? .undo : .switchOver)
        guard case .kernel(failure, undoneBy: .some) = refused else {
            Issue.record("\(String(describing: refused))")
            return
        }
        scene.kernel.refuse(nil)
        let after = try #require(scene.gateway.view.interface(scene.wg0))
        #expect(after.key == record.key && after.rotation == record.rotation)
        #expect(scene.kernel.link(scene.wg0)?.publicKey == record.publicKey)
    }

    @Test(
        "what the kernel does not follow at the moment is proven once it does; handshakes until then are the old key's"
    )
    func followedLater() async throws {
        let scene = try await scene()
        await scene.gateway.loadTraffic()
        let announced = try await rotate(scene, .announce, at: scene.clock.now.milliseconds + 1000)
        let next = try #require(announced.rotation?.next)
        let failure = KernelFailure(.keeperGone, "gone")
        scene.kernel.refuse { if case .setDevice = $0 { failure } else { nil } }
        scene.clock.advance(seconds: 2)
        await scene.gateway.switchDueKeys()
        #expect(scene.gateway.view.interface(scene.wg0)?.publicKey == next)
        scene.clock.advance(seconds: 5)
        try await shake(scene, "alice", "bob")
        #expect(try await stragglers(scene) == ["alice", "bob"])
        try await scene.gateway.audit.flush()
        #expect(await !scene.store.audit.contains { $0.entry.method == "wgmd/key-proof" })

        scene.kernel.refuse(nil)
        scene.clock.advance(seconds: 5)
        await scene.gateway.switchDueKeys()
        await scene.gateway.switchDueKeys()
        try await scene.gateway.audit.flush()
        let proofs = await scene.store.audit.filter { $0.entry.method == "wgmd/key-proof" }
        #expect(proofs.count == 1 && proofs.first?.entry.request.contains("\"key\":\"\(next)\"") == true)
        #expect(try await stragglers(scene) == ["alice", "bob"])
        scene.clock.advance(seconds: 5)
        try await shake(scene, "alice")
        #expect(try await stragglers(scene) == ["bob"])
        #expect(scene.gateway.peerWords.hasSuffix("; 1 straggler without the new key of the interface"))
        // Nor does a restart forget since when.
        await scene.gateway.reconciler.repairAll()
        await scene.gateway.saveTraffic()
        let again = Gateway(
            node: scene.gateway.node,
            store: scene.store,
            kernel: scene.kernel,
            clock: scene.clock,
            lookup: TestNames()
        )
        await again.start()
        #expect(try await peers(again, scene) == [false, true])
    }

    /// Whether each is a straggler, as peers are listed.
    private func peers(_ gateway: Gateway, _ scene: Scene) async throws -> [Bool?] {
        let page = try await gateway.listPeers(interface: "wg0", pageSize: nil, pageToken: nil, scene.context())
        return page.peers.map(\.isStraggler)
    }

    /// They make a handshake now.
    private func shake(_ scene: Scene, _ names: String...) async throws {
        let now = scene.clock.now
        scene.kernel.change(scene.wg0) { link in
            for name in names { link.peers[testKey(name)]?.lastHandshake = now }
        }
    }

    private func stragglers(_ scene: Scene) async throws -> [String] {
        scene.clock.advance(seconds: 2)
        return try await scene.gateway.listStragglers(name: "wg0", scene.context()).peers.map(\.name.value)
    }

    @Test("announcing and forgetting leave the kernel alone, drift and all, and nobody can pass for the interface")
    func quiet() async throws {
        let scene = try await scene()
        _ = try await scene.gateway.setDriftPolicy(name: "wg0", policy: .report, scene.context())
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        let next = try #require(try await rotate(scene, .announce).rotation?.next)
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.mtu == 1300)
        let refused = await refusal { () async throws(Refusal) in
            var peer = scene.peerRequest("mirror")
            peer.publicKey = next.description
            return try await scene.gateway.createPeers(PeersRequest(interface: "wg0", peers: [peer]), scene.context())
        }
        guard case .invalid(let violations) = refused else { throw Unexpected() }
        #expect(violations.map(\.field) == ["peers[0].public_key"])
        try await rotate(scene, .cancel)
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.mtu == 1300)
    }

    @Test("stragglers are the peers that are let in and have made no handshake since the switch")
    func stragglers() async throws {
        let scene = try await scene()
        await scene.gateway.loadTraffic()
        let beginning = scene.clock.now.milliseconds + 60_000
        try await scene.makePeers("carol") { $0.validFrom = beginning }
        let none = try await scene.gateway.listStragglers(name: "wg0", scene.context())
        #expect(none.peers.isEmpty && none.since == nil)
        let before = scene.clock.now
        scene.kernel.change(scene.wg0) { link in
            for key in link.peers.keys { link.peers[key]?.lastHandshake = before }
        }
        scene.clock.advance(seconds: 5)
        try await rotate(scene, .switchOver)
        scene.clock.advance(seconds: 5)
        let after = scene.clock.now
        scene.kernel.change(scene.wg0) { $0.peers[testKey("alice")]?.lastHandshake = after }
        let found = try await scene.gateway.listStragglers(name: "wg0", scene.context())
        #expect(found.peers.map(\.name.value) == ["bob"])
        #expect(found.lastHandshakes.values.map { $0 } == [before])
        #expect(try await scene.gateway.getInterface(name: "wg0", scene.context()).0.stragglers.count == 1)
        #expect(try await peers(scene.gateway, scene) == [false, true, nil])
        try await rotate(scene, .finish)
        #expect(try await peers(scene.gateway, scene) == [nil, nil, nil])
        #expect(!scene.gateway.peerWords.contains("straggler"))
    }
}
