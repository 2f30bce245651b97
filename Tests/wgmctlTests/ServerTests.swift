// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import wgmctl

@Suite("Servers and profiles")
struct ServerTests {
    @Test(
        "An address is read and written back",
        arguments: [
            ("tls://vpn.example.org", "tls://vpn.example.org:51821"), ("tls://192.0.2.1:443", "tls://192.0.2.1:443"),
            ("tls://[2001:db8::1]", "tls://[2001:db8::1]:51821"), ("tls://[::1]:7", "tls://[::1]:7"),
            ("unix:///run/wgm/wgmd.sock", "unix:///run/wgm/wgmd.sock"),
        ]
    )
    func address(text: String, written: String) { #expect(ServerAddress(text)?.description == written) }

    @Test(
        "What is no address is refused",
        arguments: [
            "", "vpn.example.org", "tls://", "tls://:51821", "tls://host:0", "tls://host:65536", "tls://host:x",
            "tls://2001:db8::1", "tls://[::1", "tls://[::1]x", "tls://[host]", "tls://a b", "tls://user@host",
            "tls://host/path", "https://host", "unix://relative",
        ]
    )
    func noAddress(text: String) { #expect(ServerAddress(text) == nil) }

    @Test("A file of profiles says the same when it is read again")
    func profiles() throws {
        var profiles = Profiles()
        let server = try #require(ServerAddress("tls://[2001:db8::1]:443"))
        profiles.profiles["office"] = Profiles.Profile(
            servers: [server, .tls(host: "b.example", port: 51821)],
            authority: "/a b/ca.pem",
            certificate: "/c.pem",
            key: "/c.key",
            tokenFile: "/t",
            pins: ["x", "y"]
        )
        profiles.profiles["lab"] = Profiles.Profile(servers: [server])
        profiles.current = "lab"
        #expect(try Profiles(parsing: profiles.text) == profiles)
        #expect(try Profiles(parsing: "") == Profiles())
    }

    @Test(
        "A file that wgmctl has not written is refused with its line",
        arguments: [
            "use = lab", "server = \"x\"", "[a]\n[a]", "[a b]", "[a]\nservers = \"http://x\"", "[a]\nservers = \"\"",
            "[a]\ncolour = \"red\"", "[a]\nca = \"a\"b\"", "[a]\nca = \"a\\n\"", "[a]\nca", "[a]\nca = \"",
        ]
    )
    func brokenProfiles(text: String) {
        let line = text.split(separator: "\n").count
        #expect(throws: Profiles.Problem(line: line)) { try Profiles(parsing: text) }
    }
}
