// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization
import Testing
import WGMKeeperProtocol
import WGMModel

@Suite("The program wgmd-keeper under systemd")
struct ActivationTests {
    private let state: StateFolderFixture

    init() throws { state = try StateFolderFixture() }

    private func arguments(peer: String, userspace: String = "/usr/bin/wireguard-go") -> [String] {
        [
            "--state", state.path, "--user", KeeperProgram.user, "--peer-user", peer, "--userspace-program", userspace,
        ]
    }

    private func start(
        peer: String,
        userspace: String = "/usr/bin/wireguard-go",
        watchdogMicroseconds: Int? = nil
    ) throws -> (program: KeeperProgram, listener: UnixSocket, notify: UnixSocket) {
        let listener = try UnixSocket(state.folder.path + "/keeper.sock", Int32(SOCK_SEQPACKET.rawValue))
        try #require(listen(listener.fileDescriptor, 5) == 0)
        let notify = try UnixSocket(state.folder.path + "/notify.sock", Int32(SOCK_DGRAM.rawValue))
        let program = try KeeperProgram(
            listener: listener.fileDescriptor,
            arguments(peer: peer, userspace: userspace),
            notify: notify.path,
            more: ["SECRET=canary", "NOTIFY_SOCKETS=no"] + (watchdogMicroseconds.map { ["WATCHDOG_USEC=\($0)"] } ?? [])
        )
        return (program, listener, notify)
    }

    @Test("says that it is ready, and serves one connection after the other")
    func serves() async throws {
        let (program, listener, notify) = try start(peer: "root")
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = unsafe recv(notify.fileDescriptor, &buffer, buffer.count, 0)
        #expect(
            String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
                == "READY=1\nSTATUS=holding keys and interfaces"
        )
        var identities: Set<KeeperIdentity> = []
        for _ in 0..<3 {
            let client = KeeperClient(fileDescriptor: try listener.connected())
            identities.insert(try await client.hello())
        }
        let hostile = PacketSocket(owning: try listener.connected())
        try hostile.send([1, 2, 3])
        #expect(throws: PacketSocket.Failure.closed) { _ = try hostile.receive() }
        let client = KeeperClient(fileDescriptor: try listener.connected())
        identities.insert(try await client.hello())
        #expect(identities.count == 1)
        #expect(kill(program.process, 0) == 0)
    }

    @Test("A client over a path connects again by itself when the keeper was started again")
    func reconnects() async throws {
        let (first, listener, _) = try start(peer: "root")
        let greetings = Mutex<[KeeperIdentity]>([])
        let client = KeeperClient(path: listener.path, timeout: 5) { identity in
            greetings.withLock { $0.append(identity) }
        }
        let identity = try await client.hello()
        kill(first.process, SIGKILL)
        #expect(first.wait() == -1)
        let second = try KeeperProgram(listener: listener.fileDescriptor, arguments(peer: "root"), notify: "")
        #expect(try await client.ownedInterfaces().isEmpty)
        #expect(try await client.hello() == identity)
        #expect(greetings.withLock { $0 } == [identity, identity])
        #expect(kill(second.process, 0) == 0)
    }

    @Test("A client over a path fails while there is no keeper, and works once there is one")
    func comesLater() async throws {
        let path = state.folder.path + "/keeper.sock"
        let client = KeeperClient(path: path, timeout: 5) { _ in }
        let failure = await #expect(throws: KernelFailure.self) { _ = try await client.ownedInterfaces() }
        #expect(failure?.reason == .keeperGone)
        let (program, _, _) = try start(peer: "root")
        try await Task.sleep(for: .milliseconds(200))
        #expect(try await client.ownedInterfaces().isEmpty)
        #expect(kill(program.process, 0) == 0)
    }

    @Test("tells the watchdog that it is alive, also while it waits")
    func watchdog() throws {
        let (program, _, notify) = try start(peer: "root", watchdogMicroseconds: 200_000)
        var heard: [String] = []
        var buffer = [UInt8](repeating: 0, count: 100)
        while heard.count < 4 {
            let count = unsafe recv(notify.fileDescriptor, &buffer, buffer.count, 0)
            try #require(count > 0)
            heard.append(String(decoding: buffer.prefix(count), as: UTF8.self))
        }
        #expect(heard.dropFirst() == ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"])
        #expect(kill(program.process, 0) == 0)
    }

    @Test("keeps nothing of its environment but what systemd says to it")
    func environment() throws {
        let (program, _, notify) = try start(peer: "root")
        var byte: UInt8 = 0
        try #require(unsafe recv(notify.fileDescriptor, &byte, 1, 0) == 1)
        let text = try Data(contentsOf: URL(filePath: "/proc/\(program.process)/environ"))
        let names = text.split(separator: 0).compactMap {
            String(decoding: $0, as: UTF8.self).split(separator: "=").first
        }
        #expect(Set(names).isSubset(of: ["NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS"]), "\(names)")
        #expect(!String(decoding: text, as: UTF8.self).contains("canary"))
        #expect(names.contains("NOTIFY_SOCKET"))
    }

    /// This machine's kernel may have WireGuard: then there is nothing to refuse.
    @Test("says what is missing where neither the kernel nor a program can make interfaces")
    func noWireGuard() throws {
        let (program, _, notify) = try start(peer: "root", userspace: "/usr/bin/no-such-program")
        guard !FileManager.default.fileExists(atPath: "/sys/module/wireguard") else {
            return #expect(kill(program.process, 0) == 0)
        }
        #expect(program.wait() == 1)
        let words = program.complaint()
        #expect(words.contains("the kernel has no WireGuard, and /usr/bin/no-such-program is no program; load"))
        #expect(words.split(separator: "\n").count == 1, "\(words)")
        var buffer = [UInt8](repeating: 0, count: 500)
        let count = unsafe recv(notify.fileDescriptor, &buffer, buffer.count, 0)
        let status = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        #expect(status.hasPrefix("STATUS=the kernel has no WireGuard"), "systemctl status shows it: \(status)")
    }

    @Test("serves no other user, not even root")
    func otherUser() async throws {
        let (program, listener, _) = try start(peer: "nobody")
        let client = KeeperClient(fileDescriptor: try listener.connected(), timeout: 5)
        let failure = await #expect(throws: KernelFailure.self) { _ = try await client.hello() }
        #expect(failure?.reason == .keeperGone)
        #expect(kill(program.process, 0) == 0)
    }
}

/// A bound Unix socket, closed with the object.
private final class UnixSocket {
    let path: String
    let fileDescriptor: Int32
    private let type: Int32

    init(_ path: String, _ type: Int32) throws {
        self.path = path
        self.type = type
        fileDescriptor = socket(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0)
        let bound = unsafe Self.withAddress(path) { unsafe bind(fileDescriptor, $0, $1) }
        try #require(bound == 0, "bind: errno \(errno)")
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        _ = unsafe setsockopt(fileDescriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
    }

    deinit { close(fileDescriptor) }

    func connected() throws -> Int32 {
        let client = socket(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0)
        let status = unsafe Self.withAddress(path) { unsafe connect(client, $0, $1) }
        try #require(status == 0, "connect: errno \(errno)")
        return client
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, size) }
        }
    }
}
