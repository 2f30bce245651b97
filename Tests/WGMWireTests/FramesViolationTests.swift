// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WGMWire

/// One thing a client does wrong and what comes of it.
struct Violation: CustomTestStringConvertible, Sendable {
    enum Expected: Sendable, Equatable {
        case goaway(GoawayReason)
        case end(StatusCode, stream: UInt32)
        case nothing
    }

    let testDescription: String
    let bytes: [UInt8]
    let expected: Expected

    init(_ description: String, _ bytes: [UInt8], _ expected: Expected) {
        testDescription = description
        self.bytes = bytes
        self.expected = expected
    }

    static func raw(
        length: UInt32 = 0,
        stream: UInt32 = 0,
        type: UInt8,
        flags: UInt8 = 0,
        aux: UInt16 = 0,
        _ payload: [UInt8] = []
    ) -> [UInt8] {
        var header = FrameHeader(type: .ping, stream: stream, flags: FrameFlags(rawValue: flags), aux: aux)
        header.type = type
        header.length = payload.isEmpty ? length : UInt32(payload.count)
        return header.bytes + payload
    }

    private static let garbage: [UInt8] = [0xff, 0xff, 0xff]
    private static let open = Sent.authenticated

    static let ofConnection: [Violation] = [
        Violation("HTTP instead of the preface", Array("GET / HTTP/1.1\r\n\r\n".utf8), .goaway(.preface)),
        Violation("TLS instead of the preface", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01], .goaway(.preface)),
        Violation("a preface with LF instead of CR LF", [0x89, 0x57, 0x47, 0x4d, 1, 0, 0x0a, 0x0a], .goaway(.preface)),
        Violation("major version 2", [0x89, 0x57, 0x47, 0x4d, 2, 0, 0x0d, 0x0a], .goaway(.version)),
        Violation("AUTH before HELLO", Sent.preface + Sent.auth(), .goaway(.protocolError)),
        Violation("an unknown skippable frame before HELLO", Sent.preface + raw(type: 0x90), .goaway(.protocolError)),
        Violation("HELLO twice", open + Sent.hello, .goaway(.protocolError)),
        Violation("HELLO that is garbage", Sent.preface + raw(type: 1, garbage), .goaway(.malformed)),
        Violation(
            "HELLO with a control character in agent",
            Sent.preface + TestFrame(.hello, V1.Hello(agent: "a\u{1b}[2J").serialized()).bytes,
            .goaway(.malformed)
        ),
        Violation("a length of 4 GiB", open + raw(length: .max, stream: 1, type: 4), .goaway(.tooLarge)),
        Violation("HELLO of 1025 bytes", Sent.preface + raw(length: 1025, type: 1), .goaway(.tooLarge)),
        Violation("AUTH over its limit", open + raw(length: 8192 + 65, type: 2), .goaway(.tooLarge)),
        Violation(
            "CALL over its limit",
            open + raw(length: 1024 * 1024 + 32 * 1024 + 1, stream: 1, type: 4, flags: 1),
            .goaway(.tooLarge)
        ),
        Violation("an unknown frame over max_frame", open + raw(length: 65537, type: 0xff), .goaway(.tooLarge)),
        Violation("CANCEL with a payload", open + raw(stream: 1, type: 7, [0]), .goaway(.tooLarge)),
        Violation("PING of 7 bytes", open + raw(type: 9, Array(repeating: 0, count: 7)), .goaway(.malformed)),
        Violation("PING of 9 bytes", open + raw(type: 9, Array(repeating: 0, count: 9)), .goaway(.tooLarge)),
        Violation(
            "an answer to no PING",
            open + raw(type: 9, flags: 1, Array(repeating: 0, count: 8)),
            .goaway(.protocolError)
        ),
        Violation("bit 31 of the stream", open + raw(stream: 0x8000_0001, type: 4, flags: 1), .goaway(.protocolError)),
        Violation("bit 31 in a skippable frame", open + raw(stream: 0x8000_0001, type: 0x80), .goaway(.protocolError)),
        Violation("an unknown critical type", open + raw(type: 0x7f), .goaway(.protocolError)),
        Violation("type 0", open + raw(type: 0), .goaway(.protocolError)),
        Violation("a reserved flag in CALL", open + raw(stream: 1, type: 4, flags: 0x81), .goaway(.protocolError)),
        Violation("a reserved flag in AUTH", open + raw(type: 2, flags: 1), .goaway(.protocolError)),
        Violation("aux in AUTH", open + raw(type: 2, aux: 1), .goaway(.protocolError)),
        Violation("slot 9 in CALL", open + raw(stream: 1, type: 4, flags: 1, aux: 9), .goaway(.protocolError)),
        Violation("CALL on stream 0", open + Sent.call(0), .goaway(.protocolError)),
        Violation("CALL on an even stream", open + Sent.call(2), .goaway(.protocolError)),
        Violation("CALL on the same stream again", open + Sent.call(3) + Sent.call(3), .goaway(.protocolError)),
        Violation("CALL on an earlier stream", open + Sent.call(3) + Sent.call(1), .goaway(.protocolError)),
        Violation(
            "PING on a stream",
            open + raw(stream: 1, type: 9, Array(repeating: 0, count: 8)),
            .goaway(.protocolError)
        ),
        Violation("CANCEL on stream 0", open + Sent.cancel(0), .goaway(.protocolError)),
        Violation("CANCEL of an idle stream", open + Sent.call(1) + Sent.cancel(3), .goaway(.protocolError)),
        Violation("CANCEL of an even stream", open + Sent.call(3) + Sent.cancel(2), .goaway(.protocolError)),
        Violation("END from a client", open + raw(stream: 1, type: 6), .goaway(.protocolError)),
        Violation("AUTHED from a client", open + raw(type: 3), .goaway(.protocolError)),
        Violation("AUTH that is garbage", open + raw(type: 2, garbage), .goaway(.malformed)),
        Violation("AUTH for slot 0", open + Sent.auth(slot: 0), .goaway(.malformed)),
        Violation("AUTH for slot 9", open + Sent.auth(slot: 9), .goaway(.malformed)),
        Violation("AUTH without a token", open + Sent.auth(slot: 1, ""), .goaway(.malformed)),
        Violation("GOAWAY that is garbage", open + raw(type: 10, garbage), .goaway(.malformed)),
        Violation(
            "three bad tokens",
            Sent.start + Sent.auth("x") + Sent.auth("y") + Sent.auth("z"),
            .goaway(.handshakeLimit)
        ),
        Violation(
            "nine frames without a token",
            Sent.start + (0..<8).flatMap { _ in raw(type: 0x80) },
            .goaway(.handshakeLimit)
        ),
        Violation(
            "more than 32 KiB without a token",
            Sent.start + raw(length: 32 * 1024, type: 0x80),
            .goaway(.handshakeLimit)
        ),
        Violation("three early PINGs", open + Sent.ping + Sent.ping + Sent.ping + Sent.ping, .goaway(.calm)),
        Violation(
            "201 CANCELs within a second",
            open + Sent.call(1) + (0..<201).flatMap { _ in Sent.cancel(1) },
            .goaway(.calm)
        ),
        Violation(
            "201 CALLs that cannot be begun within a second",
            open + (0..<201).flatMap { Sent.call(2 * $0 + 1, V1.Call(method: "none")) },
            .goaway(.calm)
        ),
        Violation("33 AUTHs within a minute", open + (0..<32).flatMap { _ in Sent.auth() }, .goaway(.calm)),
    ]

    static func call(_ description: String, _ call: V1.Call, _ code: StatusCode) -> Violation {
        Violation(description, open + Sent.call(1, call), .end(code, stream: 1))
    }

    private static func pairs(_ count: Int, key: String = "k", size: Int = 1) -> [V1.MetadataPair] {
        Array(repeating: V1.MetadataPair(key: key, value: Array(repeating: 0, count: size)), count: count)
    }

    static let ofCall: [Violation] = [
        Violation(
            "CALL that is garbage",
            open + raw(stream: 1, type: 4, flags: 1, aux: 1, garbage),
            .end(.invalidArgument, stream: 1)
        ),
        Violation("CALL with an empty slot", open + Sent.call(1, slot: 2), .end(.unauthenticated, stream: 1)),
        Violation(
            "CALL with a refused token",
            Sent.start + Sent.auth("bad") + Sent.call(1),
            .end(.unauthenticated, stream: 1)
        ),
        Violation(
            "CALL with a message and no flag for it",
            open + raw(stream: 1, type: 4, flags: 1, aux: 1, V1.Call(method: "a/b", message: [1]).serialized()),
            .end(.invalidArgument, stream: 1)
        ),
        Violation(
            "CALL with the flag and no message",
            open + raw(stream: 1, type: 4, flags: 3, aux: 1, V1.Call(method: "a/b").serialized()),
            .end(.invalidArgument, stream: 1)
        ),
        call("no method", V1.Call(), .invalidArgument),
        call("a method without service", V1.Call(method: "/Get"), .invalidArgument),
        call("a method with two slashes", V1.Call(method: "a/b/c"), .invalidArgument),
        call("a method with a space", V1.Call(method: "a/b c"), .invalidArgument),
        call("a method of 129 bytes", V1.Call(method: "a/" + String(repeating: "m", count: 127)), .invalidArgument),
        call(
            "an idempotency key of 15 bytes",
            V1.Call(method: "a/b", idempotencyKey: Array(repeating: 1, count: 15)),
            .invalidArgument
        ),
        call("33 pairs of metadata", V1.Call(method: "a/b", metadata: pairs(33)), .resourceExhausted),
        call("metadata over 8 KiB", V1.Call(method: "a/b", metadata: pairs(2, size: 4096)), .resourceExhausted),
        call("a metadata key in upper case", V1.Call(method: "a/b", metadata: pairs(1, key: "K")), .invalidArgument),
        call("a traceparent that is none", V1.Call(method: "a/b", traceparent: "00-xyz"), .invalidArgument),
        call(
            "a scope over 1 KiB",
            V1.Call(method: "a/b", scope: String(repeating: "s", count: 1025)),
            .resourceExhausted
        ),
        call(
            "a message over max_message",
            V1.Call(method: "a/b", message: Array(repeating: 0, count: 1024 * 1024 + 1)),
            .resourceExhausted
        ),
    ]

    static let harmless: [Violation] = [
        Violation("an unknown skippable frame", open + raw(type: 0xc3, flags: 0xff, aux: 77, garbage), .nothing),
        Violation("CANCEL of a stream that has ended", open + Sent.call(1) + Sent.cancel(1) + Sent.cancel(1), .nothing),
        Violation(
            "a minor version that is newer",
            [0x89, 0x57, 0x47, 0x4d, 1, 200, 0x0d, 0x0a] + Sent.hello,
            .nothing
        ),
        Violation("fields that are unknown in HELLO", Sent.preface + raw(type: 1, [0xf8, 0x07, 0x01]), .nothing),
    ]
}

