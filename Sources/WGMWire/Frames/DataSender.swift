// SPDX-License-Identifier: Apache-2.0

/// Messages that wait to leave as DATA, and the credit for them.
///
/// Streams take turns, a frame each.
struct DataSender {
    static let largestCredit = Int(Int32.max)

    private struct Stream {
        var credit: Int
        var messages: [[UInt8]] = []
        /// Bytes of the first message that have left.
        var offset = 0
        /// END_STREAM goes with or after the last message.
        var isFinishing = false
        var isInTurn = false

        var isWaiting: Bool { !messages.isEmpty || isFinishing }
    }

    private enum Step { case wrote, streamLacksCredit, connectionLacksCredit }

    /// The most payload that the receiver takes in one frame.
    var frame: Int
    private var credit: Int
    private var initialCredit: Int
    private var streams: [UInt32: Stream] = [:]
    private var turn: [UInt32] = []

    init(frame: Int, streamCredit: Int, connectionCredit: Int) {
        self.frame = frame
        initialCredit = streamCredit
        credit = connectionCredit
    }

    /// Something might be written.
    var hasWaiting: Bool { !turn.isEmpty }
    var isEmpty: Bool { streams.isEmpty }

    func isOpen(_ stream: UInt32) -> Bool { streams[stream] != nil }

    /// Messages of this stream have not left yet.
    func isWaiting(_ stream: UInt32) -> Bool { streams[stream]?.isWaiting ?? false }

    mutating func open(_ stream: UInt32) { streams[stream] = Stream(credit: initialCredit) }

    mutating func queue(_ stream: UInt32, _ message: [UInt8]) {
        streams[stream]?.messages.append(message)
        takeTurn(stream)
    }

    /// No more messages after those that wait.
    mutating func finish(_ stream: UInt32) {
        streams[stream]?.isFinishing = true
        takeTurn(stream)
    }

    /// What still waits is dropped.
    mutating func close(_ stream: UInt32) {
        guard !streams.isEmpty, streams.removeValue(forKey: stream) != nil else { return }
        turn.removeAll { $0 == stream }
    }

    /// The other side's HELLO has come, with the credit that everything starts with.
    private mutating func begin(frame: Int, streamCredit: Int, connectionCredit: Int) {
        self.frame = frame
        credit += connectionCredit
        initialCredit += streamCredit
        for stream in streams.keys.sorted() {
            streams[stream]?.credit += streamCredit
            takeTurn(stream)
        }
    }

    /// - Throws: when a credit in it is larger than any credit may be.
    mutating func begin(_ hello: V1.Hello, _ name: String) throws(ConnectionFault) {
        let stream = hello.initialWindow.map(Int.init) ?? WireLimits.Assumed.initialWindow
        let connection = hello.connectionWindow.map(Int.init) ?? WireLimits.Assumed.connectionWindow
        guard max(stream, connection) <= Self.largestCredit else {
            throw ConnectionFault(.malformed, "\(name): a credit exceeds \(Self.largestCredit)")
        }
        let frame = hello.maxFrame.map(Int.init) ?? WireLimits.Assumed.frame
        begin(
            // Small ones let other streams pass in between.
            frame: frame == 0 ? WireLimits.Assumed.frame : min(frame, WireLimits.Assumed.frame),
            streamCredit: stream,
            connectionCredit: connection
        )
    }

    /// WINDOW on a stream that is open, or on 0.
    mutating func grant(_ stream: UInt32, _ amount: Int) throws(ConnectionFault) {
        let now = stream == 0 ? credit : streams[stream]?.credit ?? 0
        guard now + amount <= Self.largestCredit else {
            throw ConnectionFault(
                .protocolError,
                "WINDOW: the credit of stream \(stream) exceeds \(Self.largestCredit)"
            )
        }
        if stream == 0 {
            credit += amount
        } else {
            streams[stream]?.credit += amount
            takeTurn(stream)
        }
    }

    private mutating func takeTurn(_ stream: UInt32) {
        guard let entry = streams[stream], entry.isWaiting, !entry.isInTurn else { return }
        streams[stream]?.isInTurn = true
        turn.append(stream)
    }

    /// Writes frames while credit lasts and there are fewer than `size` bytes of output; the streams that wait no more.
    mutating func write(into output: inout [UInt8], upTo size: Int) -> [UInt32] {
        var done: [UInt32] = []
        var withoutProgress = 0
        while output.count < size, withoutProgress < turn.count {
            let stream = turn.removeFirst()
            guard let index = streams.index(forKey: stream) else { continue }
            let step = writeFrame(of: stream, at: index, into: &output)
            let isWaiting = streams.values[index].isWaiting
            switch step {
            case .wrote: withoutProgress = 0
            case .connectionLacksCredit: withoutProgress += 1
            case .streamLacksCredit: break
            }
            if isWaiting, step != .streamLacksCredit {
                turn.append(stream)
            } else {
                streams.values[index].isInTurn = false
                if !isWaiting { done.append(stream) }
            }
        }
        return done
    }

    private mutating func writeFrame(
        of stream: UInt32,
        at index: Dictionary<UInt32, Stream>.Index,
        into output: inout [UInt8]
    ) -> Step {
        guard let message = streams.values[index].messages.first else {
            streams.values[index].isFinishing = false
            output.append(FrameHeader(type: .data, stream: stream, flags: .endStream), payload: [])
            return .wrote
        }
        let offset = streams.values[index].offset
        let rest = message.count - offset
        let least = FrameHeader.byteCount + min(1, rest)
        guard streams.values[index].credit >= least else { return .streamLacksCredit }
        guard credit >= least else { return .connectionLacksCredit }
        let room = min(streams.values[index].credit, credit) - FrameHeader.byteCount
        let count = min(rest, room, frame)
        var flags: FrameFlags = .hasMessage
        if count < rest {
            flags.insert(.more)
            streams.values[index].offset += count
        } else {
            streams.values[index].messages.removeFirst()
            streams.values[index].offset = 0
            if streams.values[index].messages.isEmpty, streams.values[index].isFinishing {
                flags.insert(.endStream)
                streams.values[index].isFinishing = false
            }
        }
        streams.values[index].credit -= FrameHeader.byteCount + count
        credit -= FrameHeader.byteCount + count
        output.append(FrameHeader(type: .data, stream: stream, flags: flags), slice: message[offset..<offset + count])
        return .wrote
    }
}

extension V1.Hello {
    /// Says only what is not assumed anyway.
    mutating func announceCredit(_ limits: WireLimits) {
        if limits.initialWindow != WireLimits.Assumed.initialWindow {
            initialWindow = UInt32(clamping: limits.initialWindow)
        }
        if limits.connectionWindow != WireLimits.Assumed.connectionWindow {
            connectionWindow = UInt32(clamping: limits.connectionWindow)
        }
    }
}

/// What a WINDOW frame says.
enum WindowFrame {
    /// The credit in a payload; nil when it is none.
    static func credit(_ payload: [UInt8]) -> Int? {
        let number = payload.reduce(0) { $0 << 8 | Int($1) }
        return payload.count == 4 && (1...DataSender.largestCredit).contains(number) ? number : nil
    }
}
