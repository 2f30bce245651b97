// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Testing
import WGMRPC

@testable import WGMWire

@Suite("Server: limits and hostile clients")
struct ServerLimitTests {
    private static let pings = (0..<4).flatMap { _ in Raw.frame(.ping, Array(repeating: 0, count: 8)) }
    private static let rude: [([UInt8], GoawayReason)] = [
        (Array("GET / HTTP/1.1\r\n\r\n".utf8), .preface),
        ([0x89, 0x57, 0x47, 0x4d, 2, 0, 0x0d, 0x0a], .version),
        (Raw.authenticated + [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 4, 1, 0, 1], .tooLarge),
        (Raw.start + Raw.start, .protocolError),
        (Raw.authenticated + Raw.frame(.data, stream: 1, [1]), .protocolError),
        (Raw.authenticated + pings, .calm),
    ]

    @Test(
        "Whoever does not speak the protocol is told so and closed",
        arguments: Self.rude
    )
    func garbage(bytes: [UInt8], reason: GoawayReason) async throws {
        try await ServerFixture.run { fixture in
            let goaway = try Raw.goaway(try await fixture.exchange(bytes))
            #expect(goaway.code == reason.rawValue)
            #expect(goaway.message?.isEmpty == false)
            #expect(fixture.host.seen.violations == [reason])
            try await #expect(fixture.call("t.Echo/Now", [1]) == [1])
        }
    }

    @Test(
        "Half-open connections end when their time is over",
        arguments: [[], [0x89], Preface.current.bytes, Raw.start]
    )
    func halfOpen(bytes: [UInt8]) async throws {
        var limits = WireLimits.quickToClose
        limits.handshakeTime = .milliseconds(150)
        try await ServerFixture.run(limits) { fixture in
            let goaway = try Raw.goaway(try await fixture.exchange(bytes))
            #expect(goaway.code == GoawayReason.timeout.rawValue)
        }
    }

    @Test("A frame that is begun and not completed ends the connection")
    func truncated() async throws {
        var limits = WireLimits.quickToClose
        limits.frameTime = .milliseconds(150)
        try await ServerFixture.run(limits) { fixture in
            let bytes = Raw.authenticated + Raw.call(1, "t.Echo/Now").dropLast()
            let goaway = try Raw.goaway(try await fixture.exchange(bytes))
            #expect(goaway.code == GoawayReason.timeout.rawValue)
        }
    }

