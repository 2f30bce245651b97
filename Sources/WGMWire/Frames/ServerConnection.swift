// SPDX-License-Identifier: Apache-2.0

/// The server's side of one connection, as a state machine without any input or output of its own.
///
/// Whoever drives it passes in the bytes that were read (`receive`), takes one event after the other (`nextEvent`), answers
/// it, and writes what `takeOutput` returns. Time is an argument; `advance` must be called when `wake` has come.
public struct ServerConnection: ~Copyable {
    /// What the driver has to do.
    public enum Event: Sendable {
        /// Judge a token and call `accept` or `refuse` before the next event is taken.
        case authenticate(slot: Int, token: String)
        /// Run the call and hand the outcome to `end`.
        ///
        /// A call that is not complete is answered with `collect` or `expectMessages` before the next event is taken.
        case call(ReceivedCall)
        /// The next message of a call; when it was used, `used` gets `cost`.
        case message(stream: UInt32, [UInt8], cost: Int)
        /// The caller sends nothing more.
        case requestEnd(stream: UInt32)
        /// A call was answered with a failure without reaching anybody. For the record.
        case refused(stream: UInt32, slot: Int, method: String?, Status)
        /// The caller has its END already: cancel the handler, which `end` must still be told about.
        case stopped(stream: UInt32)
        /// The token in this slot is no longer valid.
        case slotExpired(Int)
        /// Nothing more will be read or begun: write the output, then close. nil is a close as agreed.
        case closing(ConnectionFault?)
    }

    enum Phase {
        case preface
        case hello
        case open
        /// GOAWAY(max) was sent; new calls are accepted until then.
        case lastCalls(until: Moment)
        /// No new calls; what runs may finish until then.
        case draining(until: Moment)
        case closing
    }

    struct Stream {
        var slot: Int
        var deadline: Moment
        /// END was sent, the handler is still running.
        var ended = false
    }

    struct Slot {
        var expires: Moment
    }

    /// Bytes of output that a connection keeps room for.
    private static let keptOutput = 32 * 1024

    struct Handshake {
        var bytes = 0
        var frames = 0
        var tokens = 0
        var accepted = false
    }

    let limits: WireLimits
    let agent: String
    let started: Moment
    let unixMilliseconds: Int64
    var phase = Phase.preface
    var handshake = Handshake()
    var input = FrameBuffer()
    var output: [UInt8] = []
    var events: [Event] = []
    var streams: [UInt32: Stream] = [:]
    var slots: [Slot?] = Array(repeating: nil, count: slotCount + 1)
    var lastStream: UInt32 = 0
    /// What the client accepts as one reply.
    var clientMessage: Int
    /// When there was a call, at the latest that is known.
    var lastCall: Moment
    var frameBegan = Moment.never
    var lastPing: Moment?
    var pingStrikes = 0
    var cancels = RateWindow()
    var tokens = RateWindow()
    var refusals = RateWindow()
    var receiver: DataReceiver
    var sender: DataSender
    /// Calls whose one message comes in DATA.
    var collecting: [UInt32: ReceivedCall] = [:]
    /// Outcomes that wait until their stream's messages have left.
    var endings: [UInt32: CallOutcome] = [:]

    /// Slots are numbered 1 to this; slot 0 has no token.
    public static let slotCount = 8
    /// The program at the other end by its own account.
    ///
    /// For logs only.
    public internal(set) var clientAgent = ""
    /// When `advance` must be called at the latest.
    public internal(set) var wake: Moment
    public var isClosing: Bool { if case .closing = phase { true } else { false } }
    public var hasOutput: Bool { !output.isEmpty }
    public var outputCount: Int { output.count }

    /// `agent` is name and version of this program, for the client's logs; the time goes into HELLO.
    ///
    /// `room` is for the incomplete messages of all connections; nil when there is no other.
    public init(limits: WireLimits, agent: String, now: Moment, unixMilliseconds: Int64, room: AssemblyRoom? = nil) {
        self.limits = limits
        self.agent = agent
        started = now
        self.unixMilliseconds = unixMilliseconds
        lastCall = now
        clientMessage = limits.message
        receiver = DataReceiver(limits, room: room, givesConnectionOnArrival: false)
        sender = DataSender(frame: WireLimits.Assumed.frame, streamCredit: 0, connectionCredit: 0)
        wake = now + limits.handshakeTime
    }

    /// Takes bytes that were read.
    ///
    /// They are understood in `nextEvent`.
    public mutating func receive(_ bytes: RawSpan) {
        if !isClosing { input.append(bytes) }
    }

    /// The next thing to do; nil when more bytes are needed.
    ///
    /// With `reading` false, for a peer that does not take what it is sent, no further frame is understood.
    ///
    /// `atOnce` answers a call with a token from the payload of its frame, with the payload of an END that holds a reply; nil
    /// when the call must be read.
    public mutating func nextEvent(
        now: Moment,
        reading: Bool = true,
        atOnce: (_ call: PlainCall, _ payload: Span<UInt8>) -> [UInt8]? = { _, _ in nil }
    ) -> Event? {
        if !streams.isEmpty { lastCall = now }
        while reading, events.isEmpty {
            do throws(ConnectionFault) {
                guard try readOne(now: now, atOnce) else { break }
            } catch {
                fail(error)
            }
        }
        noteFrameInProgress(now: now, reading: reading)
        return events.isEmpty ? nil : events.removeFirst()
    }

    /// What is to be written now; empty afterwards.
    public mutating func takeOutput() -> [UInt8] {
        let taken = output
        output = []
        return taken
    }

    /// Gives what is to be written now to `write`; it is gone afterwards.
    public mutating func writeOutput<Result>(_ write: (RawSpan) -> Result) -> Result {
        defer { output.removeAll(keepingCapacity: output.count <= Self.keptOutput) }
        return unsafe write(output.span.bytes)
    }

    /// Ends the connection: GOAWAY, and nothing more is read.
    public mutating func fail(_ fault: ConnectionFault) {
        guard !isClosing else { return }
        if case .preface = phase { output.append(contentsOf: Preface.current.bytes) }
        sendGoaway(lastStream, fault.reason, fault.words)
        close(fault)
    }

    mutating func close(_ fault: ConnectionFault?) {
        phase = .closing
        input.dropAll()
        frameBegan = .never
        wake = .never
        streams.removeAll()
        collecting.removeAll()
        endings.removeAll()
        events.append(.closing(fault))
    }

    mutating func sendGoaway(_ last: UInt32, _ reason: GoawayReason, _ words: String) {
        var goaway = V1.Goaway()
        goaway.lastStream = last
        goaway.code = reason.rawValue
        goaway.message = words.cut(toBytes: limits.statusText)
        if reason == .version { goaway.majors = [UInt32(Preface.current.major)] }
        output.append(FrameHeader(type: .goaway), payload: goaway.serialized())
    }

    mutating func wake(at moment: Moment) { wake = min(wake, moment) }

    /// An unfinished frame has `frameTime` from its first byte that was seen.
    ///
    /// While nothing is read nobody knows whether it is finished.
    private mutating func noteFrameInProgress(now: Moment, reading: Bool) {
        if input.isEmpty || !reading {
            frameBegan = .never
        } else if frameBegan == .never, events.isEmpty {
            frameBegan = now
            wake(at: now + limits.frameTime)
        }
    }
}
