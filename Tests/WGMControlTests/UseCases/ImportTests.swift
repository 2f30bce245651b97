// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WGMModel

@testable import WGMControl

@Suite("Import")
struct ImportTests {
    private static func key(_ number: UInt8) throws -> PublicKey {
        try #require(PublicKey(bytes: [UInt8](repeating: 0xB0, count: 31) + [number]))
    }

    private static func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

    /// A running link of wg-quick's, with two peers, of which one has a preshared key and has roamed.
    private func run(_ scene: Scene) throws -> ActualInterface {
        var link = ActualInterface(name: scene.wg0, owner: nil, backend: .kernel)
        link.isUp = true
        link.mtu = 1380
        link.publicKey = try Self.key(1)
        link.listenPort = 51999
        link.firewallMark = 0xca6c
        link.addresses = [try #require(InterfaceAddress("10.8.0.1/24")), try #require(InterfaceAddress("fe80::1/64"))]
        var alice = ActualPeer()
        alice.allowedAddresses = [try Self.prefix("10.8.0.2/32"), try Self.prefix("10.20.0.0/16")]
        alice.endpoint = Endpoint("198.51.100.7:40000")
        alice.keepalive = 25
        alice.presharedKey = KeyMark(bytes: [UInt8](repeating: 3, count: KeyMark.byteCount))
        alice.lastHandshake = scene.clock.now
        var bob = ActualPeer()
        bob.allowedAddresses = [try Self.prefix("10.8.0.255/32")]
        link.peers = [try Self.key(2): alice, try Self.key(3): bob]
        scene.kernel.state.withLock { [link] state in
            state.links[scene.wg0] = link
            state.preshared = link.peers.compactMapValues(\.presharedKey)
        }
        return link
    }

    private func context(_ scene: Scene) async throws -> CallContext {
        scene.context(try await scene.login(), key: Array(repeating: 7, count: 16))
    }

    private var fromKernel: ImportRequest {
        var request = ImportRequest()
        request.name = "wg0"
        request.isFromKernel = true
        return request
    }

    private func fromFile() throws -> ImportRequest {
        var request = ImportRequest()
        request.name = "wg0"
        request.publicKey = try Self.key(1).description
        request.listenPort = 51820
        request.addresses = ["10.8.0.1/24"]
        var alice = PeerRequest()
        alice.name = "alice"
        alice.publicKey = try Self.key(2).description
        alice.allowedAddresses = ["10.8.0.2/32"]
        request.peers = [alice]
        return request
    }

    @Test("of what runs tells the kernel nothing but the mark, and routes of wgm's own")
    func nothingIsChanged() async throws {
        let scene = try await Scene()
        let before = try run(scene)
        let context = try await context(scene)
        let plan = try await scene.gateway.planImport(fromKernel, context)
        #expect(plan.takesLink && scene.kernel.takeTold().isEmpty)
        #expect(plan.changes.map(\.attribute) == ["route 10.20.0.0/16"])
        guard case .done(let report, let revision) = try await scene.gateway.importInterface(fromKernel, context) else {
            Issue.record("not done")
            return
        }
        #expect(scene.kernel.takeTold() == [.takeLink(try Self.key(1)), .addRoutes([try Self.prefix("10.20.0.0/16")])])
        let after = try #require(scene.kernel.link(scene.wg0))
        #expect(after.peers == before.peers && after.addresses == before.addresses)
        #expect(after.listenPort == 51999 && after.firewallMark == 0xca6c && after.mtu == 1380)
        #expect(report.revision == revision && report.peers.count == 2)
        #expect(report.interface.addresses.map(\.description) == ["10.8.0.1/24"])
        #expect(scene.gateway.view.observation(scene.wg0)?.isInSync == true)
    }

    @Test("keeps keys, preshared keys, ports and marks, and gives out no address")
    func records() async throws {
        let scene = try await Scene()
        _ = try run(scene)
        _ = try await scene.gateway.importInterface(fromKernel, context(scene))
        let record = try #require(scene.gateway.view.interface(scene.wg0))
        #expect(record.publicKey == (try Self.key(1)) && record.sealedKey.bytes.first == 1)
        #expect(record.ipv4Pool?.description == "10.8.0.0/24")
        let peers = scene.gateway.view.peers(of: scene.wg0)
        let alice = try #require(peers.first { $0.keepalive == 25 })
        #expect(alice.presharedKey?.mark == KeyMark(bytes: [UInt8](repeating: 3, count: KeyMark.byteCount)))
        #expect(alice.addresses.map(\.description) == ["10.8.0.2"])
        #expect(alice.routed.map(\.description) == ["10.20.0.0/16"])
        #expect(alice.endpoint?.description == "198.51.100.7:40000")
        let bob = try #require(peers.first { $0.keepalive == 0 })
        // The pool's last address is nobody's own, but may be routed.
        #expect(bob.addresses.isEmpty && bob.routed.map(\.description) == ["10.8.0.255/32"])
    }

    @Test("of a file whose interface runs takes the kernel's word and the file's names")
    func fileOfRunning() async throws {
        let scene = try await Scene()
        _ = try run(scene)
        let plan = try await scene.gateway.planImport(fromFile(), context(scene))
        #expect(plan.takesLink && plan.interface.listenPort == 51999)
        #expect(plan.peers.map(\.name.value).sorted().contains("alice") && plan.peers.count == 2)
        #expect(plan.peers.first { $0.name.value == "alice" }?.keepalive == 25)
        #expect(plan.remarks.contains("listen port: the file says 51820, 51999 stays"))
        #expect(plan.remarks.contains("peer alice: the file says other allowed addresses, the kernel's stay"))
        #expect(plan.remarks.contains { $0.hasSuffix(": not in the file, it stays") })
    }

    @Test("of a file does not touch a link with another key, nor one of another wgm, nor one that is wgm's already")
    func othersLinks() async throws {
        let scene = try await Scene()
        _ = try run(scene)
        let context = try await context(scene)
        var request = try fromFile()
        request.publicKey = try Self.key(9).description
        await #expect(throws: Refusal.self) { try await scene.gateway.importInterface(request, context) }
        scene.kernel.change(scene.wg0) { $0.owner = InterfaceID(77) }
        await #expect(throws: Refusal.self) { try await scene.gateway.importInterface(fromKernel, context) }
        #expect(scene.kernel.takeTold().isEmpty && scene.gateway.view.interface(scene.wg0) == nil)
        scene.kernel.change(scene.wg0) { $0.owner = nil }
        _ = try await scene.gateway.importInterface(fromKernel, context)
        await #expect(throws: Refusal.self) { try await scene.gateway.importInterface(fromKernel, context) }
    }

    @Test("gives a link back as it was when the kernel refuses")
    func givesBack() async throws {
        let scene = try await Scene()
        let before = try run(scene)
        scene.kernel.refuse { change in
            if case .addRoutes = change { return KernelFailure(.alreadyExists, "there is a route") }
            return nil
        }
        let context = try await context(scene)
        await #expect(throws: Refusal.self) { try await scene.gateway.importInterface(fromKernel, context) }
        #expect(scene.kernel.link(scene.wg0) == before)
        #expect(scene.gateway.view.interface(scene.wg0) == nil)
        #expect(!scene.kernel.takeTold().contains(.deleteLink))
    }

    @Test("on trial is undone by giving the link back as it was, also over a restart, and comes back by a rollback")
    func undone() async throws {
        let scene = try await Scene()
        let before = try run(scene)
        var context = try await context(scene)
        context.terms.confirmation = .within(seconds: 30)
        _ = try await scene.gateway.importInterface(fromKernel, context)
        let imported = scene.gateway.view.revision
        #expect(scene.kernel.link(scene.wg0)?.owner != nil)
        scene.clock.advance(seconds: 31)
        // As when wgmd was stopped meanwhile, and the keeper answers only after the revision is written.
        scene.kernel.refuse { $0 == .releaseLink ? KernelFailure(.other, "not now") : nil }
        await scene.gateway.restoreOverdue()
        #expect(scene.gateway.view.interface(scene.wg0) == nil && scene.kernel.link(scene.wg0)?.owner != nil)
        scene.kernel.refuse { _ in nil }
        let next = Gateway(
            node: scene.gateway.node,
            store: scene.store,
            kernel: scene.kernel,
            clock: scene.clock,
            lookup: TestNames()
        )
        await next.start()
        await next.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0) == before)
        #expect(!scene.kernel.takeTold().contains(.deleteLink))
        _ = try await scene.gateway.rollBack(to: imported, scene.context(try await scene.login()))
        #expect(scene.kernel.link(scene.wg0)?.owner != nil)
    }

    @Test("seals nothing beside keys of another key-encryption key")
    func otherSealingKey() async throws {
        let scene = try await Scene()
        let context = try await context(scene)
        try await scene.makeInterface { $0.name = "wg5" }
        _ = try run(scene)
        _ = scene.kernel.takeTold()
        scene.gateway.keys.use(sealingKeyID: 7)
        do throws(Refusal) {
            _ = try await scene.gateway.importInterface(fromKernel, context)
            Issue.record("imported")
        } catch {
            guard case .kernel(let failure, undoneBy: nil) = error else { throw error }
            #expect(failure.reason == .sealed)
        }
        #expect(scene.kernel.takeTold().isEmpty && scene.gateway.view.interface(scene.wg0) == nil)
    }

    @Test("cut off before the mark is finished by the reconciler")
    func healsAfterCrash() async throws {
        let scene = try await Scene()
        let before = try run(scene)
        _ = try await scene.gateway.importInterface(fromKernel, context(scene))
        scene.kernel.change(scene.wg0) { $0.owner = nil }
        await scene.gateway.reconciler.repairAll()
        #expect(scene.kernel.link(scene.wg0)?.owner != nil)
        #expect(scene.kernel.link(scene.wg0)?.peers == before.peers)
    }

    @Test("lists every overlap, and what holds the gateway's own address, with the peers' names")
    func overlaps() async throws {
        let scene = try await Scene()
        _ = try run(scene)
        scene.kernel.change(scene.wg0) { link in
            for (number, prefix) in [(4, "10.20.3.0/24"), (5, "10.8.0.0/24"), (6, "::ffff:10.0.0.0/120")] {
                guard let key = try? Self.key(UInt8(number)), let prefix = IPPrefix(prefix) else { continue }
                var peer = ActualPeer()
                peer.allowedAddresses = [prefix]
                link.peers[key] = peer
            }
        }
        do {
            _ = try await scene.gateway.planImport(fromKernel, context(scene))
            Issue.record("overlaps were accepted")
        } catch Refusal.invalid(let violations) {
            let rules = violations.map(\.rule).joined(separator: "\n")
            #expect(rules.contains("10.20.3.0/24 overlaps 10.20.0.0/16 of peer "))
            #expect(rules.contains("10.8.0.2/32 overlaps 10.8.0.0/24 of peer "))
            #expect(rules.contains("10.8.0.0/24 holds 10.8.0.1, the address of wg0 itself"))
            #expect(rules.contains("not mapped into IPv6"))
        }
    }

    @Test("needs the right to import, to create, and to route everything where it does")
    func rights() async throws {
        let scene = try await Scene()
        _ = try run(scene)
        let root = try await scene.login()
        let verbs: [([Verb], Bool)] = [
            ([.takeOver], false), ([.takeOver, .create], true), ([.create], true),
        ]
        for (verbs, mayPlan) in verbs {
            let scope = "node/n1/interface/** " + verbs.map(\.rawValue).joined(separator: ",")
            let resource = try #require(ResourcePattern("node/n1/interface/wg0"))
            guard
                let credential = try? scene.gateway.authorise(
                    root,
                    verb: Verb.takeOver.rawValue,
                    resources: [resource],
                    scope: scope
                )
            else {
                #expect(!verbs.contains(.takeOver))
                continue
            }
            let result = try? await scene.gateway.planImport(fromKernel, scene.context(credential))
            #expect((result != nil) == mayPlan, "\(verbs)")
        }
    }

    @Test("of a file that does not run makes the interface as the file says")
    func makes() async throws {
        let scene = try await Scene()
        var request = try fromFile()
        request.addresses = ["10.8.0.1/24", "fd00:8::1/64"]
        let plan = try await scene.gateway.planImport(request, context(scene))
        #expect(!plan.takesLink && plan.changes.isEmpty && plan.interface.listenPort == 51820)
        #expect(plan.interface.ipv6Pool.description == "fd00:8::/64")
        try await scene.makeInterface { ($0.name, $0.ipv4Pool, $0.listenPort) = ("wg1", "10.9.0.0/24", 51900) }
        for (port, address) in [(51900, "10.8.0.1/24"), (51901, "10.9.0.5/24")] as [(UInt32, String)] {
            (request.listenPort, request.addresses) = (port, [address])
            let found = await refusal { () async throws(Refusal) in
                guard let context = try? await context(scene) else { throw .underWay }
                return try await scene.gateway.planImport(request, context)
            }
            switch found {
            case .store(.taken(let what, "interface wg1")): #expect(what == "listen port 51900")
            case .store(.overlap(let pool, _, "interface wg1")): #expect(pool.description == "10.9.0.0/24")
            default: Issue.record("\(String(describing: found))")
            }
        }
        request.listenPort = 51820
        request.addresses = ["10.8.0.1/24", "ten", "10.8.0.1/16", "127.0.0.1"]
        request.mtu = 1000
        request.peers.append(request.peers[0])
        do {
            _ = try await scene.gateway.planImport(request, context(scene))
            Issue.record("it was accepted")
        } catch Refusal.invalid(let violations) {
            #expect(
                violations.map(\.field) == [
                    "mtu", "addresses[1]", "addresses[2]", "addresses[3]", "peers[1].name", "peers[1].public_key",
                ]
            )
        }
    }
}
