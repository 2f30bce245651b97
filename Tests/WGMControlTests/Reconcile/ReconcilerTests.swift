// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WGMModel

@testable import WGMControl

@Suite struct ReconcilerTests {
    private func scene() async throws -> Scene {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice", "bob")
        _ = scene.kernel.takeTold()
        return scene
    }

    @Test("what agrees is left alone, and leaves no record")
    func quiet() async throws {
        let scene = try await scene()
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.takeTold() == [])
        #expect(scene.gateway.audit.count == 0)
    }

    @Test("drift is repaired by the least change, and recorded with what differed")
    func drift() async throws {
        let scene = try await scene()
        scene.kernel.change(scene.wg0) { $0.peers[testKey("alice")]?.keepalive = 99 }
        await scene.gateway.reconciler.repairAll()
        var change = PeerChange(publicKey: testKey("alice"))
        change.updateOnly = true
        change.keepalive = 0
        #expect(scene.kernel.takeTold() == [.setPeers([change])])
        try await scene.gateway.audit.flush()
        let record = try #require(await scene.store.audit.last?.entry)
        #expect(record.method == "wgmd/reconcile" && record.resource == "node/n1/interface/wg0" && record.code == 0)
        #expect(record.message == "repaired: peers that differed: alice (keepalive was 99)")
    }

    @Test("a link that was deleted by hand comes back whole")
    func deletedLink() async throws {
        let scene = try await scene()
        let before = scene.kernel.link(scene.wg0)
        scene.kernel.state.withLock { $0.links = [:] }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0) == before)
    }

    @Test("a failure is recorded once and not every ten seconds, and its end as well")
    func complaints() async throws {
        let scene = try await scene()
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        scene.kernel.refuse { _ in KernelFailure(.notPermitted, errno: 1, "Operation not permitted") }
        for _ in 0..<5 { await scene.gateway.reconciler.repairAll() }
        #expect(scene.gateway.audit.count == 1)
        #expect(scene.gateway.health().isServing == false)
        scene.kernel.refuse(nil)
        await scene.gateway.reconciler.repairAll()
        #expect(scene.gateway.audit.count == 2)
        #expect(scene.gateway.health().isServing)
    }

    /// Makes the database remember an interface that it has no more.
    private func forget(_ id: InterfaceID, _ scene: Scene) async {
        await scene.store.replaceState {
            $0.formerInterfaces.insert(id)
            $0.revision += 1
        }
        _ = await scene.gateway.refresh()
    }

    @Test("a link that another database made is left alone, and said once")
    func stranger() async throws {
        let scene = try await scene()
        let theirs = try #require(InterfaceName("wg7"))
        let link = ActualInterface(name: theirs, owner: InterfaceID(77), backend: .kernel)
        scene.kernel.state.withLock { $0.links[theirs] = link }
        let records = scene.gateway.audit.count
        await scene.gateway.reconciler.repairAll()
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(theirs) == link)
        #expect(scene.gateway.audit.count == records + 1)
    }

    @Test("a wanted interface does not take the link of another database")
    func strangerOfTheSameName() async throws {
        let scene = try await scene()
        let link = ActualInterface(name: scene.wg0, owner: InterfaceID(77), backend: .kernel)
        scene.kernel.state.withLock { $0.links[scene.wg0] = link }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0) == link)
        #expect(scene.gateway.view.observation(scene.wg0)?.failure?.reason == .notOurs)
    }

    @Test("links of interfaces that were deleted are removed, others never")
    func orphans() async throws {
        let scene = try await scene()
        await forget(InterfaceID(77), scene)
        let ours = try #require(InterfaceName("wg7"))
        let theirs = try #require(InterfaceName("wg8"))
        scene.kernel.state.withLock { state in
            state.links[ours] = ActualInterface(name: ours, owner: InterfaceID(77), backend: .kernel)
            state.links[theirs] = ActualInterface(name: theirs, owner: nil, backend: .kernel)
        }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(ours) == nil)
        #expect(scene.kernel.link(theirs) != nil)
        #expect(scene.kernel.link(scene.wg0) != nil)
    }

    @Test("a link of the same name from an earlier interface gives way to the one that is wanted")
    func otherOwner() async throws {
        let scene = try await scene()
        await forget(InterfaceID(77), scene)
        let wanted = try #require(scene.kernel.link(scene.wg0))
        scene.kernel.state.withLock {
            $0.links[scene.wg0] = ActualInterface(name: scene.wg0, owner: InterfaceID(77), backend: .kernel)
        }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0) == wanted)
    }

    @Test("before the database was read nothing is removed, made or changed")
    func databaseAwayAtStart() async throws {
        let signer = TestSigner()
        let kernel = MemoryKernel(signer: signer)
        let store = MemoryStore()
        await store.fail(.unavailable("connection refused"))
        let name = try #require(InterfaceName("wg0"))
        let link = ActualInterface(name: name, owner: InterfaceID(5), backend: .kernel)
        kernel.state.withLock { $0.links[name] = link }
        let gateway = Gateway(
            node: try #require(ObjectName("n1")),
            store: store,
            kernel: kernel,
            clock: TestClock(),
            lookup: TestNames()
        )
        await gateway.start()
        await gateway.reconciler.repairAll()
        #expect(kernel.link(name) == link)
        #expect(kernel.takeTold() == [])
        #expect(!gateway.health().isServing)
    }

    @Test("while the database is away drift is repaired, but no link is removed")
    func databaseAwayLater() async throws {
        let scene = try await scene()
        await forget(InterfaceID(77), scene)
        await scene.store.fail(.unavailable("gone"))
        _ = await scene.gateway.refresh()
        let orphan = try #require(InterfaceName("wg7"))
        scene.kernel.state.withLock {
            $0.links[orphan] = ActualInterface(name: orphan, owner: InterfaceID(77), backend: .kernel)
        }
        scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(orphan) != nil)
        #expect(scene.kernel.link(scene.wg0)?.mtu == 1420)
    }

    @Test("a kernel that says yes and does nothing is found out")
    func unwilling() async throws {
        let scene = try await scene()
        let linkLocal = try #require(InterfaceAddress("192.0.2.1/24"))
        // The address comes back with every dump, as if somebody else put it there each time.
        let stubborn = StubbornKernel(inner: scene.kernel, name: scene.wg0, address: linkLocal)
        let gateway = Gateway(
            node: scene.gateway.node,
            store: scene.store,
            kernel: stubborn,
            clock: scene.clock,
            lookup: TestNames()
        )
        await gateway.start()
        let failure = try #require(gateway.view.observation(scene.wg0)?.failure)
        #expect(failure.message.contains("192.0.2.1/24"))
    }

    @Test("many readers within a second share one dump")
    func freshReads() async throws {
        let scene = try await scene()
        scene.clock.advance(seconds: 2)
        let before = scene.kernel.state.withLock { $0.dumps }
        let gateway = scene.gateway
        let context = scene.context()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask { _ = try? await gateway.getPeer(interface: "wg0", name: "alice", context) }
            }
        }
        #expect(scene.kernel.state.withLock { $0.dumps } == before + 1)
        scene.clock.advance(seconds: 1)
        scene.kernel.change(scene.wg0) { $0.peers[testKey("alice")]?.receivedBytes = 42 }
        let (peer, _) = try await gateway.getPeer(interface: "wg0", name: "alice", context)
        #expect(peer.actual?.receivedBytes == 42 && peer.observed == scene.clock.now)
    }

    @Test("reads go on with what was last seen when the keeper is away")
    func keeperAway() async throws {
        let scene = try await scene()
        let seen = scene.clock.now
        scene.clock.advance(seconds: 5)
        scene.kernel.state.withLock { $0.dumpFailure = KernelFailure(.keeperGone, "the keeper is away") }
        let (report, _) = try await scene.gateway.getInterface(name: "wg0", scene.context())
        let observation = try #require(report.observation)
        #expect(observation.time == seen && !observation.isInSync && observation.failure?.reason == .keeperGone)
        #expect(scene.gateway.health().components.contains { $0.name == "keeper" && !$0.isHealthy })
    }
}

