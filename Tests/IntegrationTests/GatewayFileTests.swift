// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("A gateway file: plan, apply, export", .serialized)
struct GatewayFileTests {
    private struct PlanDocument: Decodable {
        struct Object: Decodable {
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
        let created: Int
        let changed: Int
        let deleted: Int
        let revision: Int?
        let objects: [Object]
    }

    private static let bobKey = "Ym9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm8="

    private func write(_ text: String, to name: String, of gateway: Gateway) throws -> String {
        let path = "\(gateway.folder.path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test(
        "An export applies to nothing changed; a plan shows the exact difference; applied again nothing is left to do"
    )
    func thereAndBack() async throws {
        let gateway = try Gateway(furnished: true)
        let exported = try gateway.control("export")
        #expect(exported.code == 0 && exported.output.contains("version: 1"), "\(exported.errors)")
        #expect(!exported.output.contains("private"))
        let path = try write(exported.output, to: "gateway.yaml", of: gateway)
        for arguments in [["plan", "-f", path], ["plan", "-f", path, "--prune"], ["apply", "-f", path, "--prune"]] {
            let result = try gateway.control(arguments)
            #expect(result.code == 0 && result.output.contains("nothing to change"), "\(result.output)\(result.errors)")
        }
        #expect(try gateway.control("export").output == exported.output)

        let changed = """
            version: 1
            interfaces:
              wg0:
                mtu: 1380
                peers:
                  alice: { keepalive_s: 21 }
                  bob:
                    public_key: \(Self.bobKey)
                    allowed_addresses: [198.51.100.0/24]
              wg7: { listen_port: 51877 }
            """
        let second = try write(changed, to: "changed.yaml", of: gateway)
        let plan = try gateway.control("plan", "-f", second, "-o", "json")
        #expect(plan.code == 2)
        let document = try #require(plan.json(PlanDocument.self), "\(plan.errors)")
        #expect(document.created == 2 && document.changed == 2 && document.deleted == 0)
        let alice = try #require(document.objects.first { $0.peer == "alice" })
        #expect(alice.change == "changed" && alice.attributes.map(\.attribute) == ["keepalive_s"])
        #expect(alice.attributes.first?.after == "21")
        let unasked = try gateway.control("apply", "-f", second)
        #expect(unasked.code == 64 && unasked.errors.contains("--yes does it"), "\(unasked.errors)")
        let half = try write("version: 1\n", to: "half.yaml", of: gateway)
        for command in ["plan", "apply"] {
            let result = try gateway.control(command, "-f", half, "--prune")
            #expect(result.code == 8 && result.errors.contains("interfaces: {}"), "\(result.errors)")
        }
        let applied = try gateway.control("apply", "-f", second, "--yes", "-m", "from a file", "-o", "json")
        #expect(applied.code == 0, "\(applied.errors)")
        let revision = try #require(applied.json(PlanDocument.self)?.revision)
        #expect(try gateway.control("revision", "show", "\(revision)").output.contains("from a file"))
        #expect(try await gateway.inside("ip link show wg7 && ip link show wg0 | grep 'mtu 1380'").code == 0)
        let kernel = try await gateway.inside("wg show wg0 allowed-ips; wg show wg0 persistent-keepalive").output
        #expect(kernel.contains("198.51.100.0/24") && kernel.contains("21"))
        #expect(try gateway.control("apply", "-f", second).output.contains("nothing to change"))
        #expect(try gateway.control("status").code == 0)

        let back = try gateway.control("apply", "-f", path, "--prune", "--yes")
        #expect(back.code == 0, "\(back.errors)")
        #expect(try await gateway.inside("ip link show wg7").code != 0)
        #expect(try await !gateway.inside("wg show wg0 peers").output.contains(Self.bobKey))
        let afterwards = try gateway.control("export").output.split(separator: "\n").dropFirst(2)
        #expect(Array(afterwards) == Array(exported.output.split(separator: "\n").dropFirst(2)))
        await gateway.stop()
    }

    @Test("Ten thousand peers with two prefixes each are one file and one revision, and exported they change nothing")
    func many() async throws {
        let gateway = try Gateway(furnished: true)
        var text = "version: 1\ninterfaces:\n  wg0:\n    peers:\n"
        for number in 0..<10_000 {
            let key = Data((0..<32).map { UInt8(truncatingIfNeeded: $0 < 4 ? number >> (8 * $0) : 0x40 + $0) })
            let (high, low) = (number / 256, number % 256)
            text += "      p\(number): {public_key: \(key.base64EncodedString()), "
            text += "addresses: [], allowed_addresses: [10.\(high).\(low).0/24, \"fd77:\(high):\(low)::/48\"]}\n"
        }
        let path = try write(text, to: "many.yaml", of: gateway)
        let applied = try gateway.control("apply", "-f", path, "--yes", "--timeout", "5m", "-o", "json")
        #expect(applied.code == 0, "\(applied.errors)")
        let document = try #require(applied.json(PlanDocument.self))
        #expect(document.created == 10_000)
        let count = try await gateway.inside("wg show wg0 peers | wc -l").output
        #expect(count.trimmingCharacters(in: .whitespacesAndNewlines) == "10001")
        let exported = try gateway.control("export")
        let second = try write(exported.output, to: "exported.yaml", of: gateway)
        let plan = try gateway.control("plan", "-f", second, "--prune", "--timeout", "5m")
        #expect(plan.code == 0 && plan.output.contains("nothing to change"), "\(plan.output)\(plan.errors)")
        let latest = try gateway.control("revision", "list", "--limit", "1", "-o", "json").output
        #expect(latest.contains("10000 peers created"), "\(latest)")
        await gateway.stop()
    }

