// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Drift: what somebody does behind wgm's back", .serialized)
struct DriftTests {
    private static let stranger = "c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vyc3RyYW5nZXI="

    private struct DriftDocument: Decodable {
        struct Item: Decodable {
            let peer: String?
            let attribute: String
            var place: String { [peer.map { "peer \($0)" }, attribute].compactMap(\.self).joined(separator: " ") }
            let database: String
            let kernel: String
        }
        let interface: String
        let items: [Item]
        let outcome: String
        let revision: Int?
    }

    /// Commands of root, and the attribute that wgm names for each.
    private static let meddlings = [
        ("wg set wg0 peer \(stranger) allowed-ips 203.0.113.0/24", "peer \(stranger) peer"),
        // What no caller may say.
        (
            "wg set wg0 peer \(stranger) allowed-ips ::ffff:1.2.3.0/120,224.0.0.0/4 endpoint [::ffff:192.0.2.9]:5",
            "peer \(stranger) peer"
        ),
        ("wg set wg0 peer \(Gateway.aliceKey) remove", "peer alice peer"),
        ("wg set wg0 peer \(Gateway.aliceKey) persistent-keepalive 7", "peer alice keepalive_s"),
        ("ip address add 198.51.100.1/24 dev wg0", "address 198.51.100.1/24"),
        ("ip address del 10.90.0.1/24 dev wg0", "address 10.90.0.1/24"),
        ("ip route del 10.91.0.0/16 dev wg0", "route 10.91.0.0/16"),
        ("ip link set wg0 down", "state"),
        ("ip link set wg0 mtu 1300", "mtu"),
        ("wg genkey > /run/other && wg set wg0 private-key /run/other", "public_key"),
        ("ip link del wg0", "link"),
    ]

    private func drift(_ gateway: Gateway) throws -> DriftDocument? {
        try gateway.control("drift", "wg0", "-o", "json").json([DriftDocument].self)?.first
    }

