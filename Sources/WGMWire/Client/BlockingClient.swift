// SPDX-License-Identifier: Apache-2.0

/// A client for programs that do one thing after the other.
///
/// No event loop, no thread. Preface, HELLO, AUTH and the first CALL leave in one write.
public struct BlockingClient: ~Copyable, BlockingCaller {
    /// The slot of the one token that this client uses.
    static let slot = 1
    /// How much longer than the server's deadline the client waits for the answer that says so.
    static let grace: Duration = .seconds(1)
    /// So many bytes of messages may wait for the socket.
    private static let pendingMessages = 256 * 1024

    var link: ClientLink
    var connection: ClientConnection
    var hasToken: Bool
    /// What arrived while messages were being sent.
    var backlog: [ClientConnection.Event] = []
    /// Why the token was refused, if it was.
    var refusal: Status?
    var goaway: V1.Goaway?
    private var fault: ConnectionFault?

    /// For every call that names no other.
    public var timeout: Duration = .seconds(30)
    /// How long the server's first word may take: a socket that systemd holds takes connections while wgmd does not run.
    public var greetingTimeout: Duration = .seconds(10)
    private var isGreeted = false
    private var firstAsked: Moment?

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
        var options = options
        options.timeout = options.timeout ?? timeout
        let call = try open(method, message, isComplete: true, options)
        return try reply(to: call)
    }

    /// The last word on a call, and the one message that may have come before it.
    mutating func reply(to call: Opened) throws(Status) -> [UInt8]? {
        var reply: [UInt8]?
        while true {
            switch try arrival(for: call) {
            case .message(let message):
                guard reply == nil else { throw secondReply(to: call) }
                reply = message
            case .end(let last):
                guard reply == nil || last == nil else { throw secondReply(to: call) }
                return last ?? reply
            }
        }
    }

    private mutating func secondReply(to call: Opened) -> Status {
        give(up: call)
        return Status(.internal, "the server sent a second message", reason: "REPLY_MALFORMED")
    }

    /// The next event that is not about the connection as a whole; those are kept.
    mutating func next() -> ClientConnection.Event? {
        while let event = connection.nextEvent() {
            switch event {
            case .ended, .message: return event
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
        pass()
        return nil
    }

    /// Hands over what is to be sent, and no more messages than the socket takes soon.
    mutating func pass() {
        if link.pendingCount < Self.pendingMessages { _ = connection.fill(upTo: Self.pendingMessages) }
        link.queue(connection.takeOutput())
    }

    /// One round of waiting, sending and receiving; false when the time is over.
    ///
    /// - Throws: UNAVAILABLE with the reason `SILENT` when the server has never said anything.
    mutating func exchange(until end: Moment) throws(Status) -> Bool {
        let now = Moment.now()
        var left = end.since(now)
        guard left > .zero else { return false }
        if !isGreeted {
            let asked = firstAsked ?? now
            firstAsked = asked
            let patience = (asked + greetingTimeout).since(now)
            guard patience > .zero else { throw silent }
            left = min(left, patience)
        }
        if let bytes = link.exchange(timeout: left) {
            isGreeted = isGreeted || !bytes.isEmpty
            unsafe connection.receive(bytes.span.bytes)
        }
        return true
    }

    private var silent: Status {
        let words = "connected, but wgmd has not said a word within \(greetingTimeout): it has not started, or is stuck"
        return Status(.unavailable, words, reason: "SILENT")
    }

    func broken(callMayHaveRun: Bool) -> Status {
        link.refusal ?? refusal ?? Status(connectionLost: goaway, fault, callMayHaveRun: callMayHaveRun)
    }
}

extension WireLimits {
    /// What a client accepts: replies may be larger than requests.
    public static var client: WireLimits {
        var limits = WireLimits()
        limits.message = 8 * 1024 * 1024
        limits.assembly = 64 * 1024 * 1024
        return limits
    }
}
