// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing
import WGMRPC

@testable import WGMWire

@Suite("Server: beginning and end")
struct ServerLifeTests {
    @Test("A drain lets a running call finish, and removes the socket")
    func drain() async throws {
        try await ServerFixture.run { fixture in
            async let reply = fixture.call("t.Echo/Sleep", Array("400".utf8))
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 1 })
            await fixture.server.shutdown()
            try await #expect(reply == Array("400".utf8))
            #expect(!FileManager.default.fileExists(atPath: fixture.path))
            #expect(fixture.server.openConnections == 0)
        }
    }

    @Test("A call that does not end in time is told that the server has shut down")
    func drainIsBounded() async throws {
        var limits = WireLimits.quickToClose
        limits.drainTime = .milliseconds(200)
        try await ServerFixture.run(limits) { fixture in
            let call = Task {
                do throws(any Error) {
                    return try await fixture.call("t.Echo/Sleep").map { _ in "replied" } ?? "replied"
                } catch {
                    return "\((error as? Status)?.message ?? "")"
                }
            }
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 1 })
            await fixture.server.shutdown()
            #expect(await call.value == "the server has shut down")
            #expect(fixture.host.seen.cancelled == 1)
        }
    }

    @Test("A client that was idle when the server went learns that its call has not run")
    func idleClient() async throws {
        try await ServerFixture.run { fixture in
            let status = try await fixture.onThread {
                var client = try fixture.client()
                _ = try client.call("t.Echo/Now", nil, options: CallOptions())
                let server = fixture.server
                let done = DispatchSemaphore(value: 0)
                Task {
                    await server.shutdown()
                    done.signal()
                }
                done.wait()
                do throws(Status) {
                    _ = try client.call("t.Echo/Now", nil, options: CallOptions())
                    return Status?.none
                } catch {
                    return error
                }
            }
            #expect(status?.code == .unavailable)
            #expect(status?.reason == "NEVER_RUN")
            #expect(status?.message.contains("the server is shutting down") == true)
        }
    }

    @Test("The socket has the mode that was asked for")
    func mode() async throws {
        try await ServerFixture.run { fixture in
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path)
            #expect(attributes[.posixPermissions] as? Int == 0o660)
        }
    }

    @Test("A path that is in use, even by a server that does not answer, is not taken away")
    func inUse() async throws {
        try await ServerFixture.run { fixture in
            let second = Server(host: EchoHost(), agent: "second", limits: .quickToClose)
            await #expect(throws: ListenError.inUse(fixture.path)) { try await second.listen(unixPath: fixture.path) }
            try FileManager.default.removeItem(atPath: fixture.path + ".lock")
            await #expect(throws: ListenError.inUse(fixture.path)) { try await second.listen(unixPath: fixture.path) }
            await second.shutdown()
            try await #expect(fixture.call("t.Echo/Now", [1]) == [1])
        }
    }

    @Test("A stale socket is replaced, a file is left alone")
    func stale() async throws {
        let fixture = ServerFixture(.quickToClose)
        try FileManager.default.createDirectory(atPath: fixture.folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: fixture.folder) }
        let file = fixture.folder + "/file"
        try Data("precious".utf8).write(to: URL(filePath: file))
        await #expect(throws: ListenError.notASocket(file)) { try await fixture.server.listen(unixPath: file) }
        #expect(try String(contentsOf: URL(filePath: file), encoding: .utf8) == "precious")
        close(try FakeServer.bind(fixture.path))
        try await fixture.server.listen(unixPath: fixture.path)
        try await #expect(fixture.call("t.Echo/Now", [1]) == [1])
        await fixture.server.shutdown()
    }

    @Test("An inherited descriptor is listened on, one that is no Unix socket is refused")
    func inherited() async throws {
        let fixture = ServerFixture(.quickToClose)
        try FileManager.default.createDirectory(atPath: fixture.folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: fixture.folder) }
        await #expect(throws: ListenError.notAUnixSocket(descriptor: 0)) {
            try await fixture.server.listen(inheriting: 0)
        }
        try await fixture.server.listen(inheriting: FakeServer.bind(fixture.path))
        try await #expect(fixture.call("t.Echo/Now", [1]) == [1])
        await fixture.server.shutdown()
        #expect(FileManager.default.fileExists(atPath: fixture.path), "whoever made the socket removes it")
    }

    @Test(
        "A server that vanishes leaves a call that may have run",
        arguments: [(10, "MAY_HAVE_RUN"), (1_000_000, "NEVER_RUN")]
    )
    func vanish(size: Int, reason: String) async throws {
        let fixture = ServerFixture(.quickToClose)
        try FileManager.default.createDirectory(atPath: fixture.folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: fixture.folder) }
        let listener = try FakeServer.bind(fixture.path)
        defer { close(listener) }
        #expect(listen(listener, 1) == 0)
        Thread.detachNewThread {
            let connection = accept(listener, nil, nil)
            var byte: UInt8 = 0
            _ = unsafe recv(connection, &byte, 1, 0)
            close(connection)
        }
        do {
            _ = try await fixture.call("t.Echo/Now", Array(repeating: 1, count: size))
            Issue.record("the call succeeded")
        } catch let status as Status {
            #expect(status.code == .unavailable)
            #expect(status.reason == reason)
        }
    }
}

/// A socket that was bound by somebody else.
enum FakeServer {
    static func bind(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        return descriptor
    }
}
