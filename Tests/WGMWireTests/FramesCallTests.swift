// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WGMWire

@Suite("Frames: calls on the server's side")
struct FramesCallTests {
    @Test("Preface, HELLO, AUTH and CALL in one write are all understood", arguments: [Int.max, 1, 5])
    func oneWrite(pieces: Int) throws {
        let script = FramesScript()
        script.answersAtOnce = true
        script.send(Sent.authenticated + Sent.call(1, V1.Call(method: "a.B/C", message: [1, 2])), inPiecesOf: pieces)
        #expect(script.frames.map(\.type) == [.hello, .authed, .end])
        #expect(script.calls.map(\.method) == ["a.B/C"])
        #expect(try script.end(of: 1) == V1.End(code: 0, reply: [1, 2]))
        #expect(script.frames.last?.header.flags == .hasMessage)
    }

    @Test("No message and an empty message are two things")
    func presence() throws {
        let script = FramesScript()
        script.answersAtOnce = true
        let calls = Sent.call(1, V1.Call(method: "a/b")) + Sent.call(3, V1.Call(method: "a/b", message: []))
        script.send(Sent.authenticated + calls)
        #expect(script.calls.map(\.message) == [nil, []])
        #expect(try script.end(of: 1)?.reply == nil)
        #expect(try script.end(of: 3)?.reply == [])
    }

    @Test("A call without a token is possible before any AUTH, and so is a login after it")
    func anonymous() throws {
        let script = FramesScript()
        script.answersAtOnce = true
        script.send(Sent.start + Sent.call(1, slot: 0) + Sent.auth() + Sent.call(3))
        #expect(script.calls.map(\.slot) == [0, 1])
    }

    @Test("A refused token leaves the connection open and the earlier token in its slot")
    func refusedRenewal() throws {
        let script = FramesScript()
        script.answersAtOnce = true
        script.send(Sent.authenticated + Sent.auth("bad") + Sent.call(1))
        #expect(try script.authed().map(\.code) == [0, 16])
        #expect(try script.end(of: 1)?.code == 0)
    }

    @Test("The limits before a token no longer hold after it")
    func handshakeIsOver() {
        let script = FramesScript()
        script.answersAtOnce = true
        let big = V1.Call(method: "a/b", message: Array(repeating: 7, count: 1024 * 1024))
        script.send(Sent.authenticated + (0..<20).flatMap { Sent.call(UInt32(2 * $0 + 1)) } + Sent.call(41, big))
        #expect(script.calls.count == 21)
        #expect(!script.isClosed)
    }

    @Test("The 65th call at a time is refused, and taken again when another has ended")
    func streamLimit() throws {
        let script = FramesScript()
        script.send(Sent.authenticated + (0..<65).flatMap { Sent.call(UInt32(2 * $0 + 1)) })
        #expect(script.calls.count == 64)
        #expect(try script.end(of: 129)?.code == StatusCode.resourceExhausted.rawValue)
        script.end(1)
        script.send(Sent.call(131))
        #expect(script.calls.count == 65)
    }

    @Test("A cancelled call is answered at once and counted until its handler has ended")
    func rapidReset() throws {
        let script = FramesScript()
        script.send(Sent.authenticated + (0..<64).flatMap { Sent.call(UInt32(2 * $0 + 1)) })
        script.send((0..<64).flatMap { Sent.cancel(UInt32(2 * $0 + 1)) })
        #expect(script.stopped.count == 64)
        #expect(try script.end(of: 1)?.code == StatusCode.cancelled.rawValue)
        script.send(Sent.call(129))
        #expect(try script.end(of: 129)?.code == StatusCode.resourceExhausted.rawValue)
        script.end(1, CallOutcome(reply: [9]))
        #expect(try script.end(of: 1)?.reply == nil, "the late result is dropped")
        script.send(Sent.call(131))
        #expect(script.calls.last?.stream == 131)
    }

    @Test("A reply larger than the client accepts becomes RESOURCE_EXHAUSTED")
    func replyTooLarge() throws {
        let script = FramesScript()
        let hello = TestFrame(.hello, V1.Hello(maxMessage: 100).serialized()).bytes
        script.send(Sent.preface + hello + Sent.auth() + Sent.call(1))
        script.end(1, CallOutcome(reply: Array(repeating: 0, count: 101)))
        #expect(try script.end(of: 1)?.code == StatusCode.resourceExhausted.rawValue)
    }

    @Test("A status text over 1 KiB is cut between characters, details over 16 KiB are left out")
    func longStatus() throws {
        let script = FramesScript()
        script.send(Sent.authenticated + Sent.call(1))
        let reason = String(repeating: "R", count: 17 * 1024)
        script.end(1, CallOutcome(failure: Status(.aborted, String(repeating: "ü", count: 600) + "x", reason: reason)))
        let end = try #require(try script.end(of: 1))
        #expect(end.message == String(repeating: "ü", count: 512))
        #expect(end.details == nil)
        #expect("aüü".cut(toBytes: 4) == "aü")
    }

    @Test("The client's GOAWAY lets running calls end and then closes")
    func clientLeaves() throws {
        let script = FramesScript()
        script.send(Sent.authenticated + Sent.call(1) + TestFrame(.goaway).bytes)
        #expect(!script.isClosed)
        script.end(1, CallOutcome(reply: []))
        #expect(script.isClosed)
        #expect(script.fault == nil)
        #expect(try script.end(of: 1)?.code == 0)
    }
}
