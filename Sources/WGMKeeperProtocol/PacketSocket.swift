// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc

/// A `SOCK_SEQPACKET` socket: whole packets or nothing, closed with the value.
package struct PacketSocket: ~Copyable, Sendable {
    package enum Failure: Error, Hashable, Sendable {
        /// The other end closed the connection, or it broke.
        case closed
        case timedOut
        case tooLarge
        case other(errno: Int32)
    }

    private let fileDescriptor: Int32

    /// Takes over the descriptor.
    package init(owning fileDescriptor: Int32) { self.fileDescriptor = fileDescriptor }

    deinit { _ = close(fileDescriptor) }

    /// Bounds each later `send` and `receive`.
    package func setTimeouts(seconds: Int32) { _ = wgm_set_timeouts(fileDescriptor, seconds) }

    /// For waiting on it; still owned by the value.
    package func withDescriptor(_ body: (Int32) -> Void) { body(fileDescriptor) }

    package func send(_ packet: [UInt8]) throws(Failure) {
        guard packet.count <= PacketLimit.packet else { throw .tooLarge }
        let count = unsafe packet.withUnsafeBytes { unsafe wgm_send_packet(fileDescriptor, $0.baseAddress, $0.count) }
        guard count == packet.count else { throw Failure(errno: count < 0 ? errno : EMSGSIZE) }
    }

    package func receive() throws(Failure) -> [UInt8] { unsafe try receive(wgm_receive_packet) }

    /// What is there already; `timedOut` when nothing is.
    package func receiveNow() throws(Failure) -> [UInt8] { unsafe try receive(wgm_receive_packet_now) }

    private func receive(
        _ receive: (Int32, UnsafeMutableRawPointer?, Int) -> Int
    ) throws(Failure) -> [UInt8] {
        var failure: Int32 = 0
        let packet = unsafe [UInt8](unsafeUninitializedCapacity: PacketLimit.packet) { buffer, count in
            let received = unsafe receive(fileDescriptor, buffer.baseAddress, buffer.count)
            if received < 0 { failure = errno }
            count = max(0, received)
        }
        guard failure == 0 else { throw Failure(errno: failure) }
        guard !packet.isEmpty else { throw .closed }
        return packet
    }
}

extension PacketSocket.Failure {
    init(errno: Int32) {
        self =
            switch errno {
            case EPIPE, ECONNRESET, ENOTCONN: .closed
            case EAGAIN: .timedOut
            case EMSGSIZE: .tooLarge
            default: .other(errno: errno)
            }
    }
}
