// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WGMRPC

@testable import WGMWire

@Suite("Server: calls")
struct ServerCallTests {
    @Test("A call is answered, inline and by a task", arguments: ["t.Echo/Now", "t.Echo/Later"])
    func echo(method: String) async throws {
        try await ServerFixture.run { fixture in
            try await #expect(fixture.call(method, [1, 2, 3]) == [1, 2, 3])
            try await #expect(fixture.call(method, []) == [])
            try await #expect(fixture.call(method, nil) == nil)
            let big = [UInt8](repeating: 9, count: 1024 * 1024)
            try await #expect(fixture.call(method, big) == big)
        }
    }

    @Test("The caller's uid comes from the kernel, the credential from the token")
    func who() async throws {
        try await ServerFixture.run { fixture in
            let caller = "unix(uid: \(getuid()), gid: \(getgid()))"
            let known = try await fixture.call("t.Echo/Who")
            #expect(known.map { String(decoding: $0, as: UTF8.self).hasPrefix("alice ") } == true)
            #expect(known.map { String(decoding: $0, as: UTF8.self).contains(caller) } == true)
            let anonymous = try await fixture.call("t.Echo/Who", token: nil)
            #expect(anonymous.map { String(decoding: $0, as: UTF8.self).hasPrefix("nobody ") } == true)
        }
    }

    @Test("64 clients at once, 50 calls each, get their own answers", arguments: ["t.Echo/Now", "t.Echo/Later"])
    func concurrent(method: String) async throws {
        try await ServerFixture.run { fixture in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        try await fixture.onThread {
                            var client = try fixture.client()
                            for round in 0..<50 {
                                let message = Array("\(number).\(round)".utf8)
                                guard try client.call(method, message, options: CallOptions()) == message else {
                                    return 0
                                }
                            }
                            return 50
                        }
                    }
                }
                try await #expect(group.reduce(0, +) == 64 * 50)
            }
            try await #expect(fixture.eventually { fixture.server.openConnections == 0 })
        }
    }

    @Test("64 calls on one connection run at the same time and all end")
    func multiplexed() async throws {
        try await ServerFixture.run { fixture in
            let calls = (0..<64).flatMap { Raw.call(UInt32(2 * $0 + 1), "t.Echo/Later") }
            let goodbye = Raw.frame(.goaway, [])
            let answer = try await fixture.exchange(Raw.authenticated + calls + goodbye)
            let ends = try Raw.frames(answer).filter { $0.type == .end }
            #expect(ends.count == 64)
            #expect(Set(ends.map(\.stream)).count == 64)
        }
    }

    @Test("The deadline ends the call at the caller and cancels the handler")
    func deadline() async throws {
        try await ServerFixture.run { fixture in
            await #expect(throws: Status(.deadlineExceeded, "the deadline has passed")) {
                try await fixture.call("t.Echo/Sleep", timeout: .milliseconds(200))
            }
            try await #expect(fixture.eventually { fixture.host.seen.cancelled == 1 })
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 0 })
        }
    }

    @Test("CANCEL is answered at once and cancels the handler")
    func cancel() async throws {
        try await ServerFixture.run { fixture in
            let cancel = Raw.frame(.cancel, stream: 1, [])
            let bytes = Raw.authenticated + Raw.call(1, "t.Echo/Sleep") + cancel + cancel + Raw.frame(.goaway, [])
            let frames = try Raw.frames(try await fixture.exchange(bytes))
            let end = try #require(frames.first { $0.type == .end })
            #expect(try V1.End(serialized: end.payload).code == StatusCode.cancelled.rawValue)
            try await #expect(fixture.eventually { fixture.host.seen.cancelled == 1 })
        }
    }

    @Test("Past its commit point a handler finishes although the caller has gone")
    func commitPoint() async throws {
        try await ServerFixture.run { fixture in
            await #expect(throws: Status.self) { try await fixture.call("t.Echo/Commit", timeout: .milliseconds(400)) }
            #expect(fixture.host.seen.committed == 1)
            try await #expect(fixture.eventually { fixture.host.seen.finishedAfterCommit == 1 })
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 0 })
        }
    }

    @Test("A client that disappears cancels its calls")
    func disappear() async throws {
        try await ServerFixture.run { fixture in
            try await fixture.onThread {
                let socket = try UnixSocket(path: fixture.path, timeout: .seconds(1))
                _ = try socket.send((Raw.authenticated + Raw.call(1, "t.Echo/Sleep"))[...])
                Thread.sleep(forTimeInterval: 0.1)
            }
            #expect(
                try await fixture.eventually { fixture.host.seen.cancelled == 1 && fixture.server.runningHandlers == 0 }
            )
        }
    }

    @Test("An unknown method is the host's to answer")
    func unknown() async throws {
        try await ServerFixture.run { fixture in
            await #expect(throws: Status.unimplemented(method: "t.Echo/Nothing")) {
                try await fixture.call("t.Echo/Nothing")
            }
        }
    }
}

@Suite("Server: tokens")
struct ServerTokenTests {
    @Test("A refused token is told to the caller with the host's reason")
    func refused() async throws {
        try await ServerFixture.run { fixture in
            await #expect(throws: Status(.unauthenticated, "the token's signature is wrong")) {
                try await fixture.call("t.Echo/Now", token: "forged")
            }
            await #expect(throws: Status(.unauthenticated, "the token has expired")) {
                try await fixture.call("t.Echo/Now", token: "old")
            }
            #expect(fixture.host.seen.refusedCalls.map(\.code) == [.unauthenticated, .unauthenticated])
        }
    }

    @Test("A token may follow calls without one, as at a login")
    func login() async throws {
        try await ServerFixture.run { fixture in
            let authed = try await fixture.onThread {
                var client = try fixture.client(nil)
                _ = try client.call("t.Echo/Who", nil, options: CallOptions())
                let authed = try client.authenticate(token: "good")
                #expect(throws: Status.self) { try client.authenticate(token: "forged") }
                let who = try client.call("t.Echo/Who", nil, options: CallOptions())
                #expect(String(decoding: who ?? [], as: UTF8.self).hasPrefix("alice"))
                return authed
            }
            #expect(authed.subject == "alice")
            #expect(authed.scopes == ["*"])
        }
    }

    @Test("A token's expiry ends the running call at that moment")
    func expiry() async throws {
        try await ServerFixture.run { fixture in
            await #expect(throws: Status(.unauthenticated, "the token has expired")) {
                try await fixture.call("t.Echo/Sleep", token: "brief")
            }
            try await #expect(fixture.eventually { fixture.host.seen.cancelled == 1 })
        }
    }
}
