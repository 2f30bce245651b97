// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing
import WGMRPC

@testable import WGMWire

@Suite("Over TLS")
struct ServerTLSTests {
    /// A server on a port of its own, with a certificate for 127.0.0.1 that is its own authority.
    private struct Fixture: Sendable {
        let plain: ServerFixture
        let port: UInt16
        let identity: TLSIdentity
        var folder: String { plain.folder }

        func connect() throws -> TLSStream {
            let settings = TLSClientSettings(
                trust: .authority(path: folder + "/tls.pem"),
                identity: (folder + "/tls.pem", folder + "/tls.key")
            )
            return try TLSStream.connect(host: "127.0.0.1", port: port, settings: settings)
        }
    }

    private func withServer(
        _ limits: WireLimits = .quickToClose,
        _ body: @Sendable (Fixture) async throws -> Void
    ) async throws {
        try await ServerFixture.run(limits) { plain in
            let (certificate, key) = (plain.folder + "/tls.pem", plain.folder + "/tls.key")
            let openssl = Process()
            openssl.executableURL = URL(filePath: "/usr/bin/openssl")
            openssl.arguments = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
                "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1", "-keyout", key, "-out", certificate,
            ]
            openssl.standardError = FileHandle.nullDevice
            try openssl.run()
            openssl.waitUntilExit()
            let settings = TLSSettings(
                certificate: certificate,
                key: key,
                clientAuthority: certificate,
                clientCertificates: .optional
            )
            let identity = try TLSIdentity(settings)
            let bound = try await plain.server.listen(tls: identity, at: ["127.0.0.1:0"])
            try await body(Fixture(plain: plain, port: try Self.port(bound.first), identity: identity))
        }
    }

    private static func port(_ address: String?) throws -> UInt16 {
        let text = try #require(address?.split(separator: ":").last)
        return try #require(UInt16(text))
    }

    /// On a free port of 127.0.0.1, as systemd hands it over.
    private static func boundSocket() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0 && listen(descriptor, 5) == 0)
        return descriptor
    }

    @Test("A port that was handed over is served as well, and a Unix socket is never served with TLS")
    func inherited() async throws {
        try await withServer { fixture in
            let descriptor = try Self.boundSocket()
            let server = fixture.plain.server
            let address = try await server.listen(tls: fixture.identity, inheriting: descriptor)
            let other = Fixture(plain: fixture.plain, port: try Self.port(address), identity: fixture.identity)
            try await fixture.plain.onThread {
                var client = try BlockingClient(other.connect(), token: "good", agent: "test/1")
                #expect(try client.call("t.Echo/Now", [1], options: CallOptions()) == [1])
            }
            let local = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(local) }
            await #expect(throws: ListenError.notATCPSocket(descriptor: local)) {
                try await server.listen(tls: fixture.identity, inheriting: local)
            }
            await #expect(throws: ListenError.notAUnixSocket(descriptor: descriptor)) {
                try await server.listen(inheriting: descriptor)
            }
        }
    }

    @Test("A port that somebody has is said to be in use")
    func portInUse() async throws {
        try await withServer { fixture in
            let address = "127.0.0.1:\(fixture.port)"
            await #expect(throws: ListenError.inUse(address)) {
                try await fixture.plain.server.listen(tls: fixture.identity, at: [address])
            }
        }
    }

    @Test("Calls of any size go both ways, one after the other, and leave nothing behind")
    func roundTrips() async throws {
        try await withServer { fixture in
            try await fixture.plain.onThread {
                var client = try BlockingClient(fixture.connect(), token: "good", agent: "test/1")
                for size in [0, 1, 1000, 16_384, 65_536, 900_000] {
                    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
                    #expect(try client.call("t.Echo/Now", bytes, options: CallOptions()) == bytes)
                    #expect(try client.call("t.Echo/Later", bytes, options: CallOptions()) == bytes)
                }
                for _ in 0..<20 {
                    #expect(try client.call("t.Echo/Big", nil, options: CallOptions())?.count == 256 * 1024)
                }
            }
            for _ in 0..<100 where fixture.plain.server.openConnections > 0 {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(fixture.plain.server.openConnections == 0)
        }
    }

    @Test("The host learns the address, and the certificate that was shown")
    func transport() async throws {
        try await withServer { fixture in
            let reply = try await fixture.plain.onThread {
                var client = try BlockingClient(fixture.connect(), token: "good", agent: "test/1")
                return try client.call("t.Echo/Who", nil, options: CallOptions())
            }
            let words = String(decoding: reply ?? [], as: UTF8.self)
            #expect(words.hasPrefix("alice tls(127.0.0.1") || words.contains("127.0.0.1"), "\(words.prefix(80))")
            #expect(words.contains("certificate: Optional([48, 130"), "\(words.prefix(200))")
        }
    }

    @Test("One address has so many connections and no more, and one that ends makes room")
    func connectionsPerAddress() async throws {
        var limits = WireLimits.quickToClose
        limits.connectionsPerAddress = 2
        try await withServer(limits) { fixture in
            try await fixture.plain.onThread {
                var streams = [try fixture.connect(), try fixture.connect()]
                let refused = #expect(throws: Status.self) { try fixture.connect() }
                #expect(refused?.reason == "NOT_ALLOWED", "\(String(describing: refused))")
                streams.removeFirst()
                var other: TLSStream?
                for _ in 0..<100 where other == nil {
                    other = try? fixture.connect()
                    if other == nil { usleep(20_000) }
                }
                #expect(other != nil)
                withExtendedLifetime(streams) {}
            }
            #expect(fixture.plain.host.seen.refusedConnections.contains(.tooManyConnections))
            // The Unix socket does not share the limit.
            #expect(try await fixture.plain.call("t.Echo/Now", [1]) == [1])
        }
    }

    @Test("A key that others can read, a broken certificate and a missing file are named")
    func files() async throws {
        try await withServer { fixture in
            let (certificate, key) = (fixture.folder + "/tls.pem", fixture.folder + "/tls.key")
            let open = fixture.folder + "/open.key"
            try FileManager.default.copyItem(atPath: key, toPath: open)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: open)
            let cases = [
                (certificate, open, "chmod 600"), (key, key, "no certificate"),
                (certificate, "/none", "cannot be read"),
            ]
            for (certificate, key, words) in cases {
                let error = #expect(throws: TLSFileError.self) {
                    try TLSIdentity(TLSSettings(certificate: certificate, key: key))
                }
                #expect(error?.words.contains(words) == true, "\(String(describing: error))")
            }
        }
    }
}
