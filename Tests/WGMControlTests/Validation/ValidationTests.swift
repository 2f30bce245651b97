// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct InterfaceRequestTests {
    private func faults(_ change: (inout InterfaceRequest) -> Void) -> [String] {
        var request = InterfaceRequest()
        request.name = "wg0"
        change(&request)
        do throws(Refusal) {
            _ = try request.checked()
            return []
        } catch {
            guard case .invalid(let violations) = error else { return ["?"] }
            return violations.map(\.field)
        }
    }

    @Test("a name is enough, and everything else has a default")
    func defaults() throws {
        var request = InterfaceRequest()
        request.name = "wg0"
        let checked = try request.checked()
        #expect(checked.mtu == 1420 && checked.listenPort == nil && checked.isUp && checked.backend == .automatic)
        #expect(
            checked.ipv6Pool == nil && checked.ipv4Pool == nil && checked.endpoint == nil && checked.firewallMark == 0
        )
    }

    @Test("all that is wrong is said at once")
    func everythingWrong() {
        let fields = faults { request in
            request.name = "-bad"
            request.backend = 3
            request.mtu = 1279
            request.listenPort = 0
            request.endpoint = "not a host"
            request.ipv6Pool = "fd00::1/64"
            request.ipv4Pool = "fd00::/64"
            request.dns = ["9.9.9.9", "nope", "127.0.0.1"]
        }
        let expected = [
            "name", "backend", "mtu", "listen_port", "endpoint", "ipv6_pool", "ipv4_pool", "dns[1]", "dns[2]",
        ]
        #expect(Set(fields) == Set(expected))
        #expect(fields.count == expected.count)
    }

    @Test(
        "the MTU is 1280 to 65535",
        arguments: [(0, false), (1279, false), (1280, true), (65535, true), (65536, false), (.max, false)]
    )
    func mtu(value: UInt32, isGood: Bool) {
        #expect(faults { $0.mtu = value }.isEmpty == isGood)
    }

    @Test(
        "the listen port is 1 to 65535",
        arguments: [(0, false), (1, true), (65535, true), (65536, false), (.max, false)]
    )
    func port(value: UInt32, isGood: Bool) {
        #expect(faults { $0.listenPort = value }.isEmpty == isGood)
    }

    @Test("a pool has room and a family", arguments: ["fd00::/48", "fd00::/120", "2001:db8::/64"])
    func goodIPv6Pools(text: String) {
        #expect(faults { $0.ipv6Pool = text } == [])
    }

    @Test(
        "other IPv6 pools are refused",
        arguments: [
            "", "fd00::/47", "fd00::/121", "fd00::1/64", "10.0.0.0/8", "ff00::/64", "::/64", "::ffff:10.0.0.0/104",
            "fe80::/64",
            "fd00::", "fd00::/64/64", "::/0",
        ]
    )
    func badIPv6Pools(text: String) {
        #expect(faults { $0.ipv6Pool = text } == ["ipv6_pool"])
    }

    @Test("an IPv4 pool is /8 to /30", arguments: ["10.0.0.0/8", "192.168.7.0/24", "10.0.0.0/30"])
    func goodIPv4Pools(text: String) {
        #expect(faults { $0.ipv4Pool = text } == [])
    }

    @Test(
        "other IPv4 pools are refused",
        arguments: [
            "", "10.0.0.0/7", "10.0.0.0/31", "10.0.0.1/24", "127.0.0.0/8", "224.0.0.0/8", "240.0.0.0/8", "0.0.0.0/8",
            "fd00::/64",
            "169.254.0.0/16", "10.0.0.0", "10.0.0.0/24 ", "10.0.0.0/24\n", "; rm -rf /",
        ]
    )
    func badIPv4Pools(text: String) {
        #expect(faults { $0.ipv4Pool = text } == ["ipv4_pool"])
    }

    @Test("a random unique local prefix is a /48 under fd00::/8")
    func uniqueLocal() throws {
        let prefixes = (0..<100).map { _ in IPPrefix.randomUniqueLocal() }
        let block = try #require(IPPrefix("fd00::/8"))
        #expect(prefixes.allSatisfy { $0.length == 48 && block.contains($0.address) })
        #expect(Set(prefixes).count == 100)
    }
}

