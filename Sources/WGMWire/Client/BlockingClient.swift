// SPDX-License-Identifier: Apache-2.0

/// A client for programs that do one thing after the other.
///
/// No event loop, no thread. Preface, HELLO, AUTH and the first CALL leave in one write.
public struct BlockingClient: ~Copyable, BlockingCaller {
    /// The slot of the one token that this client uses.
    private static let slot = 1
    /// How much longer than the server's deadline the client waits for the answer that says so.
    private static let grace: Duration = .seconds(1)

    private var link: ClientLink
    private var connection: ClientConnection
    private var hasToken: Bool
    /// Why the token was refused, if it was.
    private var refusal: Status?
    private var goaway: V1.Goaway?
    private var fault: ConnectionFault?

    /// For every call that names no other.
    public var timeout: Duration = .seconds(30)

    /// Connects to a Unix socket; nothing is sent before the first call.
    ///
    /// `path` is that of wgmd's socket. Without a token only anonymous methods can be called, until `authenticate`.
    /// `agent` is name and version of this program, for the server's logs.
    ///
    /// - Throws: UNAVAILABLE or PERMISSION_DENIED, saying what to do about it.
    public static func connect(
        path: String,
        token: String?,
        agent: String,
        limits: WireLimits = .client
    ) throws(Status) -> BlockingClient {
        let socket: UnixSocket
        do throws(ByteStreamFailure) { socket = try UnixSocket(path: path, timeout: .seconds(5)) } catch {
            throw Status(connecting: path, failed: error.number)
        }
        return try BlockingClient(socket, token: token, agent: agent, limits: limits)
    }

    /// Speaks over a connection that is there already; nothing is sent before the first call.
    ///
    /// - Throws: INVALID_ARGUMENT for a token that no server takes.
    public init(
        _ stream: any ByteStream,
        token: String?,
        agent: String,
        limits: WireLimits = .client
    ) throws(Status) {
        var connection = ClientConnection(limits: limits, agent: agent)
        if let token { try connection.authenticate(slot: Self.slot, token: token) }
        self.init(link: ClientLink(stream), connection: connection, hasToken: token != nil)
    }

    private init(link: consuming ClientLink, connection: consuming ClientConnection, hasToken: Bool) {
        self.link = link
        self.connection = connection
        self.hasToken = hasToken
    }

    /// Presents a token for all later calls, in place of an earlier one, and waits for the verdict.
    ///
    /// - Throws: the server's status when it refuses; an earlier token then stays in use.
    @discardableResult
    public mutating func authenticate(token: String) throws(Status) -> V1.Authed {
        try connection.authenticate(slot: Self.slot, token: token)
        link.queue(connection.takeOutput())
        let end = Moment.now() + timeout
        while true {
            while let event = next() {
                guard case .authed(let authed) = event else { continue }
                if let refusal { throw refusal }
                hasToken = true
                return authed
            }
            guard try exchange(until: end) else {
                throw Status(.deadlineExceeded, "the server has not judged the token within \(timeout)")
            }
            if link.isOver { throw broken(callMayHaveRun: false) }
        }
    }

