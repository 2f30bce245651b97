// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel
import WGMWire

@testable import WGMServer

@Suite struct AnswerMemoryTests {
    private static let call: [UInt8] = Array("a call of nineteen.".utf8)
    private static let now = Moment(nanoseconds: 5_000_000_000)
    private let view = GatewayView()
    private let records = KeptRecords()
    private let audit: AuditQueue
    private let total = SharedCount()
    private let memory: AnswerMemory

    init() {
        audit = AuditQueue(store: AbsentStore(records: records), clock: FixedClock())
        memory = AnswerMemory(view: view, audit: audit, total: total)
    }

    private func remember(_ call: [UInt8] = Self.call, _ end: [UInt8] = [1, 2], for time: Duration = .seconds(1)) {
        let entry = AuditEntry(
            time: FixedClock().now,
            principal: "anna",
            uid: 7,
            tokenID: "t",
            method: "m",
            resource: "r",
            requestID: "1.1"
        )
        memory.remember(
            call,
            end,
            LastingReply(generation: view.generation, made: Self.now, until: Self.now + time, entry: entry)
        )
    }

    private func again(_ call: [UInt8] = Self.call, after time: Duration = .zero) -> [UInt8]? {
        memory.again(unsafe call.span.bytes, now: Self.now + time)
    }

    @Test("an equal call is answered as before, and one that differs in any byte is not")
    func equal() {
        remember()
        #expect(again() == [1, 2])
        for index in Self.call.indices {
            var other = Self.call
            other[index] ^= 1
            #expect(again(other) == nil)
        }
        #expect(again(Self.call + [0]) == nil)
        #expect(again(Self.call.dropLast()) == nil)
    }

    @Test("an answer holds as long as it was said, and not a moment longer")
    func time() {
        remember()
        #expect(again(after: .milliseconds(999)) != nil)
        #expect(again(after: .seconds(1)) == nil)
    }

    @Test("whatever changes in the view, an answer from before is given no more", arguments: ViewChange.allCases)
    func change(_ change: ViewChange) {
        remember()
        change.make(view)
        #expect(again() == nil)
        remember()
        #expect(again() != nil)
    }

    enum ViewChange: CaseIterable {
        case state, commit, revocation, freshness, staleness

        func make(_ view: GatewayView) {
            let now = FixedClock().now
            switch self {
            case .state: _ = view.replace(GatewayState(revision: 1), known: 0, at: now)
            case .commit: view.apply(Touched(), revision: 1, at: now)
            case .revocation:
                var touched = Touched()
                touched.revokedTokens = ObjectName("anna").map { [RevokedToken(principal: $0, tokenID: "t")] } ?? []
                view.apply(touched, revision: 1, at: now)
            case .freshness: view.markFresh(at: now)
            case .staleness: view.markStale("gone")
            }
        }
    }

    @Test("each call that is answered again is counted in the audit log, exactly")
    func counted() async throws {
        remember()
        for step in 0..<1000 { #expect(again(after: .microseconds(step * 500)) != nil) }
        try await audit.flush()
        for _ in 0..<10 { #expect(again() != nil) }
        try await audit.flush()
        let written = records.entries
        #expect(written.map(\.count) == [1000, 10])
        #expect(written.first?.lastTime == Timestamp(seconds: 1_800_000_000, nanoseconds: 499_500_000))
        #expect(written.allSatisfy { $0.principal == "anna" && $0.method == "m" })
    }

    @Test("all memories together stay within their bound, and what is gone is given back")
    func bounded() {
        for index in 0..<3000 { remember(Array("\(index)".utf8), Array(repeating: 0, count: 8000)) }
        #expect(total.value <= AnswerMemory.mostBytes)
        #expect(again(Array("2999".utf8)) != nil)
        var other: AnswerMemory? = AnswerMemory(view: view, audit: audit, total: total)
        let before = total.value
        other?.remember([1], [2], LastingReply(generation: 0, made: Self.now, until: .never, entry: sample))
        #expect(total.value > before)
        other = nil
        #expect(total.value == before)
    }

    @Test("long calls and long answers are not kept")
    func long() {
        remember(Array(repeating: 1, count: 1025))
        remember(Self.call, Array(repeating: 1, count: 16 * 1024 + 1))
        #expect(total.value == 0)
    }

    private var sample: AuditEntry {
        let time = FixedClock().now
        return AuditEntry(time: time, principal: nil, uid: nil, tokenID: nil, method: "m", resource: "", requestID: "")
    }
}
