// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WGMWire

extension Violation {
    private static let open = Sent.authenticated
    private static let stream = open + Sent.open(1)
    private static let payload: [UInt8] = [1, 2, 3]

    /// Rules of section 5 of docs/protocol.md.
    static let ofStreams: [Violation] = [
        Violation("DATA on an idle stream", open + Sent.data(1), .goaway(.protocolError)),
        Violation("DATA above the last stream", stream + Sent.data(3), .goaway(.protocolError)),
        Violation("DATA on an even stream", open + Sent.open(3) + Sent.data(2), .goaway(.protocolError)),
        Violation("DATA on stream 0", stream + Sent.data(0), .goaway(.protocolError)),
        Violation("DATA after END_STREAM in CALL", open + Sent.call(1) + Sent.data(1), .goaway(.protocolError)),
        Violation(
            "DATA after END_STREAM in DATA",
            stream + Sent.data(1, .endStream) + Sent.data(1),
            .goaway(.protocolError)
        ),
        Violation(
            "END_STREAM twice",
            stream + Sent.data(1, .endStream) + Sent.data(1, .endStream),
            .goaway(.protocolError)
        ),
        Violation("DATA without flags", stream + Sent.data(1, []), .goaway(.protocolError)),
        Violation("DATA without flags that has bytes", stream + Sent.data(1, [], payload), .goaway(.protocolError)),
        Violation("MORE without HAS_MESSAGE", stream + Sent.data(1, .more, payload), .goaway(.protocolError)),
        Violation("MORE with END_STREAM", stream + raw(stream: 1, type: 5, flags: 7, payload), .goaway(.protocolError)),
        Violation("MORE on nothing", stream + raw(stream: 1, type: 5, flags: 6), .goaway(.protocolError)),
        Violation("END_STREAM alone on bytes", stream + Sent.data(1, .endStream, payload), .goaway(.protocolError)),
        Violation("a reserved flag in DATA", stream + raw(stream: 1, type: 5, flags: 0x0a), .goaway(.protocolError)),
        Violation("aux in DATA", stream + raw(stream: 1, type: 5, flags: 2, aux: 1), .goaway(.protocolError)),
        Violation("DATA over max_frame", stream + raw(length: 65537, stream: 1, type: 5, flags: 2), .goaway(.tooLarge)),
        Violation(
            "END_STREAM alone in the middle of a message",
            stream + Sent.data(1, [.hasMessage, .more], payload) + Sent.data(1, .endStream),
            .goaway(.protocolError)
        ),
        Violation("WINDOW on an idle stream", open + Sent.window(1, 1), .goaway(.protocolError)),
        Violation("WINDOW on an even stream", open + Sent.open(3) + Sent.window(2, 1), .goaway(.protocolError)),
        Violation("WINDOW of 0", stream + Sent.window(1, 0), .goaway(.malformed)),
        Violation("WINDOW of 2^31", stream + Sent.window(1, 0x8000_0000), .goaway(.malformed)),
        Violation("WINDOW of 3 bytes", open + raw(type: 8, payload), .goaway(.malformed)),
        Violation("WINDOW of 5 bytes", open + raw(type: 8, payload + [4, 5]), .goaway(.tooLarge)),
        Violation("a flag in WINDOW", open + raw(type: 8, flags: 1, [0, 0, 0, 1]), .goaway(.protocolError)),
        Violation(
            "a credit of the stream above 2^31 - 1",
            stream + Sent.window(1, 0x7fff_ffff),
            .goaway(.protocolError)
        ),
        Violation(
            "a credit of the connection above 2^31 - 1",
            open + Sent.window(0, 0x7fff_ffff),
            .goaway(.protocolError)
        ),
        Violation(
            "an initial credit above 2^31 - 1",
            Sent.preface + TestFrame(.hello, V1.Hello(initialWindow: 0x8000_0000).serialized()).bytes,
            .goaway(.malformed)
        ),
    ]

