// SPDX-License-Identifier: Apache-2.0

/// An interface to be made, as it came from the wire.
package struct InterfaceRequest: Sendable {
    package var name: String?
    /// 0 automatic, 1 kernel, 2 userspace.
    package var backend: UInt32?
    /// Bytes.
    package var mtu: UInt32?
    package var listenPort: UInt32?
    /// Host name or address, with or without port.
    package var endpoint: String?
    package var ipv6Pool: String?
    package var ipv4Pool: String?
    package var firewallMark: UInt32?
    package var dns: [String] = []
    package var isDown = false
    /// 0 repair, 1 report, 2 adopt.
    package var driftPolicy: UInt32?

    package init() {}
}

/// Peers to be made, as they came from the wire.
package struct PeersRequest: Sendable {
    package var interface: String?
    package var peers: [PeerRequest]

    package init(interface: String?, peers: [PeerRequest]) {
        self.interface = interface
        self.peers = peers
    }
}

/// One peer to be made, as it came from the wire.
package struct PeerRequest: Sendable {
    package var name: String?
    package var publicKey: String?
    package var addresses: [String] = []
    package var allowedAddresses: [String] = []
    package var isIPv6Only = false
    package var endpoint: String?
    /// Seconds.
    package var keepalive: UInt32?
    /// A `SecretBox`.
    package var presharedKey: [UInt8]?
    package var comment: String?
    /// Milliseconds since 1970.
    package var validFrom: Int64?
    package var validUntil: Int64?
    package var isDisabled = false

    package init() {}
}

/// A change of an interface, as it came from the wire: what is nil is left alone, what is empty or 0 cleared.
package struct InterfaceUpdateRequest: Sendable {
    package var name: String?
    package var mtu: UInt32?
    package var listenPort: UInt32?
    package var endpoint: String?
    package var firewallMark: UInt32?
    package var dns: [String]?
    package var isUp: Bool?
    package var driftPolicy: UInt32?

    package init() {}
}

/// A change of a peer, as it came from the wire: what is nil is left alone, what is empty or 0 cleared.
package struct PeerUpdateRequest: Sendable {
    package var interface: String?
    package var name: String?
    package var publicKey: String?
    package var addresses: [String]?
    package var allowedAddresses: [String]?
    package var endpoint: String?
    package var keepalive: UInt32?
    package var comment: String?
    /// A `SecretBox`.
    package var presharedKey: [UInt8]?
    /// Milliseconds since 1970.
    package var validFrom: Int64?
    package var validUntil: Int64?

    package init() {}
}

/// A token to be issued, as it came from the wire.
package struct TokenRequest: Sendable {
    /// The caller when nil.
    package var principal: String?
    /// Seconds.
    package var lifetime: UInt32?
    package var bindUID: UInt32?
    /// A SHA-256 in base64url or hex.
    package var bindCertificate: String?
    package var grants: [GrantRequest] = []

    package init() {}
}

/// A grant as it came from the wire.
package struct GrantRequest: Sendable {
    package var resource: String
    package var verbs: [String]

    package init(resource: String, verbs: [String]) {
        self.resource = resource
        self.verbs = verbs
    }
}

/// Which audit records are wanted, as it came from the wire.
package struct AuditRequest: Sendable {
    package var limit: UInt32?
    package var beforeSequence: Int64?
    package var principal: String?
    package var method: String?
    package var failuresOnly = false
    package var sinceMilliseconds: Int64?

    package init() {}
}
