// SPDX-License-Identifier: Apache-2.0

import CWGMSystem
import Foundation
import Testing
import WGMKeeper
import WGMKeeperProtocol
import WGMModel

@Suite("The client")
struct ClientTests {
    /// Answers each packet with what `answer` makes of it, on a thread of its own, until it says nil.
    private func client(
        timeout: Int32 = 5,
        answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]?
    ) throws -> KeeperClient {
        var ends: (Int32, Int32) = (-1, -1)
        try #require(unsafe wgm_packet_socket_pair(&ends.0, &ends.1) == 0)
        let own = ends.0
        let thread = Thread {
            let socket = PacketSocket(owning: own)
            while let packet = try? socket.receive(), let replies = answer(packet) {
                for reply in replies { try? socket.send(reply) }
            }
        }
        thread.start()
        return KeeperClient(fileDescriptor: ends.1, timeout: timeout)
    }

    /// The client over a real keeper with a recording kernel.
    private func keeperClient(_ folder: TemporaryFolder, _ actual: ActualInterface?) throws -> KeeperClient {
        let bench = SharedBench(try Bench(folder))
        bench.recording.actual = actual
        bench.recording.owners = [Sample.interface(): Sample.owner]
        return try client { packet in bench.answer(packet) }
    }

    @Test("does everything over a real keeper")
    func everything() async throws {
        let folder = try TemporaryFolder()
        let actual = Sample.actual(peers: 800)
        let client = try keeperClient(folder, actual)
        let identity = try await client.hello()
        #expect(identity.state == .ready)
        #expect(try await client.hello() == identity)
        #expect(try await client.dump(Sample.interface()) == actual)
        #expect(try await client.ownedInterfaces() == [Sample.interface(): Sample.owner])
        let key = try await client.generateKey(for: Sample.owner)
        let device = KernelChange.setDevice(privateKey: key.sealed, listenPort: 1, firewallMark: nil)
        try await client.apply(device, to: Sample.interface(), owner: Sample.owner)
        await #expect(throws: KernelFailure.self) {
            try await client.apply(device, to: Sample.interface(), owner: InterfaceID(1))
        }
        let routes = KernelChange.addRoutes(Sample.prefixes(20_000))
        try await client.apply(routes, to: Sample.interface(), owner: Sample.owner)
        let input = Sample.tokenInput(keyID: identity.signingKeyID)
        #expect(try await client.signToken(input).count == 64)
    }

    @Test("hears of what somebody else changed, between two requests and during one, and of everything at first")
    func notices() async throws {
        let (noticed, continuation) = AsyncStream.makeStream(of: ChangedLinks.self)
        var ends: (Int32, Int32) = (-1, -1)
        try #require(unsafe wgm_packet_socket_pair(&ends.0, &ends.1) == 0)
        let keeper = PacketSocket(owning: ends.0)
        var changed = ChangedLinks()
        changed.insert(Sample.interface())
        let notice = Notice(changed).encoded()
        let folder = try TemporaryFolder()
        let bench = SharedBench(try Bench(folder))
        let client = KeeperClient(fileDescriptor: ends.1, timeout: 5, noticed: { continuation.yield($0) })
        var heard = noticed.makeAsyncIterator()
        async let identity = client.hello()
        let greeting = try keeper.receive()
        for reply in bench.answer(greeting) ?? [] { try keeper.send(reply) }
        _ = try await identity
        #expect(await heard.next() == .everything)
        try keeper.send(notice)
        #expect(await heard.next() == changed)
        async let owned = client.ownedInterfaces()
        let request = try keeper.receive()
        try keeper.send(notice)
        for reply in bench.answer(request) ?? [] { try keeper.send(reply) }
        #expect(try await owned.isEmpty)
        #expect(await heard.next() == changed)
    }

    @Test("says nil for an interface that is not there")
    func noInterface() async throws {
        let folder = try TemporaryFolder()
        let client = try keeperClient(folder, nil)
        _ = try await client.hello()
        #expect(try await client.dump(Sample.interface()) == nil)
    }

    @Test("fails with keeperGone when the keeper ends, at once and ever after")
    func ended() async throws {
        let client = try client { _ in nil }
        for _ in 0..<2 {
            let failure = await #expect(throws: KernelFailure.self) { _ = try await client.hello() }
            #expect(failure?.reason == .keeperGone)
        }
    }

    @Test("fails with keeperGone when the keeper says nothing, and drops the late reply")
    func silent() async throws {
        let late = Late()
        let client = try client(timeout: 1) { packet in late.replies(to: packet) }
        let failure = await #expect(throws: KernelFailure.self) { _ = try await client.ownedInterfaces() }
        #expect(failure?.reason == .keeperGone)
        #expect(try await client.ownedInterfaces() == [Sample.interface(): Sample.owner])
    }

    @Test("waits longer than for others until a link is deleted, since the kernel takes long for one with many peers")
    func deletion() async throws {
        let client = try client(timeout: 1) { packet in
            guard let request = try? Request(decoding: packet) else { return nil }
            Thread.sleep(forTimeInterval: 2.5)
            return [Reply(to: request, payload: []).encoded()]
        }
        try await client.apply(.deleteLink, to: Sample.interface(), owner: Sample.owner)
        let failure = await #expect(throws: KernelFailure.self) {
            try await client.apply(.releaseLink, to: Sample.interface(), owner: Sample.owner)
        }
        #expect(failure?.message.contains("did not answer") == true)
    }

    @Test("takes no reply that cannot be one", arguments: BadReply.allCases)
    func malformed(_ bad: BadReply) async throws {
        let client = try client { packet in bad.replies(to: packet) }
        for _ in 0..<2 {
            let failure = await #expect(throws: KernelFailure.self) {
                _ = try await client.generateKey(for: Sample.owner)
            }
            #expect(failure?.reason == .keeperGone)
        }
    }

    enum BadReply: CaseIterable {
        case empty, short, unknownStatus, otherKind, severalParts, payloadWithFailure, wrongPayload, manyNotices

        func replies(to packet: [UInt8]) -> [[UInt8]]? {
            var reply = Reply(number: 1, kind: .generateKey)
            switch self {
            case .empty: return nil
            case .short: return [[0, 0, 0, 1]]
            case .unknownStatus:
                var bytes = reply.encoded()
                bytes[5] = 99
                return [bytes]
            case .otherKind: reply.kind = .dump
            case .manyNotices: return Array(repeating: Notice(.everything).encoded(), count: 3) + [reply.encoded()]
            case .severalParts: reply.isLast = false
            case .payloadWithFailure:
                reply.failure = KernelFailure(.other, "")
                reply.payload = [1]
            case .wrongPayload: reply.payload = [1]
            }
            return [reply.encoded()]
        }
    }

    /// Answers the first request together with the second.
    private final class Late: @unchecked Sendable {
        private var first: UInt32?

        func replies(to packet: [UInt8]) -> [[UInt8]] {
            guard let request = try? Request(decoding: packet) else { return [] }
            let payload = OwnedInterfaces.encoded([Sample.interface(): Sample.owner])
            guard let first else {
                first = request.number
                return []
            }
            let stale = Reply(number: first, kind: .ownedInterfaces, payload: OwnedInterfaces.encoded([:]))
            return [stale.encoded(), Reply(to: request, payload: payload).encoded()]
        }
    }
}

/// A keeper that a thread of a test owns.
private final class SharedBench: @unchecked Sendable {
    private var bench: Bench
    let recording: Recording

    init(_ bench: consuming Bench) {
        recording = bench.recording
        self.bench = bench
    }

    func answer(_ packet: [UInt8]) -> [[UInt8]]? {
        guard case .replies(let replies) = bench.keeper.answer(packet, at: .now) else { return nil }
        return replies
    }
}