    @Test(
        "Replies that nobody reads count as calls that run, until they are read or the connection is gone",
        arguments: [true, false]
    )
    func unreadReplies(isRead: Bool) async throws {
        try await ServerFixture.run { fixture in
            let count: UInt32 = 64
            try await fixture.onThread {
                let socket = try UnixSocket(path: fixture.path, timeout: .seconds(5))
                let bytes = Raw.authenticated + (0..<count).flatMap { Raw.call(2 * $0 + 1, "t.Echo/BigLater") }
                #expect(try socket.send(bytes[...]) == bytes.count)
                // Some leave with what the sockets hold.
                let end = Moment.now() + .seconds(30)
                while fixture.host.seen.begun < count, Moment.now() < end { usleep(5000) }
                usleep(300_000)
                #expect((33...63).contains(fixture.server.runningHandlers))
                var received = 0
                while isRead, received < Int(count) * 256 * 1024, Moment.now() < end {
                    guard try socket.wait(orWritable: false, timeout: .seconds(5)) else { break }
                    if case .bytes(let more) = try socket.receive() { received += more.count }
                }
                while isRead, fixture.server.runningHandlers > 0, Moment.now() < end { usleep(5000) }
                #expect(!isRead || fixture.server.runningHandlers == 0)
                #expect(fixture.server.openConnections == 1, "\(socket)")
            }
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 0 })
        }
    }

    @Test("Who sends many calls at once has turns as others have")
    func turns() async throws {
        try await ServerFixture.run { fixture in
            let count: UInt32 = 1000
            let calls = (0..<count).flatMap { Raw.call(2 * $0 + 1, "t.Echo/Slow") }
            async let answered = fixture.exchange(
                Raw.authenticated + calls + Raw.frame(.ping, [1]),
                within: .seconds(30)
            )
            try await #expect(fixture.eventually { fixture.host.seen.begun > 0 })
            // As many as there are event loops, and more.
            for _ in 0..<8 { try await #expect(fixture.call("t.Echo/Now", [1]) == [1]) }
            #expect(fixture.host.seen.begun < count, "others waited for all of it")
            let ends = try Raw.frames(await answered).filter { $0.type == .end }
            #expect(ends.map(\.stream) == (0..<count).map { 2 * $0 + 1 })
        }
    }

    @Test("One connection too many is refused in words, and accepted when another has gone")
    func connections() async throws {
        var limits = WireLimits.quickToClose
        limits.connectionsPerCaller = 2
        try await ServerFixture.run(limits) { fixture in
            let refusal = try await fixture.onThread {
                var first = try fixture.client()
                var second = try fixture.client()
                _ = try first.call("t.Echo/Now", nil, options: CallOptions())
                _ = try second.call("t.Echo/Now", nil, options: CallOptions())
                var third = try fixture.client()
                do throws(Status) {
                    _ = try third.call("t.Echo/Now", nil, options: CallOptions())
                    return Status?.none
                } catch {
                    return error
                }
            }
            #expect(refusal?.code == .resourceExhausted)
            #expect(refusal?.reason == "NEVER_RUN")
            #expect(refusal?.message.contains("2 connections of this caller are open") == true)
            #expect(fixture.host.seen.refusedConnections == [.tooManyConnections])
            try await #expect(fixture.eventually { fixture.server.openConnections == 0 })
            try await #expect(fixture.call("t.Echo/Now", [1]) == [1])
        }
    }

    @Test("Handlers are counted over all connections of a caller until they have ended")
    func handlers() async throws {
        var limits = WireLimits.quickToClose
        limits.handlersPerCaller = 3
        try await ServerFixture.run(limits) { fixture in
            let calls = [1, 3, 5, 7].flatMap { Raw.call($0, "t.Echo/Sleep") }
            let cancels = [1, 3, 5].flatMap { Raw.frame(.cancel, stream: $0, []) }
            let answer = try await fixture.exchange(Raw.authenticated + calls + cancels + Raw.frame(.goaway, []))
            let ends = try Raw.frames(answer).filter { $0.type == .end }
            #expect(ends.first?.stream == 7)
            #expect(
                try ends.first.map { try V1.End(serialized: $0.payload).code } == StatusCode.resourceExhausted.rawValue
            )
            #expect(fixture.host.seen.refusedCalls.map(\.code) == [.resourceExhausted])
        }
    }

    @Test("A client that does not read is not read from, and is cut off")
    func neverReads() async throws {
        var limits = WireLimits.quickToClose
        limits.readStall = .milliseconds(300)
        try await ServerFixture.run(limits) { fixture in
            try await fixture.onThread {
                let socket = try UnixSocket(path: fixture.path, timeout: .seconds(1))
                let calls = Raw.authenticated + (0..<1000).flatMap { Raw.call(UInt32(2 * $0 + 1), "t.Echo/Big") }
                var rest = calls[...]
                let end = Moment.now() + .milliseconds(200)
                while Moment.now() < end, !rest.isEmpty { rest = rest.dropFirst(try socket.send(rest)) }
                #expect(fixture.host.seen.begun < 20, "each reply has 256 KiB, 1 MiB may wait")
                Thread.sleep(forTimeInterval: 0.6)
            }
            #expect(fixture.host.seen.violations == [.notReading])
            try await #expect(fixture.eventually { fixture.server.openConnections == 0 })
        }
    }

    @Test("A slow reader gets everything in the end")
    func slowReader() async throws {
        try await ServerFixture.run { fixture in
            let calls = (0..<100).flatMap { Raw.call(UInt32(2 * $0 + 1), "t.Echo/Big") }
            let answer = try await fixture.exchange(Raw.authenticated + calls + Raw.frame(.goaway, []))
            #expect(try Raw.frames(answer).count { $0.type == .end } == 100)
        }
    }

    @Test("Hostile clients do not disturb an honest one")
    func hostile() async throws {
        var limits = WireLimits.quickToClose
        limits.handshakeTime = .seconds(1)
        limits.frameTime = .seconds(1)
        try await ServerFixture.run(limits) { fixture in
            let isOver = Flag()
            let attacks: [[UInt8]] = [
                Array("GET / HTTP/1.1\r\n\r\n".utf8),
                Raw.start,
                Raw.authenticated + (0..<300).flatMap { _ in Raw.frame(.ping, Array(repeating: 0, count: 8)) },
                Raw.authenticated + (0..<64).flatMap { Raw.call(UInt32(2 * $0 + 1), "t.Echo/Sleep") }
                    + (0..<64).flatMap { Raw.frame(.cancel, stream: UInt32(2 * $0 + 1), []) }
                    + Raw.frame(.goaway, []),
                Raw.authenticated + [0xff, 0xff, 0xff, 0xff],
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for attack in attacks + attacks {
                    group.addTask {
                        var count = 0
                        while !isOver.isSet, count < 200 {
                            _ = try await fixture.exchange(attack)
                            count += 1
                        }
                    }
                }
                let slowest = try await fixture.onThread {
                    var client = try fixture.client()
                    var slowest = Duration.zero
                    for number in 0..<500 {
                        let began = Moment.now()
                        let message = Array("\(number)".utf8)
                        #expect(try client.call("t.Echo/Later", message, options: CallOptions()) == message)
                        slowest = max(slowest, Moment.now().since(began))
                    }
                    return slowest
                }
                isOver.set()
                try await group.waitForAll()
                // A bound against starvation, wide enough for a busy machine; speed is shown by benchmarks.
                #expect(slowest < .seconds(30))
            }
        }
    }
}

/// Something that several threads wait for.
private final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}
