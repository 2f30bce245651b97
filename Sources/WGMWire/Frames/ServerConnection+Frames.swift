// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    /// Understands one preface or frame; false when that needs more bytes.
    mutating func readOne(
        now: Moment,
        _ atOnce: (PlainCall, Span<UInt8>) -> [UInt8]?
    ) throws(ConnectionFault) -> Bool {
        switch phase {
        case .closing: return false
        case .preface: return try readPreface()
        case .hello, .open, .lastCalls, .draining: return try readFrame(now: now, atOnce)
        }
    }

    private mutating func readPreface() throws(ConnectionFault) -> Bool {
        switch Preface.read(input.unread) {
        case .incomplete: return false
        case .foreign: throw ConnectionFault(.preface, "the first bytes are not those of wgm's protocol")
        case .whole(let preface) where preface.major != Preface.current.major:
            throw ConnectionFault(
                .version,
                "major version \(preface.major) is not spoken here, only \(Preface.current.major)"
            )
        case .whole:
            input.drop(Preface.byteCount)
            handshake.bytes += Preface.byteCount
            phase = .hello
            output.append(contentsOf: Preface.current.bytes)
            return true
        }
    }

    private mutating func readFrame(
        now: Moment,
        _ atOnce: (PlainCall, Span<UInt8>) -> [UInt8]?
    ) throws(ConnectionFault) -> Bool {
        let limit = FrameCheck(
            limits: limits,
            helloExpected: isHelloExpected,
            handshakeLeft: handshake.accepted
                ? nil : (limits.handshakeBytes - handshake.bytes, limits.handshakeFrames - handshake.frames)
        )
        guard let (header, payload) = try input.next(check: limit.judge) else { return false }
        frameBegan = .never
        if !handshake.accepted {
            handshake.bytes += FrameHeader.byteCount + payload.count
            handshake.frames += 1
        }
        // Types from 0x80 on may be skipped by those who do not know them.
        guard let type = FrameType(rawValue: header.type) else { return true }
        if type == .call { lastCall = now }
        if type == .call, answerAtOnce(header, payload, now: now, atOnce) { return true }
        try take(type, header, payload, now: now)
        return true
    }

    private var isHelloExpected: Bool { if case .hello = phase { true } else { false } }

    private mutating func take(
        _ type: FrameType,
        _ header: FrameHeader,
        _ payload: Range<Int>,
        now: Moment
    ) throws(ConnectionFault) {
        switch type {
        case .hello: try takeHello(payload)
        case .auth: try takeAuth(payload, now: now)
        case .call: try takeCall(header, payload, now: now)
        case .cancel: try takeCancel(header, now: now)
        case .ping: try takePing(header, payload, now: now)
        case .goaway: try takeGoaway(payload)
        case .data: try takeData(header, payload, now: now)
        case .window: try takeWindow(header, payload)
        case .authed, .end:
            throw ConnectionFault(.protocolError, "\(type.name): only a server sends it")
        }
    }

    private mutating func takeHello(_ payload: Range<Int>) throws(ConnectionFault) {
        let hello = try control(payload, as: V1.Hello.self, "HELLO")
        let agent = hello.agent ?? ""
        guard agent.utf8.count <= limits.agent, agent.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) else {
            throw ConnectionFault(.malformed, "HELLO: agent must be printable ASCII, at most \(limits.agent) bytes")
        }
        clientAgent = agent
        if let accepted = hello.maxMessage, accepted > 0 {
            clientMessage = min(Int(accepted), FrameHeader.longestPayload - limits.envelope)
        }
        try sender.begin(hello, "HELLO")
        phase = .open
        var own = V1.Hello()
        own.agent = self.agent.cut(toBytes: limits.agent)
        own.maxFrame = UInt32(clamping: limits.frame)
        own.maxMessage = UInt32(clamping: limits.message)
        own.maxStreams = UInt32(clamping: limits.streams)
        own.announceCredit(limits)
        own.minPingMs = UInt32(clamping: limits.pingInterval.wholeMilliseconds)
        own.serverTime = unixMilliseconds
        output.append(FrameHeader(type: .hello), payload: own.serialized())
    }

    private mutating func takePing(
        _ header: FrameHeader,
        _ payload: Range<Int>,
        now: Moment
    ) throws(ConnectionFault) {
        guard payload.count == 8 else { throw ConnectionFault(.malformed, "PING: must carry 8 bytes") }
        guard !header.flags.contains(.ack) else {
            throw ConnectionFault(.protocolError, "PING: answers a question that was not asked")
        }
        if let lastPing, now < lastPing + limits.pingInterval { pingStrikes += 1 }
        lastPing = now
        guard pingStrikes < limits.pingStrikes else {
            throw ConnectionFault(.calm, "PING: more often than every \(limits.pingInterval)")
        }
        output.append(FrameHeader(type: .ping, flags: .ack), payload: input.copy(payload))
    }

    /// The client takes its leave: what runs may finish, nothing begins.
    private mutating func takeGoaway(_ payload: Range<Int>) throws(ConnectionFault) {
        _ = try control(payload, as: V1.Goaway.self, "GOAWAY")
        switch phase {
        case .lastCalls(let until): phase = .draining(until: until + limits.drainTime)
        case .draining: break
        // Each call ends by its own deadline, and streams without one go on for as long as both sides want.
        case .preface, .hello, .open, .closing: phase = .draining(until: .never)
        }
        closeIfDrained()
    }

    func control<M: WireMessage>(
        _ payload: Range<Int>,
        as type: M.Type,
        _ name: String
    ) throws(ConnectionFault) -> M {
        switch input.parse(payload, as: type) {
        case .success(let message): return message
        case .failure(let error): throw ConnectionFault(.malformed, "\(name): \(error)")
        }
    }
}

