// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct AuditQueueTests {
    private let store = MemoryStore()
    private let queue: AuditQueue

    init() { queue = AuditQueue(store: store, clock: TestClock()) }

    private func entry(_ message: String, request: String = "{}") -> AuditEntry {
        AuditEntry(
            time: Timestamp(seconds: 1),
            principal: nil,
            uid: nil,
            tokenID: nil,
            method: "m",
            resource: "r",
            message: message,
            request: request,
            requestID: ""
        )
    }

    private var messages: [String] {
        get async { await store.audit.map(\.entry.message) }
    }

    @Test("a refusal is in the database when the call returns, behind what came before it")
    func now() async throws {
        queue.record(entry("a"))
        queue.record(entry("b"))
        try await queue.recordNow(entry("c"))
        #expect(await messages == ["a", "b", "c"])
        #expect(queue.count == 0)
    }

    @Test("batches keep the order")
    func batches() async throws {
        for index in 0..<2500 { queue.record(entry("\(index)")) }
        try await queue.flush()
        #expect(await messages == (0..<2500).map(String.init))
    }

    @Test("records wait while the database is away, and the caller hears of it")
    func databaseAway() async throws {
        await store.fail(.unavailable("gone"))
        await #expect(throws: StoreFailure.unavailable("gone")) { try await queue.recordNow(entry("a")) }
        #expect(queue.count == 1)
        await store.fail(nil)
        try await queue.flush()
        #expect(await messages == ["a"])
    }

    @Test("what finds no room is counted, and the count is recorded")
    func bounded() async throws {
        await store.fail(.unavailable("gone"))
        for index in 0..<(AuditQueue.maxEntries + 7) { queue.record(entry("\(index)")) }
        #expect(queue.count == AuditQueue.maxEntries)
        await store.fail(nil)
        try await queue.flush()
        #expect(await messages.count == AuditQueue.maxEntries + 1)
        #expect(await messages.last == "7 audit records could not be written and are lost")
    }

    @Test("large requests do not fill the memory")
    func largeRequests() async throws {
        let large = String(repeating: "x", count: 1_000_000)
        for _ in 0..<100 { queue.record(entry("a", request: large)) }
        try await queue.flush()
        #expect(await store.audit.allSatisfy { $0.entry.request == #"{"omitted_bytes":1000000}"# })
    }

    @Test("of a refused call only a small request is kept")
    func refusedRequests() async throws {
        let request = String(repeating: "x", count: 1025)
        for code: UInt32 in [0, 7] {
            var new = entry("a", request: request)
            new.code = code
            queue.record(new)
        }
        try await queue.flush()
        #expect(await store.audit.map(\.entry.request) == [request, #"{"omitted_bytes":1025}"#])
    }

    @Test("a record that the database refuses does not keep the others out")
    func poison() async throws {
        await store.setPoison("bad")
        for message in ["a", "bad", "b"] { queue.record(entry(message)) }
        try await queue.flush()
        #expect(await messages == ["a", "b", "1 audit records could not be written and are lost"])
    }

    @Test("many at once are all written, once each")
    func concurrent() async {
        let queue = queue
        let entries = (0..<500).map { entry("\($0)") }
        await withTaskGroup(of: Void.self) { group in
            for entry in entries { group.addTask { try? await queue.recordNow(entry) } }
        }
        #expect(Set(await messages).count == 500)
        #expect(await messages.count == 500)
    }

    @Test("the writer writes within a second or so, and once more at its end")
    func run() async throws {
        let queue = queue
        let task = Task { await queue.run() }
        queue.record(entry("a"))
        // On a busy machine the second takes longer; that it comes at all is what counts.
        for _ in 0..<300 where await messages.isEmpty { try await Task.sleep(for: .milliseconds(100)) }
        #expect(await messages == ["a"])
        queue.record(entry("b"))
        task.cancel()
        await task.value
        #expect(await messages == ["a", "b"])
    }

    @Test("text from outside is cut at a character and loses its control characters")
    func clipping() {
        #expect(AuditText.clip("a\nb\0c", to: 100) == "a\u{fffd}b\u{fffd}c")
        #expect(AuditText.clip("ééé", to: 5) == "éé")
        #expect(AuditText.clip(String(repeating: "x", count: 10_000), to: 8) == "xxxxxxxx")
    }
}
