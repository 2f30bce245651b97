// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import WGMModel

/// What was last found out about a name.
package struct NameRecord: Hashable, Sendable {
    /// What it was last found to stand for, also when the last look-up failed.
    package var addresses: [IPAddress] = []
    /// Why the last look-up failed; nil when it did not.
    package var failure: String?
    /// Of the last look-up.
    package var time: Timestamp
    /// Milliseconds of a clock that nobody sets; until then the name is not looked up again.
    package var due: Int64
    /// Since the last that went well.
    var failures = 0
}

/// What the names of endpoints stand for.
package final class NameTable: Sendable {
    /// Milliseconds that an answer holds at least and at most, whatever it says itself: a name of a dead peer is not asked
    /// for all the time, and one that was renumbered does not stay dead for a day.
    static let lifetimes: ClosedRange<Int64> = 30_000...300_000

    private let records = Mutex<[HostName: NameRecord]>([:])

    package func record(of name: HostName) -> NameRecord? { records.withLock { $0[name] } }

    func note(_ found: NamedAddresses, for name: HostName, now: Timestamp, steady: Int64) {
        let lifetime = Int64(found.lifetime) * 1000
        let due = steady + min(max(lifetime, Self.lifetimes.lowerBound), Self.lifetimes.upperBound)
        records.withLock { $0[name] = NameRecord(addresses: found.addresses, time: now, due: due) }
    }

    /// Each failure doubles the time to the next try.
    func note(_ failure: LookupFailure, for name: HostName, now: Timestamp, steady: Int64) {
        records.withLock { records in
            var record = records[name] ?? NameRecord(time: now, due: 0)
            let pause = Self.lifetimes.lowerBound << min(record.failures, 8)
            record.failure = failure.message
            record.failures += 1
            record.time = now
            record.due = steady + min(pause, Self.lifetimes.upperBound)
            records[name] = record
        }
    }

    /// How many stand for nothing that is known, so that nobody can be sent there.
    var lostCount: Int { records.withLock { $0.values.count { $0.addresses.isEmpty && $0.failure != nil } } }

    func keep(_ names: Set<HostName>) {
        records.withLock { records in
            if records.count > names.count { records = records.filter { names.contains($0.key) } }
        }
    }
}
