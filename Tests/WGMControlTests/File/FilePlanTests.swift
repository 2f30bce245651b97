// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

func peerObject(_ peer: String, _ attributes: [FileAttribute], of interface: String = "wg0") -> FileObject {
    FileObject(interface: interface, peer: peer, attributes: attributes)
}

extension FileAttribute {
    static func text(_ name: String, _ value: String) -> Self { Self(name, .text, [value]) }
    static func list(_ name: String, _ values: String...) -> Self { Self(name, .list, values) }
    static func null(_ name: String) -> Self { Self(name, .null, []) }
}

@Suite struct FilePlanTests {
    /// wg0 with alice, who has a network behind her, and bob.
    private func furnished() async throws -> Scene {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface { $0.ipv4Pool = "10.0.0.0/24" }
        try await scene.makePeers("alice") { peer in
            peer.allowedAddresses = ["192.0.2.0/24"]
            peer.keepalive = 25
        }
        try await scene.makePeers("bob")
        return scene
    }

    private func plan(_ scene: Scene, prune: Bool = false, _ objects: FileObject...) -> FilePlan {
        FilePlan(FileRequest(objects: objects, prune: prune), state: scene.gateway.view.state)
    }

    private let wg0 = FileObject(interface: "wg0", listsPeers: true)

    @Test("what an export says changes nothing, pruned or not")
    func roundTrip() async throws {
        let scene = try await furnished()
        let objects = try scene.gateway.exportFile(interface: nil, pageToken: nil, scene.context()).objects
        #expect(objects.map(\.peer) == [nil, "alice", "bob"])
        for prune in [false, true] {
            let plan = FilePlan(FileRequest(objects: objects, prune: prune), state: scene.gateway.view.state)
            #expect(plan.problems.isEmpty && plan.differences.isEmpty)
        }
    }

    @Test("what is not said is left alone, what is said is set, and null clears")
    func keepSetClear() async throws {
        let scene = try await furnished()
        let alice = peerObject("alice", [.null("allowed_addresses"), .text("comment", "from the file")])
        let plan = plan(scene, alice)
        #expect(plan.problems.isEmpty)
        #expect(
            plan.differences == [
                ObjectDifference(
                    interface: "wg0",
                    peer: "alice",
                    kind: .changed,
                    attributes: [
                        .init(name: "allowed_addresses", before: #"["192.0.2.0/24"]"#, after: "[]"),
                        .init(name: "comment", before: nil, after: "from the file"),
                    ]
                )
            ]
        )
        #expect(plan.peers[scene.wg0]?.values.first?.draft.keepalive == 25)
    }

    @Test("the time in which a peer is let in is exported exactly, said in any zone, and set or cleared by a file")
    func validity() async throws {
        let scene = try await furnished()
        try await scene.makePeers("carol") { peer in
            peer.validFrom = 1_800_000_000_123
            peer.validUntil = 1_900_000_000_000
        }
        let exported = try scene.gateway.exportFile(interface: nil, pageToken: nil, scene.context()).objects
        let carol = try #require(exported.first { $0.peer == "carol" })
        #expect(carol.attributes.contains(.text("valid_from", "2027-01-15T08:00:00.123Z")))
        #expect(carol.attributes.contains(.text("valid_until", "2030-03-17T17:46:40Z")))
        #expect(plan(scene, carol).differences.isEmpty)
        let zone = peerObject("carol", [.text("valid_until", "2030-03-17T18:46:40+01:00")])
        #expect(plan(scene, zone).problems.isEmpty && plan(scene, zone).differences.isEmpty)
        let change = plan(
            scene,
            peerObject("carol", [.null("valid_from"), .text("valid_until", "2031-01-01T00:00:00Z")])
        )
        let validity = change.peers[scene.wg0]?.values.first?.draft.validity
        #expect(validity == Validity(until: Timestamp(seconds: 1_924_992_000)))
        for wrong in ["tomorrow", "2030-02-30T00:00:00Z", "1969-12-31T23:59:59Z"] {
            let rules = plan(scene, peerObject("carol", [.text("valid_until", wrong)])).problems.map(\.rule)
            #expect(rules == ["a time such as 2030-01-31T18:00:00Z"])
        }
        let backwards = plan(scene, peerObject("carol", [.text("valid_until", "2026-01-01T00:00:00Z")]))
        #expect(backwards.problems.map(\.rule) == ["valid_until must be after valid_from"])
        // Deleted and applied again, it is what it was.
        let blank = try await furnished()
        let again = plan(blank, carol)
        #expect(
            again.peers[blank.wg0]?.values.first?.draft.new(try #require(ObjectName("carol")))?.validity.until != nil
        )
    }

