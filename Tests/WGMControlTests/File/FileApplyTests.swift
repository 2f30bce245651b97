// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct FileApplyTests {
    private func context(_ scene: Scene, _ credential: Credential) -> CallContext {
        scene.context(credential)
    }

    private let wg0 = FileObject(
        interface: "wg0",
        attributes: [.text("ipv4_pool", "10.0.0.0/24"), .text("listen_port", "51900")],
        listsPeers: true
    )

    private func alice(_ attributes: FileAttribute...) -> FileObject {
        peerObject("alice", [.text("public_key", "\(testKey("alice"))")] + attributes)
    }

    private func apply(
        _ scene: Scene,
        _ credential: Credential,
        prune: Bool = false,
        digest: [UInt8]? = nil,
        _ objects: FileObject...
    ) async throws(Refusal) -> (Int64, FileCounts) {
        let request = FileRequest(objects: objects, prune: prune)
        let outcome = try await scene.gateway.applyFile(request, digest: digest, context(scene, credential))
        guard case .done(let applied, let revision) = outcome else { throw .underWay }
        return (revision, applied.counts)
    }

    @Test("interface and peers are made by one revision, and the same file again makes none")
    func applyTwice() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let before = scene.gateway.view.revision
        let (revision, counts) = try await apply(scene, root, wg0, alice())
        #expect(revision == before + 1 && counts.created == 2)
        let link = try #require(scene.kernel.link(scene.wg0))
        #expect(link.listenPort == 51900 && link.peers.keys.sorted() == [testKey("alice")])
        let last = try #require(await scene.store.audit.last)
        #expect(last.revision == revision && last.entry.message == "2 created, 0 changed, 0 deleted")
        let again = try await apply(scene, root, wg0, alice())
        #expect(again.0 == 0 && again.1.isEmpty && scene.gateway.view.revision == revision)
    }

    @Test(
        "an endpoint that a file changes or clears is another or none in the kernel, whatever the kernel had heard since"
    )
    func endpoints() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        func endpoint() -> String? {
            scene.kernel.link(scene.wg0)?.peers[testKey("alice")]?.endpoint?.description
        }
        let (first, _) = try await apply(scene, root, wg0, alice(.text("endpoint", "192.0.2.1:1000")))
        #expect(endpoint() == "192.0.2.1:1000")
        _ = try await apply(scene, root, alice(.text("endpoint", "192.0.2.2:2000")))
        #expect(endpoint() == "192.0.2.2:2000")
        _ = try await apply(scene, root, alice(FileAttribute("endpoint", .null, [])))
        #expect(scene.kernel.link(scene.wg0)?.peers.count == 1 && endpoint() == nil)
        _ = try await scene.gateway.rollBack(to: first, context(scene, root))
        #expect(endpoint() == "192.0.2.1:1000")
    }

    @Test("one mistake anywhere, and nothing is done")
    func allOrNothing() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let found = await refusal { () async throws(Refusal) in
            try await apply(scene, root, wg0, alice(.text("mtu", "9")), peerObject("bob", []))
        }
        guard case .invalid(let violations) = found else {
            Issue.record("\(String(describing: found))")
            return
        }
        #expect(violations.map(\.field) == ["objects[1].attributes[1]", "objects[2]"])
        #expect(scene.gateway.view.interfaces.isEmpty && scene.kernel.link(scene.wg0) == nil)
    }

    @Test("what was planned is applied, or nothing")
    func planned() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let request = FileRequest(objects: [wg0, alice()], prune: false)
        let plan = try scene.gateway.planFile(request, context(scene, root))
        try await scene.makeInterface { $0.name = "wg7" }
        _ = try await apply(scene, root, digest: plan.digest, wg0, alice())
        let found = await refusal { () async throws(Refusal) in
            try await apply(scene, root, digest: plan.digest, wg0, alice(.text("comment", "x")))
        }
        #expect(found == .planChanged)
    }

    @Test("what the kernel refuses anywhere is undone everywhere")
    func undo() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await apply(scene, root, wg0, alice())
        let no = KernelFailure(.inUse, "Address already in use")
        scene.kernel.refuse { if case .setDevice(_, 40000, _) = $0 { no } else { nil } }
        let found = await refusal { () async throws(Refusal) in
            try await apply(
                scene,
                root,
                alice(.text("keepalive_s", "9")),
                FileObject(interface: "wg1", attributes: [.text("listen_port", "40000")])
            )
        }
        #expect(found == .kernel(no, undoneBy: scene.gateway.view.revision))
        scene.kernel.refuse(nil)
        #expect(scene.gateway.view.interfaces.map(\.name) == [scene.wg0])
        #expect(scene.kernel.link(scene.wg0)?.peers[testKey("alice")]?.keepalive == 0)
    }

    @Test("keys that go are proven to be gone")
    func proof() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await apply(scene, root, wg0, alice(), peerObject("bob", [.text("public_key", "\(testKey("bob"))")]))
        let (revision, counts) = try await apply(scene, root, prune: true, wg0, alice())
        #expect(counts.deleted == 1 && scene.kernel.link(scene.wg0)?.peers.count == 1)
        try await scene.gateway.audit.flush()
        let proof = try #require(await scene.store.audit.last?.entry)
        #expect(proof.method == "wgmd/removal-proof" && proof.request.contains("\(testKey("bob"))"))
        #expect(proof.request.contains(#""revision":\#(revision)"#))
    }

    @Test("who may not see what a file collides with is not told its name, and who may nothing is refused first")
    func unseen() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await apply(scene, root, wg0, alice())
        try await scene.makeInterface {
            $0.name = "wg1"; $0.listenPort = 41000
        }
        let wg9 = FileObject(interface: "wg9", attributes: [.text("listen_port", "41000")])
        let narrow = try scene.gateway.narrow(root, "node/*/interface/wg9 get,create")
        let request = FileRequest(objects: [wg9], prune: false)
        let plan = try scene.gateway.planFile(request, context(scene, narrow))
        #expect(plan.problems.map(\.rule) == ["41000 is the port of another interface"])
        let seeing = try scene.gateway.planFile(request, context(scene, root))
        #expect(seeing.problems.map(\.rule) == ["41000 is the port of interface wg1"])
        let found = await refusal { () async throws(Refusal) in
            try await apply(scene, narrow, wg9, alice(.text("no_such_attribute", "1")))
        }
        #expect(found == .permissionMissing(verb: "get", resource: "node/n1/interface/wg0/peer/alice"))
    }

    @Test("each object takes the right that changing it alone takes")
    func rights() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await apply(scene, root, wg0, alice())
        let nobody = try await scene.login(uid: 1000, name: "nobody")
        let seen = await refusal { () async throws(Refusal) in
            try scene.gateway.planFile(FileRequest(objects: [alice()], prune: false), context(scene, nobody))
        }
        #expect(seen == .permissionMissing(verb: "get", resource: "node/n1/interface/wg0/peer/alice"))
        _ = try await scene.gateway.setRoles(name: "nobody", uid: 1000, roles: ["operator"], context(scene, root))
        let anybody = try await scene.login(uid: 1000, name: "nobody")
        _ = try await apply(scene, anybody, alice(.text("keepalive_s", "5")))
        let wide = await refusal { () async throws(Refusal) in
            try await apply(scene, anybody, alice(.list("allowed_addresses", "0.0.0.0/0")))
        }
        #expect(wide == .permissionMissing(verb: "route-all", resource: "node/n1/interface/wg0/peer/alice"))
        let grant = try #require(Grant(resource: "node/n1/interface/wg0/peer/alice", verbs: ["get", "update"]))
        let narrow = try scene.gateway.narrow(root, "\(grant.resource) get,update")
        _ = try await apply(scene, narrow, alice(.text("keepalive_s", "6")))
        let beyond = await refusal { () async throws(Refusal) in
            try await apply(scene, narrow, prune: true, alice(.text("keepalive_s", "7")))
        }
        #expect(beyond == .permissionMissing(verb: "delete", resource: "node/n1/interface/wg0"))
    }

    @Test("three thousand peers are one revision, exported in pages and applied to nothing changed")
    func many() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let peers = (0..<3_000).map { number in
            peerObject(
                "p\(number)",
                [
                    .text("public_key", "\(testKey("p\(number)."))"),
                    .list("allowed_addresses", "10.\(number / 256).\(number % 256).0/24"),
                ]
            )
        }
        let interface = FileObject(interface: "wg0", listsPeers: true)
        let request = FileRequest(objects: [interface] + peers, prune: true)
        let made = try await scene.gateway.applyFile(request, digest: nil, context(scene, root))
        guard case .done(let applied, let revision) = made else { throw Refusal.underWay }
        #expect(applied.counts.created == 3_001 && scene.gateway.view.revision == revision)
        var objects: [FileObject] = []
        var token: String?
        repeat {
            let page = try scene.gateway.exportFile(interface: nil, pageToken: token, context(scene, root))
            objects += page.objects
            token = page.nextPageToken
        } while token != nil
        #expect(objects.count == 3_001)
        // What the interface is like is told only to who may read the interface.
        let peersOnly = try #require(Grant(resource: "node/*/interface/wg0/peer/*", verbs: ["get", "list"]))
        let narrow = try scene.gateway.narrow(root, peersOnly.scope)
        #expect(throws: Refusal.permissionMissing(verb: "get", resource: "node/n1/interface/wg0")) {
            try scene.gateway.exportFile(interface: "wg0", pageToken: nil, context(scene, narrow))
        }
        let plan = FilePlan(FileRequest(objects: objects, prune: true), state: scene.gateway.view.state)
        #expect(plan.problems.isEmpty && plan.differences.isEmpty)
    }
}
