// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    /// Does what is due: deadlines, expiry, limits of time.
    ///
    /// Events and output may result.
    public mutating func advance(now: Moment) {
        guard !isClosing else { return }
        if !streams.isEmpty { lastCall = now }
        if let fault = overdue(now: now) { return fail(fault) }
        expireSlots(now: now)
        let late = streams.filter { !$0.value.ended && $0.value.deadline <= now }.keys.sorted()
        for stream in late { stop(stream, Status(.deadlineExceeded, "the deadline has passed")) }
        advanceDrain(now: now)
        if !isClosing { wake = nextMoment() }
    }

    private func overdue(now: Moment) -> ConnectionFault? {
        if now >= handshakeEnd {
            return ConnectionFault(.timeout, "no token was accepted within \(limits.handshakeTime)")
        }
        if frameBegan != .never, now >= frameBegan + limits.frameTime {
            return ConnectionFault(.timeout, "a frame was not completed within \(limits.frameTime)")
        }
        if now >= idleEnd { return ConnectionFault(.idle, "no call for \(limits.idleTime)") }
        return nil
    }

    private var handshakeEnd: Moment { handshake.accepted ? .never : started + limits.handshakeTime }
    private var idleEnd: Moment { streams.isEmpty ? lastCall + limits.idleTime : .never }

    private mutating func expireSlots(now: Moment) {
        for index in slots.indices {
            guard let slot = slots[index], slot.expires <= now else { continue }
            slots[index] = nil
            events.append(.slotExpired(index))
            for stream in streams.filter({ $0.value.slot == index }).keys.sorted() {
                stop(stream, Status(.unauthenticated, "the token has expired"))
            }
        }
    }

    private func nextMoment() -> Moment {
        var next = min(handshakeEnd, idleEnd)
        if frameBegan != .never { next = min(next, frameBegan + limits.frameTime) }
        for case let slot? in slots { next = min(next, slot.expires) }
        for stream in streams.values where !stream.ended { next = min(next, stream.deadline) }
        switch phase {
        case .lastCalls(let until), .draining(let until): return min(next, until)
        case .preface, .hello, .open, .closing: return next
        }
    }

    /// Begins an orderly end: announces it, accepts calls that are on their way, then lets running calls finish.
    public mutating func drain(now: Moment) {
        switch phase {
        case .preface, .hello:
            fail(ConnectionFault(.shutdown, "the server is shutting down"))
        case .open:
            sendGoaway(FrameHeader.lastPossibleStream, .shutdown, "the server is shutting down")
            phase = .lastCalls(until: now + limits.drainNotice)
            wake(at: now + limits.drainNotice)
        case .draining(let until):
            phase = .draining(until: min(until, now + limits.drainTime))
            wake(at: now + limits.drainTime)
            stopEndless()
            closeIfDrained()
        case .lastCalls, .closing:
            break
        }
    }

    private mutating func advanceDrain(now: Moment) {
        switch phase {
        case .lastCalls(let until) where until <= now:
            sendGoaway(lastStream, .shutdown, "the server is shutting down")
            phase = .draining(until: now + limits.drainTime)
            stopEndless()
            closeIfDrained()
        case .draining(let until) where until <= now:
            for stream in streams.keys.sorted() { stop(stream, Status(.unavailable, "the server has shut down")) }
            close(nil)
        case .preface, .hello, .open, .lastCalls, .draining, .closing:
            break
        }
    }

    /// Calls without a deadline would only ever end when the time is over, and those whose request is not there yet need not begin.
    private mutating func stopEndless() {
        for stream in streams.filter({ $0.value.deadline == .never || collecting[$0.key] != nil }).keys.sorted() {
            stop(stream, Status(.unavailable, "the server is shutting down", reason: "SHUTDOWN"))
        }
    }

    mutating func closeIfDrained() {
        if case .draining = phase, streams.isEmpty { close(nil) }
    }
}
