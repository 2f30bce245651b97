// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import CWGMSystem
internal import Glibc
internal import WGMModel

/// A netlink socket on which one request at a time is made and answered, within a time limit.
@safe struct NetlinkSocket: ~Copyable {
    private let bus: Int32
    private var raw: OpaquePointer
    private var buffer = WipedBuffer(capacity: NetlinkLimit.answerCapacity)
    private var sequence: UInt32 = 0
    /// An answer was not read to its end.
    private var isOutOfStep = false

    init(bus: Int32) throws(KernelFailure) {
        self.bus = bus
        unsafe raw = try Self.open(bus)
    }

    deinit { _ = unsafe mnl_socket_close(raw) }

    /// Sends the request and reads the answer to its end, lending each message to `body`: its type, and what follows the
    /// netlink header.
    mutating func request(
        _ message: inout NetlinkMessage,
        _ purpose: String,
        _ body: (UInt16, RawSpan) throws(KernelFailure) -> Void = { (_, _) throws(KernelFailure) in }
    ) throws(KernelFailure) {
        let answer = try exchange(&message, purpose, body)
        if let failure = answer.failure { throw failure }
    }

    /// Collects a dump into `start`; begins again when what it shows changed meanwhile.
    mutating func dump<Result>(
        _ message: inout NetlinkMessage,
        _ purpose: String,
        into start: Result,
        _ body: (inout Result, UInt16, RawSpan) throws(KernelFailure) -> Void
    ) throws(KernelFailure) -> Result {
        precondition(message.isDump)
        for _ in 0...NetlinkLimit.dumpRetries {
            var result = start
            let answer = try exchange(&message, purpose) { (type, payload) throws(KernelFailure) in
                try body(&result, type, payload)
            }
            if answer.wasInterrupted { continue }
            if let failure = answer.failure { throw failure }
            return result
        }
        throw KernelFailure(.other, errno: EAGAIN, "\(purpose): it changed each time while it was read")
    }

    private mutating func exchange(
        _ message: inout NetlinkMessage,
        _ purpose: String,
        _ body: (UInt16, RawSpan) throws(KernelFailure) -> Void
    ) throws(KernelFailure) -> NetlinkAnswer {
        if isOutOfStep { try reopen() }
        sequence &+= 1
        message.stamp(sequence: sequence)
        guard unsafe mnl_socket_sendto(raw, message.bytes.baseAddress, message.bytes.count) >= 0 else {
            throw KernelFailure(errno: errno, purpose: purpose)
        }
        let port = unsafe mnl_socket_get_portid(raw)
        var answer = NetlinkAnswer(sequence: sequence, port: port, purpose: purpose)
        isOutOfStep = true
        defer { buffer.wipe() }
        while !answer.isComplete {
            try receive(purpose)
            unsafe try answer.read(buffer.bytes.bytes, body)
        }
        isOutOfStep = false
        return answer
    }

    /// One datagram from the kernel; one from another process is passed over.
    private mutating func receive(_ purpose: String) throws(KernelFailure) {
        while true {
            var sender = sockaddr_nl()
            var number: Int32 = 0
            let received = unsafe buffer.fill { memory in
                let count = unsafe Self.receive(mnl_socket_get_fd(raw), memory, &sender)
                number = errno
                return count
            }
            if received < 0, number == EINTR { continue }
            guard received >= 0 else {
                throw KernelFailure(errno: number == EAGAIN ? ETIMEDOUT : number, purpose: purpose)
            }
            if sender.nl_pid == 0 { return }
        }
    }

    private static func receive(
        _ descriptor: Int32,
        _ memory: UnsafeMutableRawBufferPointer,
        _ sender: inout sockaddr_nl
    ) -> Int {
        var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
        let flags = Int32(MSG_TRUNC)
        let count = unsafe withUnsafeMutableBytes(of: &sender) { address in
            let address = unsafe address.assumingMemoryBound(to: sockaddr.self).baseAddress
            return unsafe recvfrom(descriptor, memory.baseAddress, memory.count, flags, address, &length)
        }
        guard count <= memory.count else {
            errno = EMSGSIZE
            return -1
        }
        return count
    }

    private mutating func reopen() throws(KernelFailure) {
        let fresh = unsafe try Self.open(bus)
        _ = unsafe mnl_socket_close(raw)
        unsafe raw = fresh
        isOutOfStep = false
    }

    private static func open(_ bus: Int32) throws(KernelFailure) -> OpaquePointer {
        let purpose = "opening a netlink socket"
        guard let raw = unsafe mnl_socket_open2(bus, wgm_close_on_exec) else {
            throw KernelFailure(errno: errno, purpose: purpose)
        }
        guard unsafe configure(raw), unsafe mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) == 0 else {
            let number = errno
            _ = unsafe mnl_socket_close(raw)
            throw KernelFailure(errno: number, purpose: purpose)
        }
        return unsafe raw
    }

    private static func configure(_ raw: OpaquePointer) -> Bool {
        let descriptor = unsafe mnl_socket_get_fd(raw)
        var space: Int32 = 4 << 20
        let spaceSize = socklen_t(MemoryLayout<Int32>.size)
        // More than rmem_max is cut silently, and strict checks (filtered dumps) are younger than some kernels.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &space, spaceSize)
        _ = unsafe enable(NETLINK_GET_STRICT_CHK, raw)
        return unsafe enable(NETLINK_EXT_ACK, raw) && enable(NETLINK_CAP_ACK, raw)
            && wgm_set_timeouts(descriptor, NetlinkLimit.timeout) == 0
    }

    private static func enable(_ option: Int32, _ raw: OpaquePointer) -> Bool {
        var on: Int32 = 1
        return unsafe mnl_socket_setsockopt(raw, option, &on, socklen_t(MemoryLayout<Int32>.size)) == 0
    }
}
