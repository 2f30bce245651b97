// SPDX-License-Identifier: Apache-2.0

/// Calls with many messages, one after the other.
extension BlockingClient: BlockingStreamCaller {
    /// A call that was sent.
    struct Opened {
        let stream: UInt32
        /// CALL ends so many bytes into everything that was ever queued.
        let sentAt: Int
        let timeout: Duration?
        /// The client waits no longer than that.
        let end: Moment
    }

    /// What a call brings next.
    enum Arrival {
        case message([UInt8])
        /// The call has succeeded; the message in END, if there is one.
        case end([UInt8]?)
    }

    public mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        options: CallOptions,
        each: (R) throws(Status) -> Bool
    ) throws(Status) {
        try call(method.name, request.serialized(), options: options) { (bytes) throws(Status) in
            try each(try Self.read(bytes))
        }
    }

    public mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        as reply: R.Type,
        options: CallOptions,
        next: () throws(Status) -> Q?
    ) throws(Status) -> R {
        var options = options
        if method.isMutation, options.idempotencyKey == nil { options.idempotencyKey = CallOptions.randomKey() }
        let bytes = try call(method.name, options: options) { () throws(Status) in try next()?.serialized() }
        return try Self.read(bytes ?? [])
    }

    /// Makes a call whose reply is a stream; gives it up when `each` returns false.
    ///
    /// Without a timeout in the options it lasts until the server ends it.
    ///
    /// - Throws: the server's status, RESOURCE_EXHAUSTED with the reason `RESYNC` when `each` took too long.
    public mutating func call(
        _ method: String,
        _ message: [UInt8]?,
        options: CallOptions,
        each: ([UInt8]) throws(Status) -> Bool
    ) throws(Status) {
        let call = try open(method, message, isComplete: true, options)
        while true {
            let message: [UInt8]
            let isLast: Bool
            switch try arrival(for: call) {
            case .message(let bytes): (message, isLast) = (bytes, false)
            case .end(let bytes?): (message, isLast) = (bytes, true)
            case .end(nil): return
            }
            let goesOn: Bool
            do throws(Status) { goesOn = try each(message) } catch {
                give(up: call)
                throw error
            }
            if isLast { return }
            guard goesOn else { return give(up: call) }
        }
    }

    /// Makes a call whose reply is a stream, and gets the caller's own work done in between.
    ///
    /// `each` is given nil whenever nothing has come for `interval`; the call is given up when it returns false.
    public mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        options: CallOptions,
        every interval: Duration,
        each: (R?) throws(Status) -> Bool
    ) throws(Status) {
        let call = try open(method.name, request.serialized(), isComplete: true, options)
        while true {
            let reply: R?
            var isLast = false
            switch try arrival(for: call, within: interval) {
            case nil: reply = nil
            case .message(let bytes): reply = try Self.read(bytes)
            case .end(let bytes?): (reply, isLast) = (try Self.read(bytes), true)
            case .end(nil): return
            }
            let goesOn: Bool
            do throws(Status) { goesOn = try each(reply) } catch {
                give(up: call)
                throw error
            }
            if isLast { return }
            guard goesOn else { return give(up: call) }
        }
    }

    /// nil when nothing has come within the time.
    mutating func arrival(for call: Opened, within time: Duration) throws(Status) -> Arrival? {
        let end = Moment.now() + time
        while true {
            if let arrival = try takeArrival(for: call) { return arrival }
            guard Moment.now() < end else { return nil }
            try wait(for: call, until: end)
        }
    }

    /// Makes a call whose request is a stream, which ends when `next` returns nil.
    public mutating func call(
        _ method: String,
        options: CallOptions,
        next: () throws(Status) -> [UInt8]?
    ) throws(Status) -> [UInt8]? {
        let call = try open(method, nil, isComplete: false, options)
        do throws(Status) {
            while connection.isOpen(call.stream), let message = try next() {
                connection.send(call.stream, message)
                pass()
                while connection.isWaiting(call.stream), connection.isOpen(call.stream) { try wait(for: call) }
            }
        } catch {
            give(up: call)
            throw error
        }
        connection.finish(call.stream)
        pass()
        return try reply(to: call)
    }

    mutating func open(
        _ method: String,
        _ message: [UInt8]?,
        isComplete: Bool,
        _ options: CallOptions
    ) throws(Status) -> Opened {
        var call = ClientConnection.Call(method: method, message: message, slot: hasToken ? Self.slot : 0)
        call.isComplete = isComplete
        call.set(options)
        if link.isOver || goaway != nil { throw broken(callMayHaveRun: false) }
        let stream = try connection.call(call)
        link.queue(connection.takeOutput())
        return Opened(
            stream: stream,
            sentAt: link.queuedCount,
            timeout: options.timeout,
            end: options.timeout.map { .now() + $0 + Self.grace } ?? .never
        )
    }

    /// Waits for the next message, or END.
    ///
    /// - Throws: the status of END, or why it cannot come.
    mutating func arrival(for call: Opened) throws(Status) -> Arrival {
        while true {
            if let arrival = try takeArrival(for: call) { return arrival }
            try wait(for: call)
        }
    }

    private mutating func takeArrival(for call: Opened) throws(Status) -> Arrival? {
        while let event = backlog.isEmpty ? next() : backlog.removeFirst() {
            switch event {
            case .message(call.stream, let bytes, let cost):
                connection.used(call.stream, cost: cost)
                return .message(bytes)
            case .ended(call.stream, let end):
                guard let failure = Status(end) else { return .end(end.reply) }
                throw failure.code == .unauthenticated ? refusal ?? failure : failure
            case .message, .ended, .authed, .goaway, .failed: continue
            }
        }
        return nil
    }

    /// One round of waiting; what arrives is kept for `takeArrival`.
    private mutating func wait(for call: Opened, until moment: Moment = .never) throws(Status) {
        let mayHaveRun = link.sentCount >= call.sentAt && goaway?.lastStream ?? call.stream >= call.stream
        if link.isOver { throw broken(callMayHaveRun: mayHaveRun) }
        if goaway != nil, !mayHaveRun { throw broken(callMayHaveRun: false) }
        guard try exchange(until: min(call.end, moment)) else {
            guard Moment.now() >= call.end else { return }
            give(up: call)
            let reason = mayHaveRun ? "MAY_HAVE_RUN" : "NEVER_RUN"
            let words = "no answer within \(call.timeout ?? .zero)"
            throw Status(.deadlineExceeded, words, reason: reason)
        }
        while let event = next() { backlog.append(event) }
    }

    mutating func give(up call: Opened) {
        connection.cancel(call.stream)
        link.queue(connection.takeOutput())
        link.sendWhatFits()
    }

    private static func read<R: WireMessage>(_ bytes: [UInt8]) throws(Status) -> R {
        do throws(MessageError) { return try R(serialized: bytes) } catch {
            throw Status(.internal, "the reply cannot be read: \(error)", reason: "REPLY_MALFORMED")
        }
    }
}
