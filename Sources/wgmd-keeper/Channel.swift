// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc
internal import WGMKeeperProtocol
internal import WGMService

/// Where requests come from.
enum Channel {
    /// One end of a socket pair; the keeper ends with it.
    case inherited(Int32)
    /// systemd's socket, on which one user may connect, again and again.
    case listening(Int32, peer: Account)

    init(_ options: Options) throws(StartError) {
        if let socket = options.socket {
            try Self.require(socket, listening: false, named: "--socket-fd \(socket)")
            self = .inherited(socket)
            return
        }
        guard let first = InheritedSocket.takeAll().first else {
            throw .usage(
                "there is nobody to talk to: give --socket-fd N, or start wgmd-keeper through its systemd socket"
            )
        }
        guard let name = options.peerUser else { throw .usage("a systemd socket needs --peer-user NAME") }
        try Self.require(first.descriptor, listening: true, named: "the socket from systemd")
        // Somebody who connects and leaves at once must not leave the keeper waiting for him.
        _ = fcntl(first.descriptor, F_SETFL, fcntl(first.descriptor, F_GETFL) | O_NONBLOCK)
        self = .listening(first.descriptor, peer: try Account(named: name))
    }

    private static func require(_ socket: Int32, listening: Bool, named name: String) throws(StartError) {
        var isListening = false
        guard unsafe wgm_is_packet_socket(socket, &isListening) == 1, isListening == listening else {
            throw .failed(
                "\(name) is not a \(listening ? "listening " : "connected ")Unix socket of type SOCK_SEQPACKET"
            )
        }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    }

    /// The next connection if it is of the right user; another's is closed at once, and nil.
    static func accept(on listener: Int32, from peer: Account) throws(StartError) -> PacketSocket? {
        let socket = wgm_accept(listener)
        guard socket >= 0 else {
            if errno == EINTR || errno == ECONNABORTED || errno == EAGAIN { return nil }
            throw .system("cannot accept a connection", cure: "restart wgmd-keeper.socket")
        }
        let connection = PacketSocket(owning: socket)
        var (user, group, process): (UInt32, UInt32, Int32) = (0, 0, 0)
        let isKnown = unsafe wgm_peer_credentials(socket, &user, &group, &process) == 0
        if isKnown, user == peer.user { return connection }
        complain("refused a connection of user \(user): only \(peer.name) may connect")
        return nil
    }
}