    @Test("null of what the gateway gave out keeps it")
    func given() async throws {
        let scene = try await furnished()
        let interface = FileObject(
            interface: "wg0",
            attributes: [.null("listen_port"), .null("ipv6_pool"), .text("ipv4_pool", "10.0.0.0/24")]
        )
        let plan = plan(scene, interface, peerObject("alice", [.null("addresses")]))
        #expect(plan.problems.isEmpty && plan.differences.isEmpty)
    }

    @Test("only what is pruned is deleted, and only of interfaces that list their peers")
    func prune() async throws {
        let scene = try await furnished()
        let alice = peerObject("alice", [])
        #expect(plan(scene, wg0, alice).differences.isEmpty)
        let deleted = plan(scene, prune: true, wg0, alice).differences
        #expect(deleted.map(\.peer) == ["bob"] && deleted.map(\.kind) == [.deleted])
        #expect(plan(scene, prune: true, FileObject(interface: "wg0")).differences.isEmpty)
        let all = plan(scene, prune: true).differences
        #expect(all.map(\.peer) == [nil, "alice", "bob"] && all.allSatisfy { $0.kind == .deleted })
    }

    @Test("a key, an address and a prefix may change hands within one file")
    func moves() async throws {
        let scene = try await furnished()
        let view = scene.gateway.view
        let alice = try #require(view.peers(of: scene.wg0).first)
        let bob = try #require(view.peers(of: scene.wg0).last)
        let plan = plan(
            scene,
            peerObject(
                "alice",
                [
                    .text("public_key", "\(bob.publicKey)"), .null("allowed_addresses"),
                    .list("addresses", "\(bob.addresses[0])"),
                ]
            ),
            peerObject(
                "bob",
                [
                    .text("public_key", "\(alice.publicKey)"), .list("allowed_addresses", "192.0.2.0/24"),
                    .list("addresses", "\(alice.addresses[0])"),
                ]
            )
        )
        #expect(plan.problems.isEmpty)
        #expect(plan.differences.map(\.attributes.count) == [3, 3])
    }

    @Test(
        "each mistake is found, at its place, and with the one who is in the way",
        arguments: [
            ([FileAttribute.text("keepalife_s", "25")], "is not known here; did you mean keepalive_s?", nil),
            ([.text("keepalive_s", "70000")], "a number of 0 to 65535", nil),
            ([.text("keepalive_s", "025")], "a number of 0 to 65535, without zeros in front", nil),
            ([.text("enabled", "yes")], "true or false", nil),
            ([.list("keepalive_s", "25")], "one value, not a list", nil),
            ([.text("allowed_addresses", "192.0.2.0/24")], "a list, such as [192.0.2.0/24]", nil),
            (
                [.list("allowed_addresses", "198.51.100.0/24", "192.0.2.128/25")],
                "192.0.2.128/25 overlaps 192.0.2.0/24 of the peer alice", 1
            ),
            (
                [.list("allowed_addresses", "fd00::1/64")],
                "bits are set behind the length; fd00::/64 was perhaps meant", 0
            ),
            (
                [.list("allowed_addresses", "::ffff:192.0.2.0/120")],
                "an IPv4 address must be written as one, not mapped into IPv6", 0
            ),
            ([.list("allowed_addresses", "fe80::%1/64")], "an IPv4 or IPv6 prefix, as address/length", 0),
            ([.list("allowed_addresses", "198.51.100.0/24", "198.51.100.0/24")], "is listed twice", 1),
            ([.list("addresses", "10.0.0.1")], "10.0.0.1 is the address of wg0 itself", 0),
            ([.list("addresses", "10.0.1.1")], "10.0.1.1 lies outside the pools of wg0", 0),
            ([.list("addresses", "10.0.0.255")], "10.0.0.255 is for broadcasts in 10.0.0.0/24", 0),
            (
                [.text("endpoint", "192.0.2.9:0")],
                PeerEndpoint.rule, nil
            ),
            ([.text("public_key", "\(testKey("alice"))")], "is the key of the peer alice too", nil),
            ([.text("keepalive_s", "1"), .text("keepalive_s", "2")], "is said twice", nil),
            ([.null("public_key")], "a peer has a key; with null it would have none", nil),
        ] as [([FileAttribute], String, Int?)]
    )
    func mistakes(_ attributes: [FileAttribute], _ rule: String, _ value: Int?) async throws {
        let scene = try await furnished()
        let problems = plan(scene, wg0, peerObject("bob", attributes)).problems
        #expect(problems.map(\.rule) == [rule])
        let place = try #require(problems.first?.place)
        #expect(place.object == 1 && place.attribute == attributes.count - 1 && place.value == value)
    }

