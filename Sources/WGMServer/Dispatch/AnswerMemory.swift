// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMControl
internal import WGMModel
internal import WGMRPC
internal import WGMWire

/// What calls with one token were answered, while an equal call is to be answered just so.
///
/// An answer holds as long as nothing has changed in the view that reads are answered from, which includes principals,
/// roles and revocations, and at most a second or so. Each call that is answered from here is counted in the audit log.
final class AnswerMemory: AnswerSource {
    /// A longer call or answer is not kept.
    private static let mostCallBytes = 1024
    private static let mostAnswerBytes = 16 * 1024
    /// Of all memories together.
    static let mostBytes = 4 * 1024 * 1024

    final class Answer {
        let call: [UInt8]
        let end: [UInt8]
        let generation: UInt64
        let made: Moment
        let until: Moment
        let entry: AuditEntry
        /// The record that counts these calls at present.
        var record: UInt64?

        init(_ call: [UInt8], _ end: [UInt8], _ lasting: LastingReply) {
            self.call = call
            self.end = end
            generation = lasting.generation
            made = lasting.made
            until = lasting.until
            entry = lasting.entry
        }

        var byteCount: Int { 512 + call.count + end.count + entry.request.utf8.count }
    }

    private struct Content {
        var answers: [Int: Answer] = [:]
        var byteCount = 0
    }

    private let view: GatewayView
    private let audit: AuditQueue
    /// Bytes of all memories.
    private let total: SharedCount
    private let content = Mutex(Content())

    init(view: GatewayView, audit: AuditQueue, total: SharedCount) {
        self.view = view
        self.audit = audit
        self.total = total
    }

    deinit { total.add(-content.withLock { $0.byteCount }) }

    func again(_ call: RawSpan, now: Moment) -> [UInt8]? {
        guard call.byteCount <= Self.mostCallBytes else { return nil }
        return unsafe call.withUnsafeBytes { unsafe again($0, now) }
    }

    private func again(_ call: UnsafeRawBufferPointer, _ now: Moment) -> [UInt8]? {
        let hash = unsafe Self.hash(call)
        return content.withLock { content -> [UInt8]? in
            guard let answer = content.answers[hash], now < answer.until, answer.generation == view.generation,
                unsafe Self.isEqual(call, answer.call)
            else { return nil }
            count(answer, now)
            return answer.end
        }
    }

    func remember(_ call: [UInt8], _ end: [UInt8], _ lasting: LastingReply) {
        guard call.count <= Self.mostCallBytes, end.count <= Self.mostAnswerBytes else { return }
        let hash = unsafe call.withUnsafeBytes { unsafe Self.hash($0) }
        content.withLock { content in
            let answer = Answer(call, end, lasting)
            var change = answer.byteCount - (content.answers[hash]?.byteCount ?? 0)
            if total.value + change > Self.mostBytes {
                total.add(-content.byteCount)
                content = Content()
                change = answer.byteCount
            }
            guard total.value + change <= Self.mostBytes else { return }
            content.answers[hash] = answer
            content.byteCount += change
            total.add(change)
        }
    }

    private func count(_ answer: Answer, _ now: Moment) {
        let passed = now.nanoseconds - min(answer.made.nanoseconds, now.nanoseconds)
        let time = answer.entry.time.adding(nanoseconds: passed)
        if let record = answer.record, audit.recordAgain(record, at: time) { return }
        var entry = answer.entry
        entry.time = time
        answer.record = audit.record(entry)
    }

    private static func hash(_ call: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        unsafe hasher.combine(bytes: call)
        return hasher.finalize()
    }

    private static func isEqual(_ call: UnsafeRawBufferPointer, _ other: [UInt8]) -> Bool {
        guard call.count == other.count else { return false }
        var difference: UInt64 = 0
        unsafe other.withUnsafeBytes { other in
            var place = 0
            while place + 8 <= call.count {
                let mine = unsafe call.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                let theirs = unsafe other.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                difference |= mine ^ theirs
                place += 8
            }
            while place < call.count {
                difference |= unsafe UInt64(call[place] ^ other[place])
                place += 1
            }
        }
        return difference == 0
    }
}

/// What has to be known about a reply that may be given again.
struct LastingReply: Sendable {
    /// The view's, before the reply was made.
    let generation: UInt64
    let made: Moment
    let until: Moment
    /// The record of the call.
    let entry: AuditEntry
}

/// A number that several objects change.
final class SharedCount: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }
    func add(_ change: Int) { count.add(change, ordering: .relaxed) }
}

/// The memory of each token that is in use, by whom; connections that show the same token share one.
final class AnswerMemories: Sendable {
    private struct Weak {
        weak var memory: AnswerMemory?
    }
    /// The table is looked through for the dead when it has grown by so many.
    private static let tidyStep = 256

    private struct Content {
        var table: [String: Weak] = [:]
        var tidyAt = AnswerMemories.tidyStep
    }
    private let content = Mutex(Content())
    private let total = SharedCount()

    func memory(for credential: Credential, _ caller: String, _ gateway: Gateway) -> AnswerMemory {
        let key = "\(credential.claims.tokenID) \(credential.principal) \(caller)"
        return content.withLock { content in
            if let memory = content.table[key]?.memory { return memory }
            if content.table.count >= content.tidyAt {
                content.table = content.table.filter { $0.value.memory != nil }
                content.tidyAt = content.table.count + Self.tidyStep
            }
            let memory = AnswerMemory(view: gateway.view, audit: gateway.audit, total: total)
            content.table[key] = Weak(memory: memory)
            return memory
        }
    }
}
