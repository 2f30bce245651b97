// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What came of a call that changes state.
package enum Outcome<Value: Sendable>: Sendable {
    case done(Value, revision: Int64)
    /// A retry: the reply that was kept when the call was made first.
    case repeated([UInt8])
}

/// An interface as wanted, and as last seen in the kernel.
package struct InterfaceReport: Sendable {
    package var record: InterfaceRecord
    package var peerCount: Int
    /// nil when the kernel was not asked yet.
    package var observation: Observation?
    /// Peers without a handshake since the present key is in force; empty when it is not a new one.
    package var stragglers: [PeerRecord] = []

    /// What peers dial, with the listen port where nobody said another.
    package var endpoint: String? {
        record.endpoint.flatMap(DialAddress.init)?.withPort(record.listenPort) ?? record.endpoint
    }
}

/// A peer as wanted, and as last seen in the kernel.
package struct PeerReport: Sendable {
    package var interface: InterfaceName
    package var record: PeerRecord
    /// nil when the kernel did not have it.
    package var actual: ActualPeer?
    /// When the kernel was asked; nil when it was not yet.
    package var observed: Timestamp?
    /// nil while nothing was counted.
    package var traffic: PeerTraffic?
    /// From when on a handshake is one with the new key of the interface; nil when it has no new one.
    package var adoption: Timestamp?
    /// What was found out about the name that the endpoint is; nil for an address, and before it was looked up.
    package var name: NameRecord?

    /// nil for a peer that is not let in, and while nothing was counted.
    package var state: PeerState? {
        guard let observed, record.isEnabled, record.validity.holds(at: observed) else { return nil }
        return traffic?.state
    }

    /// True while there was no handshake with the new key; nil when there is no new one, and for a peer that is not let in.
    package var isStraggler: Bool? { observed.flatMap { isStraggler(at: $0) } }

    func isStraggler(at time: Timestamp) -> Bool? {
        guard let adoption, record.isEnabled, record.validity.holds(at: time) else { return nil }
        return [traffic?.lastHandshake, actual?.lastHandshake].allSatisfy { $0.map { $0 < adoption } ?? true }
    }
}

/// A page of peers.
package struct PeerPage: Sendable {
    package var peers: [PeerReport]
    /// nil on the last page.
    package var nextPageToken: String?
    package var freshness: Freshness
}

/// What the peer's own end must be told.
package struct PeerConfiguration: Sendable {
    package var addresses: [InterfaceAddress]
    package var dns: [IPAddress]
    /// Bytes.
    package var mtu: UInt32
    package var gatewayPublicKey: PublicKey
    /// What comes after it; nil when no other is announced.
    package var gatewayNextKey: PublicKey?
    /// When that is put in force; nil when it was not said.
    package var gatewayKeySwitch: Timestamp?
    package var gatewayEndpoint: String?
    package var allowedAddresses: [IPPrefix]
    /// Seconds; 0 is off.
    package var keepalive: UInt16
    package var peerPublicKey: PublicKey
    package var hasPresharedKey: Bool
    package var freshness: Freshness
}

/// A token that was just made.
package struct IssuedToken: Sendable {
    package var token: String
    package var tokenID: String
    package var expires: Timestamp
    /// What the token says and the principal's roles do not, so that nobody may do it with the token.
    package var beyondRoles: [Grant] = []
}

/// What login gives.
package struct Login: Sendable {
    package var issued: IssuedToken
    package var principal: ObjectName
    package var roles: [Role]
    package var becameFirstAdmin: Bool
}

/// Who a token belongs to and what it may do now.
package struct Identity: Sendable {
    package var principal: ObjectName
    package var roles: [Role]
    package var tokenID: String
    package var expires: Timestamp
    package var binding: TokenBinding
    package var grants: [Grant]
}

/// Whether the parts of the gateway do their work.
package struct HealthReport: Sendable {
    package struct Component: Sendable {
        package var name: String
        package var isHealthy: Bool
        package var message: String
    }
    package var components: [Component]
    package var isServing: Bool { components.allSatisfy(\.isHealthy) }
}
