// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Audit records that wait to be written, in order, with a number each.
struct PendingRecords {
    private(set) var entries: [AuditEntry] = []
    private var byteCount = 0
    /// How many were ever accepted, how many of these a writer has had in its hands, and how many are done with.
    private(set) var accepted: UInt64 = 0
    private var taken: UInt64 = 0
    private(set) var finished: UInt64 = 0
    /// The numbers of those that wait and may still count equal calls.
    private var open: [Said: UInt64] = [:]
    private var refusals = CallerBudget(each: CallerBudget.refusals)
    /// Of addresses that nobody has vouched for: however many they are, they use up nobody else's.
    private var refusalsOfAddresses = CallerBudget(each: CallerBudget.refusals)
    private var successes = CallerBudget(each: CallerBudget.successes)
    /// How many entries of each caller wait.
    private var waiting: [String: Int] = [:]
    /// Records that could not be kept, since the last record that said how many.
    var lost = 0

    enum Place {
        /// In the record of that number.
        case record(UInt64)
        /// The same, for a refusal beyond its caller's budget.
        case beyondBudget(UInt64)
        case noRoom
    }

    mutating func add(_ entry: AuditEntry) -> Place {
        guard entry.code != 0 else { return addSuccess(entry).map { .record($0) } ?? .noRoom }
        if let caller = entry.caller, !admitRefusal(caller, at: entry.time) {
            let number = countAgain(entry) ?? countAgain(entry.furtherRefusal) ?? append(entry.furtherRefusal)
            return number.map { .beyondBudget($0) } ?? .noRoom
        }
        // Equal refusals within the budget stay apart: each is known to be in the database when its caller is told.
        return append(entry).map { .record($0) } ?? .noRoom
    }

    private mutating func admitRefusal(_ caller: String, at time: Timestamp) -> Bool {
        caller.hasPrefix("@") ? refusalsOfAddresses.admit(caller, at: time) : refusals.admit(caller, at: time)
    }

    /// No call is left out: beyond the caller's budget records say less, and beyond his share of the room one counts for all.
    private mutating func addSuccess(_ entry: AuditEntry) -> UInt64? {
        if let number = countAgain(entry) { return number }
        guard let caller = entry.caller else { return append(entry) }
        let isOverShare = waiting[caller, default: 0] >= AuditQueue.mostOfCaller
        if !isOverShare, !isFullForSuccesses {
            if successes.admit(caller, at: entry.time) { return append(entry) }
            return countAgain(entry.condensed) ?? append(entry.condensed)
        }
        return countAgain(entry.condensed) ?? countAgain(entry.furtherCall) ?? append(entry.furtherCall)
    }

    /// The rest is for refusals, and for a last record of each caller.
    private var isFullForSuccesses: Bool {
        entries.count >= AuditQueue.mostSuccesses || byteCount > AuditQueue.maxBytes / 4 * 3
    }

    /// Counts one more call; false when the record is being written, or is not there any more.
    mutating func countAgain(_ number: UInt64, at time: Timestamp) -> Bool {
        guard number > taken, number <= accepted else { return false }
        entries[Int(number - finished - 1)].countAgain(at: time)
        return true
    }

    /// What is written next; it counts no more calls from here on, be it written or not.
    mutating func take(_ most: Int) -> [AuditEntry] {
        let batch = Array(entries.prefix(most))
        taken = max(taken, finished + UInt64(batch.count))
        if taken == accepted { open.removeAll(keepingCapacity: open.count < most) }
        return batch
    }

    mutating func finish(_ batch: [AuditEntry]) {
        entries.removeFirst(batch.count)
        byteCount -= batch.reduce(0) { $0 + $1.weight }
        for caller in batch.lazy.compactMap(\.caller) {
            guard let count = waiting[caller] else { continue }
            waiting[caller] = count > 1 ? count - 1 : nil
        }
        finished += UInt64(batch.count)
    }

    private mutating func countAgain(_ entry: AuditEntry) -> UInt64? {
        guard let number = open[Said(entry)], countAgain(number, at: entry.time) else { return nil }
        return number
    }

    private mutating func append(_ entry: AuditEntry) -> UInt64? {
        guard entries.count < AuditQueue.maxEntries, byteCount + entry.weight <= AuditQueue.maxBytes else {
            lost += 1
            return nil
        }
        entries.append(entry)
        byteCount += entry.weight
        if let caller = entry.caller { waiting[caller, default: 0] += 1 }
        accepted += 1
        open[Said(entry)] = accepted
        return accepted
    }
}

/// What an entry says besides its time and request id.
private struct Said: Hashable {
    let entry: AuditEntry

    init(_ entry: AuditEntry) { self.entry = entry }

    static func == (left: Self, right: Self) -> Bool {
        let (left, right) = (left.entry, right.entry)
        return left.resource == right.resource && left.method == right.method && left.tokenID == right.tokenID
            && left.principal == right.principal && left.uid == right.uid && left.code == right.code
            && left.request == right.request && left.message == right.message && left.reason == right.reason
    }

    /// Everything that the caller can vary: else many entries of one hash would make the table slow.
    func hash(into hasher: inout Hasher) {
        for text in [entry.resource, entry.method, entry.request, entry.message, entry.reason] { hasher.combine(text) }
        hasher.combine(entry.tokenID)
    }
}

extension AuditEntry {
    /// Bytes, roughly.
    fileprivate var weight: Int {
        512 + method.utf8.count + resource.utf8.count + message.utf8.count + request.utf8.count + reason.utf8.count
    }
}