@Suite struct DialAddressTests {
    @Test(
        "hosts and addresses, with or without port, are read",
        arguments: [
            ("vpn.example.org", "vpn.example.org:7"), ("vpn.example.org:51820", "vpn.example.org:51820"),
            ("host", "host:7"),
            ("192.0.2.1", "192.0.2.1:7"), ("192.0.2.1:5", "192.0.2.1:5"), ("2001:db8::1", "[2001:db8::1]:7"),
            ("[2001:db8::1]", "[2001:db8::1]:7"), ("[2001:db8::1]:5", "[2001:db8::1]:5"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example:7"),
            ("1and1.example", "1and1.example:7"),
        ]
    )
    func good(text: String, expected: String) {
        #expect(DialAddress(text)?.withPort(7) == expected)
        #expect(DialAddress(text)?.description == text || text == "2001:db8::1")
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", ".", "a..b", ".a", "a.", "-a", "a-", "a_b", "a b", "a/b", "a:0", "a:65536", "a:", "a:1:2", ":1", "a:+1",
            "a:01",
            "256.1.1.1", "1.2.3", "0.0.0.0", "127.0.0.1:1", "224.0.0.1", "::", "::1", "ff02::1", "::ffff:192.0.2.1",
            "[192.0.2.1]",
            "[::1", "fe80::1", "bücher.example", "a\n", "a\0", "$(id)", "a;b", String(repeating: "a", count: 64),
            String(repeating: "a.", count: 127) + "a", String(repeating: "x", count: 100_000),
        ]
    )
    func bad(text: String) {
        #expect(DialAddress(text) == nil)
    }
}

@Suite struct PeersRequestTests {
    private func violations(_ peers: [PeerRequest], gateway: InterfaceRecord? = nil) -> [Refusal.Violation] {
        do throws(Refusal) {
            _ = try PeersRequest(interface: "wg0", peers: peers).checked { _ in gateway }
            return []
        } catch {
            guard case .invalid(let violations) = error else { return [.init(field: "?", rule: "?")] }
            return violations
        }
    }

    private func peer(_ name: String, _ change: (inout PeerRequest) -> Void = { _ in }) -> PeerRequest {
        var peer = PeerRequest()
        peer.name = name
        peer.publicKey = testKey(name).description
        change(&peer)
        return peer
    }

    @Test("all that is wrong with all peers is said at once, with the path of each field")
    func everythingWrong() {
        let zero = Base64.encode([UInt8](repeating: 0, count: 32), variant: .standard)
        let bad = peer("-x") { peer in
            peer.publicKey = "short"
            peer.addresses = ["10.0.0.1/32", "::ffff:10.0.0.1", "fd00::1"]
            peer.allowedAddresses = ["10.0.0.1/24", "ff00::/8"]
            peer.isIPv6Only = true
            peer.endpoint = "a_b:1"
            peer.keepalive = 65536
            peer.comment = "a\nb"
        }
        let fields = violations([peer("a"), bad, peer("b") { $0.publicKey = zero }]).map(\.field)
        let expected = [
            "peers[1].name", "peers[1].public_key", "peers[1].addresses[0]", "peers[1].addresses[1]",
            "peers[1].allowed_addresses[0]", "peers[1].allowed_addresses[1]", "peers[1].endpoint",
            "peers[1].keepalive_s",
            "peers[1].comment", "peers[2].public_key",
        ]
        #expect(fields == expected)
    }

    @Test(
        "an address that is no host's is refused",
        arguments: [
            "", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.1.1", "::", "::1", "ff02::1",
            "fe80::1",
            "::ffff:192.0.2.1", "10.0.0.1/32", "fe80::1%wg0", "10.0.0.1; id",
        ]
    )
    func addresses(text: String) {
        #expect(violations([peer("a") { $0.addresses = [text] }]).map(\.field) == ["peers[0].addresses[0]"])
    }

