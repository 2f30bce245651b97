// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Revisions: what was, who changed it, and the way back", .serialized)
struct RevisionTests {
    private struct RevisionDocument: Decodable {
        let number: Int
        let principal: String?
        let summary: String
        let reason: String?
    }

    private struct ChangeDocument: Decodable {
        struct Attribute: Decodable {
            let attribute: String
            let before: String?
            let after: String?
        }
        let interface: String
        let peer: String?
        let change: String
        let attributes: [Attribute]
    }

    private struct HolderDocument: Decodable {
        let interface: String
        let peer: String?
        let enabled: Bool
        let revision: Int
    }

    private static let bobKey = "Ym9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm8="

    private func revisions(_ gateway: Gateway) throws -> [RevisionDocument] {
        let result = try gateway.control("revision", "list", "-o", "json")
        return try #require(result.json([RevisionDocument].self), "\(result.errors)")
    }

    @Test("Each change is listed with author and reason, shown with before and after, and can be undone and redone")
    func thereAndBack() async throws {
        let gateway = try Gateway(furnished: true)
        let start = try #require(try revisions(gateway).first?.number)
        let kernelAtStart = try await gateway.inside("wg show wg0 allowed-ips | sort; wg show wg0 public-key").output
        let disable = ["peer", "disable", "wg0", "alice", "-m", "lost her laptop"]
        #expect(try gateway.control(disable).code == 0)
        let newest = try #require(try revisions(gateway).first)
        #expect(newest.number == start + 1 && newest.principal == "root" && newest.reason == "lost her laptop")
        #expect(newest.summary == "disable peer alice of wg0")

        let shown = try gateway.control("revision", "show", "\(newest.number)")
        #expect(shown.output.contains("lost her laptop"), "\(shown.output) \(shown.errors)")
        let diff = try gateway.control("revision", "diff", "\(start)", "-o", "json")
        let changes = try #require(diff.json([ChangeDocument].self), "\(diff.errors)")
        #expect(changes.map(\.peer) == ["alice"] && changes.first?.change == "changed")
        let attribute = try #require(changes.first?.attributes.first)
        #expect(attribute.attribute == "enabled" && attribute.before == "true" && attribute.after == "false")

        #expect(try gateway.control("peer", "create", "wg0", "bob", "--public-key", Self.bobKey).code == 0)
        #expect(try gateway.control("interface", "create", "wg1").code == 0)
        #expect(try gateway.control("interface", "delete", "wg0", "--with-peers").code == 0)
        let end = try #require(try revisions(gateway).first?.number)

        let back = try gateway.control("revision", "rollback", "\(start)", "-m", "all wrong")
        #expect(back.code == 0, "\(back.errors)")
        let kernel = try await gateway.inside("wg show wg0 allowed-ips | sort; wg show wg0 public-key").output
        #expect(kernel == kernelAtStart)
        #expect(try await gateway.inside("ip link show wg1").code != 0)
        #expect(
            try gateway.control("revision", "diff", "\(start)", "-o", "json").json([ChangeDocument].self)?.isEmpty
                == true
        )
        #expect(try revisions(gateway).first?.reason == "all wrong")
        #expect(try gateway.control("status").code == 0)

        #expect(try gateway.control("revision", "rollback", "\(end)").code == 0)
        #expect(try await gateway.inside("ip link show wg1").code == 0)
        #expect(try await gateway.inside("ip link show wg0").code != 0)
        #expect(try gateway.control("revision", "rollback", "9999").code == 3)
        await gateway.stop()
    }

    @Test("Rolling back takes away a key with a proof, and needs the rights of a change")
    func rollbackRevokes() async throws {
        let gateway = try Gateway(furnished: true)
        let start = try #require(try revisions(gateway).first?.number)
        #expect(try gateway.control("peer", "create", "wg0", "bob", "--public-key", Self.bobKey).code == 0)
        #expect(try gateway.control("principal", "set-roles", "daemon", "--role", "viewer").code == 0)
        #expect(try gateway.controlAsDaemon("revision", "list").code == 0)
        #expect(try gateway.controlAsDaemon("revision", "rollback", "\(start)").code == 5)
        #expect(try gateway.control("principal", "set-roles", "daemon", "--no-roles").code == 0)
        #expect(try gateway.controlAsDaemon("revision", "list").code == 5)
        #expect(try gateway.control("revision", "rollback", "\(start)").code == 0)
        #expect(try await !gateway.inside("wg show wg0 peers").output.contains(Self.bobKey))
        let proof = try gateway.control("audit", "list", "--method", "wgmd/removal-proof", "-o", "json").output
        #expect(proof.contains(Self.bobKey), "\(proof)")
        await gateway.stop()
    }

    @Test("Who held an address, and what a peer was, at a time and after a revision")
    func timeTravel() async throws {
        let gateway = try Gateway(furnished: true)
        let start = try #require(try revisions(gateway).first?.number)
        try await Task.sleep(for: .seconds(3))
        #expect(try gateway.control("peer", "delete", "wg0", "alice").code == 0)
        let create = ["peer", "create", "wg0", "bob", "--public-key", Self.bobKey, "--address", "10.90.0.2"]
        let created = try gateway.control(create)
        #expect(created.code == 0, "\(created.errors)")

        func who(_ options: String...) throws -> [HolderDocument] {
            let result = try gateway.control(["address", "who", "10.90.0.2", "-o", "json"] + options)
            return result.json([HolderDocument].self) ?? []
        }
        #expect(try who().map(\.peer) == ["bob"])
        #expect(try who("--at", "r\(start)").map(\.peer) == ["alice"])
        #expect(try who("--at", "2s").map(\.peer) == ["alice"])
        #expect(try gateway.control("address", "who", "10.91.3.4", "--at", "r\(start)").output.contains("10.91.0.0/16"))
        #expect(try gateway.control("address", "who", "10.90.0.1").output.contains("gateway"))
        let nobody = try gateway.control("address", "who", "192.0.2.77")
        #expect(nobody.code == 3 && nobody.output == "nobody\n")

        for command in [["peer", "show", "wg0", "alice"], ["address", "who", "10.91.3.4"]] {
            let future = try gateway.control(command + ["--at", "2099-01-01T00:00:00Z"])
            #expect(future.code == 8 && future.errors.contains("--at: is in the future"), "\(future.errors)")
        }
        let past = try gateway.control("peer", "show", "wg0", "alice", "--at", "r\(start)", "-o", "json")
        #expect(past.json(PeerDocument.self)?.enabled == true, "\(past.errors)")
        #expect(past.output.contains(Gateway.aliceKey))
        #expect(try gateway.control("peer", "show", "wg0", "alice", "--at", "r\(start + 1)").code == 3)
        #expect(try gateway.control("peer", "show", "wg0", "alice", "--at", "1d").code == 3)
        await gateway.stop()
    }
}
