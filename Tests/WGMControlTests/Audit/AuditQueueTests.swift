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

    private func refusal(_ resource: String, uid: UInt32? = 7, at second: Int64 = 1, id: String = "1.1") -> AuditEntry {
        var entry = entry("no")
        entry.time = Timestamp(seconds: second)
        entry.code = 7
        entry.uid = uid
        entry.resource = resource
        entry.requestID = id
        return entry
    }

    @Test("equal reads of one second share a record, which counts them and says when the last was")
    func equalReads() async throws {
        for second: Int64 in [5, 9, 7] {
            var read = entry("a")
            read.time = Timestamp(seconds: second)
            read.requestID = "1.\(second)"
            queue.record(read)
        }
        queue.record(entry("b"))
        try await queue.flush()
        let records = await store.audit.map(\.entry)
        #expect(records.map(\.count) == [3, 1])
        #expect(records.map(\.time.seconds) == [5, 1])
        #expect(records.map(\.lastTime?.seconds) == [9, nil])
        #expect(records.first?.requestID == "1.5")
    }

    @Test("a record that was written counts no more: the next equal read gets a new one")
    func afterWriting() async throws {
        let number = try #require(queue.record(entry("a")))
        #expect(queue.recordAgain(number, at: Timestamp(seconds: 2)))
        try await queue.flush()
        #expect(!queue.recordAgain(number, at: Timestamp(seconds: 3)))
        queue.record(entry("a"))
        try await queue.flush()
        #expect(await store.audit.map(\.entry.count) == [2, 1])
    }

    @Test("a record that a writer has in its hands counts no more, even when the write fails")
    func afterFailure() async throws {
        let number = try #require(queue.record(entry("a")))
        await store.fail(.unavailable("gone"))
        await #expect(throws: StoreFailure.self) { try await queue.flush() }
        #expect(!queue.recordAgain(number, at: Timestamp(seconds: 2)))
        queue.record(entry("a"))
        queue.record(entry("a"))
        await store.fail(nil)
        try await queue.flush()
        #expect(await store.audit.map(\.entry.count) == [1, 2])
    }

    @Test("refusals get a record each until the caller's budget is spent, then they are counted, exactly")
    func refusalBudget() async throws {
        let total = CallerBudget.refusals + 10_000
        for index in 0..<total { try await queue.recordNow(refusal("r\(index)", id: "1.\(index)")) }
        try await queue.flush()
        let records = await store.audit.map(\.entry)
        #expect(records.count == CallerBudget.refusals + 1)
        #expect(records.reduce(0) { $0 + $1.count } == Int64(total))
        #expect(records.last?.method == "wgmd/refusals")
        #expect(records.last?.uid == 7)
    }

    @Test("one caller's refusals do not spend another's budget, and a minute later there is a new one")
    func budgetsOfOthers() async throws {
        for index in 0..<(CallerBudget.refusals + 5) { _ = try queue.recordRefusal(refusal("r\(index)")) }
        #expect(try queue.recordRefusal(refusal("s")) == nil)
        #expect(try queue.recordRefusal(refusal("s", uid: 8)) != nil)
        #expect(try queue.recordRefusal(refusal("s", uid: nil, id: "9@192.0.2.1")) != nil)
        #expect(try queue.recordRefusal(refusal("s", at: 62)) != nil)
    }

    @Test("addresses without a token, however many, use up no budget but their own, and one network has one")
    func budgetsOfAddresses() async throws {
        for index in 0..<5000 {
            _ = try queue.recordRefusal(refusal("r", uid: nil, id: "1@2001:db8:\(index % 65536):1::1"))
        }
        for index in 0..<3 { #expect(try queue.recordRefusal(refusal("r\(index)", uid: 7)) != nil) }
        let network = AuditQueue(store: store, clock: TestClock())
        let found = try (0..<(CallerBudget.refusals + 5)).map { host in
            try network.recordRefusal(refusal("r\(host)", uid: nil, id: "1@2001:db8::\(host)"))
        }
        #expect(found.count { $0 != nil } == CallerBudget.refusals)
    }

    @Test("what the daemon says of itself has no budget")
    func ownFailures() async throws {
        for index in 0..<(2 * CallerBudget.refusals) { queue.record(refusal("r\(index)", uid: nil)) }
        try await queue.flush()
        #expect(await store.audit.count == 2 * CallerBudget.refusals)
    }

    @Test("many callers share one budget when they are too many to tell apart")
    func manyCallers() {
        var budget = CallerBudget(each: CallerBudget.refusals)
        let admitted = (0..<10_000).filter { budget.admit("uid \($0)", at: Timestamp(seconds: 1)) }
        #expect(admitted.count == 1024 + CallerBudget.refusals)
    }

    private func read(_ request: String, resource: String = "r", uid: UInt32 = 7) -> AuditEntry {
        var new = entry("", request: request)
        new.uid = uid
        new.resource = resource
        new.tokenID = request
        return new
    }

    @Test(
        "good calls that differ are recorded one by one for so many a minute; then what and by whom stays, with the count"
    )
    func successBudget() async throws {
        let total = CallerBudget.successes + 50_000
        for index in 0..<total { queue.record(read("\(index)")) }
        #expect(queue.count == CallerBudget.successes + 1)
        queue.record(read("other", uid: 8))
        try await queue.flush()
        let records = await store.audit.map(\.entry)
        #expect(records.reduce(0) { $0 + $1.count } == Int64(total) + 1)
        #expect(records.map(\.resource).allSatisfy { $0 == "r" })
        #expect(records.dropLast().last?.request == "{}" && records.dropLast().last?.tokenID == nil)
        #expect(records.last?.request == "other")
    }

    @Test("callers who read more than can be written push out no refusal, and every call is counted")
    func flood() async throws {
        await store.fail(.unavailable("slow"))
        let each = 5000
        for uid: UInt32 in 1...6 {
            for index in 0..<each { queue.record(read("\(index)", resource: "r\(index)", uid: uid)) }
        }
        #expect(queue.count <= AuditQueue.mostSuccesses + 6)
        for index in 0..<100 { #expect(try queue.recordRefusal(refusal("r\(index)", uid: 9)) != nil) }
        await store.fail(nil)
        try await queue.flush()
        let records = await store.audit.map(\.entry)
        #expect(records.reduce(0) { $0 + $1.count } == Int64(6 * each) + 100)
        #expect(records.filter { $0.code == 7 }.count == 100)
        #expect(Set(records.filter { $0.method == "wgmd/calls" }.compactMap(\.uid)) == [1, 2, 3, 4, 5, 6])
        #expect(!records.contains { $0.method == "wgmd/audit" })
        // All that waited is gone, so there is room again for each.
        queue.record(read("new", resource: "new", uid: 1))
        try await queue.flush()
        #expect(await store.audit.last?.entry.resource == "new")
    }

    @Test("text from outside is cut at a character and loses its control characters")
    func clipping() {
        #expect(AuditText.clip("a\nb\0c", to: 100) == "a\u{fffd}b\u{fffd}c")
        #expect(AuditText.clip("ééé", to: 5) == "éé")
        #expect(AuditText.clip(String(repeating: "x", count: 10_000), to: 8) == "xxxxxxxx")
    }
}
