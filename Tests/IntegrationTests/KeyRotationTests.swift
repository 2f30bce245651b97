// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("The key of an interface is rotated", .serialized)
struct KeyRotationTests {
    private struct Shown: Decodable {
        struct Rotation: Decodable {
            let nextPublicKey: String?
            let previousPublicKey: String?
            let stragglerCount: Int?
        }
        let publicKey: String
        let revision: Int?
        let keyRotation: Rotation?
    }

    private struct ShownPeer: Decodable {
        struct Status: Decodable { let straggler: Bool? }
        let name: String
        let status: Status
    }

    /// Whether each peer is a straggler, as `peer list` says.
    private func peers(_ gateway: Gateway) throws -> [String: Bool?] {
        let shown = try gateway.control("peer", "list", "wg0", "-o", "json")
        let peers = try #require(shown.json([ShownPeer].self), "\(shown.output)\(shown.errors)")
        return Dictionary(uniqueKeysWithValues: peers.map { ($0.name, $0.status.straggler) })
    }

    private struct Stragglers: Decodable {
        struct Straggler: Decodable { let peer: String }
        let stragglers: [Straggler]
    }

    private func rotate(_ gateway: Gateway, _ options: String...) throws -> Shown {
        let done = try gateway.control(["interface", "rotate-key", "wg0", "-o", "json"] + options)
        return try #require(done.json(Shown.self), "\(done.output)\(done.errors)")
    }

    @Test(
        "A peer that was told the next key goes on with it, one that was not is a straggler, and the way back is open"
    )
    func adoption() async throws {
        let tunnel = try await Tunnel()
        let gateway = tunnel.gateway
        let old = try await tunnel.require("wg show wg0 public-key")
        let next = try #require(try rotate(gateway).keyRotation?.nextPublicKey)
        #expect(try await tunnel.require("wg show wg0 public-key") == old)
        try await tunnel.ping(5)
        let config = try gateway.control("peer", "config", "wg0", "far").output
        #expect(config.contains("PublicKey = \(old)\n# Announced as the next one: PublicKey = \(next)\n"), "\(config)")

        let switched = try rotate(gateway, "--now")
        #expect(switched.publicKey == next && switched.keyRotation?.stragglerCount == 2)
        #expect(try await tunnel.require("wg show wg0 public-key") == next)
        let proof = try gateway.control("audit", "list", "--method", "wgmd/key-proof", "-o", "json").output
        #expect(proof.contains(next) && proof.contains(old), "\(proof)")
        try await tunnel.require(
            "sed 's|^PublicKey = .*|PublicKey = \(next)|' \(gateway.folder.path)/far.conf >far-2.conf && "
                + "ip netns exec far wg setconf far <(wg-quick strip ./far-2.conf)"
        )
        try await tunnel.ping(5)
        try await Task.sleep(for: .milliseconds(1100))
        let found = try gateway.control("interface", "stragglers", "wg0", "-o", "json")
        #expect(found.json(Stragglers.self)?.stragglers.map(\.peer) == ["alice"], "\(found.output)\(found.errors)")
        #expect(try gateway.control("interface", "show", "wg0").output.contains("1 straggler"))
        #expect(try peers(gateway) == ["alice": true, "far": false])
        #expect(try gateway.control("peer", "show", "wg0", "alice").output.contains(", straggler"))
        #expect(try gateway.control("status").output.contains("; 1 straggler without the new key of the interface"))

        #expect(try rotate(gateway, "--undo").publicKey == old)
        #expect(try await tunnel.require("wg show wg0 public-key") == old)
        #expect(try rotate(gateway, "--cancel").keyRotation?.nextPublicKey == nil)
        let refused = try gateway.control("interface", "rotate-key", "wg0", "--cancel")
        #expect(refused.code != 0 && refused.errors.contains("no next key is announced"), "\(refused.errors)")
        #expect(try peers(gateway) == ["alice": nil, "far": nil])
        #expect(try gateway.control("status").code == 0)
        await gateway.stop()
    }

    @Test("A rollback takes back what was switched at its moment, and it is not switched again")
    func rollback() async throws {
        let gateway = try Gateway(furnished: true)
        let old = try await gateway.inside("wg show wg0 public-key").output
        let announced = try gateway.control("interface", "rotate-key", "wg0", "--at", "+1s", "-o", "json")
        let shown = try #require(announced.json(Shown.self), "\(announced.output)\(announced.errors)")
        let revision = try #require(shown.revision)
        try await Task.sleep(for: .seconds(2))
        #expect(try await gateway.inside("wg show wg0 public-key").output == shown.keyRotation?.nextPublicKey)
        let back = try gateway.control("revision", "rollback", "\(revision)")
        #expect(back.code == 0, "\(back.errors)")
        try await Task.sleep(for: .seconds(3))
        #expect(try await gateway.inside("wg show wg0 public-key").output == old)
        let kept = try gateway.control("interface", "show", "wg0").output
        #expect(kept.contains("\(try #require(shown.keyRotation?.nextPublicKey)), announced"), "\(kept)")
        await gateway.stop()
    }

    @Test("At its moment a key is in force by itself, also when wgmd was dead then")
    func moment() async throws {
        let gateway = try Gateway(furnished: true)
        func becomes(_ key: String?) async throws -> Bool {
            for _ in 0..<60 {
                if try await gateway.inside("wg show wg0 public-key").output == key { return true }
                try await Task.sleep(for: .milliseconds(100))
            }
            return false
        }
        let first = try rotate(gateway, "--at", "+2s").keyRotation?.nextPublicKey
        #expect(try await becomes(first))
        let second = try rotate(gateway, "--at", "+3s").keyRotation?.nextPublicKey
        _ = try await gateway.inside("kill_wgmd")
        try await Task.sleep(for: .seconds(4))
        #expect(try await gateway.inside("wg show wg0 public-key").output == first)
        #expect(try await gateway.inside("restart_wgmd").code == 0)
        #expect(try await becomes(second))
        let late = try gateway.control("interface", "rotate-key", "wg0", "--at", "2020-01-01T00:00:00Z")
        #expect(late.code == 8 && late.errors.contains("is in the past"), "\(late.errors)")
        await gateway.stop()
    }
}