@Suite("Frames: what breaks the rules")
struct FramesViolationTests {
    @Test(
        "ends the connection with the reason in a GOAWAY, however the bytes are cut",
        arguments: Violation.ofConnection,
        [Int.max, 1, 7]
    )
    func endsConnection(violation: Violation, pieces: Int) throws {
        let script = FramesScript()
        script.send(violation.bytes, inPiecesOf: pieces)
        let goaways = try script.goaways()
        #expect(script.isClosed)
        #expect(goaways.count == 1)
        #expect(script.fault.map { .goaway($0.reason) } == violation.expected)
        #expect(goaways.first?.code == script.fault?.reason.rawValue)
        #expect(goaways.first?.message?.isEmpty == false)
        #expect(script.frames.last?.type == .goaway)
    }

    @Test("in a call ends the call alone, however the bytes are cut", arguments: Violation.ofCall, [Int.max, 1, 4096])
    func endsCall(violation: Violation, pieces: Int) throws {
        guard violation.bytes.count < 100_000 || pieces > 1 else { return }
        let script = FramesScript()
        script.send(violation.bytes, inPiecesOf: pieces)
        let code = try script.end(of: 1)?.code
        #expect(!script.isClosed)
        #expect(script.calls.isEmpty)
        #expect(code.flatMap(StatusCode.init).map { .end($0, stream: 1) } == violation.expected)
        #expect(script.refused[1]?.code.rawValue == code)
        script.send(Sent.ping)
        #expect(script.frames.last == TestFrame(.ping, flags: .ack, Array("12345678".utf8)))
    }

    @Test("but is harmless leaves everything as it is", arguments: Violation.harmless, [Int.max, 1])
    func harmless(violation: Violation, pieces: Int) throws {
        let script = FramesScript()
        script.send(violation.bytes, inPiecesOf: pieces)
        #expect(!script.isClosed)
        script.send(Sent.ping)
        #expect(script.frames.last?.type == .ping)
    }

    @Test("by a foreign major version is answered with the majors that are spoken")
    func majors() throws {
        let script = FramesScript()
        script.send([0x89, 0x57, 0x47, 0x4d, 9, 9, 0x0d, 0x0a])
        #expect(try script.goaways().first?.majors == [1])
    }

    @Test("by its length is noticed at the header, before any payload has come")
    func lengthFirst() {
        let script = FramesScript()
        script.send(Sent.authenticated + Violation.raw(length: 0x00ff_ffff, stream: 1, type: 4, flags: 1))
        #expect(script.fault?.reason == .tooLarge)
    }
}
