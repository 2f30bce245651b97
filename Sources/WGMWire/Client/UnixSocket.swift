// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A connected Unix stream socket, closed when it goes out of scope.
final class UnixSocket: ByteStream {
    typealias Failure = ByteStreamFailure

    private static let readSize = 64 * 1024
    private let descriptor: Int32

    /// - Throws: ENAMETOOLONG for more than 107 bytes; what socket(2) and connect(2) say, EAGAIN when nobody accepts in time.
    init(path: String, timeout: Duration) throws(Failure) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(number: errno) }
        let milliseconds = max(1, timeout.wholeMilliseconds)
        var limit = timeval(tv_sec: Int(milliseconds / 1000), tv_usec: Int(milliseconds % 1000 * 1000))
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure(number: ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Failure(number: errno) }
    }

    var refusal: Status? { nil }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Waits until the other end has sent something, or room to send if that is wanted.
    ///
    /// False after `timeout`.
    func wait(orWritable: Bool, timeout: Duration) throws(Failure) -> Bool {
        let events = Int16(POLLIN) | (orWritable ? Int16(POLLOUT) : 0)
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        let result = unsafe poll(&entry, 1, Int32(clamping: timeout.wholeMilliseconds))
        guard result >= 0 || errno == EINTR else { throw Failure(number: errno) }
        return result > 0
    }

    /// How many bytes the kernel took; 0 when it has no room now.
    func send(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Int {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count >= 0 { return count }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw Failure(number: errno)
    }

    func receive() throws(Failure) -> ByteStreamInput {
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.readSize) { buffer, used in
            count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            used = max(0, count)
        }
        if count > 0 { return .bytes(bytes) }
        if count == 0 { return .end }
        if errno == EAGAIN || errno == EINTR { return .nothingYet }
        throw Failure(number: errno)
    }
}
