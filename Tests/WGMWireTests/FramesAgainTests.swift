// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WGMWire

@Suite("Frames: calls that are answered from their bytes alone")
struct FramesAgainTests {
    private static let get = V1.Call(method: "a.B/C", message: [1])
    private static let end = V1.End(code: 0, reply: [9]).serialized()

    /// What comes out when `call` arrives on a connection with a good token and `again` knows `get`.
    private func answers(
        to bytes: [UInt8],
        on script: FramesScript = FramesScript(),
        end: [UInt8] = end
    ) -> (frames: [TestFrame], calls: [ReceivedCall], asked: Int) {
        script.send(Sent.authenticated)
        _ = script.connection.takeOutput()
        script.connection.receive(unsafe bytes.span.bytes)
        var calls: [ReceivedCall] = []
        var asked = 0
        while let event = script.connection.nextEvent(
            now: script.now,
            again: { _, call in
                asked += 1
                return unsafe call.withUnsafeBytes { unsafe Array($0) } == Self.get.serialized() ? end : nil
            }
        ) {
            if case .call(let call) = event { calls.append(call) }
        }
        let output = script.connection.writeOutput { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        return (TestFrame.all(in: output), calls, asked)
    }

    @Test("A known call gets its END without an event, and another is read")
    func known() {
        let other = V1.Call(method: "a.B/C", message: [2])
        let (frames, calls, asked) = answers(to: Sent.call(1, Self.get) + Sent.call(3, other) + Sent.call(5, Self.get))
        #expect(frames == [1, 5].map { TestFrame(.end, stream: $0, flags: .hasMessage, Self.end) })
        #expect(calls.map(\.stream) == [3])
        #expect(asked == 3)
    }

    @Test(
        "Without a token, without a message, or with a slot that is empty, nobody is asked",
        arguments: [
            Sent.call(1, slot: 0, get), Sent.call(1, slot: 2, get), Sent.call(1), Sent.call(1, slot: 1),
        ]
    )
    func notAsked(bytes: [UInt8]) {
        #expect(answers(to: bytes).asked == 0)
    }

    @Test("A token that has expired answers nothing")
    func expired() {
        let script = FramesScript()
        script.tokenLifetime = .zero
        #expect(answers(to: Sent.call(1, Self.get), on: script).asked == 0)
    }

    @Test("A stream that does not rise is the error that it always is", arguments: [2, 1] as [UInt32])
    func rising(stream: UInt32) {
        let (frames, _, asked) = answers(to: Sent.call(1, Self.get) + Sent.call(stream, Self.get))
        #expect(frames.map(\.type) == [.end, .goaway])
        #expect(asked == 1)
    }

    @Test("An answer that is longer than the caller takes is not given")
    func tooLong() {
        let (frames, calls, _) = answers(to: Sent.call(1, Self.get), end: Array(repeating: 0, count: 1 << 20 + 1))
        #expect(frames.isEmpty && calls.count == 1)
    }

    @Test("What a call was answered with comes back with the call's bytes, and a failure does not")
    func remembered() throws {
        let script = FramesScript()
        script.send(Sent.authenticated + Sent.call(1, Self.get))
        let call = try #require(script.calls.last)
        let payloads = script.connection.endForAgain(call, CallOutcome(reply: [9]))
        #expect(payloads?.call == Self.get.serialized() && payloads?.end == Self.end)
        script.send(Sent.call(3, Self.get))
        let next = try #require(script.calls.last)
        let none = script.connection.endForAgain(next, CallOutcome(failure: .unimplemented(method: "a")))
        #expect(none == nil)
        #expect(TestFrame.all(in: script.connection.takeOutput()).map(\.type) == [.end])
    }
}
