// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMModel

/// rtnetlink: links, addresses and routes.
struct RouteSocket: ~Copyable {
    var socket: NetlinkSocket

    init() throws(KernelFailure) { socket = try NetlinkSocket(bus: NETLINK_ROUTE) }

    /// Builds a request of a few attributes, and sends it.
    mutating func send<Header: BitwiseCopyable>(
        _ type: some BinaryInteger,
        _ flags: NetlinkMessage.Flags,
        _ fixed: Header,
        _ purpose: String,
        attributes: (inout NetlinkMessage) throws(MessageFull) -> Void,
        answer: (UInt16, RawSpan) throws(KernelFailure) -> Void = { (_, _) throws(KernelFailure) in }
    ) throws(KernelFailure) {
        var message = NetlinkMessage(type, flags.union(.acknowledge), fixed, capacity: Self.smallRequest)
        try message.write(purpose, attributes)
        try socket.request(&message, purpose, answer)
    }

    static let smallRequest = 1024
}

extension NetlinkMessage {
    /// Writes attributes of which it is known that they fit.
    mutating func write(
        _ purpose: String,
        _ attributes: (inout NetlinkMessage) throws(MessageFull) -> Void
    ) throws(KernelFailure) {
        do throws(MessageFull) {
            try attributes(&self)
        } catch {
            throw KernelFailure(.invalidArgument, errno: EMSGSIZE, "\(purpose): the request is too long")
        }
    }
}

extension KernelFailure {
    /// Runs a step for which an error of the kernel may mean that there is nothing to do.
    ///
    /// Returns false when the kernel answered with one of `numbers`.
    static func unless(_ numbers: Int32..., do step: () throws(KernelFailure) -> Void) throws(KernelFailure) -> Bool {
        do throws(KernelFailure) {
            try step()
            return true
        } catch {
            guard numbers.contains(error.errno) else { throw error }
            return false
        }
    }
}
