// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NIOCore
internal import WGMWire

/// A connected TCP socket that never blocks, closed when it goes out of scope.
final class TCPSocket {
    private static let readSize = 64 * 1024
    private let descriptor: Int32
    let address: SocketAddress

    /// Tries the addresses of a host in the order that the system prefers.
    ///
    /// - Throws: UNAVAILABLE, saying what to do about it.
    static func connect(host: String, port: Int, timeout: Duration) throws(Status) -> TCPSocket {
        let addresses = try resolve(host, port)
        let end = Moment.now() + timeout
        var last: Int32 = ETIMEDOUT
        for (index, address) in addresses.enumerated() {
            let left = end.since(.now())
            guard left > .zero else { break }
            do throws(ByteStreamFailure) {
                return try TCPSocket(address, timeout: left / (addresses.count - index))
            } catch {
                last = error.number
            }
        }
        throw failure(last, "\(host):\(port)")
    }

    private init(_ address: SocketAddress, timeout: Duration) throws(ByteStreamFailure) {
        self.address = address
        let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw ByteStreamFailure(number: errno) }
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, size)
        let result = unsafe address.withSockAddr { unsafe Glibc.connect(descriptor, $0, socklen_t($1)) }
        if result == 0 { return }
        guard errno == EINPROGRESS else { throw ByteStreamFailure(number: errno) }
        guard try wait(for: Int16(POLLOUT), timeout: timeout) else { throw ByteStreamFailure(number: ETIMEDOUT) }
        var code: Int32 = 0
        var length = size
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else {
            throw ByteStreamFailure(number: code == 0 ? errno : code)
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func wait(orWritable: Bool, timeout: Duration) throws(ByteStreamFailure) -> Bool {
        try wait(for: Int16(POLLIN) | (orWritable ? Int16(POLLOUT) : 0), timeout: timeout)
    }

    private func wait(for events: Int16, timeout: Duration) throws(ByteStreamFailure) -> Bool {
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        let milliseconds = timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000
        let result = unsafe poll(&entry, 1, Int32(clamping: max(1, milliseconds)))
        guard result >= 0 || errno == EINTR else { throw ByteStreamFailure(number: errno) }
        return result > 0
    }

    /// How many bytes the kernel took; 0 when it has no room now.
    func send(_ bytes: ArraySlice<UInt8>) throws(ByteStreamFailure) -> Int {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return count }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw ByteStreamFailure(number: errno)
    }

    func receive() throws(ByteStreamFailure) -> ByteStreamInput {
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.readSize) { buffer, used in
            count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            used = max(0, count)
        }
        if count > 0 { return .bytes(bytes) }
        if count == 0 { return .end }
        if errno == EAGAIN || errno == EINTR { return .nothingYet }
        throw ByteStreamFailure(number: errno)
    }

    private static func resolve(_ host: String, _ port: Int) throws(Status) -> [SocketAddress] {
        if let address = try? SocketAddress(ipAddress: host, port: port) { return [address] }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0 else {
            let words = unsafe String(cString: gai_strerror(code))
            throw Status(.unavailable, "the name \(host) cannot be resolved: \(words)", reason: "NO_SUCH_HOST")
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe address(entry.pointee) { found.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    private static func address(_ entry: addrinfo) -> SocketAddress? {
        guard let bytes = unsafe UnsafeRawPointer(entry.ai_addr) else { return nil }
        return switch unsafe entry.ai_family {
        case AF_INET: SocketAddress(unsafe bytes.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: SocketAddress(unsafe bytes.loadUnaligned(as: sockaddr_in6.self))
        default: nil
        }
    }

    private static func failure(_ number: Int32, _ server: String) -> Status {
        switch number {
        case ECONNREFUSED: Status(.unavailable, "nobody answers at \(server)", reason: "NOT_LISTENING")
        case ETIMEDOUT: Status(.unavailable, "no answer from \(server): is it the right address?", reason: "NO_ANSWER")
        default:
            Status(
                .unavailable,
                "cannot connect to \(server): \(unsafe String(cString: strerror(number)))",
                reason: "CONNECT_FAILED"
            )
        }
    }
}
