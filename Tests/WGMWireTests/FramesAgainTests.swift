// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WGMWire

@Suite("Frames: calls that are answered from their bytes alone")
struct FramesAgainTests {
    private static let get = V1.Call(method: "a.B/C", message: [1])
    private static let end = V1.End(code: 0, reply: [9]).serialized()

    /// What comes out when `call` arrives on a connection with a good token and `atOnce` knows the message of `get`.
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
            atOnce: { call, payload in
                asked += 1
                let method = unsafe payload.extracting(call.method).withUnsafeBytes { unsafe Array($0) }
                let message = unsafe payload.extracting(call.message).withUnsafeBytes { unsafe Array($0) }
                return method == Array("a.B/C".utf8) && message == [1] ? end : nil
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

    private static let trace = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"

    @Test(
        "A time limit and a trace context of its own make no other call",
        arguments: [
            V1.Call(method: "a.B/C", timeoutMs: 5, message: [1]),
            V1.Call(method: "a.B/C", timeoutMs: .max, traceparent: trace, message: [1]),
        ]
    )
    func plain(call: V1.Call) {
        let (frames, calls, _) = answers(to: Sent.call(1, call))
        #expect(frames.map(\.type) == [.end] && calls.isEmpty)
    }

    @Test(
        "A call that says more, or something wrong, is read as a whole",
        arguments: [
            V1.Call(method: "a.B/C", idempotencyKey: Array(repeating: 0, count: 16), message: [1]),
            V1.Call(method: "a.B/C", metadata: [V1.MetadataPair(key: "a", value: [])], message: [1]),
            V1.Call(method: "a.B/C", scope: "** get", message: [1]),
            V1.Call(method: "a.B/C", traceparent: "", message: [1]),
            V1.Call(method: "a.B/C", traceparent: "01" + trace.dropFirst(2), message: [1]),
            V1.Call(method: "a.B/C", traceparent: trace.uppercased(), message: [1]),
            V1.Call(method: "a.B/C", traceparent: trace + "0", message: [1]),
            V1.Call(method: "a.B/C", traceparent: trace.replacing("-", with: "0"), message: [1]),
        ]
    )
    func readWhole(call: V1.Call) {
        #expect(answers(to: Sent.call(1, call)).asked == 0)
    }

    private static func frame(_ payload: [UInt8]) -> [UInt8] {
        TestFrame(.call, stream: 1, flags: [.endStream, .hasMessage], aux: 1, payload).bytes
    }

    @Test("A payload that is cut, repeats a field or has one too many is read as a whole, and refused as ever")
    func malformed() {
        let whole = V1.Call(method: "a.B/C", timeoutMs: 300, traceparent: Self.trace, message: [1]).serialized()
        let message: [UInt8] = [7 << 3 | 2, 1, 1]
        let longTimeout: [UInt8] = [2 << 3, 0xff, 0xff, 0xff, 0xff, 0x1f]
        let plain = V1.Call(method: "a.B/C", message: [1]).serialized()
        let cut = (1..<whole.count).map { Array(whole.prefix($0)) }
        for payload in cut + [whole + message, plain + longTimeout, plain + [8 << 3, 1], plain + plain] {
            #expect(answers(to: Self.frame(payload)).asked == 0, "\(payload)")
        }
        #expect(answers(to: Self.frame(whole)).asked == 1)
    }

    @Test("A trace context is one of version 00 in lower case")
    func traceParent() {
        func isValid(_ bytes: [UInt8]) -> Bool { TraceParent.isValid(bytes.span) }
        let bytes = Array(Self.trace.utf8)
        #expect(isValid(bytes))
        for index in bytes.indices {
            for byte in "gG-.".utf8 where byte != bytes[index] {
                var wrong = bytes
                wrong[index] = byte
                #expect(!isValid(wrong))
            }
        }
    }
}
