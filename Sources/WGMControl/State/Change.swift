// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// One change of the wanted state; one change makes one revision.
package enum Change: Hashable, Sendable {
    case createInterface(NewInterface)
    case importInterface(ImportedInterface)
    case setInterfaceUp(InterfaceName, Bool)
    case setDriftPolicy(InterfaceName, DriftPolicy)
    /// Takes what somebody else did in the kernel for wanted.
    case adopt(InterfaceName, Adoption)
    /// Interfaces and peers as they were after this revision.
    case rollBack(to: Int64)
    /// Refused with `hasPeers` when there are peers and `withPeers` is false.
    case deleteInterface(InterfaceName, withPeers: Bool)
    /// Keeps the change of this revision, which would have been undone otherwise.
    case confirm(Int64)
    /// What a gateway file makes of interfaces and peers, all of it or nothing.
    case applyFile(FileChange)
    /// All or none.
    case createPeers(InterfaceName, [NewPeer])
    case updateInterface(InterfaceName, InterfaceUpdate)
    case rotateKey(InterfaceName, KeyStep)
    case updatePeer(InterfaceName, ObjectName, PeerUpdate)
    case setPeersEnabled(InterfaceName, [ObjectName], Bool)
    case deletePeers(InterfaceName, [ObjectName])
    /// Refused with `lastAdmin` when nobody would be left who is one.
    case setRoles(principal: ObjectName, uid: UInt32?, roles: Set<Role>)
    case revokeToken(principal: ObjectName, tokenID: String, expires: Timestamp)
    /// Every token issued to the principal before this moment.
    case revokeTokens(principal: ObjectName, issuedBefore: Timestamp)
    /// Makes the first admin; its audit record has sequence number 1, so it happens once or never.
    case makeFirstAdmin(principal: ObjectName, uid: UInt32)
}

/// An interface to be created.
///
/// What is nil the store gives out, inside the transaction.
package struct NewInterface: Hashable, Sendable {
    package var id: InterfaceID
    package var name: InterfaceName
    package var backend: Backend
    package var isUp: Bool
    package var mtu: UInt32
    /// nil: the first from 51820 upwards that no interface of the node has.
    package var listenPort: UInt16?
    package var publicKey: PublicKey
    package var sealedKey: SealedKey
    /// nil: the next /64 of the node's own /48.
    package var ipv6Pool: IPPrefix?
    package var ipv4Pool: IPPrefix?
    package var endpoint: String?
    package var firewallMark: UInt32
    package var dns: [IPAddress]
    package var driftPolicy: DriftPolicy
    /// Becomes the node's own /48 if it has none yet (RFC 4193, 40 random bits).
    package var uniqueLocalPrefixIfNone: IPPrefix

    package init(
        id: InterfaceID,
        name: InterfaceName,
        backend: Backend,
        isUp: Bool,
        mtu: UInt32,
        listenPort: UInt16?,
        publicKey: PublicKey,
        sealedKey: SealedKey,
        ipv6Pool: IPPrefix?,
        ipv4Pool: IPPrefix?,
        endpoint: String?,
        firewallMark: UInt32,
        dns: [IPAddress],
        driftPolicy: DriftPolicy = .repair,
        uniqueLocalPrefixIfNone: IPPrefix
    ) {
        self.id = id
        self.name = name
        self.backend = backend
        self.isUp = isUp
        self.mtu = mtu
        self.listenPort = listenPort
        self.publicKey = publicKey
        self.sealedKey = sealedKey
        self.ipv6Pool = ipv6Pool
        self.ipv4Pool = ipv4Pool
        self.endpoint = endpoint
        self.firewallMark = firewallMark
        self.dns = dns
        self.driftPolicy = driftPolicy
        self.uniqueLocalPrefixIfNone = uniqueLocalPrefixIfNone
    }
}

/// A peer to be created.
package struct NewPeer: Hashable, Sendable {
    package var name: ObjectName
    package var publicKey: PublicKey
    /// Empty: the next free address of the IPv6 pool, and of the IPv4 pool unless `isIPv6Only`.
    package var addresses: [IPAddress]
    package var routed: [IPPrefix]
    package var isIPv6Only: Bool
    package var endpoint: PeerEndpoint?
    package var keepalive: UInt16
    package var presharedKey: SealedPresharedKey?
    package var comment: String
    package var validity: Validity
    package var isEnabled: Bool
    /// No addresses of its own, and none are given out either.
    package var hasNoAddresses: Bool

    package init(
        name: ObjectName,
        publicKey: PublicKey,
        addresses: [IPAddress] = [],
        routed: [IPPrefix] = [],
        isIPv6Only: Bool = false,
        endpoint: PeerEndpoint? = nil,
        keepalive: UInt16 = 0,
        presharedKey: SealedPresharedKey? = nil,
        comment: String = "",
        validity: Validity = Validity(),
        isEnabled: Bool = true,
        hasNoAddresses: Bool = false
    ) {
        self.name = name
        self.publicKey = publicKey
        self.addresses = addresses
        self.routed = routed
        self.isIPv6Only = isIPv6Only
        self.endpoint = endpoint
        self.keepalive = keepalive
        self.presharedKey = presharedKey
        self.comment = comment
        self.validity = validity
        self.isEnabled = isEnabled
        self.hasNoAddresses = hasNoAddresses
    }
}
