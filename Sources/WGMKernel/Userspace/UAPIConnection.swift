// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import CWGMSystem
internal import Glibc
internal import WGMModel

/// A connection to the socket of a userspace implementation, which is closed when the value ends.
struct UAPIConnection: ~Copyable {
    /// The process that listens, and its user.
    let listener: (process: pid_t, user: uid_t)
    private let descriptor: Int32

    /// Refuses a socket that belongs to another user than root or this process: it would be given private keys.
    init(path: String, _ purpose: String, timeout: Int32 = UAPILimit.timeout) throws(KernelFailure) {
        guard var address = Self.address(path) else {
            throw KernelFailure(.invalidArgument, errno: ENAMETOOLONG, "\(purpose): the socket's path is too long")
        }
        let descriptor = socket(AF_UNIX, wgm_stream_socket, 0)
        guard descriptor >= 0 else { throw KernelFailure(errno: errno, purpose: purpose) }
        do throws(KernelFailure) {
            guard wgm_set_timeouts(descriptor, timeout) == 0 else {
                throw KernelFailure(errno: errno, purpose: purpose)
            }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let result = unsafe withUnsafeBytes(of: &address) { bytes in
                unsafe connect(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, size)
            }
            guard result == 0 else { throw KernelFailure(errno: errno, purpose: purpose) }
            listener = try Self.trustedListener(descriptor, purpose)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Sends the request and reads the answer to its end.
    borrowing func exchange(_ request: borrowing WipedBuffer, _ reply: inout UAPIReply) throws(KernelFailure) {
        let deadline = Deadline(seconds: UAPILimit.exchangeTimeout)
        let sendFailure = unsafe send(request.bytes)
        var buffer = WipedBuffer(capacity: 64 * 1024)
        while !reply.isComplete {
            var number: Int32 = 0
            let count = unsafe buffer.fill { memory in
                let count = unsafe recv(descriptor, memory.baseAddress, memory.count, 0)
                number = errno
                return count
            }
            if count < 0, number == EINTR { continue }
            // What was answered before the connection broke says more than that it broke.
            guard count > 0 else {
                number = count == 0 ? ECONNRESET : number == EAGAIN ? ETIMEDOUT : number
                throw KernelFailure(errno: sendFailure ?? number, purpose: reply.purpose)
            }
            unsafe try reply.read(buffer.bytes.bytes)
            guard !deadline.hasPassed else { throw KernelFailure(errno: ETIMEDOUT, purpose: reply.purpose) }
        }
    }

    /// The error number of a send that failed.
    private borrowing func send(_ bytes: UnsafeRawBufferPointer) -> Int32? {
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            let part = unsafe UnsafeRawBufferPointer(rebasing: rest)
            let count = unsafe Glibc.send(descriptor, part.baseAddress, part.count, Int32(MSG_NOSIGNAL))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return errno == EAGAIN ? ETIMEDOUT : errno }
            unsafe rest = rest.dropFirst(count)
        }
        return nil
    }

    private static func trustedListener(
        _ descriptor: Int32,
        _ purpose: String
    ) throws(KernelFailure) -> (process: pid_t, user: uid_t) {
        var (process, user, group) = (pid_t(0), uid_t.max, gid_t.max)
        guard unsafe wgm_peer_credentials(descriptor, &user, &group, &process) == 0 else {
            throw KernelFailure(errno: errno, purpose: purpose)
        }
        guard user == 0 || user == geteuid() else {
            throw KernelFailure(.notPermitted, errno: EPERM, "\(purpose): the socket belongs to user \(user)")
        }
        return (process, user)
    }

    private static func address(_ path: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path), !bytes.contains(0) else { return nil }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return address
    }
}

/// A moment of the monotonic clock until which something must be done.
struct Deadline {
    private let end: Int64

    init(seconds: Int) { end = Self.milliseconds() + Int64(seconds) * 1000 }

    var hasPassed: Bool { Self.milliseconds() > end }

    private static func milliseconds() -> Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
