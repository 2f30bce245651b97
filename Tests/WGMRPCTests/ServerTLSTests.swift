// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WGMRPC

@testable import WGMWire

@Suite("Over TLS")
struct ServerTLSTests {
    /// A server on a port of its own, with a certificate for 127.0.0.1 that is its own authority.
    private struct Fixture: Sendable {
        let plain: ServerFixture
        let port: UInt16
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
            let bound = try await plain.server.listen(tls: TLSIdentity(settings), at: ["127.0.0.1:0"])
            let text = try #require(bound.first?.split(separator: ":").last)
            try await body(Fixture(plain: plain, port: try #require(UInt16(text))))
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
