// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMModel

/// Collects the audit records of calls that changed nothing, and writes them in batches.
///
/// Changes are not recorded here: their record is part of their transaction.
package final class AuditQueue: Sendable {
    package static let maxEntries = 10_000
    static let maxBytes = 16 * 1024 * 1024
    static let batchSize = 1000
    /// A longer request is left out of the record of a call that changed nothing.
    static let maxRequestBytes = 16 * 1024
    /// The same for a call that was refused, which anybody can make who may open the socket, as often as he likes.
    static let maxRefusedRequestBytes = 1024

    private struct Pending {
        var entries: [AuditEntry] = []
        var byteCount = 0
        /// How many were ever accepted, and how many of these are done with.
        var accepted: UInt64 = 0
        var finished: UInt64 = 0
        /// Records that could not be kept, since the last record that said how many.
        var lost = 0
    }
    private let pending = Mutex(Pending())
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

    /// To be written within a second.
    package func record(_ entry: AuditEntry) { _ = enqueue(entry) }

    /// Returns when the record is in the database; when it throws, the record waits for the database to come back.
    package func recordNow(_ entry: AuditEntry) async throws(StoreFailure) {
        guard let number = enqueue(entry) else { throw .unavailable("too many audit records wait to be written") }
        try await write(upTo: number)
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

    /// The entry's number, nil if there is no room.
    private func enqueue(_ entry: AuditEntry) -> UInt64? {
        var entry = entry
        let limit = entry.code == 0 ? Self.maxRequestBytes : Self.maxRefusedRequestBytes
        if entry.request.utf8.count > limit {
            entry.request = #"{"omitted_bytes":\#(entry.request.utf8.count)}"#
        }
        let size = entry.weight
        let (number, isFull) = pending.withLock { pending -> (UInt64?, Bool) in
            guard pending.entries.count < Self.maxEntries, pending.byteCount + size <= Self.maxBytes else {
                pending.lost += 1
                return (nil, true)
            }
            pending.entries.append(entry)
            pending.byteCount += size
            pending.accepted += 1
            return (pending.accepted, pending.entries.count >= Self.batchSize)
        }
        if isFull { waker.yield() }
        return number
    }

    /// One writer at a time; those who wait for it usually find their record written.
    private func write(upTo number: UInt64) async throws(StoreFailure) {
        try await writing.withLock(true) { () async throws(StoreFailure) in
            while pending.withLock({ $0.finished < number }) {
                let batch = pending.withLock { Array($0.entries.prefix(Self.batchSize)) }
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
        pending.withLock { pending in
            pending.entries.removeFirst(batch.count)
            pending.byteCount -= batch.reduce(0) { $0 + $1.weight }
            pending.finished += UInt64(batch.count)
        }
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

extension AuditEntry {
    /// Bytes, roughly.
    fileprivate var weight: Int {
        512 + method.utf8.count + resource.utf8.count + message.utf8.count + request.utf8.count
    }
}
