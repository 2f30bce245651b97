// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import CWGMSystem
internal import Glibc
internal import WGMModel

/// A netlink socket that only hears what the kernel tells everybody; it never blocks.
@safe struct NetlinkListener: ~Copyable {
    /// What a read came to.
    enum Heard {
        case datagram
        case nothing
        /// There was no room for what the kernel had to say.
        case tooMuch
    }

    private let raw: OpaquePointer
    private var buffer = WipedBuffer(capacity: NetlinkLimit.answerCapacity)

    /// `groups` as bits, such as `RTMGRP_LINK`; none of these needs a privilege.
    init(bus: Int32, groups: UInt32) throws(KernelFailure) {
        let purpose = "listening to the kernel's events"
        guard let raw = unsafe mnl_socket_open2(bus, wgm_close_on_exec) else {
            throw KernelFailure(errno: errno, purpose: purpose)
        }
        var space: Int32 = 1 << 20
        // More than rmem_max is cut silently.
        _ = unsafe setsockopt(
            mnl_socket_get_fd(raw),
            SOL_SOCKET,
            SO_RCVBUF,
            &space,
            socklen_t(MemoryLayout<Int32>.size)
        )
        guard unsafe mnl_socket_bind(raw, groups, MNL_SOCKET_AUTOPID) == 0 else {
            let number = errno
            _ = unsafe mnl_socket_close(raw)
            throw KernelFailure(errno: number, purpose: purpose)
        }
        unsafe self.raw = raw
    }

    deinit { _ = unsafe mnl_socket_close(raw) }

    var descriptor: Int32 { unsafe mnl_socket_get_fd(raw) }

    /// Lends one datagram of the kernel to `body`, if there is one.
    mutating func next(_ body: (RawSpan) -> Void) -> Heard {
        let descriptor = descriptor
        while true {
            var sender = sockaddr_nl()
            var number: Int32 = 0
            let count = unsafe buffer.fill { memory in
                var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
                let count = unsafe withUnsafeMutableBytes(of: &sender) { address in
                    let address = unsafe address.assumingMemoryBound(to: sockaddr.self).baseAddress
                    let flags = Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC)
                    return unsafe recvfrom(descriptor, memory.baseAddress, memory.count, flags, address, &length)
                }
                number = count > memory.count ? ENOBUFS : errno
                return count > memory.count ? -1 : count
            }
            if count < 0 {
                if number == EINTR { continue }
                return number == EAGAIN ? .nothing : .tooMuch
            }
            // Anybody may send to a netlink socket's port, where the system allows it.
            guard sender.nl_pid == 0 else { continue }
            unsafe body(buffer.bytes.bytes)
            return .datagram
        }
    }
}
