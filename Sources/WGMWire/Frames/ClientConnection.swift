// SPDX-License-Identifier: Apache-2.0

/// The client's side of one connection, as a state machine without any input or output of its own.
///
/// It writes ahead: preface, HELLO, AUTH and CALL may all be in the first `takeOutput`.
public struct ClientConnection: ~Copyable {
    /// What the server said.
    public enum Event: Sendable {
        case authed(V1.Authed)
        case ended(stream: UInt32, V1.End)
        /// A message in DATA; when it was used, `used` gets `cost`.
        case message(stream: UInt32, [UInt8], cost: Int)
        /// Calls above `last_stream` were not and will not be begun.
        case goaway(V1.Goaway)
        /// The server broke a rule; nothing more is read, and a GOAWAY that says so is in the output.
        case failed(ConnectionFault)
    }

    /// A call to be sent.
    public struct Call: Sendable {
        public var method: String
        /// nil is no message, which an empty message is not.
        public var message: [UInt8]?
        /// No message follows in DATA.
        public var isComplete = true
        public var slot = 0
        public var timeout: Duration?
        /// 16 random bytes, needed by every method that changes state.
        public var idempotencyKey: [UInt8]?
        public var traceparent: String?
        public var scope: String?
        /// Why, for the revision and the audit record; the metadata `reason`.
        public var reason: String?
        public var metadata: [(key: String, value: [UInt8])] = []

        public init(method: String, message: [UInt8]?, slot: Int = 0) {
            self.method = method
            self.message = message
            self.slot = slot
        }
    }

    enum Phase { case preface, hello, open, failed }

    let limits: WireLimits
    var phase = Phase.preface
    var input = FrameBuffer()
    var output: [UInt8] = []
    var nextStream: UInt32 = 1
    var waiting: Set<UInt32> = []
    var receiver: DataReceiver
    /// Without credit until the server's HELLO is here.
    var sender = DataSender(frame: WireLimits.Assumed.frame, streamCredit: 0, connectionCredit: 0)
    /// What the server announced; nil until its HELLO is here.
    public internal(set) var server: V1.Hello?

    public var hasOutput: Bool { !output.isEmpty }

    /// `agent` is name and version of this program, printable ASCII, for the server's logs.
    public init(limits: WireLimits, agent: String) {
        self.limits = limits
        receiver = DataReceiver(limits, givesConnectionOnArrival: true)
        output = Preface.current.bytes
        var hello = V1.Hello()
        hello.agent = agent.cut(toBytes: limits.agent)
        hello.maxFrame = UInt32(clamping: limits.frame)
        hello.maxMessage = UInt32(clamping: limits.message)
        hello.announceCredit(limits)
        output.append(FrameHeader(type: .hello), payload: hello.serialized())
    }

    /// Puts a token into a slot, 1 to 8.
    public mutating func authenticate(slot: Int, token: String) throws(Status) {
        guard (1...ServerConnection.slotCount).contains(slot), (1...limits.token).contains(token.utf8.count) else {
            throw Status(.invalidArgument, "a token has at most \(limits.token) bytes and goes into slot 1 to 8")
        }
        var auth = V1.Authenticate()
        auth.slot = UInt32(slot)
        auth.token = token
        output.append(FrameHeader(type: .auth), payload: auth.serialized())
    }

    /// Opens a stream; its `ended` comes later.
    ///
    /// A message that is larger than the server takes in CALL goes as DATA.
    public mutating func call(_ call: Call) throws(Status) -> UInt32 {
        guard nextStream <= FrameHeader.lastPossibleStream - 2 else {
            throw Status(.unavailable, "the connection has no more streams: open another")
        }
        let stream = nextStream
        nextStream += 2
        waiting.insert(stream)
        var call = call
        var large: [UInt8]?
        if let count = call.message?.count, count > server?.maxMessage.map(Int.init) ?? WireLimits.Assumed.message {
            swap(&large, &call.message)
        }
        var flags: FrameFlags = call.isComplete && large == nil ? .endStream : []
        if call.message != nil { flags.insert(.hasMessage) }
        let header = FrameHeader(type: .call, stream: stream, flags: flags, aux: UInt16(clamping: call.slot))
        output.append(header, payload: call.envelope.serialized())
        if !flags.contains(.endStream) { sender.open(stream) }
        if let large { send(stream, large) }
        if call.isComplete { finish(stream) }
        return stream
    }

