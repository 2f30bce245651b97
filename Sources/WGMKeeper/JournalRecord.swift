// SPDX-License-Identifier: Apache-2.0

package import WGMModel
internal import WGMVerify

/// One line of the keeper's own record of what it did to the kernel.
///
/// 120 bytes, big-endian: `WGMJ` · version (1) · phase (1) · kind (1) · status (1) · sequence (8) · seconds (8) ·
/// nanoseconds (4) · errno (4) · interface name (16) · owner (8) · hash of the request (32) · chain (32).
/// The chain is the BLAKE2b-256 hash of the chain before and the 88 bytes in front of it.
package struct JournalRecord: Hashable, Sendable {
    package enum Phase: UInt8, Hashable, Sendable {
        /// The first record of a file; its hash is the chain that the file before ended with.
        case start = 0
        /// About to be done.
        case intent = 1
        case outcome = 2
    }

    package static let byteCount = 120
    static let bodyByteCount = 88
    package var sequence: UInt64
    package var phase: Phase
    /// A `RequestKind`; 0 in a start record.
    package var kind: UInt8
    /// 0 or a `KernelFailure.Reason`.
    package var status: UInt8
    package var errno: Int32
    package var time: Timestamp
    /// The interface name, padded with zeros to 16 bytes.
    package var interface: [UInt8]
    package var owner: UInt64
    /// BLAKE2b-256 of the request as it came.
    package var hash: [UInt8]

    /// The record behind one whose chain is `chain`, and its own chain.
    func encoded(after chain: [UInt8]) -> (bytes: [UInt8], chain: [UInt8]) {
        let body =
            Array("WGMJ".utf8) + [1, phase.rawValue, kind, status] + bytes(sequence) + timeAndErrno
            + interface + bytes(owner) + hash
        let next = Hash.blake2b(chain + body)
        return (body + next, next)
    }

    private var timeAndErrno: [UInt8] { bytes(time.seconds) + bytes(time.nanoseconds) + bytes(errno) }
}

extension JournalRecord {
    /// nil unless the record is whole and continues the chain; a start record begins the chain that it names.
    init?(_ record: ArraySlice<UInt8>, after chain: [UInt8]?) {
        let record = Array(record)
        guard record.count == Self.byteCount, record.starts(with: Array("WGMJ".utf8) + [1]) else { return nil }
        guard let phase = Phase(rawValue: record[5]) else { return nil }
        let hash = Array(record[56..<88])
        guard let previous = phase == .start ? hash : chain else { return nil }
        guard Hash.blake2b(previous + record[..<Self.bodyByteCount]) == Array(record[88...]) else { return nil }
        self.phase = phase
        kind = record[6]
        status = record[7]
        sequence = number(record[8..<16])
        time = Timestamp(seconds: number(record[16..<24]), nanoseconds: number(record[24..<28]))
        errno = number(record[28..<32])
        interface = Array(record[32..<48])
        owner = number(record[48..<56])
        self.hash = hash
    }
}

private func bytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    stride(from: Integer.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
}

private func number<Integer: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Integer {
    bytes.reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
}

/// What one journal file holds, as far as its chain is whole.
package struct JournalContents: Hashable, Sendable {
    package var records: [JournalRecord] = []
    /// The last chain; 32 zero bytes when there is no record.
    package var chain = [UInt8](repeating: 0, count: 32)
    /// Bytes behind the last whole record that are less than one: what a crash in the middle of a write leaves.
    package var tornByteCount = 0
    /// The index of the first record that was changed, is missing or is out of order; nil when there is none.
    package var firstBroken: Int?

    /// Reads and checks a file, of which only the first record may be a start.
    package init(_ file: [UInt8]) {
        tornByteCount = file.count % JournalRecord.byteCount
        var isFirst = true
        for offset in stride(from: 0, to: file.count - tornByteCount, by: JournalRecord.byteCount) {
            let slice = file[offset..<(offset + JournalRecord.byteCount)]
            let record = JournalRecord(slice, after: isFirst ? nil : chain)
            let follows = isFirst || record?.sequence == (records.last?.sequence ?? 0) &+ 1
            guard let record, follows, (record.phase == .start) == isFirst else {
                firstBroken = records.count
                return
            }
            records.append(record)
            chain = Array(slice.suffix(32))
            isFirst = false
        }
    }
}
