// SPDX-License-Identifier: Apache-2.0
internal import WGMWire

/// A client's bytes at the server's end of a connection.
///
/// However they are cut into reads, the answer is the same: well-formed frames of a server, one END at most for each
/// call, and a GOAWAY when the connection ends by a fault.
struct ServerFrames: FuzzTarget {
    static let name = "server-frames"
    static let shape = InputShape.frames

    init() {}

    func run(_ input: [UInt8]) throws {
        let whole = try ServerTalk(input, pieces: input.count + 1)
        let split = try ServerTalk(input, pieces: 1 + input.count % 5)
        try require(whole.output == split.output, "other answers when the bytes come in pieces")
        try require(whole.calls == split.calls, "other calls when the bytes come in pieces")
    }
}

/// One connection from its first byte to its end.
private struct ServerTalk: ~Copyable {
    private var connection: ServerConnection
    private var now = Moment(nanoseconds: 1_000_000_000)
    private var held: [UInt32] = []
    private var fault: ConnectionFault?
    private var isClosed = false
    private(set) var output: [UInt8] = []
    private(set) var calls: [String] = []

    init(_ input: [UInt8], pieces size: Int) throws(Finding) {
        connection = ServerConnection(
            limits: WireLimits(),
            agent: "wgmd/fuzz",
            now: now,
            unixMilliseconds: 1_800_000_000_000
        )
        for start in stride(from: 0, to: input.count, by: size) {
            let piece = Array(input[start..<min(start + size, input.count)])
            unsafe connection.receive(piece.span.bytes)
            run()
        }
        finish()
        try judge(input.count)
    }

    /// Held calls are answered, time passes, the server stops.
    private mutating func finish() {
        for stream in held { connection.end(stream, CallOutcome(failure: Status(.aborted, "held"))) }
        run()
        for _ in 0..<3 {
            connection.drain(now: now)
            now = now + .seconds(40)
            connection.advance(now: now)
            run()
        }
    }

    private mutating func run() {
        while let event = connection.nextEvent(now: now) {
            switch event {
            case .authenticate(let slot, let token):
                if token == "good" {
                    let end = now + .seconds(900)
                    connection.accept(slot: slot, subject: "a", scopes: [], expires: end, unixMilliseconds: 1)
                } else {
                    connection.refuse(slot: slot, Status(.unauthenticated, "bad token"))
                }
            case .call(let call):
                calls.append("\(call.stream) \(call.method) \(call.message ?? [])")
                // Some calls are held until the client has said everything.
                if call.method.utf8.count.isMultiple(of: 2) {
                    held.append(call.stream)
                } else {
                    connection.end(call.stream, CallOutcome(reply: call.message))
                }
            case .closing(let fault):
                self.fault = fault
                isClosed = true
            case .refused, .stopped, .slotExpired, .message, .requestEnd: break
            }
        }
        output += connection.takeOutput()
    }

    private func judge(_ inputCount: Int) throws(Finding) {
        try require(isClosed, "the connection has not ended")
        try require(output.count < 64 * 1024 + 4 * inputCount, "\(output.count) bytes of answers to \(inputCount)")
        let frames = try SentFrame.all(after: 8, in: output)
        let ends = frames.filter { $0.type == .end }.map(\.stream)
        try require(Set(ends).count == ends.count, "two ENDs for one call")
        let goaways = frames.filter { $0.type == .goaway }
        try require(fault == nil || !goaways.isEmpty, "the reason of the end was not said")
        for frame in frames { try frame.judge() }
    }
}

/// A frame that our side has written.
struct SentFrame {
    let type: FrameType
    let stream: UInt32
    let payload: [UInt8]

    /// All frames of the output; nothing may be left.
    static func all(after preface: Int, in output: [UInt8]) throws(Finding) -> [SentFrame] {
        try require(output.starts(with: [0x89, 0x57, 0x47, 0x4d, 1, 0, 0x0d, 0x0a]), "the preface is missing")
        var frames: [SentFrame] = []
        var rest = output.dropFirst(preface)
        while let header = FrameHeader(rest) {
            let end = 12 + Int(header.length)
            guard rest.count >= end, let type = FrameType(rawValue: header.type) else { break }
            frames.append(
                SentFrame(type: type, stream: header.stream, payload: Array(rest.dropFirst(12).prefix(end - 12)))
            )
            rest = rest.dropFirst(end)
        }
        try require(rest.isEmpty, "\(rest.count) bytes are no frame")
        return frames
    }

    func judge() throws(Finding) {
        do throws(MessageError) {
            switch type {
            case .hello: _ = try V1.Hello(serialized: payload)
            case .authed: _ = try V1.Authed(serialized: payload)
            case .end: _ = try V1.End(serialized: payload)
            case .goaway: _ = try V1.Goaway(serialized: payload)
            case .ping, .data, .window, .cancel, .call, .auth: break
            }
        } catch {
            throw Finding(description: "\(type.name): our own payload cannot be read: \(error)")
        }
    }
}
