// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing
import WGMKeeperProtocol
import WGMModel

@Suite("The program wgmd-keeper under systemd")
struct ActivationTests {
    private let state: StateFolderFixture

    init() throws { state = try StateFolderFixture() }

    private func start(peer: String) throws -> (program: KeeperProgram, listener: UnixSocket, notify: UnixSocket) {
        let listener = try UnixSocket(state.folder.path + "/keeper.sock", Int32(SOCK_SEQPACKET.rawValue))
        try #require(listen(listener.fileDescriptor, 5) == 0)
        let notify = try UnixSocket(state.folder.path + "/notify.sock", Int32(SOCK_DGRAM.rawValue))
        let arguments = ["--state", state.path, "--user", KeeperProgram.user, "--peer-user", peer]
        let program = try KeeperProgram(listener: listener.fileDescriptor, arguments, notify: notify.path)
        return (program, listener, notify)
    }

    @Test("says that it is ready, and serves one connection after the other")
    func serves() async throws {
        let (program, listener, notify) = try start(peer: "root")
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = unsafe recv(notify.fileDescriptor, &buffer, buffer.count, 0)
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "READY=1")
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
