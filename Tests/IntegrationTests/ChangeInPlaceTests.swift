// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("Changes in place: what is named changes, what is cleared is really gone, old keys are out", .serialized)
struct ChangeInPlaceTests {
    private struct RevisionDocument: Decodable { let number: Int }

    private func newest(_ gateway: Gateway) throws -> Int {
        let list = try gateway.control("revision", "list", "-o", "json")
        return try #require(list.json([RevisionDocument].self)?.first?.number)
    }

    /// The fields of the one peer of wg0 in `wg show wg0 dump`: key, preshared key, endpoint, allowed, …, keepalive.
    private func peer(_ gateway: Gateway) async throws -> [String] {
        let dump = try await gateway.inside("wg show wg0 dump | tail -n 1").output
        return dump.split(separator: "\t").map(String.init)
    }

    @Test("A removed keepalive and preshared key, changed prefixes and addresses are the kernel's")
    func peerAttributes() async throws {
        let gateway = try Gateway(furnished: true)
        let before = try newest(gateway)
        let set = try gateway.control(
            "peer",
            "set",
            "wg0",
            "alice",
            "--keepalive",
            "25s",
            "--allow",
            "10.92.0.0/16",
            "--comment",
            "moved",
            "--endpoint",
            "192.0.2.9:4500"
        )
        #expect(set.code == 0, "\(set.errors)")
        #expect(try newest(gateway) == before + 1)
        var fields = try await peer(gateway)
        #expect(fields[0] == Gateway.aliceKey && fields[2] == "192.0.2.9:4500" && fields[7] == "25")
        #expect(fields[3].contains("10.92.0.0/16") && !fields[3].contains("10.91.0.0/16"))
        #expect(fields[3].contains("10.90.0.2/32"))
        #expect(set.output.contains("moved"))

        #expect(try gateway.control("peer", "set", "wg0", "alice", "--endpoint", "[2001:db8::9]:4501").code == 0)
        #expect(try await peer(gateway)[2] == "[2001:db8::9]:4501")
        #expect(try gateway.control("peer", "set", "wg0", "alice", "--endpoint", "none").code == 0)
        fields = try await peer(gateway)
        #expect(fields[2] == "(none)" && fields[7] == "25" && fields[3].contains("10.92.0.0/16"))

        let file = gateway.folder.path + "/alice.conf"
        let rotated = try gateway.control("peer", "rotate-psk", "wg0", "alice", "--config", file)
        #expect(rotated.code == 0, "\(rotated.errors)")
        fields = try await peer(gateway)
        #expect(try String(contentsOfFile: file, encoding: .utf8).contains("PresharedKey = \(fields[1])\n"))
        #expect(fields[7] == "25")

        let cleared = ["--keepalive", "none", "--preshared-key", "none", "--allow", "none", "--comment", "none"]
        #expect(try gateway.control(["peer", "set", "wg0", "alice"] + cleared).code == 0)
        fields = try await peer(gateway)
        #expect(fields[1] == "(none)" && fields[7] == "off" && !fields[3].contains("10.92"))
        #expect(try !gateway.control("peer", "show", "wg0", "alice").output.contains("moved"))

        #expect(try gateway.control("revision", "rollback", "\(before)").code == 0)
        fields = try await peer(gateway)
        #expect(fields[3].contains("10.91.0.0/16") && fields[7] == "off")
        await gateway.stop()
    }

    @Test("A new key throws the old one out, with a proof, and keeps the addresses")
    func rotateKey() async throws {
        let gateway = try Gateway(furnished: true)
        let addresses = try await peer(gateway)[3]
        let file = gateway.folder.path + "/alice.conf"
        let rotated = try gateway.control("peer", "rotate-key", "wg0", "alice", "--config", file)
        #expect(rotated.code == 0, "\(rotated.errors)")
        let fields = try await peer(gateway)
        #expect(fields[0] != Gateway.aliceKey && fields[3] == addresses && fields[1] != "(none)")
        #expect(try await gateway.inside("wg show wg0 peers | wc -l").output == "1")
        let proof = try gateway.control("audit", "list", "--method", "wgmd/removal-proof", "-o", "json").output
        #expect(proof.contains(Gateway.aliceKey), "\(proof)")

        let again = ["peer", "rotate-key", "wg0", "alice", "--public-key", Gateway.aliceKey]
        let refused = try gateway.control(again)
        #expect(refused.code == 8 && refused.errors.contains("preshared"), "\(refused.errors)")
        #expect(try gateway.control(again + ["--no-preshared-key"]).code == 0)
        let back = try await peer(gateway)
        #expect(back[0] == Gateway.aliceKey && back[1] == "(none)")
        await gateway.stop()
    }

    @Test("An interface's port, MTU, mark, DNS and endpoint change, and are cleared")
    func interfaceAttributes() async throws {
        let gateway = try Gateway(furnished: true)
        let before = try newest(gateway)
        let set = try gateway.control(
            "interface",
            "set",
            "wg0",
            "--mtu",
            "1380",
            "--fwmark",
            "0x10",
            "--listen-port",
            "51999",
            "--dns",
            "10.90.0.1",
            "--endpoint",
            "vpn.example.org"
        )
        #expect(set.code == 0, "\(set.errors)")
        #expect(try newest(gateway) == before + 1)
        #expect(set.output.contains("vpn.example.org:51999") && set.output.contains("10.90.0.1"))
        #expect(try await gateway.inside("wg show wg0 fwmark; wg show wg0 listen-port").output == "0x10\n51999")
        #expect(try await gateway.inside("ip -o link show wg0").output.contains("mtu 1380 "))
        let cleared = try gateway.control(
            "interface",
            "set",
            "wg0",
            "--fwmark",
            "none",
            "--dns",
            "none",
            "--endpoint",
            "none"
        )
        #expect(cleared.code == 0, "\(cleared.errors)")
        #expect(try await gateway.inside("wg show wg0 fwmark").output == "off")
        #expect(!cleared.output.contains("vpn.example.org") && !cleared.output.contains("10.90.0.1\n"))
        #expect(try gateway.control("status").code == 0)
        await gateway.stop()
    }

