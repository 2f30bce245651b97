// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMWire

@Suite("Limits of wgmd.toml", .serialized)
struct LimitsTests {
    private static let start: [UInt8] =
        [0x89, 0x57, 0x47, 0x4D, 1, 0, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]

    /// A gateway of its own with these lines in `[limits]`.
    private func gateway(_ lines: String...) async throws -> Gateway {
        let gateway = try Gateway(furnished: true)
        let text = (["[limits]"] + lines).map { "'\($0)'" }.joined(separator: " ")
        let append = "printf '%s\\n' \(text) >>/run/gateway/wgmd.toml && wgmd check --config /run/gateway/wgmd.toml"
        let (code, output) = try await gateway.inside("{ \(append) && stop_wgmd && restart_wgmd; } 2>&1")
        guard code == 0 else { throw Gateway.Unusable(description: output) }
        return gateway
    }

    /// The payload of the first frame of this type that the server sends.
    private func payload(of type: UInt8, in bytes: [UInt8]) -> [UInt8]? {
        var rest = bytes.dropFirst(8)
        while rest.count >= 12 {
            let header = Array(rest.prefix(12))
            let length = header.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            if header[8] == type { return Array(rest.dropFirst(12).prefix(length)) }
            rest = rest.dropFirst(12 + length)
        }
        return nil
    }

    @Test("A running wgmd keeps the limits that its file says, and tells clients of them")
    func inForce() async throws {
        let gateway = try await gateway(
            "handshake_ms = 2500",
            "streams = 7",
            "max_message_bytes = 70_000",
            "ping_interval_ms = 1234",
            "connections_per_user = 3"
        )
        // HELLO says what clients need to know; the connection ends after 2.5 s instead of 5.
        let began = Date()
        let connection = try RawConnection(path: gateway.socket)
        connection.send(Self.start)
        let answer = try #require(connection.readToEnd(seconds: 10))
        #expect((2...4.5).contains(Date().timeIntervalSince(began)))
        let hello = try V1.Hello(serialized: try #require(payload(of: 1, in: answer)))
        #expect(hello.maxStreams == 7 && hello.maxMessage == 70_000 && hello.minPingMs == 1234)
        let goaway = try V1.Goaway(serialized: try #require(payload(of: 10, in: answer)))
        #expect(goaway.code == GoawayReason.timeout.rawValue, "\(goaway)")
        // The fourth connection of a user is refused.
        let open = try (0..<3).map { _ in try RawConnection(path: gateway.socket) }
        let refused = try gateway.control("call", "Meta/Version")
        #expect(refused.code != 0 && refused.errors.contains("3 connections of this caller are open"), "\(refused)")
        #expect(open.allSatisfy { $0.readToEnd(seconds: 10) != nil })
        await gateway.stop()
    }

    @Test("A bad limit is refused by wgmd check with its line, and wgmd does not start with it")
    func refused() async throws {
        let gateway = try await Gateway.shared.value
        let file = gateway.folder.newFile()
        try "node = \"gw1\"\n[limits]\nstreams = 0\ncalls = 5\n".write(toFile: file, atomically: true, encoding: .utf8)
        let (code, output) = try await gateway.inside("wgmd check --config \(file) 2>&1")
        #expect(code == 78)
        #expect(output.contains("\(file):3: `streams` must be a number from 1 to 4096, without quotes"), "\(output)")
        #expect(output.contains("\(file):4: `calls_per_caller` (128) must not be above `calls` (5)"), "\(output)")
        let run = try await gateway.inside("timeout 20 wgmd run --config \(file) 2>&1")
        #expect(run.code == 78 && run.output.contains("`streams`"), "\(run)")
    }
}
