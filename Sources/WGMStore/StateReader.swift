// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// Reads rows back as the records of WGMControl.
struct StateReader {
    let connection: Connection
    let node: String

    func everything() throws(StoreFailure) -> GatewayState {
        var head = try connection.row("SELECT revision FROM head")
        var state = GatewayState(revision: try head.int())
        for interface in try interfaces() {
            state.interfaces[interface.name] = interface
            state.peers[interface.id] = [:]
        }
        for peer in try peers(of: state.interfaces.values.map(\.id)) {
            state.peers[peer.interface]?[peer.name] = peer
        }
        state.progress = try progress()
        state.unconfirmed = try Confirmations(connection: connection, node: node).pending()
        for principal in try principals() { state.principals[principal.name] = principal }
        state.revokedTokens = try revokedTokens()
        state.formerInterfaces = try formerInterfaces(but: Set(state.interfaces.values.map(\.id)))
        state.givenBack = try givenBack().intersection(state.formerInterfaces)
        return state
    }

    private func revokedTokens() throws(StoreFailure) -> Set<RevokedToken> {
        let rows = try connection.query(
            "SELECT p.name, t.token_id FROM revoked_token t JOIN principal p ON p.id = t.principal WHERE t.expires > now()"
        )
        var tokens: Set<RevokedToken> = []
        for var row in rows {
            tokens.insert(RevokedToken(principal: try row.required(ObjectName(row.text())), tokenID: try row.text()))
        }
        return tokens
    }

    /// Every interface that the history of the node knows, but those that there are.
    private func formerInterfaces(but present: Set<InterfaceID>) throws(StoreFailure) -> Set<InterfaceID> {
        let rows = try connection.query(
            "SELECT DISTINCT (state ->> 'id')::bigint FROM history WHERE node = $1 AND peer = '' AND state IS NOT NULL",
            .text(node)
        )
        var former: Set<InterfaceID> = []
        for var row in rows { former.insert(InterfaceID(UInt64(clamping: try row.int()))) }
        return former.subtracting(present)
    }

    func givenBack() throws(StoreFailure) -> Set<InterfaceID> {
        let rows = try connection.query("SELECT interface FROM given_back")
        var interfaces: Set<InterfaceID> = []
        for var row in rows { interfaces.insert(InterfaceID(UInt64(clamping: try row.int()))) }
        return interfaces
    }

    /// Which revisions the kernel was last seen to follow.
    private func progress() throws(StoreFailure) -> [InterfaceName: Progress] {
        let rows = try connection.query(
            """
            SELECT i.name, i.changed, i.settled, i.seen_key, i.seen_key_since
            FROM interface i JOIN node n ON n.id = i.node WHERE n.name = $1
            """,
            .text(node)
        )
        var progress: [InterfaceName: Progress] = [:]
        for var row in rows {
            let name = try row.required(InterfaceName(row.text()))
            progress[name] = Progress(changed: try row.int(), settled: try row.int(), key: try row.keySight())
        }
        return progress
    }

    /// All interfaces of the node, or those given.
    func interfaces(_ ids: [InterfaceID]? = nil) throws(StoreFailure) -> [InterfaceRecord] {
        let rows = try connection.query(
            """
            SELECT i.id, i.name, i.backend, i.up, i.mtu, i.listen_port, i.public_key, i.sealed_key, i.ipv6_pool,
                   i.ipv4_pool, i.endpoint, i.firewall_mark, i.dns, i.drift_policy, i.revision, i.created,
                   i.link_taken, i.other_key, i.other_sealed_key, i.other_key_is_next, i.other_key_time
            FROM interface i JOIN node n ON n.id = i.node
            WHERE n.name = $1 AND ($2 IS NULL OR i.id = ANY ($2))
            ORDER BY i.name
            """,
            .text(node),
            .array(of: .int8, ids?.map { .int($0.value) })
        )
        var records: [InterfaceRecord] = []
        for var row in rows { records.append(try row.interface()) }
        let addresses = try ownAddresses(of: records.map(\.id))
        for index in records.indices { records[index].addresses = addresses[records[index].id] ?? [] }
        return records
    }

    func peers(of interfaces: [InterfaceID]) throws(StoreFailure) -> [PeerRecord] {
        let ids = Parameter.array(of: .int8, interfaces.map { .int($0.value) })
        return try peers(
            connection.query(
                """
                SELECT id, interface, name, public_key, enabled, endpoint_address, endpoint_name, endpoint_port, endpoint_zone,
                       keepalive, sealed_preshared_key, comment, valid_from, valid_until, revision, created
                FROM peer WHERE interface = ANY ($1) ORDER BY id
                """,
                ids
            ),
            prefixes: connection.query(
                """
                SELECT peer, prefix, routed FROM allocation
                WHERE interface = ANY ($1) AND peer IS NOT NULL ORDER BY id
                """,
                ids
            )
        )
    }

    func peers(_ ids: [Int64]) throws(StoreFailure) -> [PeerRecord] {
        try peers(
            connection.query(
                """
                SELECT id, interface, name, public_key, enabled, endpoint_address, endpoint_name, endpoint_port, endpoint_zone,
                       keepalive, sealed_preshared_key, comment, valid_from, valid_until, revision, created
                FROM peer WHERE id = ANY ($1) ORDER BY id
                """,
                .ints(ids)
            ),
            prefixes: connection.query(
                "SELECT peer, prefix, routed FROM allocation WHERE peer = ANY ($1) ORDER BY id",
                .ints(ids)
            )
        )
    }

