// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc
internal import WGMKeeperProtocol

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
        guard Self.environment("LISTEN_PID") == String(getpid()), Self.environment("LISTEN_FDS") == "1" else {
            throw .usage(
                "there is nobody to talk to: give --socket-fd N, or start wgmd-keeper through its systemd socket"
            )
        }
        guard let name = options.peerUser else { throw .usage("a systemd socket needs --peer-user NAME") }
        let first: Int32 = 3
        try Self.require(first, listening: true, named: "the socket from systemd")
        self = .listening(first, peer: try Account(named: name))
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

    static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The next connection of the right user; others are closed at once.
    static func accept(on listener: Int32, from peer: Account) throws(StartError) -> PacketSocket {
        while true {
            let socket = wgm_accept(listener)
            guard socket >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                throw .system("cannot accept a connection", cure: "restart wgmd-keeper.socket")
            }
            let connection = PacketSocket(owning: socket)
            var (user, group, process): (UInt32, UInt32, Int32) = (0, 0, 0)
            let isKnown = unsafe wgm_peer_credentials(socket, &user, &group, &process) == 0
            if isKnown, user == peer.user { return connection }
            complain("refused a connection of user \(user): only \(peer.name) may connect")
        }
    }
}
