// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMKeys
import WGMModel
import WGMWire

@testable import wgmctl

extension SecretText {
    /// For tests only: a copy in ordinary memory.
    var copy: String { unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
}

@Suite("Configurations")
struct ConfigurationTests {
    private static func written(
        _ line: consuming KeyLine,
        _ change: (inout V1.GetPeerConfigResponse) -> Void = { _ in }
    )
        throws -> String
    {
        var reply = Samples.configuration(publicKey: line.publicKey?.description ?? Keys.second)
        change(&reply)
        return try PeerConfiguration(reply, interface: "wg0", peer: "anna").text(line, .absent).copy
    }

    /// What `wg-quick strip` makes of a configuration.
    private static func strip(_ text: String) throws -> Run {
        let folder = try Folder()
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("wgt0.conf")))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.file("wgt0.conf"))
        return try Run.program(["wg-quick", "strip", folder.file("wgt0.conf")])
    }

    /// A WireGuard device of wireguard-go, in namespaces of its own, that is given a configuration.
    private static func apply(_ stripped: String) throws -> Run {
        let script = """
            set -e
            mkdir -p /run/wireguard && mount -t tmpfs none /run/wireguard
            cat > /run/wireguard/conf
            wireguard-go wgt0 2>/dev/null
            trap 'ip link delete wgt0' EXIT
            wg setconf wgt0 /run/wireguard/conf
            wg show wgt0 private-key; wg show wgt0 peers; wg show wgt0 allowed-ips; wg show wgt0 persistent-keepalive
            """
        return try Run.program(["unshare", "-n", "-m", "sh", "-c", script], input: stripped)
    }

    @Test("The file has what the daemon said and the private key")
    func file() throws {
        let key = try PrivateKey.generate()
        let secret = try key.base64().copy
        let expected = """
            # Peer anna of wg0, written by wgmctl \(WGMVersion.current)
            [Interface]
            PrivateKey = \(secret)
            Address = fd12:3456:789a::2/128, 10.7.0.2/32
            DNS = 10.7.0.1
            MTU = 1420

            [Peer]
            PublicKey = AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=
            Endpoint = 192.0.2.1:51820
            AllowedIPs = fd12:3456:789a::/64, 10.7.0.0/24
            PersistentKeepalive = 25

            """
        #expect(try Self.written(.key(key)) == expected)
    }

    @Test("wg-quick and WireGuard accept the file, and the device has the key")
    func accepted() throws {
        let key = try PrivateKey.generate()
        let secret = try key.base64().copy
        let stripped = try Self.strip(Self.written(.key(key)))
        #expect(stripped.status == 0)
        #expect(!stripped.output.contains("Address"))
        let device = try Self.apply(stripped.output)
        #expect(device.status == 0, "\(device.errors)")
        #expect(
            device.output == """
                \(secret)
                AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=
                AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\tfd12:3456:789a::/64 10.7.0.0/24
                AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\t25

                """
        )
    }

    @Test("A placeholder is refused by WireGuard in words that say what to do")
    func placeholder() throws {
        let stripped = try Self.strip(Self.written(.placeholder))
        let device = try Self.apply(stripped.output)
        #expect(device.status != 0)
        #expect(device.errors.contains(PeerConfiguration.placeholder.replacing(" ", with: "")))
    }

    @Test("A peer that brings its key gets a file without one, which WireGuard accepts")
    func omitted() throws {
        let text = try Self.written(.omitted)
        #expect(!text.contains("\nPrivateKey"))
        let device = try Self.apply(Self.strip(text).output)
        #expect(device.status == 0, "\(device.errors)")
        #expect(device.output.hasPrefix("(none)\n"))
    }

    @Test("What is absent leaves no line behind")
    func absent() throws {
        let text = try Self.written(.omitted) { reply in
            reply.dns = []
            reply.mtu = nil
            reply.keepaliveS = 0
            reply.gatewayEndpoint = nil
        }
        for word in ["DNS", "MTU", "PersistentKeepalive", "\nEndpoint"] { #expect(!text.contains(word)) }
        #expect(text.contains("# Endpoint = HOST:PORT\n"))
        #expect(try Self.strip(text).status == 0)
    }

    @Test(
        "No value of the daemon's can smuggle a line into the file",
        arguments: [
            "1.1.1.1\nPostUp = id", "1.1.1.1 # x", "", "$(id)", "a,b", "x;y", "-x", "é", "a\u{0}b",
        ]
    )
    func hostileText(text: String) {
        for change: (inout V1.GetPeerConfigResponse) -> Void in [
            { $0.dns = [text] }, { $0.addresses = [text] }, { $0.allowedAddresses = [text] },
            { $0.gatewayPublicKey = text }, { $0.peerPublicKey = text },
            { $0.gatewayEndpoint = "\(text):51820" }, { $0.gatewayEndpoint = "vpn.example.org:\(text)" },
        ] {
            #expect(throws: Failure.self) { try Self.written(.omitted, change) }
        }
    }

    @Test(
        "Endpoints are host and port",
        arguments: ["vpn.example.org:51820", "192.0.2.1:1", "[2001:db8::1]:65535", "gw:443"]
    )
    func endpoints(endpoint: String) throws {
        #expect(try Self.written(.omitted) { $0.gatewayEndpoint = endpoint }.contains("\nEndpoint = \(endpoint)\n"))
    }

    @Test(
        "Endpoints without a port, or with a wrong one, are refused",
        arguments: ["gw", "gw:0", "gw:65536", "gw:+1", ":1"]
    )
    func refusedEndpoints(endpoint: String) {
        #expect(throws: Failure.self) { try Self.written(.omitted) { $0.gatewayEndpoint = endpoint } }
    }

    @Test("A private key is read alone or out of an earlier file", arguments: [false, true])
    func privateKeyFile(fromConfiguration: Bool) throws {
        let folder = try Folder()
        let key = try PrivateKey.generate()
        let publicKey = key.publicKey
        let text = try key.base64().copy + "\n"
        let content = try fromConfiguration ? Self.written(.key(key)) : text
        try Data(content.utf8).write(to: URL(fileURLWithPath: folder.file("key")))
        var warnings: [String] = []
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.file("key"))
        let read = try KeyFile.privateKey(in: KeyFile.read(path: folder.file("key")) { warnings.append($0) })
        #expect(read.publicKey == publicKey)
        #expect(warnings.isEmpty)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.file("key"))
        _ = try KeyFile.read(path: folder.file("key")) { warnings.append($0) }
        #expect(warnings.count == 1)
    }

    @Test(
        "What is no private key is refused without repeating it",
        arguments: ["", "SECRET", "[Interface]\nPrivateKey=SECRET"]
    )
    func noPrivateKey(text: String) throws {
        let folder = try Folder()
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("key")))
        do {
            _ = try KeyFile.privateKey(in: KeyFile.read(path: folder.file("key")) { _ in })
            Issue.record("the key was accepted")
        } catch {
            #expect(!error.lines.joined().contains("SECRET"))
        }
    }

    @Test("A new file is for the owner only, never an old one, and goes away unless it is kept")
    func newFile() throws {
        let folder = try Folder()
        do {
            var file = try NewPrivateFile(path: folder.file("a"))
            try file.write("text")
            #expect(try folder.mode("a") == 0o600)
        }
        #expect(!folder.exists("a"))
        do {
            var file = try NewPrivateFile(path: folder.file("a"))
            try file.write("a longer text")
            try file.write("text")
            file.keep()
        }
        #expect(try folder.text("a") == "text")
        #expect(throws: Failure.self) { _ = try NewPrivateFile(path: folder.file("a")) }
        #expect(try folder.text("a") == "text")
        try FileManager.default.createSymbolicLink(atPath: folder.file("b"), withDestinationPath: folder.file("c"))
        #expect(throws: Failure.self) { _ = try NewPrivateFile(path: folder.file("b")) }
        #expect(!folder.exists("c"))
    }
}