    /// All principals, or the one given.
    func principals(_ name: ObjectName? = nil) throws(StoreFailure) -> [PrincipalRecord] {
        let rows = try connection.query(
            """
            SELECT p.name, p.uid, p.tokens_valid_from, p.created,
                   ARRAY(SELECT r.role FROM principal_role r WHERE r.principal = p.id)
            FROM principal p WHERE $1 IS NULL OR p.name = $1 ORDER BY p.name
            """,
            .text(name?.value)
        )
        var records: [PrincipalRecord] = []
        for var row in rows { records.append(try row.principal()) }
        return records
    }

    private func ownAddresses(of ids: [InterfaceID]) throws(StoreFailure) -> [InterfaceID: [InterfaceAddress]] {
        var addresses: [InterfaceID: [InterfaceAddress]] = [:]
        let rows = try connection.query(
            """
            SELECT interface, prefix, on_link FROM allocation
            WHERE interface = ANY ($1) AND peer IS NULL ORDER BY id
            """,
            .array(of: .int8, ids.map { .int($0.value) })
        )
        for var row in rows {
            let id = InterfaceID(UInt64(clamping: try row.int()))
            let address = InterfaceAddress(try row.prefix().address, length: Int(try row.int()))
            addresses[id, default: []].append(try row.required(address))
        }
        return addresses
    }

    private func peers(_ rows: [Row], prefixes: [Row]) throws(StoreFailure) -> [PeerRecord] {
        var held: [Int64: (addresses: [IPAddress], routed: [IPPrefix])] = [:]
        for var row in prefixes {
            let peer = try row.int()
            let prefix = try row.prefix()
            if try row.bool() {
                held[peer, default: ([], [])].routed.append(prefix)
            } else {
                held[peer, default: ([], [])].addresses.append(prefix.address)
            }
        }
        var records: [PeerRecord] = []
        for var row in rows {
            var record = try row.peer()
            if let held = held[record.id] { (record.addresses, record.routed) = held }
            records.append(record)
        }
        return records
    }
}

extension Row {
    fileprivate mutating func interface() throws(StoreFailure) -> InterfaceRecord {
        InterfaceRecord(
            id: InterfaceID(UInt64(clamping: try int())),
            name: try required(InterfaceName(text())),
            backend: try required(Backend(rawValue: UInt8(clamping: int()))),
            isUp: try bool(),
            mtu: UInt32(clamping: try int()),
            listenPort: UInt16(clamping: try int()),
            publicKey: try required(PublicKey(bytes: bytes())),
            sealedKey: try required(SealedKey(bytes: bytes())),
            addresses: [],
            ipv6Pool: try prefix(),
            ipv4Pool: try optionalPrefix(),
            endpoint: try optionalText(),
            firewallMark: UInt32(clamping: try int()),
            dns: try addresses(),
            driftPolicy: try required(DriftPolicy(rawValue: UInt8(clamping: int()))),
            revision: try int(),
            created: try time(),
            linkTaken: try optionalInt(),
            rotation: try rotation()
        )
    }

    fileprivate mutating func keySight() throws(StoreFailure) -> KeySight? {
        let (key, since) = (try optionalBytes(), try optionalTime())
        guard let key, let since else { return nil }
        return KeySight(publicKey: try required(PublicKey(bytes: key)), since: since)
    }

    private mutating func rotation() throws(StoreFailure) -> KeyRotation? {
        let (publicKey, sealed) = (try optionalBytes(), try optionalBytes())
        let (isNext, time) = (try optionalBool(), try optionalTime())
        guard let publicKey, let sealed, let isNext else { return nil }
        let key = InterfaceKey(
            publicKey: try required(PublicKey(bytes: publicKey)),
            sealed: try required(SealedKey(bytes: sealed))
        )
        return isNext ? .announced(key, at: time) : .switched(from: key, at: try required(time))
    }

    fileprivate mutating func peer() throws(StoreFailure) -> PeerRecord {
        PeerRecord(
            id: try int(),
            interface: InterfaceID(UInt64(clamping: try int())),
            name: try required(ObjectName(text())),
            publicKey: try required(PublicKey(bytes: bytes())),
            isEnabled: try bool(),
            addresses: [],
            routed: [],
            endpoint: try endpoint(),
            keepalive: UInt16(clamping: try int()),
            presharedKey: try presharedKey(),
            comment: try text(),
            validity: Validity(from: try optionalTime(), until: try optionalTime()),
            revision: try int(),
            created: try time()
        )
    }

    private mutating func presharedKey() throws(StoreFailure) -> SealedPresharedKey? {
        guard let bytes = try optionalBytes() else { return nil }
        return try required(SealedPresharedKey(bytes: bytes))
    }

    fileprivate mutating func principal() throws(StoreFailure) -> PrincipalRecord {
        let name = try required(ObjectName(text()))
        let uid = try optionalInt().map { UInt32(clamping: $0) }
        let tokensValidFrom = try time()
        let created = try time()
        var roles: Set<Role> = []
        for role in try texts() { roles.insert(try required(Role(rawValue: role))) }
        return PrincipalRecord(name: name, uid: uid, roles: roles, tokensValidFrom: tokensValidFrom, created: created)
    }
}