    /// Waits until the last drift is what the condition says; the seconds that it took.
    private func waitForDrift(
        _ gateway: Gateway,
        _ isMet: (DriftDocument) -> Bool
    ) async throws -> (drift: DriftDocument, seconds: Double) {
        let clock = ContinuousClock()
        let start = clock.now
        while clock.now - start < .seconds(30) {
            if let drift = try drift(gateway), isMet(drift) {
                return (drift, (clock.now - start) / .seconds(1))
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw Gateway.Unusable(description: "no such drift; the last is \(String(describing: try drift(gateway)))")
    }

    @Test("Each case is repaired within ten seconds, named, and audited with before and after")
    func repaired() async throws {
        let gateway = try Gateway(furnished: true)
        for (command, attribute) in Self.meddlings {
            #expect(try await gateway.inside(command).code == 0, "\(command)")
            let (drift, seconds) = try await waitForDrift(gateway) { drift in
                drift.outcome == "repaired" && drift.items.contains { $0.place == attribute }
            }
            #expect(seconds < 10, "\(command) was found after \(seconds) s")
            let item = try #require(drift.items.first { $0.place == attribute })
            #expect(item.database != item.kernel)
            let records = try gateway.control(
                "audit",
                "list",
                "--method",
                "wgmd/reconcile",
                "--limit",
                "1",
                "-o",
                "json"
            )
            #expect(records.output.contains(item.peer ?? item.attribute), "\(records.output)")
            #expect(try gateway.control("status").code == 0)
        }
        let link = try await gateway.inside(
            "wg show wg0 allowed-ips; ip -o address show dev wg0; ip route show dev wg0"
        )
        #expect(link.output.contains("10.91.0.0/16") && link.output.contains("10.90.0.1/24"), "\(link.output)")
        #expect(!link.output.contains(Self.stranger))
        await gateway.stop()
    }

    /// What the kernel says by itself, and a witness that it is put right.
    private static let announced = [
        ("ip link set wg0 down", "ip -o link show wg0 up | grep -q wg0"),
        ("ip address del 10.90.0.1/24 dev wg0", "ip -o address show dev wg0 | grep -q 10.90.0.1/24"),
        ("ip route del 10.91.0.0/16 dev wg0", "ip route show dev wg0 | grep -q 10.91.0.0/16"),
        ("ip link set wg0 mtu 1300", "ip -o link show wg0 | grep -q 'mtu 1420'"),
        ("ip address add 198.51.100.1/24 dev wg0", "! ip -o address show dev wg0 | grep -q 198.51.100.1"),
        ("ip link del wg0", "wg show wg0 peers | grep -q \(Gateway.aliceKey)"),
    ]

    /// Of two repairs between two looks of the timer, which are 5 s apart, the timer can have made one at the most.
    @Test("What the kernel announces is repaired at once: three repairs in a row within less than the timer's 5 s")
    func announced() async throws {
        let gateway = try Gateway(furnished: true)
        let clock = ContinuousClock()
        var times: [Double] = []
        for (command, witness) in Self.announced {
            let start = clock.now
            #expect(try await gateway.inside(command).code == 0, "\(command)")
            while try await gateway.inside(witness).code != 0 {
                try #require(clock.now - start < .seconds(20), "\(command) is not repaired")
                try await Task.sleep(for: .milliseconds(20))
            }
            times.append((clock.now - start) / .seconds(1))
        }
        for row in 0..<(times.count - 2) {
            #expect(times[row...(row + 2)].reduce(0, +) < 4.5, "\(times)")
        }
        // None of wgm's own changes is taken for somebody else's: nothing is looked at that differs.
        try await Task.sleep(for: .seconds(1))
        let records = { try gateway.control("audit", "list", "--method", "wgmd/reconcile", "-o", "json").output }
        let before = try records()
        try await Task.sleep(for: .seconds(2))
        #expect(try records() == before)
        print("repaired after an announcement, seconds: \(times)")
        await gateway.stop()
    }

    @Test("With report the kernel stays as it is, and status and drift say so with an exit code")
    func reported() async throws {
        let gateway = try Gateway(furnished: true)
        #expect(try gateway.control("interface", "set-drift", "wg0", "report", "-m", "watch only").code == 0)
        #expect(try await gateway.inside("ip link set wg0 mtu 1300").code == 0)
        let (found, seconds) = try await waitForDrift(gateway) { $0.outcome == "open" }
        #expect(seconds < 10 && found.items.map(\.attribute) == ["mtu"])
        try await Task.sleep(for: .seconds(6))
        #expect(try await gateway.inside("cat /sys/class/net/wg0/mtu || ip -o link show wg0").output.contains("1300"))
        #expect(try gateway.control("drift").code == 2)
        let status = try gateway.control("status")
        #expect(status.code == 2 && status.output.contains("drift"), "\(status.output)")
        let change = try gateway.control("audit", "list", "--method", "Interfaces/SetDriftPolicy", "-o", "json")
        #expect(change.output.contains("watch only"), "\(change.output)")
        #expect(try await gateway.inside("ip link set wg0 mtu 1420").code == 0)
        _ = try await waitForDrift(gateway) { $0.outcome == "ended" }
        #expect(try gateway.control("status").code == 0)
        await gateway.stop()
    }

    @Test("With adopt a peer of wg set becomes a peer of the database, and a removed one is disabled")
    func adopted() async throws {
        let gateway = try Gateway(furnished: true)
        #expect(try gateway.control("interface", "set-drift", "wg0", "adopt").code == 0)
        let command =
            "wg set wg0 peer \(Self.stranger) allowed-ips 203.0.113.0/24 persistent-keepalive 9 && "
            + "wg set wg0 peer \(Gateway.aliceKey) remove && ip link set wg0 mtu 1300"
        #expect(try await gateway.inside(command).code == 0)
        let (drift, seconds) = try await waitForDrift(gateway) { $0.outcome == "adopted" }
        #expect(seconds < 10 && drift.revision != nil)
        // The first look may have come between two of the commands.
        try await Task.sleep(for: .seconds(7))
        let peers = try #require(try gateway.control("peer", "list", "wg0", "-o", "json").json([PeerDocument].self))
        #expect(peers.map(\.name).sorted() == ["alice", "key-c3RyYW5n"])
        #expect(peers.first { $0.name == "alice" }?.enabled == false)
        #expect(try gateway.control("interface", "show", "wg0").output.contains("1300"))
        #expect(try await gateway.inside("wg show wg0 peers").output.contains(Self.stranger))
        #expect(try await gateway.inside("wg show wg0 persistent-keepalive").output.contains("9"))
        #expect(try gateway.control("status").code == 0)
        await gateway.stop()
    }

    @Test("Taking a peer away leaves a proof that wg itself can repeat")
    func proof() async throws {
        let gateway = try Gateway(furnished: true)
        #expect(try gateway.control("peer", "create", "wg0", "bob", "--public-key", Self.stranger).code == 0)
        #expect(try gateway.control("peer", "disable", "wg0", "bob", "-m", "lost his phone").code == 0)
        let hash = try await gateway.inside("wg show wg0 peers | LC_ALL=C sort | sha256sum | cut -d' ' -f1").output
        let record = try gateway.control("audit", "list", "--method", "wgmd/removal-proof", "-o", "json").output
        #expect(record.contains(hash) && record.contains(Self.stranger), "\(record)")
        #expect(record.contains("lost his phone"), "\(record)")
        await gateway.stop()
    }
}
