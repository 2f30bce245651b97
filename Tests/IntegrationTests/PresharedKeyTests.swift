// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("Preshared keys: set, witnessed by wg, never told, really gone", .serialized)
struct PresharedKeyTests {
    private struct RevisionDocument: Decodable { let number: Int }

    /// What `wg` says of the one preshared key of wg0, by the file that has it: `(none)`, or the key.
    private func witness(_ gateway: Gateway) async throws -> String {
        let lines = try await gateway.inside("wg show wg0 preshared-keys").output.split(separator: "\n")
        let line = try #require(lines.first { !$0.hasPrefix(Gateway.aliceKey) })
        return String(line.split(separator: "\t")[1])
    }

    private func secret(_ file: String) throws -> String {
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        return try String(#require(lines.first { $0.hasPrefix("PresharedKey = ") }).dropFirst("PresharedKey = ".count))
    }

    private func newest(_ gateway: Gateway) throws -> Int {
        let list = try gateway.control("revision", "list", "-o", "json")
        return try #require(list.json([RevisionDocument].self)?.first?.number)
    }

    @Test("The key in the peer's file is the kernel's, nobody else has it, and it goes and comes with revisions")
    func life() async throws {
        let gateway = try Gateway(furnished: true)
        let before = try newest(gateway)
        let file = gateway.folder.path + "/canary.conf"
        let created = try gateway.control("peer", "create", "wg0", "canary", "--config", file)
        #expect(created.code == 0, "\(created.errors)")
        let key = try secret(file)
        #expect(try await witness(gateway) == key)
        #expect(try gateway.control("peer", "show", "wg0", "canary").output.contains("Preshared key:      yes"))
        // The last part of the search path is a control: a key that must be found.
        let search = """
            sed -n 's/^PresharedKey = //p' \(file) >/run/gateway/canary && mkdir -p /run/gateway/found \
            && cp /run/gateway/canary /run/gateway/found/ \
            && grep -raFlf /run/gateway/canary /run/gateway/state \(gateway.folder.path)/run \(gateway.folder.path)/wgmd.log \
            /run/gateway/found
            """
        #expect(try await gateway.inside(search).output == "/run/gateway/found/canary")

        let with = try newest(gateway)
        let past = try gateway.control("peer", "show", "wg0", "canary", "--at", "r\(with)")
        #expect(past.output.contains("Preshared key:      yes"))
        #expect(try gateway.control("revision", "rollback", "\(before)").code == 0)
        #expect(try await !gateway.inside("wg show wg0 preshared-keys").output.contains(key))
        #expect(try gateway.control("revision", "rollback", "\(with)").code == 0)
        #expect(try await witness(gateway) == key)
        await gateway.stop()
    }

    @Test("One that was set, changed or removed by hand is found and repaired")
    func drift() async throws {
        let gateway = try Gateway(furnished: true)
        let file = gateway.folder.path + "/bob.conf"
        #expect(try gateway.control("peer", "create", "wg0", "bob", "--config", file).code == 0)
        let key = try secret(file)
        let peer = "$(wg show wg0 peers | grep -v \(Gateway.aliceKey))"
        for meddling in ["wg genpsk", "true"] {
            let done = try await gateway.inside("\(meddling) >/run/p; wg set wg0 peer \(peer) preshared-key /run/p")
            #expect(done.code == 0, "\(done.output)")
            #expect(try await witness(gateway) != key)
            for _ in 0..<60 where try await witness(gateway) != key { try await Task.sleep(for: .milliseconds(250)) }
            #expect(try await witness(gateway) == key)
        }
        let shown = try gateway.control("drift", "wg0").output
        #expect(shown.contains("bob") && shown.contains("preshared_key") && shown.contains("none"), "\(shown)")
        let set = "wg genpsk >/run/p; wg set wg0 peer \(Gateway.aliceKey) preshared-key /run/p"
        #expect(try await gateway.inside(set).code == 0)
        let gone = "wg show wg0 preshared-keys | grep \(Gateway.aliceKey) | cut -f2"
        for _ in 0..<60 where try await gateway.inside(gone).output != "(none)" {
            try await Task.sleep(for: .milliseconds(250))
        }
        #expect(try await gateway.inside(gone).output == "(none)")
        await gateway.stop()
    }

    @Test("What is no secret for this keeper and this peer is refused, and changes nothing")
    func refused() async throws {
        let gateway = try await Gateway.shared.value
        let before = try newest(gateway)
        let file = gateway.folder.newFile()
        try Data("not a key\n".utf8).write(to: URL(filePath: file))
        let key = "Ym9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm8="
        let result = try gateway.control(
            "peer",
            "create",
            "wg0",
            "eve",
            "--public-key",
            key,
            "--preshared-key-file",
            file
        )
        #expect(result.code != 0 && !result.errors.contains("not a key"))
        #expect(try newest(gateway) == before)
    }
}
