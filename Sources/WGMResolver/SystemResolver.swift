// SPDX-License-Identifier: Apache-2.0

internal import CCares
internal import Dispatch
internal import Glibc
package import WGMControl
package import WGMModel

/// Looks names up as this machine is set up to: `/etc/hosts`, and the name servers of `/etc/resolv.conf`, which is read anew
/// each time.
///
/// By c-ares and not by `getaddrinfo`, which does not say how long an answer holds.
package struct SystemResolver: NameLookup {
    private let queue = DispatchQueue(label: "wgm.resolver", attributes: .concurrent)

    package init() {}

    /// Takes a thread for as long as the name servers take, 15 s at most.
    package func addresses(of name: HostName) async throws(LookupFailure) -> NamedAddresses {
        let result = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Lookup.run(name)) }
        }
        return try result.get()
    }
}

/// One name, and the answer once it is there.
private final class Lookup {
    /// Milliseconds for the first try at a server; the second has twice as long.
    private static let timeout: Int32 = 2000
    private static let tries: Int32 = 2
    private static let deadline: Duration = .seconds(15)

    private var result: Result<NamedAddresses, LookupFailure>?

    static func run(_ name: HostName) -> Result<NamedAddresses, LookupFailure> {
        var channel: ares_channel?
        var options = unsafe ares_options()
        unsafe options.timeout = timeout
        unsafe options.tries = tries
        let status = unsafe ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES)
        guard status == ARES_SUCCESS, let channel = unsafe channel else {
            return .failure(LookupFailure(words(status)))
        }
        let lookup = Lookup()
        unsafe lookup.ask(channel, name)
        unsafe lookup.wait(channel)
        // What is still under way is answered now, as given up.
        unsafe ares_destroy(channel)
        return lookup.result ?? .failure(LookupFailure("no name server answered in time"))
    }

    private func ask(_ channel: ares_channel, _ name: HostName) {
        var hints = ares_addrinfo_hints()
        hints.ai_family = AF_UNSPEC
        hints.ai_flags = ARES_AI_NOSORT
        unsafe ares_getaddrinfo(
            channel,
            name.value,
            nil,
            &hints,
            { context, status, _, list in
                guard let context = unsafe context else { return }
                let lookup = unsafe Unmanaged<Lookup>.fromOpaque(context).takeUnretainedValue()
                lookup.result = unsafe Lookup.result(status, list)
                unsafe ares_freeaddrinfo(list)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func wait(_ channel: ares_channel) {
        let end = ContinuousClock.now + Self.deadline
        var sockets = [ares_socket_t](repeating: -1, count: Int(ARES_GETSOCK_MAXNUM))
        while result == nil, ContinuousClock.now < end {
            let bits = unsafe UInt32(bitPattern: ares_getsock(channel, &sockets, Int32(sockets.count)))
            var polled = sockets.indices.compactMap { index -> pollfd? in
                let isRead = bits >> UInt32(index) & 1 != 0
                let isWritten = bits >> UInt32(index + sockets.count) & 1 != 0
                guard isRead || isWritten else { return nil }
                let events = (isRead ? POLLIN : 0) | (isWritten ? POLLOUT : 0)
                return pollfd(fd: sockets[index], events: Int16(events), revents: 0)
            }
            var pause = timeval(tv_sec: 1, tv_usec: 0)
            var room = timeval()
            if let next = unsafe ares_timeout(channel, &pause, &room) { unsafe pause = next.pointee }
            let milliseconds = Int32(clamping: pause.tv_sec * 1000 + pause.tv_usec / 1000 + 1)
            unsafe poll(&polled, nfds_t(polled.count), milliseconds)
            // Also when nothing came: some time may be over.
            unsafe ares_process_fd(channel, -1, -1)
            for socket in polled where socket.revents != 0 {
                let isRead = socket.revents & Int16(POLLIN | POLLERR | POLLHUP) != 0
                let isWritten = socket.revents & Int16(POLLOUT) != 0
                unsafe ares_process_fd(channel, isRead ? socket.fd : -1, isWritten ? socket.fd : -1)
            }
        }
    }

    private static func result(
        _ status: Int32,
        _ list: UnsafeMutablePointer<ares_addrinfo>?
    ) -> Result<NamedAddresses, LookupFailure> {
        guard status == ARES_SUCCESS, let list = unsafe list else {
            return .failure(LookupFailure(words(status)))
        }
        var addresses: [IPAddress] = []
        var lifetime = Int32.max
        var node = unsafe list.pointee.nodes
        while let present = unsafe node {
            if let address = unsafe address(present.pointee) {
                addresses.append(address)
                lifetime = min(lifetime, unsafe present.pointee.ai_ttl)
            }
            unsafe node = present.pointee.ai_next
        }
        var alias = unsafe list.pointee.cnames
        while let present = unsafe alias {
            lifetime = min(lifetime, unsafe present.pointee.ttl)
            unsafe alias = present.pointee.next
        }
        guard let found = NamedAddresses(addresses, lifetime: UInt32(max(0, lifetime))) else {
            return .failure(LookupFailure("the name has no address that a peer can have"))
        }
        return .success(found)
    }

    private static func address(_ node: ares_addrinfo_node) -> IPAddress? {
        guard let socket = unsafe node.ai_addr else { return nil }
        let bytes = unsafe UnsafeRawBufferPointer(start: socket, count: Int(node.ai_addrlen))
        switch unsafe node.ai_family {
        case AF_INET where bytes.count >= MemoryLayout<sockaddr_in>.size: return unsafe IPAddress(bytes: bytes[4..<8])
        case AF_INET6 where bytes.count >= MemoryLayout<sockaddr_in6>.size:
            return unsafe IPAddress(bytes: bytes[8..<24])
        default: return nil
        }
    }

    private static func words(_ status: Int32) -> String {
        switch status {
        case ARES_ENOTFOUND, ARES_ENODATA: "no such name, or it has no address"
        case ARES_ECONNREFUSED, ARES_ETIMEOUT: "no name server of /etc/resolv.conf answers"
        case ARES_EDESTRUCTION, ARES_ECANCELLED: "no name server answered in time"
        default: unsafe String(cString: ares_strerror(status))
        }
    }
}