    public mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        as reply: R.Type
    ) throws(Status) -> R {
        try call(method, request, as: reply, options: CallOptions())
    }

    /// Makes a call.
    ///
    /// A method that changes state gets a random idempotency key unless the options have one.
    ///
    /// - Throws: the server's status, or UNAVAILABLE with the reason `NEVER_RUN` or `MAY_HAVE_RUN`.
    public mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        as reply: R.Type,
        options: CallOptions
    ) throws(Status) -> R {
        var options = options
        if method.isMutation, options.idempotencyKey == nil { options.idempotencyKey = CallOptions.randomKey() }
        let bytes = try call(method.name, request.serialized(), options: options)
        do throws(MessageError) {
            return try R(serialized: bytes ?? [])
        } catch {
            throw Status(.internal, "the reply cannot be read: \(error)", reason: "REPLY_MALFORMED")
        }
    }

    /// Makes a call with messages that are serialized already; nil is no message.
    public mutating func call(
        _ method: String,
        _ message: [UInt8]?,
        options: CallOptions
    ) throws(Status) -> [UInt8]? {
        let timeout = options.timeout ?? timeout
        var call = ClientConnection.Call(method: method, message: message, slot: hasToken ? Self.slot : 0)
        call.timeout = timeout
        call.idempotencyKey = options.idempotencyKey
        call.traceparent = options.traceparent
        call.scope = options.scope
        call.reason = options.reason
        if link.isOver || goaway != nil { throw broken(callMayHaveRun: false) }
        let stream = try connection.call(call)
        link.queue(connection.takeOutput())
        return try outcome(of: stream, sentAt: link.queuedCount, within: timeout)
    }

    /// Waits for the END of a stream whose CALL ends `sentAt` bytes into everything that was ever queued.
    private mutating func outcome(
        of stream: UInt32,
        sentAt: Int,
        within timeout: Duration
    ) throws(Status) -> [UInt8]? {
        let end = Moment.now() + timeout + Self.grace
        while true {
            while let event = next() {
                guard case .ended(stream, let end) = event else { continue }
                guard let failure = Status(end) else { return end.reply }
                throw failure.code == .unauthenticated ? refusal ?? failure : failure
            }
            let mayHaveRun = link.sentCount >= sentAt && goaway?.lastStream ?? stream >= stream
            if link.isOver { throw broken(callMayHaveRun: mayHaveRun) }
            if goaway != nil, !mayHaveRun { throw broken(callMayHaveRun: false) }
            guard try exchange(until: end) else {
                connection.cancel(stream)
                link.queue(connection.takeOutput())
                link.sendWhatFits()
                let reason = mayHaveRun ? "MAY_HAVE_RUN" : "NEVER_RUN"
                throw Status(.deadlineExceeded, "no answer within \(timeout)", reason: reason)
            }
        }
    }

    /// The next event that is not about the connection as a whole; those are kept.
    private mutating func next() -> ClientConnection.Event? {
        while let event = connection.nextEvent() {
            switch event {
            case .ended: return event
            case .authed(let authed):
                refusal = Status(authed)
                return event
            case .goaway(let goaway): self.goaway = goaway
            case .failed(let fault):
                self.fault = fault
                link.queue(connection.takeOutput())
                link.sendWhatFits()
                link.giveUp()
            }
        }
        link.queue(connection.takeOutput())
        return nil
    }

    /// One round of waiting, sending and receiving; false when the time is over.
    private mutating func exchange(until end: Moment) throws(Status) -> Bool {
        let left = end.since(.now())
        guard left > .zero else { return false }
        if let bytes = link.exchange(timeout: left) { unsafe connection.receive(bytes.span.bytes) }
        return true
    }

    private func broken(callMayHaveRun: Bool) -> Status {
        link.refusal ?? refusal ?? Status(connectionLost: goaway, fault, callMayHaveRun: callMayHaveRun)
    }
}

/// What one call may set for itself.
public struct CallOptions: Sendable {
    public var timeout: Duration?
    /// 16 bytes; the same again makes a retry of the same call.
    public var idempotencyKey: [UInt8]?
    /// Narrows the token for this call.
    public var scope: String?
    public var traceparent: String?
    /// Why the call is made, for the revision and the audit record; the metadata `reason`.
    public var reason: String?

    public init() {}

    /// 16 bytes from the system's random number generator.
    public static func randomKey() -> [UInt8] {
        var source = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &source) }
    }
}

extension WireLimits {
    /// What a client accepts: replies may be larger than requests.
    public static var client: WireLimits {
        var limits = WireLimits()
        limits.message = 8 * 1024 * 1024
        return limits
    }
}
