// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    mutating func takeAuth(_ payload: Range<Int>, now: Moment) throws(ConnectionFault) {
        let auth = try control(payload, as: V1.Authenticate.self, "AUTH")
        guard let slot = auth.slot, (1...UInt32(Self.slotCount)).contains(slot) else {
            throw ConnectionFault(.malformed, "AUTH: slot must be 1 to \(Self.slotCount)")
        }
        guard let token = auth.token, (1...limits.token).contains(token.utf8.count) else {
            throw ConnectionFault(.malformed, "AUTH: token must have 1 to \(limits.token) bytes")
        }
        guard tokens.admit(now: now, limit: limits.tokensPerMinute, per: .seconds(60)) else {
            throw ConnectionFault(.calm, "AUTH: more than \(limits.tokensPerMinute) within a minute")
        }
        if !handshake.accepted { handshake.tokens += 1 }
        events.append(.authenticate(slot: Int(slot), token: token))
    }

    /// The answer to `.authenticate`: the token is good until `expires`.
    public mutating func accept(slot: Int, subject: String, scopes: [String], expires: Moment, unixMilliseconds: Int64)
    {
        guard !isClosing, slots.indices.contains(slot) else { return }
        handshake.accepted = true
        slots[slot] = Slot(expires: expires)
        wake(at: expires)
        var authed = V1.Authed()
        authed.slot = UInt32(slot)
        authed.code = StatusCode.ok.rawValue
        authed.expiresUnixMs = unixMilliseconds
        authed.subject = subject
        authed.scopes = scopes
        output.append(FrameHeader(type: .authed), payload: authed.serialized())
    }

    /// The answer to `.authenticate`: the token is refused.
    ///
    /// What was in the slot before stays there.
    public mutating func refuse(slot: Int, _ status: Status) {
        guard !isClosing else { return }
        var authed = V1.Authed()
        authed.slot = UInt32(slot)
        authed.code = status.code.rawValue
        authed.message = status.message.cut(toBytes: limits.statusText)
        output.append(FrameHeader(type: .authed), payload: authed.serialized())
        if !handshake.accepted, handshake.tokens >= limits.handshakeTokens {
            fail(ConnectionFault(.handshakeLimit, "\(handshake.tokens) tokens were refused"))
        }
    }

    mutating func takeCall(_ header: FrameHeader, _ payload: Range<Int>, now: Moment) throws(ConnectionFault) {
        guard !header.stream.isMultiple(of: 2), header.stream > lastStream else {
            throw ConnectionFault(.protocolError, "CALL: stream \(header.stream) is even or not above \(lastStream)")
        }
        // After the last GOAWAY a call may still be on its way; its sender knows that it is not answered.
        if case .draining = phase { return }
        lastStream = header.stream
        switch input.parse(payload, as: V1.Call.self) {
        case .failure(let error):
            try refuseCall(header, method: nil, Status(.invalidArgument, "CALL: \(error)"), now: now)
        case .success(let message):
            let status: Status
            do throws(Status) {
                return try begin(ReceivedCall(message, header: header, now: now, limits: limits), now: now)
            } catch {
                status = error
            }
            try refuseCall(header, method: message.method?.cut(toBytes: limits.method), status, now: now)
        }
    }

    /// Answers a plain call without reading its request; false when it must be read.
    mutating func answerAtOnce(
        _ header: FrameHeader,
        _ payload: Range<Int>,
        now: Moment,
        _ atOnce: (PlainCall, Span<UInt8>) -> [UInt8]?
    ) -> Bool {
        let most = clientMessage
        guard case .open = phase, header.flags == [.endStream, .hasMessage], header.aux != 0,
            !header.stream.isMultiple(of: 2), header.stream > lastStream, output.count < limits.outputHighWater,
            let slot = slots[Int(header.aux)], now < slot.expires,
            let end = input.read(
                payload,
                { bytes in
                    PlainCall(bytes, header, mostReply: most).flatMap { atOnce($0, bytes) }
                }
            ), end.count <= most
        else { return false }
        lastStream = header.stream
        output.append(FrameHeader(type: .end, stream: header.stream, flags: .hasMessage), payload: end)
        return true
    }

    private mutating func begin(_ call: ReceivedCall, now: Moment) throws(Status) {
        guard call.slot == 0 || slots[call.slot].map({ now < $0.expires }) ?? false else {
            throw Status(.unauthenticated, "slot \(call.slot) holds no valid token")
        }
        guard streams.count < limits.streams else {
            var status = Status(.resourceExhausted, "\(limits.streams) calls are running on this connection")
            status.retryAfterMilliseconds = 1000
            throw status
        }
        streams[call.stream] = Stream(slot: call.slot, deadline: call.deadline)
        wake(at: call.deadline)
        events.append(.call(call))
    }

    /// Each costs the caller next to nothing, and the audit log a record.
    private mutating func refuseCall(
        _ header: FrameHeader,
        method: String?,
        _ status: Status,
        now: Moment
    ) throws(ConnectionFault) {
        guard refusals.admit(now: now, limit: limits.refusalsPerSecond, per: .seconds(1)) else {
            throw ConnectionFault(.calm, "CALL: more than \(limits.refusalsPerSecond) within a second were not begun")
        }
        sendEnd(header.stream, CallOutcome(failure: status))
        events.append(.refused(stream: header.stream, slot: Int(header.aux), method: method, status))
    }

    /// The handler has ended.
    ///
    /// Its outcome is dropped when the caller already has its END.
    public mutating func end(_ stream: UInt32, _ outcome: CallOutcome) {
        guard let entry = streams.removeValue(forKey: stream) else { return }
        if !entry.ended {
            if sender.isWaiting(stream), outcome.failure == nil {
                streams[stream] = entry
                endings[stream] = outcome
                return
            }
            closeData(stream)
            sendEnd(stream, outcome)
        }
        closeIfDrained()
    }

    /// The last message has left.
    mutating func finish(_ stream: UInt32, _ outcome: CallOutcome) {
        streams[stream] = nil
        closeData(stream)
        sendEnd(stream, outcome)
        closeIfDrained()
    }

    mutating func takeCancel(_ header: FrameHeader, now: Moment) throws(ConnectionFault) {
        try judgeOpened(header, "CANCEL")
        guard cancels.admit(now: now, limit: limits.cancelsPerSecond, per: .seconds(1)) else {
            throw ConnectionFault(.calm, "CANCEL: more than \(limits.cancelsPerSecond) within a second")
        }
        stop(header.stream, Status(.cancelled, "cancelled by the caller"))
    }

    /// Answers the caller now; the stream stays counted until its handler has ended.
    mutating func stop(_ stream: UInt32, _ status: Status) {
        guard let entry = streams[stream], !entry.ended else { return }
        closeData(stream)
        sendEnd(stream, CallOutcome(failure: status))
        if let call = collecting.removeValue(forKey: stream) {
            streams[stream] = nil
            events.append(.refused(stream: stream, slot: call.slot, method: call.method, status))
        } else if endings.removeValue(forKey: stream) != nil {
            streams[stream] = nil
        } else {
            streams[stream]?.ended = true
            events.append(.stopped(stream: stream))
        }
        closeIfDrained()
    }

    var isDraining: Bool { if case .draining = phase { true } else { false } }

    private mutating func sendEnd(_ stream: UInt32, _ outcome: CallOutcome) {
        var outcome = outcome
        if let count = outcome.reply?.count, count > clientMessage {
            let words = """
                done, but the reply has \(count) bytes and the caller accepts \(clientMessage): accept more in HELLO, and for what \
                changes something ask again with the same idempotency key
                """
            let status = Status(.resourceExhausted, words, reason: "REPLY_TOO_LARGE")
            outcome = CallOutcome(failure: status, trailers: outcome.trailers)
        }
        let end = outcome.end(limits)
        let flags: FrameFlags = end.reply == nil ? [] : .hasMessage
        output.append(FrameHeader(type: .end, stream: stream, flags: flags), payload: end.serialized())
    }
}
