// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import WGMWire

@Suite("Frames: bytes")
struct FramesGoldenTests {
    /// The lines of docs/protocol.md's example: `C` or `S`, then hexadecimal bytes up to two spaces or the end.
    ///
    /// `number` 1 is the second.
    static func example(_ number: Int = 0) throws -> (client: [UInt8], server: [UInt8]) {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let text = try String(contentsOf: root.appending(path: "docs/protocol.md"), encoding: .utf8)
        let blocks = text.components(separatedBy: "```hex\n").dropFirst()
        let block = try #require(blocks.dropFirst(number).first?.components(separatedBy: "```").first)
        var sides: [Character: [UInt8]] = [:]
        for line in block.split(separator: "\n") {
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
                case .goaway, .failed, .message: events.append("unexpected")
                }
            }
        }
        #expect(events == ["authed alice", "ended 1 0.1.0"])
        #expect(connection.server?.agent == "wgmd/test")
    }

    @Test("The server's side of a stream is what docs/protocol.md shows", arguments: [Int.max, 1])
    func serverStream(pieces: Int) throws {
        let script = FramesScript()
        script.send(try Self.example().client)
        script.end(1)
        let before = script.output.count
        let client = try Self.example(1).client
        let frames = TestFrame.all(in: client)
        script.send(frames.dropLast(2).flatMap(\.bytes), inPiecesOf: pieces)
        #expect(script.messages[3] == [Array("hello".utf8)])
        try script.connection.send(3, Array("HELLO".utf8))
        script.run()
        script.send(frames.suffix(2).flatMap(\.bytes), inPiecesOf: pieces)
        #expect(script.requestEnds == [3])
        script.end(3)
        #expect(Array(script.output[before...]) == (try Self.example(1).server))
    }

    @Test("The client's side of a stream is what docs/protocol.md shows")
    func clientStream() throws {
        var limits = WireLimits()
        limits.connectionWindow = 33
        var connection = ClientConnection(limits: limits, agent: "wgmctl/0.1.0")
        _ = try connection.call(ClientConnection.Call(method: "wgm.v1.Meta/Version", message: []))
        let greeting = try Self.example().server
        unsafe connection.receive(greeting.span.bytes)
        while connection.nextEvent() != nil {}
        _ = connection.takeOutput()
        var call = ClientConnection.Call(method: "t.Talk/Both", message: nil, slot: 1)
        call.isComplete = false
        #expect(try connection.call(call) == 3)
        let frames = TestFrame.all(in: try Self.example(1).client)
        #expect(TestFrame.all(in: connection.takeOutput()) == [frames[0]])
        // Cut in two as the example is, which only small frames would make necessary.
        connection.sender.frame = 3
        connection.send(3, Array("hello".utf8))
        _ = connection.fill(upTo: 1000)
        #expect(TestFrame.all(in: connection.takeOutput()) == Array(frames[1...2]))
        let answer = try Self.example(1).server
        unsafe connection.receive(answer.span.bytes)
        guard case .message(3, let message, _)? = connection.nextEvent() else {
            Issue.record("no message")
            return
        }
        #expect(message == Array("HELLO".utf8))
        connection.finish(3)
        _ = connection.fill(upTo: 1000)
        #expect(TestFrame.all(in: connection.takeOutput()) == Array(frames[3...4]))
        guard case .ended(3, let end)? = connection.nextEvent() else {
            Issue.record("no end")
            return
        }
        #expect(end == V1.End(code: 0))
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
