// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMKeeper
import WGMKeeperProtocol
import WGMModel

@Suite("Notices of the keeper")
struct NoticeTests {
    private func changed(_ names: String...) throws -> ChangedLinks {
        var changed = ChangedLinks()
        for name in names { changed.insert(try #require(InterfaceName(name))) }
        return changed
    }

    @Test("a notice comes back from its bytes, and a reply is none")
    func layout() throws {
        for changed in [try changed("wg0", "wg1"), .everything] {
            #expect(try Notice(decoding: Notice(changed).encoded())?.changed == changed)
        }
        #expect(try Notice(decoding: Reply(number: 7, kind: .dump).encoded()) == nil)
        #expect(try Notice(decoding: Reply(number: 0, kind: .dump).encoded()) == nil)
    }

    @Test("a notice that is cut short, too long or has no name is refused")
    func hostile() throws {
        let bytes = Notice(try changed("wg0")).encoded()
        for count in 5..<bytes.count {
            #expect(throws: PacketError.self) { try Notice(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: PacketError.trailingBytes) { try Notice(decoding: bytes + [0]) }
        #expect(throws: PacketError.invalidField) {
            try Notice(decoding: Array(bytes[..<8]) + [UInt8](repeating: 0, count: 16))
        }
    }

    @Test("more names than the limit are every interface")
    func bounded() throws {
        var changed = ChangedLinks()
        for number in 0...ChangedLinks.maximumCount { changed.insert(try #require(InterfaceName("wg\(number)"))) }
        #expect(changed == .everything && changed.names.isEmpty)
    }

    @Test("the keeper says one notice and no second before a request, and then what came meanwhile in one")
    func coalesced() throws {
        let folder = try TemporaryFolder()
        var bench = try Bench(folder)
        bench.keeper.beginConnection()
        bench.recording.events = try changed("wg0")
        #expect(bench.keeper.notice() == nil, "nobody has said hello")
        let hello = Request(number: 1, .hello(version: Request.protocolVersion)).encoded()
        guard case .replies = bench.keeper.answer(hello, at: .now) else { throw NotGreeted() }
        #expect(try bench.keeper.notice().flatMap(Notice.init(decoding:))?.changed == changed("wg0"))
        for name in ["wg1", "wg2"] {
            bench.recording.events = try changed(name)
            #expect(bench.keeper.notice() == nil)
        }
        guard case .replies = bench.keeper.answer(Request(number: 2, .ownedInterfaces).encoded(), at: .now)
        else { throw NotGreeted() }
        #expect(try bench.keeper.notice().flatMap(Notice.init(decoding:))?.changed == changed("wg1", "wg2"))
        #expect(bench.keeper.notice() == nil)
    }

    struct NotGreeted: Error {}
}
