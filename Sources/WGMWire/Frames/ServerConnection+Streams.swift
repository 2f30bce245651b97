// SPDX-License-Identifier: Apache-2.0

/// Streams of messages: what unary calls never touch.
extension ServerConnection {
    /// An answer to a `.call` that is not complete: it is to come again when its one message has.
    ///
    /// `limit` is the largest message that the method takes.
    public mutating func collect(_ call: ReceivedCall, limit: Int) {
        guard streams[call.stream]?.ended == false else { return }
        collecting[call.stream] = call
        guard (call.message ?? []).count <= limit else { return stop(call.stream, .requestTooLarge) }
        guard receiver.openCollected(call.stream, limit: limit, call: call.memory) else {
            return stop(call.stream, .noRoom)
        }
    }

    /// The other answer: every message, of at most `limit` bytes, becomes an event.
    public mutating func expectMessages(_ stream: UInt32, limit: Int) {
        if streams[stream]?.ended == false { receiver.open(stream, limit: limit) }
    }

    /// The method has `stream` in its `rpc` line: no deadline unless the caller named one.
    public mutating func setStreamDeadline(_ call: ReceivedCall, now: Moment) {
        let deadline = call.timeout.map { now + $0 } ?? .never
        streams[call.stream]?.deadline = deadline
        wake(at: deadline)
    }

    /// A message for the caller; it leaves in `fill`.
    ///
    /// - Throws: RESOURCE_EXHAUSTED for more than the caller accepts.
    public mutating func send(_ stream: UInt32, _ message: [UInt8]) throws(Status) {
        guard message.count <= clientMessage else {
            throw Status(
                .resourceExhausted,
                "a message of \(message.count) bytes, the caller accepts \(clientMessage)"
            )
        }
        guard streams[stream]?.ended == false else { return }
        if !sender.isOpen(stream) { sender.open(stream) }
        sender.queue(stream, message)
    }

    /// Messages wait, and some of them might leave.
    public var hasWaitingData: Bool { sender.hasWaiting }

    public func isWaiting(_ stream: UInt32) -> Bool { sender.isWaiting(stream) }

    /// Moves messages into the output, up to `size` bytes of it; the streams of which nothing waits any more.
    public mutating func fill(upTo size: Int) -> [UInt32] {
        guard !isClosing else { return [] }
        let done = sender.write(into: &output, upTo: size)
        for stream in done { if let outcome = endings.removeValue(forKey: stream) { finish(stream, outcome) } }
        return done
    }

    /// The handler has used a message that `.message` brought.
    public mutating func used(_ stream: UInt32, cost: Int) {
        if !isClosing { receiver.used(stream, cost: cost, into: &output) }
    }

    mutating func takeData(_ header: FrameHeader, _ payload: Range<Int>, now: Moment) throws(ConnectionFault) {
        try judgeOpened(header, "DATA")
        guard let entry = streams[header.stream], !entry.ended, endings[header.stream] == nil else {
            return try receiver.drop(header, into: &output)
        }
        guard receiver.isOpen(header.stream) else {
            throw ConnectionFault(.protocolError, "DATA: stream \(header.stream) has had its END_STREAM")
        }
        switch try receiver.take(header, input.slice(payload), into: &output) {
        case .nothing: break
        case .tooLarge: return stop(header.stream, .requestTooLarge)
        case .noRoom: return stop(header.stream, .noRoom)
        case .message(let message, let cost):
            guard collecting[header.stream] != nil else {
                events.append(.message(stream: header.stream, message, cost: cost))
                break
            }
            guard collecting[header.stream]?.message == nil else {
                return stop(header.stream, Status(.invalidArgument, "the method takes one message"))
            }
            collecting[header.stream]?.message = message
        }
        guard header.flags.contains(.endStream) else { return }
        if var call = collecting.removeValue(forKey: header.stream) {
            receiver.close(header.stream, into: &output)
            call.isComplete = true
            events.append(.call(call))
        } else {
            events.append(.requestEnd(stream: header.stream))
        }
    }

    mutating func takeWindow(_ header: FrameHeader, _ payload: Range<Int>) throws(ConnectionFault) {
        guard let credit = WindowFrame.credit(input.copy(payload)) else {
            throw ConnectionFault(.malformed, "WINDOW: must carry a number from 1 to \(DataSender.largestCredit)")
        }
        guard header.stream > 0 else { return try sender.grant(0, credit) }
        try judgeOpened(header, "WINDOW")
        guard let entry = streams[header.stream], !entry.ended else { return }
        if !sender.isOpen(header.stream) { sender.open(header.stream) }
        try sender.grant(header.stream, credit)
    }

    /// Forgets what was to go either way.
    mutating func closeData(_ stream: UInt32) {
        sender.close(stream)
        receiver.close(stream, into: &output)
    }

    func judgeOpened(_ header: FrameHeader, _ name: String) throws(ConnectionFault) {
        guard !header.stream.isMultiple(of: 2), header.stream <= lastStream || isDraining else {
            throw ConnectionFault(.protocolError, "\(name): stream \(header.stream) was never opened")
        }
    }
}

extension Status {
    fileprivate static let requestTooLarge = Status(
        .resourceExhausted,
        "a message is too large",
        reason: "REQUEST_TOO_LARGE"
    )
    fileprivate static let noRoom = Status(
        .resourceExhausted,
        "too many messages are incomplete; send them one after the other",
        reason: "NO_ROOM",
        retryAfterMilliseconds: 1000
    )
}
