// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import WGMModel

/// Collects the audit records of calls that changed nothing, and writes them in batches.
///
/// Changes are not recorded here: their record is part of their transaction.
package final class AuditQueue: Sendable {
    package static let maxEntries = 10_000
    static let maxBytes = 16 * 1024 * 1024
    /// Records that may wait of one caller, and of good calls altogether, before one counts for all that follow.
    static let mostOfCaller = maxEntries / 4
    static let mostSuccesses = maxEntries / 4 * 3
    static let batchSize = 1000
    /// A longer request is left out of the record of a call that changed nothing.
    static let maxRequestBytes = 16 * 1024
    /// The same for a call that was refused, which anybody can make who may open the socket, as often as he likes.
    static let maxRefusedRequestBytes = 1024

    private let pending = Mutex(PendingRecords())
    private let writing = KeyedLock<Bool>()
    private let store: any Store
    private let clock: any Clock
    private let wake: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    package init(store: any Store, clock: any Clock) {
        self.store = store
        self.clock = clock
        (wake, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// To be written within a second; equal calls of that second share one record, which counts them.
    ///
    /// The number is for `recordAgain`; nil when there is no room.
    @discardableResult
    package func record(_ entry: AuditEntry) -> UInt64? {
        switch enqueue(entry) {
        case .record(let number), .beyondBudget(let number): number
        case .noRoom: nil
        }
    }

    /// Counts one more call in a record; false when that is being written already.
    package func recordAgain(_ number: UInt64, at time: Timestamp) -> Bool {
        pending.withLock { $0.countAgain(number, at: time) }
    }

    /// Records a refusal; what it returns must be given to `wait` before the caller is told, unless it is nil.
    ///
    /// nil for one of more refusals than a caller may have one by one: it is counted, in a record of the same second.
    package func recordRefusal(_ entry: AuditEntry) throws(StoreFailure) -> UInt64? {
        switch enqueue(entry) {
        case .record(let number): return number
        case .beyondBudget: return nil
        case .noRoom: throw .unavailable("too many audit records wait to be written")
        }
    }

    /// Returns when the record is in the database; when it throws, the record waits for the database to come back.
    package func wait(for number: UInt64) async throws(StoreFailure) { try await write(upTo: number) }

    /// `recordRefusal` and `wait`.
    package func recordNow(_ entry: AuditEntry) async throws(StoreFailure) {
        if let number = try recordRefusal(entry) { try await wait(for: number) }
    }

    /// Writes what waits now.
    package func flush() async throws(StoreFailure) {
        try await write(upTo: pending.withLock { $0.accepted })
    }

    /// How many records wait.
    package var count: Int { pending.withLock { $0.entries.count } }

    /// Writes every second, and whenever a batch is full, until cancelled; then once more.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: .seconds(1))) != nil { self.waker.yield() }
                self.waker.yield()
            }
            group.addTask {
                // A failure leaves the records where they are, for the next second.
                for await _ in self.wake { try? await self.flush() }
                try? await self.flush()
            }
        }
    }

    private func enqueue(_ entry: AuditEntry) -> PendingRecords.Place {
        var entry = entry
        let limit = entry.code == 0 ? Self.maxRequestBytes : Self.maxRefusedRequestBytes
        if entry.request.utf8.count > limit {
            entry.request = #"{"omitted_bytes":\#(entry.request.utf8.count)}"#
        }
        let (place, isFull) = pending.withLock { pending -> (PendingRecords.Place, Bool) in
            let place = pending.add(entry)
            return (place, pending.entries.count >= Self.batchSize)
        }
        if isFull { waker.yield() }
        return place
    }

    /// One writer at a time; those who wait for it usually find their record written.
    private func write(upTo number: UInt64) async throws(StoreFailure) {
        try await writing.withLock(true) { () async throws(StoreFailure) in
            while pending.withLock({ $0.finished < number }) {
                let batch = pending.withLock { $0.take(Self.batchSize) }
                try await append(batch)
                finish(batch)
            }
            await admitLosses()
        }
    }

    /// A batch that the database refuses is written one by one, so that one bad record does not keep all others out.
    private func append(_ batch: [AuditEntry]) async throws(StoreFailure) {
        do {
            try await store.append(batch)
        } catch .other(let reason) {
            guard batch.count > 1 else {
                pending.withLock { $0.lost += 1 }
                return
            }
            _ = reason
            for entry in batch { try await append([entry]) }
        }
    }

    private func finish(_ batch: [AuditEntry]) {
        pending.withLock { $0.finish(batch) }
    }

    private func admitLosses() async {
        let lost = pending.withLock { $0.lost }
        guard lost > 0 else { return }
        let entry = AuditEntry(
            time: clock.now,
            principal: nil,
            uid: nil,
            tokenID: nil,
            method: "wgmd/audit",
            resource: "audit",
            code: 15,
            message: "\(lost) audit records could not be written and are lost",
            requestID: ""
        )
        do throws(StoreFailure) {
            try await store.append([entry])
            pending.withLock { $0.lost -= lost }
        } catch {
            // They stay counted, and are admitted with the next batch.
        }
    }
}
