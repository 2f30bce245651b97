// SPDX-License-Identifier: Apache-2.0

/// The other end of one connection, as the kernel or the transport vouches for it.
public struct ConnectionPeer: Sendable, Hashable {
    /// How the connection came, and who the transport says it is.
    public enum Transport: Sendable, Hashable {
        /// A Unix socket; the ids of the process that connected, from SO_PEERCRED.
        case unix(uid: UInt32, gid: UInt32)
        /// TLS over TCP; the DER form of the client certificate, if one was shown, which the engine has verified.
        case tls(RemoteAddress, certificate: [UInt8]?)
        /// The kernel does not say. Such a connection is refused; this case stands in the record of the refusal.
        case unknown
    }

    public let transport: Transport
    /// Counts the connections of this server, from 1.
    public let id: UInt64

    public init(transport: Transport, id: UInt64) {
        self.transport = transport
        self.id = id
    }
}

/// Names one call within the life of a server, for logs and the audit record.
public struct RequestID: Sendable, Hashable, CustomStringConvertible {
    public let connection: UInt64
    public let stream: UInt32

    public init(connection: UInt64, stream: UInt32) {
        self.connection = connection
        self.stream = stream
    }

    public var description: String { "\(connection).\(stream)" }
}