    /// One more message on a stream whose call is not complete; it leaves in `fill`.
    public mutating func send(_ stream: UInt32, _ message: [UInt8]) { sender.queue(stream, message) }

    /// No more messages on this stream.
    public mutating func finish(_ stream: UInt32) { sender.finish(stream) }

    /// Moves messages into the output, up to `size` bytes of it; the streams of which nothing waits any more.
    public mutating func fill(upTo size: Int) -> [UInt32] {
        phase == .failed ? [] : sender.write(into: &output, upTo: size)
    }

    /// Its END has not come.
    public func isOpen(_ stream: UInt32) -> Bool { waiting.contains(stream) }

    /// Messages of this stream have not left yet.
    public func isWaiting(_ stream: UInt32) -> Bool { sender.isWaiting(stream) }

    /// A message that `.message` brought was used.
    public mutating func used(_ stream: UInt32, cost: Int) {
        if phase != .failed { receiver.used(stream, cost: cost, into: &output) }
    }

    /// Gives a call up; its `ended` still comes, unless it is already here.
    public mutating func cancel(_ stream: UInt32) {
        guard waiting.contains(stream) else { return }
        output.append(FrameHeader(type: .cancel, stream: stream), payload: [])
    }

    public mutating func takeOutput() -> [UInt8] {
        let taken = output
        output = []
        return taken
    }

    public mutating func receive(_ bytes: RawSpan) {
        if phase != .failed { input.append(bytes) }
    }

    /// What the server said next; nil when more bytes are needed.
    public mutating func nextEvent() -> Event? {
        do throws(ConnectionFault) {
            while true {
                switch phase {
                case .failed: return nil
                case .preface: guard try readPreface() else { return nil }
                case .hello, .open:
                    guard let (header, payload) = try input.next(check: judge(isOpen: phase == .open)) else {
                        return nil
                    }
                    if let event = try take(header, payload) { return event }
                }
            }
        } catch {
            phase = .failed
            input.dropAll()
            var goaway = V1.Goaway()
            goaway.code = error.reason.rawValue
            goaway.message = error.words
            output.append(FrameHeader(type: .goaway), payload: goaway.serialized())
            return .failed(error)
        }
    }
}

extension ClientConnection.Call {
    package mutating func set(_ options: CallOptions) {
        timeout = options.timeout
        idempotencyKey = options.idempotencyKey
        traceparent = options.traceparent
        scope = options.scope
        reason = options.reason
        metadata = options.metadata
    }

    fileprivate var envelope: V1.Call {
        var call = V1.Call()
        call.method = method
        call.timeoutMs = timeout.map { UInt32(clamping: max(1, $0.wholeMilliseconds)) }
        call.idempotencyKey = idempotencyKey
        call.traceparent = traceparent
        call.scope = scope
        call.metadata = metadata.map { V1.MetadataPair(key: $0.key, value: $0.value) }
        if let reason { call.metadata.append(V1.MetadataPair(key: "reason", value: Array(reason.utf8))) }
        call.message = message
        return call
    }
}

extension Duration {
    /// Rounded towards zero.
    var wholeMilliseconds: Int64 {
        let (whole, overflow) = components.seconds.multipliedReportingOverflow(by: 1000)
        return overflow
            ? .max : whole.addingReportingOverflow(components.attoseconds / 1_000_000_000_000_000).partialValue
    }
}