    @Test("A port that another program holds is skipped when none was asked for, and refused when it was")
    func busyPorts() async throws {
        let gateway = try Gateway(furnished: true)
        let holder = """
            python3 -c 'import socket,time
            a=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM);a.bind(("::",51821))
            b=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM);b.bind(("::",51822));time.sleep(60)' & sleep 1
            """.replacingOccurrences(of: "\n", with: ";").replacingOccurrences(of: "time;", with: "time; ")
        _ = try await gateway.inside(holder)
        let created = try gateway.control("interface", "create", "wg1")
        #expect(created.code == 0, "\(created.errors)")
        #expect(try await gateway.inside("wg show wg1 listen-port").output == "51823")
        let before = try newest(gateway)
        let wanted = try gateway.control("interface", "set", "wg1", "--listen-port", "51821")
        #expect(wanted.code != 0)
        #expect(try await gateway.inside("wg show wg1 listen-port").output == "51823")
        #expect(try newest(gateway) == before + 2)
        await gateway.stop()
    }

    @Test("What breaks a rule is refused, all of it, and nothing changes")
    func refused() async throws {
        let gateway = try await Gateway.shared.value
        let before = try newest(gateway)
        #expect(try gateway.control("peer", "set", "wg0", "alice").code == 64)
        #expect(try gateway.control("peer", "set", "wg0", "alice", "--preshared-key", "x").code == 64)
        let many = try gateway.control(
            "peer",
            "set",
            "wg0",
            "alice",
            "--allow",
            "10.92.0.1/16",
            "--address",
            "ff02::1",
            "--endpoint",
            "nowhere"
        )
        #expect(many.code == 8 && many.errors.contains("--allow") && many.errors.contains("--address"))
        #expect(many.errors.contains("--endpoint"))
        #expect(
            try gateway.control("peer", "set", "wg0", "alice", "--allow", "0.0.0.0/0", "--address", "10.90.0.1").code
                != 0
        )
        #expect(try gateway.control("peer", "set", "wg0", "nobody", "--comment", "x").code == 3)
        #expect(try gateway.control("interface", "set", "wg0", "--mtu", "100").code == 8)
        #expect(try gateway.controlAsDaemon("peer", "set", "wg0", "alice", "--comment", "x").code == 5)
        #expect(try newest(gateway) == before)
    }

    @Test("A peer's time begins and ends by itself, with a proof, also over a restart")
    func validity() async throws {
        let gateway = try Gateway(furnished: true)
        func isPresent() async throws -> Bool {
            try await gateway.inside("wg show wg0 peers").output.contains(Gateway.aliceKey)
        }
        func wait(until wanted: Bool) async throws -> Duration {
            let start = ContinuousClock.now
            while try await isPresent() != wanted, ContinuousClock.now - start < .seconds(12) {
                try await Task.sleep(for: .milliseconds(50))
            }
            return ContinuousClock.now - start
        }
        let ends = try gateway.control("peer", "set", "wg0", "alice", "--valid-until", "+3s")
        #expect(ends.code == 0 && ends.output.contains("Valid until"), "\(ends.errors)")
        #expect(try await isPresent())
        #expect(try await wait(until: false) < .seconds(5))
        #expect(try gateway.control("peer", "list").output.contains("expired"))
        for _ in 0..<20 where try !gateway.control("audit", "list", "--method", "wgmd/expired").output.contains("alice")
        {
            try await Task.sleep(for: .milliseconds(250))
        }
        let proof = try gateway.control("audit", "list", "--method", "wgmd/expired", "-o", "json").output
        #expect(proof.contains("alice") && proof.contains(Gateway.aliceKey) && proof.contains("dump_sha256"))

        let begins = try gateway.control(
            "peer",
            "set",
            "wg0",
            "alice",
            "--valid-until",
            "none",
            "--valid-from",
            "+3s"
        )
        #expect(begins.code == 0, "\(begins.errors)")
        #expect(try await !isPresent())
        #expect(try await wait(until: true) < .seconds(5))

        #expect(try gateway.control("peer", "set", "wg0", "alice", "--valid-until", "+2s").code == 0)
        _ = try await gateway.inside("kill_wgmd")
        try await Task.sleep(for: .seconds(3))
        #expect(try await isPresent())
        #expect(try await gateway.inside("restart_wgmd").code == 0)
        #expect(try await wait(until: false) < .seconds(3))
        let before = try newest(gateway)
        let wrong = ["peer", "set", "wg0", "alice", "--valid-from", "2030-01-01T00:00:00Z"]
        #expect(try gateway.control(wrong + ["--valid-until", "2029-01-01T00:00:00Z"]).code == 8)
        #expect(try newest(gateway) == before)
        await gateway.stop()
    }
}
