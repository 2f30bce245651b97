// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// A connection to the daemon that knows who is calling.
///
/// Without a token file it logs in by itself and remembers the token for a few minutes; a remembered token that the daemon
/// no longer accepts, or that lacks a permission which may have been given since, is replaced by a new login, once.
struct Session: ~Copyable {
    private enum Identity {
        /// Nobody: for methods that need no token.
        case anonymous
        /// A token that cannot be renewed, from a file.
        case given
        /// A token of an earlier login.
        case remembered
        /// A token of a login that this process made.
        case fresh
    }

    private let destination: Destination
    private let timeout: Duration
    private let reason: String?
    /// On what terms changes are made.
    private let terms: [(key: String, value: [UInt8])]
    private let confirm: TimeSpan?
    private let cache: TokenCache?
    private var client: BlockingClient
    private var identity: Identity
    /// For the next change, in place of a random one.
    var idempotencyKey: [UInt8]?

    /// For methods that need no token.
    static func anonymous(_ options: GlobalOptions) throws -> Session {
        let destination = try options.destination
        let client = try destination.connect(token: nil, timeout: options.duration)
        return Session(options, destination, cache: nil, client: client, identity: .anonymous)
    }

    static func authenticated(_ options: GlobalOptions) throws -> Session {
        let destination = try options.destination
        if let path = destination.tokenFile {
            let token = try TokenFile.read(path: path) { Console.warn($0) }
            let client = try destination.connect(token: token, timeout: options.duration)
            return Session(options, destination, cache: nil, client: client, identity: .given)
        }
        let cache = try tokenCache(destination)
        let remembered = cache?.read(now: .now)
        let client = try destination.connect(token: remembered?.token, timeout: options.duration)
        guard remembered == nil else {
            return Session(options, destination, cache: cache, client: client, identity: .remembered)
        }
        var session = Session(options, destination, cache: cache, client: client, identity: .anonymous)
        try session.logIn()
        return session
    }

    private init(
        _ options: GlobalOptions,
        _ destination: Destination,
        cache: TokenCache?,
        client: consuming BlockingClient,
        identity: Identity
    ) {
        self.destination = destination
        timeout = options.duration
        reason = options.message
        terms = options.terms
        confirm = options.confirm
        self.cache = cache
        self.client = client
        self.identity = identity
    }

    /// Where logins are remembered; a login is possible on the gateway itself only.
    private static func tokenCache(_ destination: Destination) throws(Failure) -> TokenCache? {
        guard let name = destination.tokenCacheName else {
            throw Failure(
                .unauthenticated,
                "to \(destination.cacheName) one cannot log in: a token is needed, --token-file FILE or WGM_TOKEN_FILE",
                hint: "on the gateway: wgmctl token issue --bind-certificate CERT.pem --output-file FILE"
            )
        }
        return TokenCache(socket: name)
    }

    /// Gets a token for the user of this process, presents it, and remembers it.
    @discardableResult
    mutating func logIn() throws(Status) -> V1.LoginResponse {
        let reply: V1.LoginResponse
        do throws(Status) {
            reply = try client.authLogin(V1.LoginRequest())
        } catch {
            throw error.about(V1.Auth.login)
        }
        guard let token = reply.token, !token.isEmpty else {
            throw Status(.internal, "the daemon's reply to the login holds no token")
        }
        if let expiry = reply.expiresUnixMs {
            cache?.write(CachedToken(token: token, expires: Timestamp(milliseconds: expiry)))
        }
        try client.authenticate(token: token)
        identity = .fresh
        return reply
    }

    /// Logs in anew, whatever is remembered; for `wgmctl login`.
    static func loggingIn(_ options: GlobalOptions) throws -> V1.LoginResponse {
        let destination = try options.destination
        let cache = try tokenCache(destination)
        let client = try destination.connect(token: nil, timeout: options.duration)
        var session = Session(options, destination, cache: cache, client: client, identity: .anonymous)
        return try session.logIn()
    }
}

