// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// The wanted state of one interface, as the database holds it.
package struct InterfaceRecord: Hashable, Sendable {
    package var id: InterfaceID
    package var name: InterfaceName
    package var backend: Backend
    package var isUp: Bool
    /// Bytes.
    package var mtu: UInt32
    package var listenPort: UInt16
    package var publicKey: PublicKey
    package var sealedKey: SealedKey
    /// The gateway's own addresses.
    package var addresses: [InterfaceAddress]
    package var ipv6Pool: IPPrefix
    package var ipv4Pool: IPPrefix?
    /// What peers dial, as `host:port`; nil when nobody said.
    package var endpoint: String?
    /// 0 means none.
    package var firewallMark: UInt32
    package var dns: [IPAddress]
    package var driftPolicy: DriftPolicy
    /// The revision that last changed this row.
    package var revision: Int64
    package var created: Timestamp
    /// The revision that took over a link which was there before; what undoes that one gives the link back.
    package var linkTaken: Int64?
    /// nil when its key is the only one there is.
    package var rotation: KeyRotation?

    package init(
        id: InterfaceID,
        name: InterfaceName,
        backend: Backend,
        isUp: Bool,
        mtu: UInt32,
        listenPort: UInt16,
        publicKey: PublicKey,
        sealedKey: SealedKey,
        addresses: [InterfaceAddress],
        ipv6Pool: IPPrefix,
        ipv4Pool: IPPrefix?,
        endpoint: String?,
        firewallMark: UInt32,
        dns: [IPAddress],
        driftPolicy: DriftPolicy = .repair,
        revision: Int64,
        created: Timestamp,
        linkTaken: Int64? = nil,
        rotation: KeyRotation? = nil
    ) {
        self.linkTaken = linkTaken
        self.rotation = rotation
        self.id = id
        self.name = name
        self.backend = backend
        self.isUp = isUp
        self.mtu = mtu
        self.listenPort = listenPort
        self.publicKey = publicKey
        self.sealedKey = sealedKey
        self.addresses = addresses
        self.ipv6Pool = ipv6Pool
        self.ipv4Pool = ipv4Pool
        self.endpoint = endpoint
        self.firewallMark = firewallMark
        self.dns = dns
        self.driftPolicy = driftPolicy
        self.revision = revision
        self.created = created
    }
}

/// When a peer is let in; always where nothing is said.
package struct Validity: Hashable, Sendable {
    package var from: Timestamp?
    /// The first moment at which it is not let in any more.
    package var until: Timestamp?

    package init(from: Timestamp? = nil, until: Timestamp? = nil) {
        self.from = from
        self.until = until
    }

    package func holds(at now: Timestamp) -> Bool {
        from.map { $0 <= now } ?? true && until.map { now < $0 } ?? true
    }
}

extension [PeerRecord] {
    /// Those that are not let in at this moment count as disabled.
    mutating func keepOut(at now: Timestamp) {
        for index in indices where !self[index].validity.holds(at: now) { self[index].isEnabled = false }
    }
}

/// A named set of grants, built in.
package enum Role: String, Hashable, Sendable, CaseIterable, Comparable {
    case viewer, `operator`, admin

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A person or robot.
package struct PrincipalRecord: Hashable, Sendable {
    package var name: ObjectName
    /// The Unix user who logs in as this principal; nil for a robot.
    package var uid: UInt32?
    package var roles: Set<Role>
    /// Tokens issued before this moment are worthless.
    package var tokensValidFrom: Timestamp
    package var created: Timestamp

    package init(name: ObjectName, uid: UInt32?, roles: Set<Role>, tokensValidFrom: Timestamp, created: Timestamp) {
        self.name = name
        self.uid = uid
        self.roles = roles
        self.tokensValidFrom = tokensValidFrom
        self.created = created
    }
}

/// A token that is worthless before its time.
///
/// Its principal is part of it, so that nobody can revoke another's token by knowing its id.
package struct RevokedToken: Hashable, Sendable {
    package var principal: ObjectName
    package var tokenID: String

    package init(principal: ObjectName, tokenID: String) {
        self.principal = principal
        self.tokenID = tokenID
    }
}

/// A token that was issued for a program and has not ended: all but the token itself.
package struct TokenRecord: Hashable, Sendable {
    package var token: RevokedToken
    /// The principal who issued it.
    package var issuer: String
    package var issued: Timestamp
    package var expires: Timestamp
    package var binding: TokenBinding
    package var grants: [Grant]

    package init(
        token: RevokedToken,
        issuer: String,
        issued: Timestamp,
        expires: Timestamp,
        binding: TokenBinding,
        grants: [Grant]
    ) {
        self.token = token
        self.issuer = issuer
        self.issued = issued
        self.expires = expires
        self.binding = binding
        self.grants = grants
    }
}

/// What becomes of the link of an interface that is no more.
enum FormerInterface {
    case deleted, givenBack
}

/// Everything the daemon needs to answer reads and to decide, as of one revision.
package struct GatewayState: Sendable {
    package var revision: Int64
    package var interfaces: [InterfaceName: InterfaceRecord]
    package var peers: [InterfaceID: [ObjectName: PeerRecord]]
    package var principals: [ObjectName: PrincipalRecord]
    /// Revoked tokens that have not expired yet.
    package var revokedTokens: Set<RevokedToken>
    /// Interfaces of this node that the database had once and has no more; a link of another database is none of them.
    package var formerInterfaces: Set<InterfaceID> = []
    /// Those of them whose links go on without wgm, since the import that took them over was undone.
    package var givenBack: Set<InterfaceID> = []
    package var progress: [InterfaceName: Progress] = [:]
    package var unconfirmed: Unconfirmed?

    package init(
        revision: Int64 = 0,
        interfaces: [InterfaceName: InterfaceRecord] = [:],
        peers: [InterfaceID: [ObjectName: PeerRecord]] = [:],
        principals: [ObjectName: PrincipalRecord] = [:],
        revokedTokens: Set<RevokedToken> = []
    ) {
        self.revision = revision
        self.interfaces = interfaces
        self.peers = peers
        self.principals = principals
        self.revokedTokens = revokedTokens
    }
}