    @Test(
        "a prefix that cannot be routed is refused",
        arguments: [
            "", "127.0.0.0/8", "224.0.0.0/4", "239.1.0.0/16", "fe80::/10", "fe80::/64", "169.254.0.0/16", "ff00::/8",
            "::1",
            "::ffff:0:0/96", "::ffff:192.0.2.0/120", "10.0.0.1/8", "10.0.0.0/33", "x",
        ]
    )
    func prefixes(text: String) {
        #expect(
            violations([peer("a") { $0.allowedAddresses = [text] }]).map(\.field) == ["peers[0].allowed_addresses[0]"]
        )
    }

    @Test(
        "a default route is a prefix like any other here: it is the right to it that is asked for",
        arguments: ["0.0.0.0/0", "::/0", "0.0.0.0/1"]
    )
    func defaultRoutes(text: String) throws {
        #expect(violations([peer("a") { $0.allowedAddresses = [text] }]) == [])
        #expect(try #require(IPPrefix(text)).isWide)
    }

    @Test("names, keys and addresses occur once in a request")
    func duplicates() {
        let first = peer("a") { $0.addresses = ["10.0.0.1", "fd00::1"] }
        let second = peer("a") { peer in
            peer.addresses = ["10.0.0.1"]
            peer.allowedAddresses = ["fd00::/64"]
        }
        let fields = Set(violations([first, second]).map(\.field))
        #expect(fields.isSuperset(of: ["peers[1].name", "peers[1].public_key"]))
        #expect(fields.contains("peers[1].addresses[0]") || fields.contains("peers[0].addresses[0]"))
        #expect(fields.contains("peers[0].addresses[1]"))
        #expect(fields.count == 4)
    }

    @Test("overlaps inside a request are found as by comparing all pairs")
    func overlaps() throws {
        var random = Xorshift(state: 99)
        for _ in 0..<300 {
            let prefixes = try (0..<6).map { _ in
                let bits = UInt32(0x0A00_0000) | UInt32(random.below(64)) << 20
                return try #require(IPPrefix(masking: IPAddress(v4: bits), length: 9 + random.below(8)))
            }
            let peers = prefixes.enumerated().map { index, prefix in
                peer("p\(index)") { $0.allowedAddresses = [prefix.description] }
            }
            let pairs = prefixes.indices.contains { left in
                prefixes.indices.contains { $0 < left && prefixes[left].overlaps(prefixes[$0]) }
            }
            #expect(violations(peers).isEmpty == !pairs)
        }
    }

    @Test("1 to 5000 peers")
    func counts() {
        #expect(violations([]).map(\.field) == ["peers"])
        let many = (0..<5001).map { peer("p\($0)") }
        #expect(violations(many).map(\.field) == ["peers"])
        #expect(violations(Array(many.dropLast())) == [])
    }

    @Test("the list of faults has an end")
    func manyFaults() {
        let found = violations((0..<5000).map { peer("-\($0)") })
        #expect(found.count == 101)
        #expect(found.last?.rule == "4900 more are wrong")
    }

    @Test("a comment is at most 256 bytes", arguments: [(256, true), (257, false)])
    func comments(count: Int, isGood: Bool) {
        #expect(violations([peer("a") { $0.comment = String(repeating: "x", count: count) }]).isEmpty == isGood)
    }

    @Test("the gateway's own key and address are nobody else's")
    func gatewayItself() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        let record = try await scene.makeInterface { $0.ipv4Pool = "10.0.0.0/24" }.record
        let thief = peer("a") { peer in
            peer.publicKey = record.publicKey.description
            peer.addresses = ["10.0.0.1"]
        }
        #expect(violations([thief], gateway: record).map(\.field) == ["peers[0].public_key", "peers[0].addresses[0]"])
    }
}
