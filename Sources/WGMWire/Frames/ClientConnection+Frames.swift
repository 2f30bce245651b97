// SPDX-License-Identifier: Apache-2.0

/// What the server says, frame by frame.
extension ClientConnection {
    mutating func readPreface() throws(ConnectionFault) -> Bool {
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

    mutating func take(_ header: FrameHeader, _ payload: Range<Int>) throws(ConnectionFault) -> Event? {
        guard let type = FrameType(rawValue: header.type) else { return nil }
        switch type {
        case .hello:
            let hello = try control(payload, as: V1.Hello.self, type)
            try sender.begin(hello, type.name)
            server = hello
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
            guard end.code != StatusCode.ok.rawValue || !receiver.isInMessage(header.stream) else {
                throw ConnectionFault(.protocolError, "END: in the middle of a message")
            }
            sender.close(header.stream)
            receiver.close(header.stream, into: &output)
            guard header.flags.contains(.hasMessage) == (end.reply != nil) else {
                throw ConnectionFault(.malformed, "END: the flag HAS_MESSAGE and the field must agree")
            }
            return .ended(stream: header.stream, end)
        case .data: return try takeData(header, payload)
        case .window:
            try takeWindow(header, payload)
            return nil
        case .auth, .call, .cancel:
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
    func judge(isOpen: Bool) -> (FrameHeader) throws(ConnectionFault) -> Void {
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
            guard type != .data || header.isSoundData && !header.flags.contains(.endStream) else {
                throw ConnectionFault(.protocolError, "DATA: flags \(header.flags.rawValue) on \(header.length) bytes")
            }
        }
    }

    private mutating func takeData(_ header: FrameHeader, _ payload: Range<Int>) throws(ConnectionFault) -> Event? {
        guard waiting.contains(header.stream) else {
            throw ConnectionFault(.protocolError, "DATA: stream \(header.stream) is not open")
        }
        if !receiver.isOpen(header.stream) { receiver.open(header.stream, limit: limits.message) }
        switch try receiver.take(header, input.slice(payload), into: &output) {
        case .nothing: return nil
        case .message(let message, let cost): return .message(stream: header.stream, message, cost: cost)
        case .noRoom:
            throw ConnectionFault(.tooLarge, "DATA: more than \(limits.assembly) bytes of incomplete messages")
        case .tooLarge:
            throw ConnectionFault(.tooLarge, "DATA: a message has more than \(limits.message) bytes")
        }
    }

    private mutating func takeWindow(_ header: FrameHeader, _ payload: Range<Int>) throws(ConnectionFault) {
        guard let credit = WindowFrame.credit(input.copy(payload)) else {
            throw ConnectionFault(.malformed, "WINDOW: must carry a number from 1 to \(DataSender.largestCredit)")
        }
        guard header.stream == 0 || header.stream < nextStream && !header.stream.isMultiple(of: 2) else {
            throw ConnectionFault(.protocolError, "WINDOW: stream \(header.stream) was never opened")
        }
        if header.stream == 0 || sender.isOpen(header.stream) { try sender.grant(header.stream, credit) }
    }
}
