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
        for moment in [Int64.min, 0, now, now + 3651 * 86_400_000, .max] {
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

    @Test("the same call again gets the reply that was kept, whatever came since", arguments: [true, false])
    func retried(isAnnouncing: Bool) async throws {
        let scene = try await scene()
        if !isAnnouncing { try await rotate(scene, .announce) }
        let context = scene.context(key: [7])
        let request = KeyRotationRequest(name: "wg0", step: isAnnouncing ? .announce : .cancel)
        guard case .done = try await scene.gateway.rotateKey(request, context) else { throw Unexpected() }
        await scene.gateway.keepReply([1, 2, 3], for: context)
        let again = try await scene.gateway.rotateKey(request, scene.context(key: [7]))
        guard case .repeated(let bytes) = again else {
            Issue.record("\(again)")
            return
        }
        #expect(bytes == [1, 2, 3])
    }

    @Test("what the kernel refuses puts the key before back, and the next one stays announced")
    func refusedByKernel() async throws {
        let scene = try await scene()
        let announced = try await rotate(scene, .announce)
        let failure = KernelFailure(.other, errno: 22, "Invalid argument")
        scene.kernel.refuse { if case .setDevice = $0 { failure } else { nil } }
        guard case .kernel(failure, undoneBy: .some) = await refusedStep(scene, .switchOver) else {
            Issue.record("not refused")
            return
        }
        let record = try #require(scene.gateway.view.interface(scene.wg0))
        #expect(record.publicKey == announced.publicKey && record.rotation?.next == announced.rotation?.next)
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
    }
}