    /// What is on its way when a stream ends, or is allowed though it looks odd.
    static let harmlessInStreams: [Violation] = [
        Violation("messages without bytes", stream + Sent.data(1) + Sent.data(1) + Sent.data(1, .endStream), .nothing),
        Violation("WINDOW for a call without a stream", open + Sent.call(1) + Sent.window(1, 5), .nothing),
        Violation("WINDOW for the connection", open + Sent.window(0, 5), .nothing),
        Violation(
            "DATA, WINDOW and CANCEL after a CANCEL",
            stream + Sent.cancel(1) + Sent.data(1) + Sent.window(1, 9) + Sent.data(1, .endStream) + Sent.cancel(1),
            .nothing
        ),
        Violation(
            "a last part without bytes",
            stream + Sent.data(1, [.hasMessage, .more], payload) + Sent.data(1),
            .nothing
        ),
    ]
}

@Suite("Frames: what breaks the rules of streams")
struct FramesStreamViolationTests {
    @Test("ends the connection with the reason in a GOAWAY", arguments: Violation.ofStreams)
    func endsConnection(violation: Violation) throws {
        for cut in 0...violation.bytes.count {
            let script = FramesScript()
            script.send(Array(violation.bytes.prefix(cut)))
            script.send(Array(violation.bytes.dropFirst(cut)))
            #expect(script.isClosed)
            #expect(script.fault.map { .goaway($0.reason) } == violation.expected, "cut at \(cut)")
            #expect(try script.goaways().map(\.code) == [script.fault?.reason.rawValue])
        }
    }

    @Test("but is harmless leaves everything as it is", arguments: Violation.harmlessInStreams)
    func harmless(violation: Violation) throws {
        for cut in 0...violation.bytes.count {
            let script = FramesScript()
            script.send(Array(violation.bytes.prefix(cut)))
            script.send(Array(violation.bytes.dropFirst(cut)) + Sent.ping)
            #expect(!script.isClosed)
            #expect(script.frames.last?.type == .ping)
        }
    }

    @Test("A message over the method's limit ends the call alone, whole or in parts", arguments: [true, false])
    func tooLarge(whole: Bool) throws {
        let script = FramesScript()
        script.messageLimit = 1000
        let part = [UInt8](repeating: 0, count: 600)
        let parts = Sent.data(1, [.hasMessage, .more], part) + Sent.data(1, .hasMessage, part)
        script.send(Sent.authenticated + Sent.open(1) + (whole ? Sent.data(1, .hasMessage, part + part) : parts))
        #expect(try script.end(of: 1)?.code == StatusCode.resourceExhausted.rawValue)
        #expect(!script.isClosed)
        #expect(script.stopped == [1])
    }

    @Test("A second message where the method takes one ends the call alone", arguments: [true, false])
    func second(firstInCall: Bool) throws {
        let script = FramesScript()
        script.collects = 1000
        let call = V1.Call(method: "a.B/C", message: firstInCall ? [1] : nil)
        script.send(Sent.authenticated + Sent.open(1, call) + (firstInCall ? [] : Sent.data(1)) + Sent.data(1))
        #expect(try script.end(of: 1)?.code == StatusCode.invalidArgument.rawValue)
        #expect(script.refused[1]?.code == .invalidArgument)
        #expect(!script.isClosed)
    }

    @Test("DATA over the credit ends the connection, up to it does not")
    func overCredit() {
        var limits = WireLimits()
        limits.initialWindow = 100
        let script = FramesScript(limits)
        script.usesMessages = false
        script.send(Sent.authenticated + Sent.open(1) + Sent.data(1, .hasMessage, Array(repeating: 0, count: 88)))
        #expect(!script.isClosed)
        script.send(Sent.data(1))
        #expect(script.fault?.reason == .protocolError)
    }

    @Test("DATA over the connection's credit ends the connection though each stream has some")
    func overConnectionCredit() {
        var limits = WireLimits()
        limits.connectionWindow = 100
        let script = FramesScript(limits)
        script.usesMessages = false
        script.send(Sent.authenticated + Sent.open(1) + Sent.open(3))
        script.send(Sent.data(1, .hasMessage, Array(repeating: 0, count: 50)))
        #expect(!script.isClosed)
        script.send(Sent.data(3, .hasMessage, Array(repeating: 0, count: 50)))
        #expect(script.fault?.reason == .protocolError)
    }
}