    @Test("Everything that is wrong is listed with line and column, and nothing is done")
    func mistakes() async throws {
        let gateway = try Gateway(furnished: true)
        let before = try gateway.control("export").output
        let text = """
            version: 1
            interfaces:
              wg0:
                mtuu: 1400
                peers:
                  alice: { keepalive_s: 99999, comment: fine }
                  bob: { public_key: \(Self.bobKey), allowed_addresses: [10.1.2.3/8] }
                  bob: {}
              wg8: { listen_port: 0, mtu: 1000 }
            """
        let path = try write(text, to: "wrong.yaml", of: gateway)
        for command in ["plan", "apply"] {
            let result = try gateway.control(command, "-f", path)
            #expect(result.code == 8)
            for words in [
                "line 4, column 11 (wg0 mtuu): is not known here; did you mean mtu?",
                "line 6, column 29 (wg0 alice keepalive_s): a number of 0 to 65535",
                "line 7, column \(48 + Self.bobKey.utf8.count) (wg0 bob allowed_addresses): bits are set behind the length",
                "line 8, column 7: bob is in line 7 already",
                "line 9, column 23 (wg8 listen_port): a number of 1 to 65535",
                "line 9, column 31 (wg8 mtu): a number of 1280 to 65535",
            ] {
                #expect(result.errors.contains(words), "\(words)\n\(result.errors)")
            }
        }
        #expect(try gateway.control("export").output == before)
        await gateway.stop()
    }

    @Test("A change on trial is undone when nobody confirms it, also over a kill of wgmd; confirmed it stays")
    func onTrial() async throws {
        let gateway = try Gateway(furnished: true)
        let before = try gateway.control("export").output.split(separator: "\n").dropFirst(2)
        let text = "version: 1\ninterfaces: {wg0: {peers: {alice: {enabled: false, comment: on trial}}, mtu: 1399}}\n"
        let path = try write(text, to: "trial.yaml", of: gateway)
        let isIn = "wg show wg0 peers | grep -qxF \(Gateway.aliceKey)"

        let applied = try gateway.control("apply", "-f", path, "--yes", "--confirm", "12s")
        #expect(applied.code == 0 && applied.errors.contains("wgmctl confirm"), "\(applied.errors)")
        #expect(try await gateway.inside(isIn).code != 0)
        let other = try gateway.control("peer", "enable", "wg0", "alice")
        #expect(other.code == 4 && other.errors.contains("waits to be confirmed"), "\(other.errors)")
        #expect(try gateway.control("confirm", "--status").output.contains("unless it is confirmed"))
        _ = try await gateway.inside("kill_wgmd; within 20 halves_are_gone; restart_wgmd")
        #expect(try await gateway.inside("within 30 eval '\(isIn)'").code == 0)
        #expect(try gateway.control("confirm", "--status").output.contains("no change waits"))
        let restored = try gateway.control("export").output.split(separator: "\n").dropFirst(2)
        #expect(Array(restored) == Array(before))
        #expect(
            try gateway.control("audit", "list", "--method", "wgmd/restore", "-o", "json").output.contains(
                "not confirmed"
            )
        )

        #expect(try gateway.control("peer", "disable", "wg0", "alice", "--confirm", "10s").code == 0)
        #expect(try gateway.control("confirm").code == 0)
        _ = try await gateway.inside("sleep 12")
        #expect(try await gateway.inside(isIn).code != 0)
        #expect(try gateway.control("peer", "enable", "wg0", "alice", "--confirm", "10m").code == 0)
        #expect(try gateway.control("confirm", "--undo").code == 0)
        #expect(try await gateway.inside(isIn).code != 0)
        #expect(try gateway.control("confirm").code == 3)
        await gateway.stop()
    }

    @Test("What would cut the caller's own session is refused, and done with --force")
    func ownSession() async throws {
        let gateway = try Gateway(furnished: true)
        let delete =
            "SSH_CONNECTION='10.91.3.4 50000 10.90.0.1 22' wgmctl --socket \(gateway.socket) peer delete wg0 alice"
        let refused = try await gateway.inside("\(delete) 2>&1")
        #expect(refused.code == 4 && refused.output.contains("through the peer alice of wg0"), "\(refused.output)")
        #expect(try gateway.control("peer", "show", "wg0", "alice").code == 0)
        let unreadable = try await gateway.inside(
            "SSH_CONNECTION='a 1 b 2' wgmctl --socket \(gateway.socket) peer delete wg0 alice 2>&1"
        )
        #expect(unreadable.code == 8 && unreadable.output.contains("SSH_CONNECTION"), "\(unreadable.output)")
        let forced = try await gateway.inside("\(delete) --force 2>&1")
        #expect(forced.code == 0, "\(forced.output)")
        await gateway.stop()
    }
}
