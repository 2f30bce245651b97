// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The parts of a peer that the tests look at.
private struct CountedPeer: Decodable {
    struct Status: Decodable {
        let state: String?
        let receivedBytes: Int?
        let totalReceivedBytes: Int?
        let totalSentBytes: Int?
    }
    let name: String
    let status: Status?
}

/// A gateway and a far end that runs wireguard-go in a network namespace of its own.
struct Tunnel {
    let gateway: Gateway

    init() async throws {
        gateway = try Gateway(furnished: true)
        try await require("cd /run/gateway && join_networks far 192.0.2.1/24 192.0.2.2/24")
        let created = try gateway.control(
            ["peer", "create", "wg0", "far", "--config", gateway.folder.path + "/far.conf"]
        )
        #expect(created.code == 0, "\(created.errors)")
        try await require("connect_peer far \(gateway.folder.path)/far.conf userspace")
        try await ping(5)
    }

    func ping(_ count: Int, size: Int = 1000) async throws {
        try await require(
            // The far end knows after 15 s that its session is worth nothing any more.
            "within 40 ip netns exec far ping -q -c 1 -W 1 10.90.0.1 && "
                + "ip netns exec far ping -q -i 0.05 -c \(count) -s \(size) -W 2 10.90.0.1"
        )
    }

    @discardableResult
    func require(_ command: String) async throws -> String {
        let (code, output) = try await gateway.inside("{ \(command); } 2>&1")
        guard code == 0 else { throw Gateway.Unusable(description: "\(command):\n\(output)") }
        return output
    }

    fileprivate func status() throws -> CountedPeer.Status {
        let shown = try gateway.control("peer", "show", "wg0", "far", "-o", "json")
        return try #require(shown.json(CountedPeer.self)?.status, "\(shown.output)\(shown.errors)")
    }

    /// The status when the kernel was asked after what was done just now.
    fileprivate func freshStatus() async throws -> CountedPeer.Status {
        try await Task.sleep(for: .milliseconds(1100))
        return try status()
    }
}

@Suite("Counters and states of peers", .serialized)
struct TrafficTests {
    @Test("Counters go on over kill -9, a stop, a link that somebody deletes, and a new interface in the kernel")
    func countersGoOn() async throws {
        let tunnel = try await Tunnel()
        try await tunnel.ping(20)
        let before = try await tunnel.freshStatus()
        let first = try #require(before.totalReceivedBytes)
        #expect(before.state == "up" && first > 20_000 && first == before.receivedBytes)
        #expect(try tunnel.gateway.control("status").output.contains("1 up, 1 never"))
        #expect(try tunnel.gateway.control("peer", "list").output.contains("up"))

        // Nothing was saved yet, but the kernel has it.
        try await tunnel.require("kill_wgmd; within 20 halves_are_gone; restart_wgmd")
        let killed = try #require(try await tunnel.freshStatus().totalReceivedBytes)
        #expect((first...first + 2000).contains(killed), "\(first), \(killed)")

        try await tunnel.require("stop_wgmd && restart_wgmd")
        let stopped = try #require(try await tunnel.freshStatus().totalReceivedBytes)
        #expect((killed...killed + 2000).contains(stopped), "\(killed), \(stopped)")

        try await tunnel.require("ip link delete wg0")
        try await tunnel.require("within 15 ip link show wg0")
        try await tunnel.ping(20)
        let made = try await tunnel.freshStatus()
        let total = try #require(made.totalReceivedBytes)
        let counter = try #require(made.receivedBytes)
        #expect(
            counter > 20_000 && (stopped + counter...stopped + counter + 2000).contains(total),
            "\(stopped), \(made)"
        )
        #expect(made.state == "up")

        // A peer that is kept out and let in again is a new one to the kernel.
        #expect(try tunnel.gateway.control("peer", "disable", "wg0", "far").code == 0)
        #expect(try tunnel.status().state == nil)
        #expect(try tunnel.gateway.control("peer", "enable", "wg0", "far").code == 0)
        let enabled = try #require(try await tunnel.freshStatus().totalReceivedBytes)
        #expect(enabled >= total, "\(total), \(enabled)")
        await tunnel.gateway.stop()
    }

    @Test("A peer that stops to answer is stale within a minute, and up again when it answers")
    func stale() async throws {
        let tunnel = try await Tunnel()
        #expect(try await tunnel.freshStatus().state == "up")
        try await tunnel.require("kill -STOP $(ip netns pids far)")
        let address = try await tunnel.require("wg show wg0 allowed-ips | grep -o '10[.]90[.]0[.]3'")
        try await tunnel.require("ping -q -i 1 -c 70 -W 1 \(address) >/dev/null 2>&1 & vain=$!")
        var seconds = 0
        while try tunnel.status().state == "up", seconds < 70 {
            try await Task.sleep(for: .seconds(1))
            seconds += 1
        }
        #expect(try tunnel.status().state == "stale")
        #expect((30...60).contains(seconds), "\(seconds) s")
        #expect(try tunnel.gateway.control("status").output.contains("1 stale"))
        try await tunnel.require("kill $vain; kill -CONT $(ip netns pids far)")
        try await tunnel.ping(2)
        #expect(try await tunnel.freshStatus().state == "up")
        await tunnel.gateway.stop()
    }
}
