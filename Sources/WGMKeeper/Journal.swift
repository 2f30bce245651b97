// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import WGMKeeperProtocol
package import WGMModel
internal import WGMVerify

/// What is written about one request.
package struct JournalSubject: Sendable {
    var kind: UInt8
    var interface: [UInt8]
    var owner: UInt64
    var hash: [UInt8]
    var time: Timestamp

    package init(
        _ request: Request,
        _ packet: [UInt8],
        _ interface: InterfaceName,
        _ owner: InterfaceID,
        _ time: Timestamp
    ) {
        kind = request.kind.rawValue
        let name = Array(interface.value.utf8)
        self.interface = name + repeatElement(0, count: 16 - name.count)
        self.owner = owner.value
        hash = Hash.blake2b(packet)
        self.time = time
    }
}

/// Why the journal cannot be opened or written.
package enum JournalError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(errno: Int32, operation: String)
    /// The file was removed or replaced under our feet.
    case unlinked
    /// An earlier failure has left the file in an unknown state; a new start looks at it afresh.
    case failedBefore
    case tooLarge

    /// For the person who starts the keeper; the folder is said beside it.
    package var description: String {
        switch self {
        case .file(let errno, let operation):
            unsafe "\(operation) journal: \(String(cString: strerror(errno))); it must be a file of the keeper's user, or missing"
        case .unlinked: "its journal was removed or replaced while it started: start it again"
        case .failedBefore: "its journal failed before: start it again"
        case .tooLarge: "its journal is larger than the keeper makes it: move the file away, and a new one is begun"
        }
    }

    var kernelFailure: KernelFailure {
        switch self {
        case .file(let errno, let operation):
            KernelFailure(.journal, errno: errno, "the keeper's journal: \(operation) failed; nothing was changed")
        case .unlinked:
            KernelFailure(.journal, "the keeper's journal was removed or replaced; nothing was changed")
        case .failedBefore:
            KernelFailure(.journal, "the keeper's journal failed before: start the keeper again; nothing was changed")
        case .tooLarge:
            KernelFailure(.journal, "the keeper's journal is too large; nothing was changed")
        }
    }
}

/// The keeper's own record of its changes, on disk before each of them.
///
/// `journal` in the state folder; when it is full it becomes `journal.1`, that one `journal.2`, and so on.
package struct Journal: ~Copyable {
    /// Bytes; a file is at most one record larger.
    package static let fileSize = 8 * 1024 * 1024
    package static let oldFileCount = 8
    private let path: String
    private let disk: Disk
    private let limit: Int
    private var file: JournalFile
    private var chain: [UInt8]
    private var sequence: UInt64
    private var hasFailed = false

    private init(path: String, disk: Disk, limit: Int, file: consuming JournalFile, _ contents: JournalContents) {
        self.path = path
        self.disk = disk
        self.limit = limit
        self.file = file
        chain = contents.chain
        sequence = contents.records.last?.sequence ?? 0
    }

    /// Continues the journal in the folder, or starts one.
    package static func open(
        in folder: String,
        disk: Disk = .real,
        fileSize limit: Int = Journal.fileSize
    ) throws(JournalError) -> Journal {
        let path = folder + "/journal"
        var file = try JournalFile(path: path)
        let contents = JournalContents(try file.read(limit: limit + 2 * JournalRecord.byteCount))
        var journal = Journal(path: path, disk: disk, limit: limit, file: file, contents)
        try journal.begin(contents)
        return journal
    }

    private mutating func begin(_ contents: JournalContents) throws(JournalError) {
        if contents.firstBroken != nil { return try setAside() }
        if contents.tornByteCount > 0 { try file.truncate() }
        guard file.byteCount == 0 else { return }
        try append(startRecord)
        try syncFolder()
    }

    /// Returns when the record is on disk.
    package mutating func recordIntent(of subject: JournalSubject) throws(JournalError) {
        guard !hasFailed else { throw .failedBefore }
        try file.requireInPlace(path)
        if file.byteCount >= limit { try rotate() }
        try append(record(.intent, subject, failure: nil))
        let failure = disk.sync(file.fileDescriptor)
        guard failure == 0 else {
            // Linux forgets what it could not write: a second attempt would succeed without the data.
            hasFailed = true
            throw .file(errno: failure, operation: "fdatasync")
        }
    }

    /// Reaches the disk with the next intent.
    ///
    /// A failure changes nothing about what was done: an intent without an outcome says that it is not known.
    package mutating func recordOutcome(of subject: JournalSubject, failure: KernelFailure?) {
        guard !hasFailed else { return }
        do { try append(record(.outcome, subject, failure: failure)) } catch {}
    }

    private func record(
        _ phase: JournalRecord.Phase,
        _ subject: JournalSubject,
        failure: KernelFailure?
    ) -> JournalRecord {
        JournalRecord(
            sequence: sequence &+ 1,
            phase: phase,
            kind: subject.kind,
            status: failure?.reason.rawValue ?? 0,
            errno: failure?.errno ?? 0,
            time: subject.time,
            interface: subject.interface,
            owner: subject.owner,
            hash: subject.hash
        )
    }

    private var startRecord: JournalRecord {
        let none = [UInt8](repeating: 0, count: 16)
        return JournalRecord(
            sequence: sequence &+ 1,
            phase: .start,
            kind: 0,
            status: 0,
            errno: 0,
            time: .now,
            interface: none,
            owner: 0,
            hash: chain
        )
    }

    private mutating func append(_ record: JournalRecord) throws(JournalError) {
        let encoded = record.encoded(after: chain)
        let failure = disk.append(encoded.bytes, file.fileDescriptor)
        guard failure == 0 else {
            do { try file.truncate() } catch { hasFailed = true }
            throw .file(errno: failure, operation: "write")
        }
        file.byteCount += encoded.bytes.count
        chain = encoded.chain
        sequence = record.sequence
    }

    private mutating func rotate() throws(JournalError) {
        for number in stride(from: Self.oldFileCount - 1, through: 1, by: -1) {
            let moved = unsafe rename("\(path).\(number)", "\(path).\(number + 1)")
            guard moved == 0 || errno == ENOENT else { throw .file(errno: errno, operation: "rename") }
        }
        try moveAway(to: "\(path).1")
    }

    /// A file with a broken chain is evidence: it is kept under another name and a new chain starts.
    private mutating func setAside() throws(JournalError) {
        try moveAway(to: "\(path).broken-\(Timestamp.now.milliseconds)")
    }

    private mutating func moveAway(to other: String) throws(JournalError) {
        guard unsafe rename(path, other) == 0 else { throw .file(errno: errno, operation: "rename") }
        hasFailed = true
        file = try JournalFile(path: path)
        guard file.byteCount == 0 else { throw .unlinked }
        try append(startRecord)
        try syncFolder()
        hasFailed = false
    }

    private func syncFolder() throws(JournalError) {
        let folder = unsafe Glibc.open(String(path.dropLast("/journal".count)), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .file(errno: errno, operation: "open") }
        defer { _ = close(folder) }
        guard fsync(folder) == 0 else { throw .file(errno: errno, operation: "fsync") }
    }
}

extension Timestamp {
    package static var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: time.tv_nsec))
    }
}