/// The rules that a frame's header must keep before any of its payload is taken in.
struct FrameCheck {
    let limits: WireLimits
    let helloExpected: Bool
    /// What is left of the allowance before a token was accepted; nil afterwards.
    let handshakeLeft: (bytes: Int, frames: Int)?

    func judge(_ header: FrameHeader) throws(ConnectionFault) {
        guard header.stream <= FrameHeader.lastPossibleStream else {
            throw ConnectionFault(.protocolError, "bit 31 of the stream is reserved")
        }
        let type = FrameType(rawValue: header.type)
        guard type != nil || header.type >= 0x80 else {
            throw ConnectionFault(.protocolError, "type \(header.type) is unknown and must be understood")
        }
        if let type { try judge(type, header) }
        guard helloExpected == (type == .hello) else {
            throw ConnectionFault(.protocolError, helloExpected ? "HELLO must come first" : "HELLO may come only once")
        }
        try judgeLength(header, type)
    }

    private func judge(_ type: FrameType, _ header: FrameHeader) throws(ConnectionFault) {
        guard header.flags.isSubset(of: type.definedFlags) else {
            throw ConnectionFault(.protocolError, "\(type.name): a reserved flag is set")
        }
        guard header.aux <= (type == .call ? UInt16(ServerConnection.slotCount) : 0) else {
            throw ConnectionFault(.protocolError, "\(type.name): aux is out of range")
        }
        guard type == .window || type.isAboutConnection == (header.stream == 0) else {
            throw ConnectionFault(.protocolError, "\(type.name): stream \(header.stream) is not possible")
        }
        guard type != .data || header.isSoundData else {
            throw ConnectionFault(.protocolError, "DATA: flags \(header.flags.rawValue) on \(header.length) bytes")
        }
    }

    private func judgeLength(_ header: FrameHeader, _ type: FrameType?) throws(ConnectionFault) {
        let limit = type.map { limits.serverAccepts($0) ?? 0 } ?? limits.frame
        guard header.length <= UInt32(clamping: limit) else {
            let name = type?.name ?? "frame"
            throw ConnectionFault(.tooLarge, "\(name): \(header.length) bytes, \(limit) are allowed")
        }
        guard let handshakeLeft else { return }
        guard handshakeLeft.frames > 0 else {
            throw ConnectionFault(
                .handshakeLimit,
                "more than \(limits.handshakeFrames) frames before a token was accepted"
            )
        }
        guard Int(header.length) + FrameHeader.byteCount <= handshakeLeft.bytes else {
            throw ConnectionFault(
                .handshakeLimit,
                "more than \(limits.handshakeBytes) bytes before a token was accepted"
            )
        }
    }
}
