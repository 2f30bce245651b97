// SPDX-License-Identifier: Apache-2.0

import CMnl
import Glibc
import Testing
import WGMKeys
import WGMModel

@testable import WGMKernel

@Suite("Userspace programs and their sockets", .serialized, .timeLimit(.minutes(2)))
struct UserspaceTests {
    /// Why userspace WireGuard could not be started with this program.
    private func failure(program: String?) throws -> KernelFailure? {
        var failure: KernelFailure?
        try Sandbox.run {
            let keys = try SealingKey.generate()
            var kernel = try LinuxKernel(options: .init(userspaceProgram: program))
            let change = KernelChange.createLink(backend: .userspace, mtu: 1420)
            let interface = try name("wg0")
            do throws(KernelFailure) {
                try kernel.apply(change, to: interface, owner: InterfaceID(1), keys: keys)
            } catch { failure = error }
            #expect(try kernel.dump(name("wg0")) == nil)
        }
        return failure
    }

    @Test(
        "without a program that can run, the error says what to do",
        arguments: [nil, "/nonexistent", "wireguard-go"]
    )
    func noProgram(_ program: String?) throws {
        let failure = try #require(try failure(program: program))
        #expect(failure.reason == .noWireGuard)
        #expect(failure.message.contains("install wireguard-go"))
    }

    @Test("a program that ends at once is told from one that runs")
    func endingProgram() throws {
        let failure = try #require(try failure(program: "/bin/false"))
        #expect(failure.reason == .noWireGuard && failure.message.contains("ended at once"))
    }

    @Test("a socket that somebody else holds under the name is not given a key")
    func foreignSocket() throws {
        try Sandbox.run {
            let listener = try listen("/run/wireguard/wg0.sock")
            defer { close(listener) }
            let keys = try SealingKey.generate()
            var kernel = try LinuxKernel(options: .init(userspaceProgram: "/usr/bin/wireguard-go"))
            var failure: KernelFailure?
            let interface = try name("wg0")
            do throws(KernelFailure) {
                let change = KernelChange.createLink(backend: .userspace, mtu: 1420)
                try kernel.apply(change, to: interface, owner: InterfaceID(1), keys: keys)
            } catch { failure = error }
            #expect(failure?.reason == .noWireGuard)
        }
    }

    @Test("a socket that a dead program left is no obstacle")
    func staleSocket() throws {
        try Sandbox.run {
            close(try listen("/run/wireguard/wg0.sock"))
            let keys = try SealingKey.generate()
            var kernel = try LinuxKernel(options: .init(userspaceProgram: "/usr/bin/wireguard-go"))
            let change = KernelChange.createLink(backend: .userspace, mtu: 1420)
            try kernel.apply(change, to: name("wg0"), owner: InterfaceID(1), keys: keys)
            #expect(try kernel.dump(name("wg0"))?.owner == InterfaceID(1))
            try kernel.apply(.deleteLink, to: name("wg0"), owner: InterfaceID(1), keys: keys)
        }
    }

    @Test("a program that does not answer is given up")
    func silence() throws {
        try Sandbox.run {
            let listener = try listen("/run/wireguard/wg0.sock")
            defer { close(listener) }
            let connection = try UAPIConnection(path: "/run/wireguard/wg0.sock", "testing", timeout: 1)
            var request = WipedBuffer(capacity: 16)
            request.append("get=1\n\n".utf8)
            var reply = UAPIReply(purpose: "testing")
            var failure: KernelFailure?
            do throws(KernelFailure) { try connection.exchange(request, &reply) } catch { failure = error }
            #expect(failure?.errno == ETIMEDOUT)
        }
    }

    @Test("a program runs on when the one that started it is gone, and is found again")
    func outlives() throws {
        try Sandbox.run {
            let keys = try SealingKey.generate()
            let change = KernelChange.createLink(backend: .userspace, mtu: 1420)
            do {
                var first = try LinuxKernel(options: .init(userspaceProgram: "/usr/bin/wireguard-go"))
                try first.apply(change, to: name("wg0"), owner: InterfaceID(1), keys: keys)
            }
            var second = try LinuxKernel(options: .init(userspaceProgram: nil))
            #expect(try second.ownedInterfaces() == [name("wg0"): InterfaceID(1)])
            let process = try UAPIConnection(path: "/run/wireguard/wg0.sock", "testing").listener.process
            #expect(getsid(process) == process)
            try second.apply(.deleteLink, to: name("wg0"), owner: InterfaceID(1), keys: keys)
            #expect(try second.dump(name("wg0")) == nil)
            #expect(try shell("ls /run/wireguard").isEmpty)
        }
    }

    private func listen(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, wgm_stream_socket, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe bind(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, size)
        }
        try #require(bound == 0)
        // Room for all who look who listens: wireguard-go takes a socket whose queue is full for one that a dead program left.
        try #require(Glibc.listen(descriptor, SOMAXCONN) == 0)
        return descriptor
    }
}
