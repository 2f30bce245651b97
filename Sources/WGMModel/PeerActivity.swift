// SPDX-License-Identifier: Apache-2.0

/// Whether a peer can be reached, as far as WireGuard lets anybody know.
package enum PeerState: UInt8, Hashable, Sendable, CaseIterable {
    /// There never was a handshake.
    case never = 0
    /// It was heard a moment ago.
    case up = 1
    /// It is silent, and nothing speaks against it: nobody has sent it anything.
    case idle = 2
    /// It should have been heard.
    case stale = 3
    /// It should have been heard for a while, or the interface is down.
    case down = 4
}

/// What was seen of a peer at one moment.
package struct PeerLook: Hashable, Sendable {
    /// By the clock on the wall, like `lastHandshake`.
    package var now: Timestamp
    /// Milliseconds of a clock that nobody sets.
    package var steady: Int64
    package var lastHandshake: Timestamp?
    /// Bytes since the last look.
    package var received: UInt64
    package var sent: UInt64
    /// Seconds; 0 is off.
    package var keepalive: UInt16
    /// False while the kernel does not have the peer, or the link is down.
    package var isCarried: Bool

    package init(
        now: Timestamp,
        steady: Int64,
        lastHandshake: Timestamp? = nil,
        received: UInt64 = 0,
        sent: UInt64 = 0,
        keepalive: UInt16 = 0,
        isCarried: Bool = true
    ) {
        self.now = now
        self.steady = steady
        self.lastHandshake = lastHandshake
        self.received = received
        self.sent = sent
        self.keepalive = keepalive
        self.isCarried = isCarried
    }
}

/// How reachable a peer is, from one look to the next.
///
/// With hysteresis: it gets worse only when something was missing for long enough, and better only when the peer was heard,
/// not because time passes, somebody stops sending, or the clock on the wall is set. That clock only says how old the
/// handshake is at the first look; from then on a handshake is as old as the look that first showed it, at most.
package struct PeerActivity: Hashable, Sendable {
    /// A session is worthless 180 s after its handshake; 15 s more for three tries and the time between looks.
    package static let upLimit: Int64 = 195_000
    /// How long what was sent waits for an answer.
    ///
    /// WireGuard answers data within 10 s and tries again after 15 s.
    package static let answerLimit: Int64 = 30_000
    /// Two initiations: a single keepalive or the end of a handshake needs no answer.
    package static let answerBytes: UInt64 = 2 * 148
    /// From stale to down.
    package static let downAfter: Int64 = 120_000

    package private(set) var state: PeerState = .never
    /// By the clock on the wall; it outlives the link and the daemon.
    package private(set) var lastHandshake: Timestamp?
    private var lastLook: Int64?
    private var heardAt: Int64 = 0
    private var waitingSince: Int64?
    private var unanswered: UInt64 = 0
    private var staleSince: Int64 = 0
    private var wasCarried = true

    /// `lastHandshake` is what was known before the daemon was started.
    package init(lastHandshake: Timestamp? = nil) { self.lastHandshake = lastHandshake }

    /// Milliseconds since the peer was heard; nil before the first time.
    package func silence(at steady: Int64) -> Int64? {
        lastHandshake == nil || lastLook == nil ? nil : max(0, steady - heardAt)
    }

    package mutating func look(_ look: PeerLook) {
        let isFirst = lastLook == nil
        let wasHeard = listen(look)
        defer {
            lastLook = look.steady
            wasCarried = look.isCarried
        }
        guard lastHandshake != nil else { return }
        guard look.isCarried else {
            state = .down
            return
        }
        let isMissing = misses(look, wasHeard: wasHeard)
        if wasHeard || isFirst || !wasCarried { return judge(look) }
        worsen(look, isMissing: isMissing)
    }

    /// True if the peer was heard since the last look.
    private mutating func listen(_ look: PeerLook) -> Bool {
        if let handshake = look.lastHandshake, handshake != lastHandshake || lastLook == nil {
            lastHandshake = handshake
            let age = max(0, look.now.milliseconds - handshake.milliseconds)
            heardAt = look.steady - min(age, lastLook.map { look.steady - $0 } ?? age)
            return true
        }
        guard let lastLook else {
            if let handshake = lastHandshake {
                heardAt = look.steady - max(0, look.now.milliseconds - handshake.milliseconds)
            }
            return false
        }
        guard look.received > 0, lastHandshake != nil, look.steady >= lastLook else { return false }
        heardAt = look.steady
        return true
    }

    /// True if data should have been answered and was not.
    ///
    /// Our own keepalives are not answered, so that with them only the handshakes count that they bring about.
    private mutating func misses(_ look: PeerLook, wasHeard: Bool) -> Bool {
        guard !wasHeard else {
            (waitingSince, unanswered) = (nil, 0)
            return false
        }
        let silence = look.steady - heardAt
        guard look.keepalive == 0 else { return silence > Self.upLimit }
        unanswered &+= look.sent
        guard unanswered >= Self.answerBytes else { return false }
        guard let since = waitingSince else {
            waitingSince = look.steady
            return false
        }
        return look.steady - since >= Self.answerLimit
    }

    /// From what is known now, whatever was before.
    private mutating func judge(_ look: PeerLook) {
        let silence = look.steady - heardAt
        if silence <= Self.upLimit {
            state = .up
        } else if look.keepalive == 0 {
            state = .idle
        } else {
            state = silence > Self.upLimit + Self.downAfter ? .down : .stale
            staleSince = look.steady
        }
    }

    private mutating func worsen(_ look: PeerLook, isMissing: Bool) {
        switch state {
        case .up, .idle:
            if isMissing {
                (state, staleSince) = (.stale, look.steady)
            } else if look.steady - heardAt > Self.upLimit {
                state = .idle
            }
        case .stale: if look.steady - staleSince >= Self.downAfter { state = .down }
        case .never, .down: break
        }
    }
}
