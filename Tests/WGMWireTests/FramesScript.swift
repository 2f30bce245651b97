// SPDX-License-Identifier: Apache-2.0
@testable import WGMWire

/// A frame as a test writes or reads it.
struct TestFrame: Equatable, CustomStringConvertible {
    var header: FrameHeader
    var payload: [UInt8]

    init(_ type: FrameType, stream: UInt32 = 0, flags: FrameFlags = [], aux: UInt16 = 0, _ payload: [UInt8] = []) {
        header = FrameHeader(type: type, stream: stream, flags: flags, aux: aux, length: UInt32(payload.count))
        self.payload = payload
    }

    var bytes: [UInt8] { header.bytes + payload }
    var type: FrameType? { FrameType(rawValue: header.type) }
    var description: String { "\(type?.name ?? String(header.type)) on \(header.stream), \(payload.count) bytes" }

    /// The frames in a byte string; stops at what is not whole.
    static func all(in bytes: [UInt8]) -> [TestFrame] {
        var frames: [TestFrame] = []
        var rest = bytes[...]
        while let header = FrameHeader(rest), rest.count >= 12 + Int(header.length) {
            var frame = TestFrame(.ping)
            frame.header = header
            frame.payload = Array(rest.dropFirst(12).prefix(Int(header.length)))
            frames.append(frame)
            rest = rest.dropFirst(12 + Int(header.length))
        }
        return frames
    }
}

/// What clients usually send.
enum Sent {
    static let preface = Preface.current.bytes
    static let hello = TestFrame(.hello, V1.Hello(agent: "test/1").serialized()).bytes
    static let start = preface + hello

    static func auth(slot: UInt32 = 1, _ token: String = "good") -> [UInt8] {
        TestFrame(.auth, V1.Authenticate(slot: slot, token: token).serialized()).bytes
    }

    static func call(_ stream: UInt32, slot: UInt16 = 1, _ call: V1.Call = V1.Call(method: "a.B/C")) -> [UInt8] {
        let flags: FrameFlags = call.message == nil ? .endStream : [.endStream, .hasMessage]
        return TestFrame(.call, stream: stream, flags: flags, aux: slot, call.serialized()).bytes
    }

    /// A call whose messages follow in DATA.
    static func open(_ stream: UInt32, _ call: V1.Call = V1.Call(method: "a.B/C")) -> [UInt8] {
        TestFrame(.call, stream: stream, flags: call.message == nil ? [] : .hasMessage, aux: 1, call.serialized()).bytes
    }

    static func data(_ stream: UInt32, _ flags: FrameFlags = .hasMessage, _ payload: [UInt8] = []) -> [UInt8] {
        TestFrame(.data, stream: stream, flags: flags, payload).bytes
    }

    static func window(_ stream: UInt32, _ credit: UInt32) -> [UInt8] {
        let payload = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: credit >> $0) }
        return TestFrame(.window, stream: stream, payload).bytes
    }

    static func cancel(_ stream: UInt32) -> [UInt8] { TestFrame(.cancel, stream: stream).bytes }
    static let ping = TestFrame(.ping, Array("12345678".utf8)).bytes
    static let authenticated = start + auth()
}

/// Drives a server connection as an engine would, and keeps what happens.
final class FramesScript {
    var connection: ServerConnection
    var now = Moment(nanoseconds: 1_000_000_000)
    var calls: [ReceivedCall] = []
    var stopped: [UInt32] = []
    var messages: [UInt32: [[UInt8]]] = [:]
    var requestEnds: [UInt32] = []
    /// Messages are used as they come; else they wait in `unused`.
    var usesMessages = true
    var unused: [(stream: UInt32, cost: Int)] = []
    /// Calls that are not complete are collected into one message of at most so many bytes.
    var collects: Int?
    var messageLimit = 65536
    var refused: [UInt32: Status] = [:]
    var expiredSlots: [Int] = []
    var fault: ConnectionFault?
    var isClosed = false
    var output: [UInt8] = []
    /// Answers each call as it comes.
    var answersAtOnce = false
    var tokenLifetime: Duration = .seconds(900)

    init(_ limits: WireLimits = WireLimits(), room: AssemblyRoom? = nil) {
        connection = ServerConnection(
            limits: limits,
            agent: "wgmd/test",
            now: now,
            unixMilliseconds: 1_800_000_000_000,
            room: room
        )
    }

    func send(_ bytes: [UInt8], inPiecesOf size: Int = .max) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(size)
            unsafe connection.receive(piece.span.bytes)
            run()
        }
    }

    func wait(_ duration: Duration) {
        now = now + duration
        connection.advance(now: now)
        run()
    }

    func end(_ stream: UInt32, _ outcome: CallOutcome = CallOutcome(reply: nil)) {
        connection.end(stream, outcome)
        run()
    }

    func run() {
        while let event = connection.nextEvent(now: now) {
            switch event {
            case .authenticate(let slot, "good"):
                connection.accept(
                    slot: slot,
                    subject: "alice",
                    scopes: [],
                    expires: now + tokenLifetime,
                    unixMilliseconds: 1_800_000_900_000
                )
            case .authenticate(let slot, _):
                connection.refuse(slot: slot, Status(.unauthenticated, "bad token"))
            case .call(let call):
                calls.append(call)
                if !call.isComplete {
                    if let collects {
                        connection.collect(call, limit: collects)
                        continue
                    }
                    connection.expectMessages(call.stream, limit: messageLimit)
                    connection.setStreamDeadline(call, now: now)
                }
                if answersAtOnce { connection.end(call.stream, CallOutcome(reply: call.message)) }
            case .refused(let stream, _, _, let status): refused[stream] = status
            case .message(let stream, let message, let cost):
                messages[stream, default: []].append(message)
                if usesMessages { connection.used(stream, cost: cost) } else { unused.append((stream, cost)) }
            case .requestEnd(let stream): requestEnds.append(stream)
            case .stopped(let stream): stopped.append(stream)
            case .slotExpired(let slot): expiredSlots.append(slot)
            case .closing(let fault):
                self.fault = fault
                isClosed = true
            }
        }
        repeat { _ = connection.fill(upTo: 1024 * 1024) } while take()
    }

    private func take() -> Bool {
        let more = connection.takeOutput()
        output += more
        return !more.isEmpty
    }

    /// Everything the server sent after its preface.
    var frames: [TestFrame] {
        output.starts(with: Preface.current.bytes) ? TestFrame.all(in: Array(output.dropFirst(8))) : []
    }

    func end(of stream: UInt32) throws -> V1.End? {
        let ends = frames.filter { $0.type == .end && $0.header.stream == stream }
        return ends.count == 1 ? try V1.End(serialized: ends[0].payload) : nil
    }

    func goaways() throws -> [V1.Goaway] {
        try frames.filter { $0.type == .goaway }.map { frame in try V1.Goaway(serialized: frame.payload) }
    }

    func authed() throws -> [V1.Authed] {
        try frames.filter { $0.type == .authed }.map { frame in try V1.Authed(serialized: frame.payload) }
    }
}
