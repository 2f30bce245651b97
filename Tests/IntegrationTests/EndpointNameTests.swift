// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// With a name server beside the gateway, which says what a file says.
@Suite("Endpoints that are names", .serialized)
struct EndpointNameTests {
    private struct ShownPeer: Decodable {
        struct Lookup: Decodable {
            let addresses: [String]
            let failure: String?
        }
        struct Status: Decodable { let nameLookup: Lookup? }
        let publicKey: String
        let endpoint: String?
        let status: Status?
    }

    /// From now on there is a name server that knows these lines of a file of hosts, and nothing else.
    private func know(_ tunnel: Tunnel, _ hosts: String...) async throws {
        let lines = hosts.joined(separator: "\\n")
        try await tunnel.require(
            "cd /run/gateway && printf '\(lines)\\n' >hosts && { [ -e resolv.conf ] || { echo 'nameserver 127.0.0.1' >resolv.conf && "
                + "mount --bind resolv.conf /etc/resolv.conf; }; } && { [ -z \"${name_server:-}\" ] || kill -KILL $name_server; } && "
                + "{ dnsmasq --keep-in-foreground --user=root --pid-file= --conf-file=/dev/null --listen-address=127.0.0.1 "
                + "--bind-interfaces --no-resolv --no-hosts --addn-hosts=/run/gateway/hosts --local=/example.org/ "
                + "--local-ttl=5 >/dev/null 2>&1 & } && name_server=$! && sleep 1 && kill -0 $name_server"
        )
    }

    private func peer(_ tunnel: Tunnel, _ name: String) throws -> ShownPeer {
        let shown = try tunnel.gateway.control("peer", "show", "wg0", name, "-o", "json")
        return try #require(shown.json(ShownPeer.self), "\(shown.output)\(shown.errors)")
    }

    /// Waits until the kernel is to send the peer there, and fails if that does not come.
    private func requireEndpoint(_ tunnel: Tunnel, _ name: String, _ endpoint: String, within seconds: Int) async throws
    {
        let key = try peer(tunnel, name).publicKey
        try await tunnel.require("sent_to() { wg show wg0 endpoints | grep -qxF '\(key)\t'\"$1\"; }")
        try await tunnel.require(
            "within \(seconds) sent_to '\(endpoint)' || "
                + "{ wg show wg0 endpoints; wgmctl --socket \"$socket\" peer show wg0 \(name); cat hosts; false; }"
        )
    }

    @Test("A name is looked up, IPv6 first; one that is not found says so, and is found later")
    func lookedUp() async throws {
        let tunnel = try await Tunnel()
        try await know(tunnel, "192.0.2.7 six.example.org", "2001:db8::7 six.example.org")
        let made = try tunnel.gateway.control("peer", "create", "wg0", "six", "--endpoint", "Six.example.org:4000")
        #expect(made.code == 0, "\(made.errors)")
        try await requireEndpoint(tunnel, "six", "[2001:db8::7]:4000", within: 10)
        let six = try peer(tunnel, "six")
        #expect(six.endpoint == "six.example.org:4000" && six.status?.nameLookup?.failure == nil)
        #expect(six.status?.nameLookup?.addresses == ["2001:db8::7", "192.0.2.7"])
        let shown = try tunnel.gateway.control("peer", "show", "wg0", "six").output
        #expect(shown.contains("Looked up:          2001:db8::7, 192.0.2.7 ("), "\(shown)")

        #expect(try tunnel.gateway.control("peer", "set", "wg0", "six", "--endpoint", "none.example.org:1").code == 0)
        try await Task.sleep(for: .seconds(3))
        let failure = try peer(tunnel, "six").status?.nameLookup?.failure
        #expect(failure == "no such name, or it has no address")
        try await know(tunnel, "192.0.2.8 none.example.org")
        try await requireEndpoint(tunnel, "six", "192.0.2.8:1", within: 40)

        // The state of before, name and all, from history, export and a new link.
        let exported = try tunnel.gateway.control("export").output
        #expect(exported.contains("none.example.org:1"), "\(exported)")
        let file = tunnel.gateway.folder.path + "/gateway.yaml"
        try exported.write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try tunnel.gateway.control("plan", "-f", file).code == 0)

        try await know(tunnel, "192.0.2.7 six.example.org", "192.0.2.8 none.example.org")
        let revisions = try tunnel.gateway.control("revision", "list", "-o", "json")
        let newest = try #require(revisions.json([Revision].self)?.map(\.number).max(), "\(revisions.output)")
        #expect(try tunnel.gateway.control("revision", "rollback", "\(newest - 1)").code == 0)
        try await requireEndpoint(tunnel, "six", "192.0.2.7:4000", within: 40)
        try await tunnel.require("ip link delete wg0")
        try await requireEndpoint(tunnel, "six", "192.0.2.7:4000", within: 20)
        await tunnel.gateway.stop()
    }

    private struct Revision: Decodable { let number: Int }

    @Test("A peer that is renumbered is found again by its name when it does not answer any more")
    func renumbered() async throws {
        let tunnel = try await Tunnel()
        try await know(tunnel, "192.0.2.2 far.example.org")
        let port = try await tunnel.require("ip netns exec far wg show far listen-port")
            .trimmed
        let set = try tunnel.gateway.control("peer", "set", "wg0", "far", "--endpoint", "far.example.org:\(port)")
        #expect(set.code == 0, "\(set.errors)")
        // It is there already: what counts is that its name was looked up and said so.
        try await tunnel.require("within 20 grep -q 'a peer is sent to what its name stands for' \"$log\"")
        try await requireEndpoint(tunnel, "far", "192.0.2.2:\(port)", within: 10)
        // It cannot speak, from which the gateway would learn, and has another address from now on.
        try await tunnel.require(
            "ip -n far route add blackhole 192.0.2.1 && ip -n far address delete 192.0.2.2/24 dev eth0 && ip -n far address add 192.0.2.3/24 dev eth0"
        )
        try await know(tunnel, "192.0.2.3 far.example.org")
        let address = try await tunnel.require("wg show wg0 allowed-ips | grep -o '10[.]90[.]0[.]3'").trimmed
        try await tunnel.require("ping -q -i 1 -c 120 -W 1 \(address) >/dev/null 2>&1 & vain=$!")
        try await requireEndpoint(tunnel, "far", "192.0.2.3:\(port)", within: 100)
        try await tunnel.require("ip -n far route delete blackhole 192.0.2.1")
        try await tunnel.require("within 40 ping -q -c 1 -W 1 \(address)")
        try await tunnel.require("kill $vain")
        // What the daemon does by itself is written every second.
        let words = "far.example.org:\(port) is 192.0.2.3:\(port) now, not 192.0.2.2:\(port)"
        var audit = ""
        for _ in 0..<100 where !audit.contains(words) {
            audit = try tunnel.gateway.control("audit", "list", "--method", "wgmd/endpoint", "-o", "json").output
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(audit.contains(words), "\(audit)")
        await tunnel.gateway.stop()
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()) }
}