/// A kernel in which an address always comes back.
private struct StubbornKernel: Kernel {
    let inner: MemoryKernel
    let name: InterfaceName
    let address: InterfaceAddress

    func generateKey(for id: InterfaceID) async throws(KernelFailure) -> (publicKey: PublicKey, sealed: SealedKey) {
        try await inner.generateKey(for: id)
    }
    func intakeKey() async throws(KernelFailure) -> IntakeKey { try await inner.intakeKey() }
    func seal(_ boxes: [SecretBox], for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        try await inner.seal(boxes, for: interface)
    }
    func secrets(of name: InterfaceName, for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        try await inner.secrets(of: name, for: interface)
    }
    func apply(_ change: KernelChange, to name: InterfaceName, owner: InterfaceID) async throws(KernelFailure) {
        try await inner.apply(change, to: name, owner: owner)
    }
    func dump(_ name: InterfaceName) async throws(KernelFailure) -> ActualInterface? {
        inner.change(self.name) { $0.addresses.insert(address) }
        return try await inner.dump(name)
    }
    func ownedInterfaces() async throws(KernelFailure) -> [InterfaceName: InterfaceID] {
        try await inner.ownedInterfaces()
    }
    func sign(_ input: [UInt8]) async throws(KernelFailure) -> [UInt8] { try await inner.sign(input) }
}
