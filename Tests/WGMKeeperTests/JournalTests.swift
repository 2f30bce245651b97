// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMKeeper
import WGMKeeperProtocol
import WGMModel
import WGMVerify

@Suite("The journal")
struct JournalTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func contents(_ name: String = "journal") throws -> JournalContents {
        JournalContents(try folder.bytes(name))
    }

    @Test("holds the intent before the kernel is touched, and the outcome after")
    func order() throws {
        var bench = try Bench(folder)
        _ = try bench.hello()
        let path = folder
        var seen: [JournalRecord] = []
        bench.recording.onApply = { seen = (try? JournalContents(path.bytes("journal")))?.records ?? [] }
        bench.recording.failure = KernelFailure(.inUse, errno: 98, "")
        let request = Request(number: 1, .change(.deleteLink, interface: Sample.interface(), owner: Sample.owner))
        _ = bench.keeper.answer(request.encoded(), at: Timestamp(seconds: 5, nanoseconds: 6))
        #expect(seen.map(\.phase) == [.start, .intent])
        let records = try contents().records
        #expect(records.map(\.phase) == [.start, .intent, .outcome])
        #expect(records.map(\.sequence) == [1, 2, 3])
        let outcome = try #require(records.last)
        #expect(outcome.kind == RequestKind.deleteLink.rawValue && outcome.owner == Sample.owner.value)
        #expect(outcome.status == KernelFailure.Reason.inUse.rawValue && outcome.errno == 98)
        #expect(outcome.time == Timestamp(seconds: 5, nanoseconds: 6))
        #expect(outcome.interface == Array("wg0".utf8) + [UInt8](repeating: 0, count: 13))
        #expect(outcome.hash == Hash.blake2b(request.encoded()))
    }

    @Test("goes on where it was after a new start, also behind a torn record")
    func resumed() throws {
        for round in 0..<3 {
            var bench = try Bench(folder)
            _ = try bench.hello()
            _ = try bench.change(.deleteLink)
            if round == 1 {
                let file = try #require(FileHandle(forWritingAtPath: folder.path + "/journal"))
                try file.seekToEnd()
                try file.write(contentsOf: Data(repeating: 1, count: 50))
                try file.close()
            }
        }
        let contents = try contents()
        #expect(contents.firstBroken == nil && contents.tornByteCount == 0)
        #expect(contents.records.map(\.sequence) == Array(1...7))
    }

    @Test("shows every flipped bit, removed, doubled or swapped record")
    func tampering() throws {
        var bench = try Bench(folder)
        _ = try bench.hello()
        for _ in 0..<4 { _ = try bench.change(.deleteLink) }
        let file = try folder.bytes("journal")
        let size = JournalRecord.byteCount
        #expect(JournalContents(file).firstBroken == nil)
        for bit in 0..<(file.count * 8) {
            var changed = file
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(JournalContents(changed).firstBroken == bit / 8 / size)
        }
        let records = stride(from: 0, to: file.count, by: size).map { Array(file[$0..<($0 + size)]) }
        for index in 1..<(records.count - 1) {
            var removed = records
            removed.remove(at: index)
            #expect(JournalContents(Array(removed.joined())).firstBroken == index)
            var doubled = records
            doubled.insert(records[index], at: index)
            #expect(JournalContents(Array(doubled.joined())).firstBroken == index + 1)
            var swapped = records
            swapped.swapAt(index, index + 1)
            #expect(JournalContents(Array(swapped.joined())).firstBroken == index)
        }
    }

    @Test("that was changed is kept under another name when the keeper starts")
    func setAside() throws {
        do {
            var bench = try Bench(folder)
            _ = try bench.hello()
            _ = try bench.change(.deleteLink)
        }
        var file = try folder.bytes("journal")
        file[150] ^= 1
        try Data(file).write(to: URL(filePath: folder.path + "/journal"))
        var bench = try Bench(folder)
        _ = try bench.hello()
        #expect(try bench.change(.deleteLink)?.failure == nil)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let broken = try #require(names.first { $0.hasPrefix("journal.broken-") })
        #expect(try folder.bytes(broken) == file)
        #expect(try contents().records.map(\.phase) == [.start, .intent, .outcome])
    }

    @Test("that is full moves on to the next file, whose start names the chain before")
    func rotation() throws {
        var bench = try Bench(folder, fileSize: 10 * JournalRecord.byteCount)
        _ = try bench.hello()
        for _ in 0..<100 { #expect(try bench.change(.deleteLink)?.failure == nil) }
        var older: JournalContents?
        for number in stride(from: Journal.oldFileCount, through: 1, by: -1) {
            let file = try contents("journal.\(number)")
            #expect(file.firstBroken == nil && file.records.count <= 11)
            if let older {
                #expect(file.records.first?.hash == older.chain)
                #expect(file.records.first?.sequence == (older.records.last?.sequence ?? 0) + 1)
            }
            older = file
        }
        #expect(try contents().records.first?.hash == older?.chain)
        let count = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .count { $0.hasPrefix("journal") }
        #expect(count == Journal.oldFileCount + 1)
    }

    @Test("that cannot be written refuses the change, and goes on when there is room again")
    func fullDisk() throws {
        let isFull = Flag()
        let disk = Disk(
            append: { bytes, file in
                // As the kernel does: what still fits is written.
                isFull.value ? Disk.real.append(Array(bytes.prefix(50)), file) + ENOSPC : Disk.real.append(bytes, file)
            },
            sync: Disk.real.sync
        )
        var bench = try Bench(folder, disk: disk)
        _ = try bench.hello()
        isFull.value = true
        for _ in 0..<3 {
            let failure = try bench.change(.deleteLink)?.failure
            #expect(failure?.reason == .journal && failure?.errno == ENOSPC)
        }
        #expect(bench.recording.changes.isEmpty)
        isFull.value = false
        #expect(try bench.change(.deleteLink)?.failure == nil)
        #expect(bench.recording.changes.count == 1)
        #expect(try contents().firstBroken == nil && contents().tornByteCount == 0)
    }

    @Test("whose disk failed once refuses changes until the keeper is started again")
    func failedDisk() throws {
        let fails = Flag()
        let disk = Disk(append: Disk.real.append) { file in fails.value ? EIO : Disk.real.sync(file) }
        var bench = try Bench(folder, disk: disk)
        _ = try bench.hello()
        fails.value = true
        #expect(try bench.change(.deleteLink)?.failure?.errno == EIO)
        fails.value = false
        #expect(try bench.change(.deleteLink)?.failure?.reason == .journal)
        #expect(bench.recording.changes.isEmpty)
        #expect(try bench.reply(.ownedInterfaces)?.failure == nil)
        var next = try Bench(folder)
        _ = try next.hello()
        #expect(try next.change(.deleteLink)?.failure == nil)
    }

    @Test("that was removed, replaced or cut refuses the change", arguments: ["remove", "replace", "cut"])
    func unlinked(_ deed: String) throws {
        var bench = try Bench(folder)
        _ = try bench.hello()
        let path = folder.path + "/journal"
        switch deed {
        case "remove": try FileManager.default.removeItem(atPath: path)
        case "replace": try Data(folder.bytes("journal")).write(to: URL(filePath: path), options: .atomic)
        default: try #require(FileHandle(forWritingAtPath: path)).truncate(atOffset: 0)
        }
        #expect(try bench.change(.deleteLink)?.failure?.reason == .journal)
        #expect(bench.recording.changes.isEmpty)
    }
}

private final class Flag {
    var value = false
}
