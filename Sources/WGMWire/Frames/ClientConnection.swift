// SPDX-License-Identifier: Apache-2.0

/// The client's side of one connection, as a state machine without any input or output of its own.
///
/// It writes ahead: preface, HELLO, AUTH and CALL may all be in the first `takeOutput`.
public struct ClientConnection: ~Copyable {
    /// What the server said.
    public enum Event: Sendable {
        case authed(V1.Authed)
        case ended(stream: UInt32, V1.End)
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
        public var slot = 0
        public var timeout: Duration?
        /// 16 random bytes, needed by every method that changes state.
        public var idempotencyKey: [UInt8]?
        public var traceparent: String?
        public var scope: String?
        /// Why, for the revision and the audit record; the metadata `reason`.
        public var reason: String?

        public init(method: String, message: [UInt8]?, slot: Int = 0) {
            self.method = method
            self.message = message
            self.slot = slot
        }
    }

    private enum Phase { case preface, hello, open, failed }

    private let limits: WireLimits
    private var phase = Phase.preface
    private var input = FrameBuffer()
    private var output: [UInt8] = []
    private var nextStream: UInt32 = 1
    private var waiting: Set<UInt32> = []
    /// What the server announced; nil until its HELLO is here.
    public private(set) var server: V1.Hello?

    public var hasOutput: Bool { !output.isEmpty }

    /// `agent` is name and version of this program, printable ASCII, for the server's logs.
    public init(limits: WireLimits, agent: String) {
        self.limits = limits
        output = Preface.current.bytes
        var hello = V1.Hello()
        hello.agent = agent.cut(toBytes: limits.agent)
        hello.maxFrame = UInt32(clamping: limits.frame)
        hello.maxMessage = UInt32(clamping: limits.message)
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
    /// Throws what the server is known to refuse.
    public mutating func call(_ call: Call) throws(Status) -> UInt32 {
        let accepted = server?.maxMessage.map(Int.init) ?? WireLimits().message
        guard call.message.map(\.count) ?? 0 <= accepted else {
            throw Status(.resourceExhausted, "the request has more than the \(accepted) bytes that the server accepts")
        }
        guard nextStream <= FrameHeader.lastPossibleStream - 2 else {
            throw Status(.unavailable, "the connection has no more streams: open another")
        }
        let stream = nextStream
        nextStream += 2
        waiting.insert(stream)
        let flags: FrameFlags = call.message == nil ? .endStream : [.endStream, .hasMessage]
        let header = FrameHeader(type: .call, stream: stream, flags: flags, aux: UInt16(clamping: call.slot))
        output.append(header, payload: call.envelope.serialized())
        return stream
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

    private mutating func readPreface() throws(ConnectionFault) -> Bool {
        switch Preface.read(input.unread) {
        case .incomplete: return false
        case .foreign: throw ConnectionFault(.preface, "what answers there does not speak wgm's protocol")
        case .whole:
            // Of another major version is only the GOAWAY that says so, which never changes.
            input.drop(Preface.byteCount)
            phase = .hello
            return true
        }
    }

    private mutating func take(_ header: FrameHeader, _ payload: Range<Int>) throws(ConnectionFault) -> Event? {
        guard let type = FrameType(rawValue: header.type) else { return nil }
        switch type {
        case .hello:
            server = try control(payload, as: V1.Hello.self, type)
            phase = .open
            return nil
        case .authed: return .authed(try control(payload, as: V1.Authed.self, type))
        case .goaway: return .goaway(try control(payload, as: V1.Goaway.self, type))
        case .ping:
            guard payload.count == 8 else { throw ConnectionFault(.malformed, "PING: must carry 8 bytes") }
            if !header.flags.contains(.ack) {
                output.append(FrameHeader(type: .ping, flags: .ack), payload: input.copy(payload))
            }
            return nil
        case .end:
            guard waiting.remove(header.stream) != nil else {
                throw ConnectionFault(.protocolError, "END: stream \(header.stream) is not open")
            }
            let end = try control(payload, as: V1.End.self, type)
            guard header.flags.contains(.hasMessage) == (end.reply != nil) else {
                throw ConnectionFault(.malformed, "END: the flag HAS_MESSAGE and the field must agree")
            }
            return .ended(stream: header.stream, end)
        // Streams of messages come with a later minor version; their frames are handled here then.
        case .data, .window, .auth, .call, .cancel:
            throw ConnectionFault(.protocolError, "\(type.name): not expected from a server")
        }
    }

    private func control<M: WireMessage>(
        _ payload: Range<Int>,
        as type: M.Type,
        _ frame: FrameType
    ) throws(ConnectionFault) -> M {
        switch input.parse(payload, as: type) {
        case .success(let message): return message
        case .failure(let error): throw ConnectionFault(.malformed, "\(frame.name): \(error)")
        }
    }

    /// The rules for a header from the server.
    ///
    /// GOAWAY may come instead of HELLO.
    private func judge(isOpen: Bool) -> (FrameHeader) throws(ConnectionFault) -> Void {
        let limits = limits
        return { (header) throws(ConnectionFault) in
            guard header.stream <= FrameHeader.lastPossibleStream else {
                throw ConnectionFault(.protocolError, "bit 31 of the stream is reserved")
            }
            let type = FrameType(rawValue: header.type)
            guard type != nil || header.type >= 0x80 else {
                throw ConnectionFault(.protocolError, "type \(header.type) is unknown and must be understood")
            }
            guard type == .goaway || isOpen == (type != .hello) else {
                throw ConnectionFault(.protocolError, "HELLO must come first and only once")
            }
            let limit = type.map { limits.clientAccepts($0) ?? 0 } ?? limits.frame
            guard header.length <= UInt32(clamping: limit) else {
                throw ConnectionFault(
                    .tooLarge,
                    "\(type?.name ?? "frame"): \(header.length) bytes, \(limit) are allowed"
                )
            }
            guard let type else { return }
            guard header.flags.isSubset(of: type.definedFlags), header.aux == 0 else {
                throw ConnectionFault(.protocolError, "\(type.name): a reserved bit is set")
            }
            guard type == .window || type.isAboutConnection == (header.stream == 0) else {
                throw ConnectionFault(.protocolError, "\(type.name): stream \(header.stream) is not possible")
            }
        }
    }
}

extension ClientConnection.Call {
    fileprivate var envelope: V1.Call {
        var call = V1.Call()
        call.method = method
        call.timeoutMs = timeout.map { UInt32(clamping: max(1, $0.wholeMilliseconds)) }
        call.idempotencyKey = idempotencyKey
        call.traceparent = traceparent
        call.scope = scope
        if let reason { call.metadata = [V1.MetadataPair(key: "reason", value: Array(reason.utf8))] }
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
