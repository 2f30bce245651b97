// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import WGMModel

@Suite struct AddressTests {
    @Test(
        "an IPv6 address is written as RFC 5952 says",
        arguments: [
            ("2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:DB8::ABCD", "2001:db8::abcd"),
            ("::", "::"),
            ("::1", "::1"),
            ("1::", "1::"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("fd00:1:2:3:4:5:6:7", "fd00:1:2:3:4:5:6:7"),
            ("1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ]
    )
    func canonicalForm(text: String, expected: String) {
        #expect(IPAddress(text)?.description == expected)
    }

    @Test(
        "what is not an address is refused",
        arguments: [
            "", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::",
            "fe80::1%eth0", "::1 ", " ::1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.04", "1..2.3",
            "1.2.3.4/24", "0x1.2.3.4", "-1.2.3.4", "1.2.3.+4", "١.2.3.4", "::1.2.3", "::1.2.3.256", "1.2.3.4::",
            ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "::ffff:1.2.3.4:5", "[::1]", "\0", "1.2.3.4\0",
        ]
    )
    func hostileText(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("text of any length and any bytes is read without harm")
    func longText() {
        #expect(IPAddress(String(repeating: ":", count: 100_000)) == nil)
        #expect(IPAddress(String(repeating: "1.", count: 100_000)) == nil)
        #expect(IPAddress(String(repeating: "0:", count: 100_000)) == nil)
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789abcdef:./[]%".utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...24, using: &generator)
            let text = String(decoding: (0..<count).map { _ in alphabet.randomElement() ?? 0 }, as: UTF8.self)
            if let address = IPAddress(text) { #expect(IPAddress(address.description) == address) }
            if let prefix = IPPrefix(text) { #expect(IPPrefix(prefix.description) == prefix) }
            if let endpoint = Endpoint(text) { #expect(Endpoint(endpoint.description) == endpoint) }
        }
    }

    /// What libc makes of the text.
    private func bySystem(_ text: String) -> IPAddress? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: 16)
            if unsafe inet_pton(family, text, &bytes) == 1 { return IPAddress(bytes: bytes.prefix(count)) }
        }
        return nil
    }

    @Test("addresses with a few wrong characters are read, or refused, as libc does")
    func beside() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("01f:.".utf8)
        let forms = [
            "::", "1::", "::1", "1:2:3:4:5:6:7:8", "a::b:c", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1.20.255.0",
        ]
        for _ in 0..<50_000 {
            var bytes = Array((forms.randomElement(using: &generator) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = alphabet.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(IPAddress(text) == bySystem(text), "\(text)")
        }
    }

    @Test("every address reads back what it writes")
    func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            // Zero groups are common, so that the shortening is met in every place.
            let groups = (0..<8).map { _ in Bool.random() ? 0 : UInt16.random(in: 0 ... .max, using: &generator) }
            let address = IPAddress(v6: groups.reduce(UInt128(0)) { $0 << 16 | UInt128($1) })
            #expect(IPAddress(address.description) == address)
            #expect(IPAddress(bytes: address.bytes) == address)
            let v4 = IPAddress(v4: UInt32.random(in: 0 ... .max, using: &generator))
            #expect(IPAddress(v4.description) == v4)
            #expect(IPAddress(bytes: v4.bytes) == v4)
        }
    }

    @Test("only 4 or 16 bytes are an address", arguments: [0, 1, 3, 5, 15, 17, 200])
    func byteCounts(count: Int) {
        #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }
}

@Suite struct PrefixTests {
    @Test(
        "a prefix with bits behind its length is refused",
        arguments: ["10.0.0.1/24", "fd00::1/64", "0.0.0.1/0", "::1/0"]
    )
    func hostBits(text: String) {
        #expect(IPPrefix(text) == nil)
        #expect(InterfaceAddress(text) != nil)
    }

    @Test(
        "a length is a plain number that fits the family",
        arguments: [
            "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/", "10.0.0.0/8/8", "/8",
            "/",
            "10.0.0.0/ 8", "10.0.0.0/4294967304", "::/99999999999999999999", "10.0.0.0/8 ",
        ]
    )
    func lengths(text: String) {
        #expect(IPPrefix(text) == nil)
        #expect(InterfaceAddress(text) == nil)
    }

    @Test("a bare address is its host prefix")
    func bare() {
        #expect(IPPrefix("192.0.2.1")?.description == "192.0.2.1/32")
        #expect(IPPrefix("fd00::1")?.description == "fd00::1/128")
        #expect(IPPrefix("0.0.0.0/0")?.description == "0.0.0.0/0")
        #expect(IPPrefix("::/0")?.description == "::/0")
    }

    @Test("overlap is symmetric and never crosses families")
    func overlap() throws {
        let wide = try #require(IPPrefix("10.0.0.0/8"))
        let narrow = try #require(IPPrefix("10.1.0.0/16"))
        let other = try #require(IPPrefix("11.0.0.0/8"))
        let v6 = try #require(IPPrefix("::/0"))
        let all = try #require(IPPrefix("0.0.0.0/0"))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide) && wide.overlaps(wide))
        #expect(!wide.overlaps(other) && !other.overlaps(wide))
        #expect(!wide.overlaps(v6) && !v6.overlaps(wide))
        #expect(all.overlaps(narrow) && narrow.overlaps(all))
    }

    @Test("an interface's address knows its on-link prefix")
    func onLink() {
        #expect(InterfaceAddress("fd00:1:2::1/64")?.prefix == IPPrefix("fd00:1:2::/64"))
        #expect(InterfaceAddress("10.7.0.1/24")?.prefix == IPPrefix("10.7.0.0/24"))
    }
}

@Suite struct EndpointTests {
    @Test("an endpoint reads back what it writes", arguments: ["192.0.2.1:51820", "[2001:db8::1]:1", "[::]:65535"])
    func roundTrip(text: String) {
        #expect(Endpoint(text)?.description == text)
    }

    @Test("where a peer is sent is an address or a name, with a port")
    func peerEndpoints() {
        #expect(PeerEndpoint("[2001:db8::1]:1") == Endpoint("[2001:db8::1]:1").map { .address($0) })
        let named = PeerEndpoint("Far.Example.org:51820")
        #expect(named?.description == "far.example.org:51820" && named?.address == nil && named?.port == 51820)
        #expect(named == PeerEndpoint("far.example.org:51820"))
        let bad = [
            "", ":1", "host", "host:", "host:0", "host:65536", "host:01", "host:1:2", "1.2.3:4", "a_b:1", "-a:1",
            "a..b:1",
            "a.:1", "[host]:1", "2001:db8::1:1", "host :1", "h\u{f6}st:1", "host:1\n", "host\0:1", "$(id):1",
            String(repeating: "a.", count: 127) + "a:1", String(repeating: "a", count: 64) + ":1",
        ]
        for text in bad { #expect(PeerEndpoint(text) == nil, "\(text)") }
    }

    @Test(
        "what is not an endpoint is refused",
        arguments: [
            "", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:051820", "192.0.2.1:+1",
            "2001:db8::1:51820:", "[192.0.2.1]:1", "[2001:db8::1]", "[2001:db8::1]:", "[fe80::1%1]:1", "[::1:1",
            "::1]:1",
            "host:1", "192.0.2.1:99999999999999999999",
        ]
    )
    func hostile(text: String) {
        #expect(Endpoint(text) == nil)
    }
}