    @Test("mistakes about interfaces and names are found, all of them at once")
    func manyMistakes() async throws {
        let scene = try await furnished()
        let problems = plan(
            scene,
            FileObject(
                interface: "wg0",
                attributes: [
                    .text("mtu", "1279"), .text("ipv6_pool", "fd00:1::/64"), .text("backend", "magic"),
                    .text("drift_policy", "ignore"), .text("listen_port", "0"),
                ]
            ),
            FileObject(
                interface: "wg1",
                attributes: [.text("listen_port", "51820"), .text("ipv4_pool", "10.0.0.0/16")]
            ),
            FileObject(interface: "wg 2"),
            FileObject(interface: "wg1"),
            peerObject("carol", []),
            peerObject("-", []),
            peerObject("bob", [], of: "wg9")
        ).problems
        #expect(
            problems.map { "\($0.place.object).\($0.place.attribute ?? -1)" }
                == ["0.0", "0.1", "0.2", "0.3", "0.4", "1.0", "1.1", "2.-1", "3.-1", "4.-1", "5.-1", "6.-1"]
        )
        #expect(problems.contains { $0.rule == "51820 is the port of interface wg0" })
        #expect(problems.contains { $0.rule == "carol is new, so that its public_key must be said" })
        #expect(problems.contains { $0.rule == "there is no interface of that name" })
    }

    @Test("a preshared key is kept unless it is cleared or the peer gets another key; no file can say one")
    func presharedKey() async throws {
        let scene = try await furnished()
        var state = scene.gateway.view.state
        let wg0 = try #require(state.interfaces[scene.wg0])
        let alice = try #require(ObjectName("alice"))
        let secret = [UInt8](repeating: 7, count: SealedPresharedKey.byteCount)
        state.peers[wg0.id]?[alice]?.presharedKey = SealedPresharedKey(bytes: secret)
        func plan(_ attributes: FileAttribute...) -> FilePlan {
            FilePlan(FileRequest(objects: [peerObject("alice", attributes)], prune: false), state: state)
        }
        let record = try #require(state.peers[wg0.id]?[alice])
        let exported = FileObject(record, of: scene.wg0)
        #expect(!exported.attributes.contains { $0.name == "preshared_key" })
        let without = try #require(scene.gateway.view.peers(of: scene.wg0).first)
        #expect(FileObject(without, of: scene.wg0).attributes.contains(.null("preshared_key")))
        #expect(plan(.text("keepalive_s", "9")).differences.first?.attributes.map(\.name) == ["keepalive_s"])
        let gone = ObjectDifference.Attribute(name: "preshared_key", before: "set", after: nil)
        #expect(plan(.null("preshared_key")).differences.first?.attributes == [gone])
        let rekeyed = plan(.text("public_key", "\(testKey("other"))")).differences.first?.attributes
        #expect(rekeyed?.map(\.name) == ["public_key", "preshared_key"])
        #expect(plan(.text("preshared_key", "c2VjcmV0")).problems.count == 1)
    }

    @Test("the digest stands for the differences")
    func digest() async throws {
        let scene = try await furnished()
        let one = plan(scene, peerObject("bob", [.text("keepalive_s", "10")]))
        let same = plan(scene, wg0, peerObject("bob", [.text("keepalive_s", "0xa")]))
        let other = plan(scene, peerObject("bob", [.text("keepalive_s", "11")]))
        #expect(one.digest == same.digest && one.digest != other.digest)
    }
}
