// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WGMWire

@Suite("Frames: time on the server's side")
struct FramesTimeTests {
    @Test(
        "A connection without an accepted token ends after 5 seconds",
        arguments: [[], Array(Sent.preface.prefix(3)), Sent.preface, Sent.start, Sent.start + Sent.auth("bad")]
    )
    func halfOpen(bytes: [UInt8]) throws {
        let script = FramesScript()
        script.send(bytes)
        script.wait(.milliseconds(4999))
        #expect(!script.isClosed)
        script.wait(.milliseconds(1))
        #expect(script.fault?.reason == .timeout)
        #expect(try script.goaways().count == 1)
    }

    @Test("A frame that is not completed ends the connection after 30 seconds, however slowly it drips")
    func slowFrame() {
        let script = FramesScript()
        let call = Sent.call(1, V1.Call(method: "a/b", message: Array(repeating: 0, count: 1000)))
        script.send(Sent.authenticated + call.prefix(20))
        for byte in call.dropFirst(20).prefix(3) {
            script.wait(.seconds(9))
            script.send([byte])
        }
        #expect(!script.isClosed)
        script.wait(.seconds(3))
        #expect(script.fault?.reason == .timeout)
    }

    @Test("Ten minutes without a call end the connection, a running call keeps it")
    func idle() {
        let script = FramesScript()
        script.tokenLifetime = .seconds(86400)
        script.send(Sent.authenticated + Sent.call(1, V1.Call(method: "a/b", timeoutMs: 3_600_000)))
        script.wait(.seconds(599))
        script.end(1)
        script.wait(.seconds(599))
        #expect(!script.isClosed)
        script.wait(.seconds(1))
        #expect(script.fault?.reason == .idle)
    }

    @Test("What is no call does not keep a connection without calls")
    func idleWithFrames() {
        let script = FramesScript()
        script.tokenLifetime = .seconds(86400)
        script.send(Sent.authenticated)
        for _ in 0..<60 {
            script.wait(.seconds(10))
            script.send(Sent.window(0, 1) + Violation.raw(type: 0xd5, [1]))
        }
        #expect(script.fault?.reason == .idle)
    }

    @Test("Frames that wait because the client takes nothing are not taken for one that does not end")
    func notReading() {
        let script = FramesScript()
        script.send(Sent.authenticated)
        let calls = Sent.call(1) + Sent.call(3)
        unsafe script.connection.receive(calls.span.bytes)
        for _ in 0..<4 {
            script.now = script.now + .seconds(10)
            #expect(script.connection.nextEvent(now: script.now, reading: false) == nil)
            script.connection.advance(now: script.now)
        }
        script.run()
        #expect(!script.isClosed)
        #expect(script.calls.map(\.stream) == [1, 3])
    }

    @Test("A call whose request is not there yet ends with the notice of the shutdown")
    func drainingRequest() throws {
        let script = FramesScript()
        script.collects = 1000
        script.send(Sent.authenticated + Sent.open(1) + Sent.call(3))
        script.connection.drain(now: script.now)
        script.wait(.seconds(1))
        #expect(try script.end(of: 1)?.code == StatusCode.unavailable.rawValue)
        #expect(!script.isClosed)
        script.end(3)
        #expect(script.isClosed)
    }

    @Test(
        "The deadline ends the call and stops its handler",
        arguments: [(UInt32?.none, 30_000), (0, 30_000), (250, 250), (UInt32.max, 600_000)]
    )
    func deadline(asked: UInt32?, milliseconds: Int) throws {
        let script = FramesScript()
        script.send(Sent.authenticated + Sent.call(1, V1.Call(method: "a/b", timeoutMs: asked)))
        script.wait(.milliseconds(milliseconds - 1))
        #expect(script.stopped.isEmpty)
        #expect(script.connection.wake <= script.now + .milliseconds(1))
        script.wait(.milliseconds(1))
        #expect(script.stopped == [1])
        #expect(try script.end(of: 1)?.code == StatusCode.deadlineExceeded.rawValue)
    }

    @Test("A token's expiry ends its calls and not those of another slot")
    func expiry() throws {
        let script = FramesScript()
        script.tokenLifetime = .seconds(10)
        script.send(Sent.authenticated)
        script.tokenLifetime = .seconds(100)
        script.send(Sent.auth(slot: 2) + Sent.call(1) + Sent.call(3, slot: 2))
        #expect(script.connection.wake <= script.now + .seconds(10))
        script.wait(.seconds(10))
        #expect(script.expiredSlots == [1])
        #expect(script.stopped == [1])
        #expect(try script.end(of: 1)?.code == StatusCode.unauthenticated.rawValue)
        script.send(Sent.call(5))
        #expect(try script.end(of: 5)?.code == StatusCode.unauthenticated.rawValue)
        script.send(Sent.auth() + Sent.call(7))
        #expect(script.calls.last?.stream == 7, "a renewed slot works again")
    }

    @Test("An expired slot is refused even if nobody has looked at the clock")
    func expiryAtCall() throws {
        let script = FramesScript()
        script.tokenLifetime = .seconds(10)
        script.send(Sent.authenticated)
        script.now = script.now + .seconds(10)
        script.send(Sent.call(1))
        #expect(try script.end(of: 1)?.code == StatusCode.unauthenticated.rawValue)
    }

    @Test("PINGs five seconds apart are answered for ever")
    func patientPings() {
        let script = FramesScript()
        script.send(Sent.authenticated)
        for _ in 0..<20 {
            script.send(Sent.ping)
            script.wait(.seconds(5))
        }
        #expect(script.frames.count { $0.type == .ping } == 20)
    }

    @Test("A drain announces itself, takes calls for a second, names the last, and waits for it")
    func drain() throws {
        let script = FramesScript()
        script.send(Sent.authenticated)
        script.connection.drain(now: script.now)
        script.send(Sent.call(1))
        #expect(try script.goaways().map(\.lastStream) == [0x7fff_ffff])
        #expect(script.calls.count == 1)
        script.wait(.seconds(1))
        #expect(try script.goaways().map(\.lastStream) == [0x7fff_ffff, 1])
        script.send(Sent.call(3))
        #expect(script.calls.count == 1, "a call after the last is ignored")
        #expect(try script.end(of: 3) == nil)
        script.end(1, CallOutcome(reply: [5]))
        #expect(script.isClosed)
        #expect(script.fault == nil)
        #expect(try script.end(of: 1)?.reply == [5])
    }

    @Test("A drain waits ten seconds for a call and no longer")
    func drainIsBounded() throws {
        let script = FramesScript()
        script.send(Sent.authenticated + Sent.call(1))
        script.connection.drain(now: script.now)
        script.wait(.seconds(1))
        script.wait(.seconds(10))
        #expect(script.isClosed)
        #expect(script.stopped == [1])
        #expect(try script.end(of: 1)?.code == StatusCode.unavailable.rawValue)
    }

    @Test("The clock's arithmetic cannot overflow")
    func arithmetic() {
        #expect(Moment(nanoseconds: .max - 5) + .seconds(1) == .never)
        #expect(Moment(nanoseconds: 7) + .seconds(-1) == Moment(nanoseconds: 7))
        #expect(Moment(nanoseconds: 0) + .seconds(Int64.max) == .never)
        #expect(Moment(nanoseconds: 5).since(Moment(nanoseconds: 9)) == .zero)
    }
}
