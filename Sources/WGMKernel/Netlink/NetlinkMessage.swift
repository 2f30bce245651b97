// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc

/// The message has no room for one more attribute.
struct MessageFull: Error {}

/// A netlink request under construction, in memory of fixed size that is wiped when the value ends.
@safe struct NetlinkMessage: ~Copyable {
    /// What the request is to do, beside being a request that wants an answer.
    struct Flags: OptionSet {
        let rawValue: Int32
        static let acknowledge = Flags(rawValue: NLM_F_ACK)
        static let dump = Flags(rawValue: NLM_F_DUMP)
        static let create = Flags(rawValue: NLM_F_CREATE)
        static let exclusive = Flags(rawValue: NLM_F_EXCL)
    }

    private let header: UnsafeMutablePointer<nlmsghdr>
    private let capacity: Int

    /// Starts with the family's fixed header, such as `ifinfomsg`, behind netlink's own.
    init<Header: BitwiseCopyable>(
        _ type: some BinaryInteger,
        _ flags: Flags,
        _ fixed: Header,
        capacity: Int = NetlinkLimit.requestCapacity
    ) {
        let size = MemoryLayout<Header>.size
        precondition(capacity >= 64 + size)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe memset(memory, 0, capacity)
        unsafe header = mnl_nlmsg_put_header(memory)
        self.capacity = capacity
        unsafe header.pointee.nlmsg_type = UInt16(truncatingIfNeeded: type)
        unsafe header.pointee.nlmsg_flags = UInt16(truncatingIfNeeded: NLM_F_REQUEST | flags.rawValue)
        if let place = unsafe mnl_nlmsg_put_extra_header(header, size) {
            unsafe place.storeBytes(of: fixed, as: Header.self)
        }
    }

    deinit {
        unsafe explicit_bzero(header, capacity)
        unsafe header.deallocate()
    }

    var isDump: Bool { unsafe Int32(header.pointee.nlmsg_flags) & NLM_F_DUMP == NLM_F_DUMP }

    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len))
    }

    mutating func stamp(sequence: UInt32) { unsafe header.pointee.nlmsg_seq = sequence }

    mutating func put(_ attribute: some NetlinkAttribute, _ value: UInt8) throws(MessageFull) {
        try require(unsafe mnl_attr_put_u8_check(header, capacity, attribute.type, value))
    }

    mutating func put(_ attribute: some NetlinkAttribute, _ value: UInt16) throws(MessageFull) {
        try require(unsafe mnl_attr_put_u16_check(header, capacity, attribute.type, value))
    }

    mutating func put(_ attribute: some NetlinkAttribute, _ value: UInt32) throws(MessageFull) {
        try require(unsafe mnl_attr_put_u32_check(header, capacity, attribute.type, value))
    }

    /// With the terminating zero.
    mutating func put(_ attribute: some NetlinkAttribute, _ value: String) throws(MessageFull) {
        try require(unsafe mnl_attr_put_strz_check(header, capacity, attribute.type, value))
    }

    mutating func put(_ attribute: some NetlinkAttribute, bytes: UnsafeRawBufferPointer) throws(MessageFull) {
        try require(unsafe mnl_attr_put_check(header, capacity, attribute.type, bytes.count, bytes.baseAddress))
    }

    mutating func put(_ attribute: some NetlinkAttribute, _ value: [UInt8]) throws(MessageFull) {
        try require(unsafe mnl_attr_put_check(header, capacity, attribute.type, value.count, value))
    }

    /// Writes `body`'s attributes inside `attribute`, or leaves the message as it was if `body` throws.
    mutating func nest<Failure>(
        _ attribute: some NetlinkAttribute,
        orElse full: @autoclosure () -> Failure,
        _ body: (inout NetlinkMessage) throws(Failure) -> Void
    ) throws(Failure) {
        guard let start = unsafe mnl_attr_nest_start_check(header, capacity, attribute.type) else { throw full() }
        do throws(Failure) {
            try body(&self)
        } catch {
            unsafe mnl_attr_nest_cancel(header, start)
            throw error
        }
        unsafe mnl_attr_nest_end(header, start)
    }

    mutating func nest(
        _ attribute: some NetlinkAttribute,
        _ body: (inout NetlinkMessage) throws(MessageFull) -> Void
    ) throws(MessageFull) {
        try nest(attribute, orElse: MessageFull(), body)
    }

    private func require(_ fits: Bool) throws(MessageFull) {
        guard fits else { throw MessageFull() }
    }
}