extension Session: BlockingCaller {
    mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        as reply: R.Type
    ) throws(Status) -> R {
        var options = CallOptions()
        if method.isMutation {
            options.reason = reason
            options.idempotencyKey = idempotencyKey
            options.metadata = terms
        }
        do throws(Status) {
            let answer = try client.call(method, request, as: reply, options: options)
            note(method)
            return answer
        } catch {
            guard identity == .remembered, error.code == .unauthenticated || error.code == .permissionDenied else {
                throw identity == .given ? error.aboutGivenToken : error.about(method)
            }
        }
        try logInAnew()
        let answer = try client.call(method, request, as: reply, options: options)
        note(method)
        return answer
    }

    /// Watches until `each` returns false, which is given nil whenever nothing has come for `interval`.
    ///
    /// The call lasts as long as it may, whatever --timeout says.
    mutating func watch(
        _ request: V1.WatchRequest,
        every interval: Duration,
        each: (V1.WatchResponse?) throws(Status) -> Bool
    ) throws(Status) {
        try streaming { (client, begins) throws(Status) in
            try client.call(V1.Events.watch, request, options: CallOptions(), every: interval) {
                (response: V1.WatchResponse?) throws(Status) in
                if response != nil { begins() }
                return try each(response)
            }
        }
    }

    /// A call whose reply is a stream, as bytes; given up when `each` returns false.
    mutating func stream(_ method: MethodDescriptor, _ request: [UInt8], each: ([UInt8]) -> Bool) throws(Status) {
        let options = streamOptions(method)
        try streaming { (client, begins) throws(Status) in
            try client.call(method.name, request, options: options) { (bytes) throws(Status) in
                begins()
                return each(bytes)
            }
        }
    }

    /// A call whose request is a stream, as bytes: as `BlockingClient.call(_:options:every:next:each:)`.
    mutating func stream(
        _ method: MethodDescriptor,
        every interval: Duration,
        next: () throws(Status) -> NextRequest<[UInt8]>,
        each: ([UInt8]) -> Bool
    ) throws(Status) {
        let options = streamOptions(method)
        try streaming { (client, begins) throws(Status) in
            try client.call(method.name, options: options, every: interval) { () throws(Status) in
                let request = try next()
                // What was taken from the input cannot be sent once more.
                if case .message = request { begins() }
                return request
            } each: { (bytes) throws(Status) in
                begins()
                return each(bytes)
            }
        }
    }

    private func streamOptions(_ method: MethodDescriptor) -> CallOptions {
        var options = CallOptions()
        if method.isMutation {
            options.reason = reason
            options.idempotencyKey = idempotencyKey ?? CallOptions.randomKey()
            options.metadata = terms
        }
        return options
    }

    /// Makes a call, and once more after a login if the remembered token was refused before anything had begun.
    private mutating func streaming(
        _ call: (inout BlockingClient, _ begins: () -> Void) throws(Status) -> Void
    ) throws(Status) {
        var hasBegun = false
        do throws(Status) { return try call(&client) { hasBegun = true } } catch {
            let isDenied = error.code == .unauthenticated || error.code == .permissionDenied
            guard identity == .remembered, isDenied, !hasBegun else {
                throw identity == .given ? error.aboutGivenToken : error
            }
        }
        try logInAnew()
        try call(&client) {}
    }

    /// True when a token that is over can be replaced by another.
    var canLogIn: Bool { identity == .remembered || identity == .fresh }

    /// Forgets the remembered token and gets another.
    private mutating func logInAnew() throws(Status) {
        cache?.remove()
        // A connection whose token was refused has no valid slot, and a login needs none.
        client = try destination.connect(token: nil, timeout: timeout)
        identity = .anonymous
        try logIn()
    }

    /// What to do next when the change that was made waits to be confirmed.
    private func note(_ method: MethodDescriptor) {
        guard let confirm, method.isMutation, method.name != V1.Auth.login.name else { return }
        Console.note("this is undone in \(confirm.seconds) s unless you call: wgmctl confirm")
    }
}

extension Status {
    /// The reason that stands for `PERMISSION_MISSING` when the token came from a file.
    static let givenTokenTooNarrow = "GIVEN_TOKEN_TOO_NARROW"

    /// The reason of a call that changes nothing and had no answer in time.
    static let readUnanswered = "READ_UNANSWERED"

    /// After a read there is nothing to look for before it is repeated.
    fileprivate func about(_ method: MethodDescriptor) -> Status {
        let changes = method.isMutation && method.name != V1.Auth.login.name
        if reason == "SILENT", changes {
            // What was sent waits for it.
            return Status(code, message + "; once it starts, it may do what was asked", reason: "MAY_HAVE_RUN")
        }
        guard code == .deadlineExceeded, !changes else { return self }
        return Status(code, message, reason: Self.readUnanswered)
    }

    fileprivate var aboutGivenToken: Status {
        guard reason == "PERMISSION_MISSING" else { return self }
        var status = self
        status.details?.errorInfo?.reason = Self.givenTokenTooNarrow
        return status
    }
}

extension GlobalOptions {
    fileprivate var duration: Duration { .seconds(Int64(timeout.seconds)) }
}
