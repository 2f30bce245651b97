// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NIOCore

/// Who connected, as SO_PEERCRED says right after accept: Linux's `struct ucred`, which Swift's Glibc does not show.
struct PeerCredentials {
    /// Linux: include/uapi/asm-generic/socket.h; the same on all architectures that Swift runs on.
    private static let optionName = NIOBSDSocket.Option(rawValue: 17)
    /// What the kernel reports when there are no credentials.
    private static let nobody = UInt32.max

    /// 0 for a process outside this one's namespace; advisory, and not used.
    private let pid: Int32
    private let uid: UInt32
    private let gid: UInt32

    /// Never fails: what cannot be found out is `.unknown`.
    static func read(_ channel: any Channel) -> EventLoopFuture<ConnectionPeer.Transport> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(.unknown)
        }
        let read: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(level: .socket, name: optionName)
        return read.map(\.transport).flatMapErrorThrowing { _ in .unknown }
    }

    private var transport: ConnectionPeer.Transport {
        uid == Self.nobody || gid == Self.nobody ? .unknown : .unix(uid: uid, gid: gid)
    }
}
