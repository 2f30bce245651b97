// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import WGMWire

@Suite("Frames: bytes")
struct FramesGoldenTests {
    /// The lines of docs/protocol.md's example: `C` or `S`, then hexadecimal bytes up to two spaces or the end.
    static func example() throws -> (client: [UInt8], server: [UInt8]) {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let text = try String(contentsOf: root.appending(path: "docs/protocol.md"), encoding: .utf8)
        let start = try #require(text.range(of: "```hex\n"))
        let end = try #require(text.range(of: "```", range: start.upperBound..<text.endIndex))
        var sides: [Character: [UInt8]] = [:]
        for line in text[start.upperBound..<end.lowerBound].split(separator: "\n") {
            let side = try #require(line.first)
            let bytes = line.dropFirst(2).prefix { $0 != "|" }.split(separator: " ")
            sides[side, default: []] += try bytes.map { try #require(UInt8($0, radix: 16)) }
        }
        return (sides["C", default: []], sides["S", default: []])
    }

    @Test("The client sends what docs/protocol.md shows")
    func client() throws {
        var connection = ClientConnection(limits: WireLimits(), agent: "wgmctl/0.1.0")
        try connection.authenticate(slot: 1, token: "good")
        var call = ClientConnection.Call(method: "wgm.v1.Meta/Version", message: [], slot: 1)
        call.timeout = .seconds(5)
        _ = try connection.call(call)
        #expect(connection.takeOutput() == (try Self.example().client))
    }

    @Test("The server answers what docs/protocol.md shows", arguments: [Int.max, 1])
    func server(pieces: Int) throws {
        let script = FramesScript()
        script.send(try Self.example().client, inPiecesOf: pieces)
        script.end(
            1,
            CallOutcome(reply: V1.VersionResponse(version: "0.1.0", protocolMajor: 1, protocolMinor: 0).serialized())
        )
        #expect(script.output == (try Self.example().server))
    }

    @Test("The client understands the server of docs/protocol.md", arguments: [Int.max, 1])
    func clientReads(pieces: Int) throws {
        var connection = ClientConnection(limits: WireLimits(), agent: "wgmctl/0.1.0")
        _ = try connection.call(ClientConnection.Call(method: "wgm.v1.Meta/Version", message: []))
        var events: [String] = []
        var rest = try Self.example().server[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            unsafe connection.receive(piece.span.bytes)
            while let event = connection.nextEvent() {
                switch event {
                case .authed(let authed): events.append("authed \(authed.subject ?? "")")
                case .ended(let stream, let end):
                    let version = try V1.VersionResponse(serialized: end.reply ?? []).version
                    events.append("ended \(stream) \(version ?? "")")
                case .goaway, .failed: events.append("unexpected")
                }
            }
        }
        #expect(events == ["authed alice", "ended 1 0.1.0"])
        #expect(connection.server?.agent == "wgmd/test")
    }

    @Test("A header is twelve bytes, big-endian")
    func header() throws {
        var header = FrameHeader(type: .call, stream: 0x0102_0305, flags: [.endStream, .hasMessage], aux: 0x0708)
        header.length = 0x00aa_bbcc
        #expect(header.bytes == [0, 0xaa, 0xbb, 0xcc, 1, 2, 3, 5, 4, 3, 7, 8])
        #expect(FrameHeader(header.bytes[...]) == header)
        #expect(FrameHeader(header.bytes[1...]) == nil)
    }
}
