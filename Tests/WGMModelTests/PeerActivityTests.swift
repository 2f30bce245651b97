// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

/// A peer that is looked at, as a script.
private struct Watch {
    var activity = PeerActivity()
    /// Seconds of the steady clock, and of the one on the wall.
    var steady: Int64 = 1_000_000
    var wall: Int64 = 1_800_000_000
    var keepalive: UInt16 = 0
    var handshake: Int64?

    /// After so many seconds; `at` is the age of a new handshake.
    mutating func look(
        after seconds: Int64,
        handshake age: Int64? = nil,
        received: UInt64 = 0,
        sent: UInt64 = 0,
        isCarried: Bool = true
    ) -> PeerState {
        steady += seconds
        wall += seconds
        if let age { handshake = wall - age }
        activity.look(
            PeerLook(
                now: Timestamp(seconds: wall),
                steady: steady * 1000,
                lastHandshake: handshake.map { Timestamp(seconds: $0) },
                received: received,
                sent: sent,
                keepalive: keepalive,
                isCarried: isCarried
            )
        )
        return activity.state
    }
}

@Suite("How reachable a peer is")
struct PeerActivityTests {
    @Test("Without any handshake it is never, whatever is sent to it")
    func never() {
        var watch = Watch()
        #expect(watch.look(after: 0) == .never)
        #expect(watch.look(after: 5, sent: 100_000) == .never)
        #expect(watch.look(after: 500, sent: 100_000) == .never)
        #expect(watch.look(after: 5, isCarried: false) == .never)
        #expect(watch.look(after: 5, handshake: 1) == .up)
    }

    @Test(
        "The first look goes by the handshake's age and the keepalive",
        arguments: [
            (Int64(0), UInt16(0), PeerState.up), (195, 0, .up), (196, 0, .idle), (1_000_000, 0, .idle),
            (195, 25, .up), (196, 25, .stale), (315, 25, .stale), (316, 25, .down), (-3600, 0, .up),
        ]
    )
    func first(age: Int64, keepalive: UInt16, state: PeerState) {
        var watch = Watch()
        watch.keepalive = keepalive
        #expect(watch.look(after: 0, handshake: age) == state)
    }

    @Test("A silent peer that nobody sends to becomes idle and stays so, and is up when it is heard again")
    func idle() {
        var watch = Watch()
        #expect(watch.look(after: 0, handshake: 0) == .up)
        #expect(watch.look(after: 195) == .up)
        #expect(watch.look(after: 1) == .idle)
        #expect(watch.look(after: 100_000) == .idle)
        #expect(watch.look(after: 5, received: 32) == .up)
        #expect(watch.look(after: 195, received: 32) == .up)
    }

    @Test("One that does not answer is stale after half a minute and down two minutes later, until it is heard")
    func unanswered() {
        var watch = Watch()
        #expect(watch.look(after: 0, handshake: 0) == .up)
        #expect(watch.look(after: 5, sent: 1000) == .up)
        #expect(watch.look(after: 29, sent: 148) == .up)
        #expect(watch.look(after: 1, sent: 148) == .stale)
        // That nobody sends any more does not make it better.
        #expect(watch.look(after: 119) == .stale)
        #expect(watch.look(after: 1) == .down)
        #expect(watch.look(after: 10_000) == .down)
        #expect(watch.look(after: 5, handshake: 2, received: 148) == .up)
    }

    @Test("An answer within the time, or a single keepalive of ours, is no fault")
    func answered() {
        var watch = Watch()
        #expect(watch.look(after: 0, handshake: 0) == .up)
        for _ in 0..<50 {
            #expect(watch.look(after: 20, sent: 5000) == .up)
            #expect(watch.look(after: 5, received: 32) == .up)
        }
        #expect(watch.look(after: 10, sent: 32) == .up)
        #expect(watch.look(after: 100, sent: 0) == .up)
        #expect(watch.look(after: 100, sent: 0) == .idle)
    }

    @Test("Our own keepalives need no answer, but bring handshakes about")
    func keepalive() {
        var watch = Watch()
        watch.keepalive = 1
        #expect(watch.look(after: 0, handshake: 0) == .up)
        #expect(watch.look(after: 100, sent: 3200) == .up)
        #expect(watch.look(after: 95, sent: 3200) == .up)
        #expect(watch.look(after: 1, sent: 32) == .stale)
        #expect(watch.look(after: 120, sent: 3200) == .down)
        #expect(watch.look(after: 5, handshake: 0) == .up)
    }

    @Test("A link that is down carries nobody; set up again it is judged anew")
    func carried() {
        var watch = Watch()
        #expect(watch.look(after: 0, handshake: 0) == .up)
        #expect(watch.look(after: 5, isCarried: false) == .down)
        #expect(watch.look(after: 5, isCarried: true) == .up)
        #expect(watch.look(after: 5, isCarried: false) == .down)
        #expect(watch.look(after: 500, isCarried: true) == .idle)
    }

    @Test("Setting the clock makes nobody up, idle or down", arguments: [Int64(-86_400), -3600, -1, 1, 3600, 86_400])
    func clockSteps(step: Int64) {
        for (state, silence) in [(PeerState.up, Int64(100)), (.idle, 300)] {
            var watch = Watch()
            _ = watch.look(after: 0, handshake: 0)
            #expect(watch.look(after: silence) == state)
            watch.wall += step
            #expect(watch.look(after: 5) == state)
            #expect(watch.look(after: 5) == state)
        }
        // A handshake after the step is one of now, whatever the clock says of it.
        var watch = Watch()
        _ = watch.look(after: 0, handshake: 0)
        #expect(watch.look(after: 300) == .idle)
        watch.wall += step
        #expect(watch.look(after: 5, handshake: 2) == .up)
        watch.wall -= step
        #expect(watch.look(after: 190) == .up)
        #expect(watch.look(after: 10) == .idle)
    }

    @Test("What was known before a restart counts: a link that was made anew does not make it never")
    func remembered() {
        var watch = Watch()
        watch.activity = PeerActivity(lastHandshake: Timestamp(seconds: watch.wall - 50))
        #expect(watch.look(after: 0) == .up)
        #expect(watch.look(after: 200) == .idle)
        #expect(watch.activity.lastHandshake == Timestamp(seconds: 1_799_999_950))
    }
}
