// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension ChangeWriter {
    /// Each is looked up among all others: many in one statement would take longer than a statement may.
    private static let allocationsAtOnce = 2000

    /// A handful of statements, however many peers there are.
    func createPeers(_ peers: [NewPeer], of name: InterfaceName) throws(StoreFailure) -> Touched {
        let interface = try lockedInterface(name)
        let conflicts = PeerConflicts(connection: connection, interface: interface)
        try conflicts.checkWithin(peers)
        try conflicts.checkAgainstPresent(peers)
        let ids = try insert(peers, into: interface)
        try insertWantedPrefixes(of: peers, ids: ids, into: interface)
        try giveAddresses(.v6, to: unaddressed(peers, ids) { _ in true }, of: interface)
        try giveAddresses(.v4, to: unaddressed(peers, ids) { !$0.isIPv6Only }, of: interface)
        return try touched(ids.values.sorted())
    }

    func setPeers(
        _ names: [ObjectName],
        of interface: InterfaceName,
        enabled: Bool
    ) throws(StoreFailure) -> Touched {
        let ids = try find(names, in: lockedInterface(interface))
        try connection.query(
            "UPDATE peer SET enabled = $2, revision = $3 WHERE id = ANY ($1)",
            .ints(ids),
            .bool(enabled),
            .int(revision)
        )
        return try touched(ids)
    }

    func deletePeers(_ names: [ObjectName], of interface: InterfaceName) throws(StoreFailure) -> Touched {
        let ids = try find(names, in: lockedInterface(interface))
        var touched = Touched()
        touched.deletedPeers = try reader.peers(ids)
        try connection.query(
            "DELETE FROM traffic t USING peer p WHERE p.id = ANY ($1) AND t.interface = p.interface AND t.peer = p.name",
            .ints(ids)
        )
        try connection.query("DELETE FROM peer WHERE id = ANY ($1)", .ints(ids))
        return touched
    }

    private func touched(_ ids: [Int64]) throws(StoreFailure) -> Touched {
        var touched = Touched()
        touched.peers = try reader.peers(ids)
        return touched
    }

    func find(_ names: [ObjectName], in interface: InterfaceRecord) throws(StoreFailure) -> [Int64] {
        let rows = try connection.query(
            "SELECT id, name FROM peer WHERE interface = $1 AND name = ANY ($2) ORDER BY id FOR UPDATE",
            .int(interface.id.value),
            .texts(names.map(\.value))
        )
        var ids: [Int64] = []
        var found: Set<String> = []
        for var row in rows {
            ids.append(try row.int())
            found.insert(try row.text())
        }
        if let missing = names.first(where: { !found.contains($0.value) }) {
            throw .notFound(.peer(missing, interface.name))
        }
        return ids
    }

    func insert(_ peers: [NewPeer], into interface: InterfaceRecord) throws(StoreFailure) -> [String: Int64] {
        let rows = try connection.query(
            """
            INSERT INTO peer (interface, name, public_key, enabled, endpoint_address, endpoint_port, endpoint_zone,
                              keepalive, comment, sealed_preshared_key, valid_from, valid_until, revision,
                              endpoint_name)
            SELECT $1, name, public_key, enabled, endpoint_address, endpoint_port, endpoint_zone, keepalive, comment,
                   sealed_preshared_key, valid_from, valid_until, $2, endpoint_name
            FROM unnest($3::text[], $4::bytea[], $5::boolean[], $6::inet[], $7::bigint[], $8::bigint[],
                        $9::bigint[], $10::text[], $11::bytea[], $12::timestamptz[], $13::timestamptz[],
                        $14::text[]) WITH ORDINALITY
                AS new (name, public_key, enabled, endpoint_address, endpoint_port, endpoint_zone, keepalive, comment,
                        sealed_preshared_key, valid_from, valid_until, endpoint_name, place)
            ORDER BY place
            RETURNING id, name
            """,
            .int(interface.id.value),
            .int(revision),
            .texts(peers.map(\.name.value)),
            .array(of: .bytea, peers.map { .bytes($0.publicKey.bytes) }),
            .array(of: .bool, peers.map { .bool($0.isEnabled) }),
            .array(of: .inet, peers.map(\.endpoint.addressColumn)),
            .array(of: .int8, peers.map(\.endpoint.portColumn)),
            .array(of: .int8, peers.map(\.endpoint.zoneColumn)),
            .array(of: .int8, peers.map { .int($0.keepalive) }),
            .texts(peers.map(\.comment)),
            .array(of: .bytea, peers.map { .bytes($0.presharedKey?.bytes) }),
            .array(of: .timestamptz, peers.map { .time($0.validity.from) }),
            .array(of: .timestamptz, peers.map { .time($0.validity.until) }),
            .array(of: .text, peers.map(\.endpoint.nameColumn))
        )
        var ids: [String: Int64] = [:]
        for var row in rows {
            let id = try row.int()
            ids[try row.text()] = id
        }
        return ids
    }

    func insertWantedPrefixes(
        of peers: [NewPeer],
        ids: [String: Int64],
        into interface: InterfaceRecord
    ) throws(StoreFailure) {
        var rows: [(peer: Int64, prefix: IPPrefix, isRouted: Bool)] = []
        for peer in peers {
            guard let id = ids[peer.name.value] else { continue }
            var seen: Set<IPPrefix> = []
            for address in peer.addresses where seen.insert(IPPrefix(host: address)).inserted {
                rows.append((id, IPPrefix(host: address), false))
            }
            for prefix in peer.routed where seen.insert(prefix).inserted { rows.append((id, prefix, true)) }
        }
        for start in stride(from: 0, to: rows.count, by: Self.allocationsAtOnce) {
            let part = rows[start..<min(start + Self.allocationsAtOnce, rows.count)]
            try connection.query(
                """
                INSERT INTO allocation (interface, peer, prefix, routed)
                SELECT $1, peer, prefix, routed
                FROM unnest($2::bigint[], $3::cidr[], $4::boolean[]) WITH ORDINALITY
                    AS new (peer, prefix, routed, place)
                ORDER BY place
                """,
                .int(interface.id.value),
                .ints(part.map(\.peer)),
                .prefixes(part.map(\.prefix)),
                .array(of: .bool, part.map { .bool($0.isRouted) })
            )
        }
    }

    private func unaddressed(_ peers: [NewPeer], _ ids: [String: Int64], _ condition: (NewPeer) -> Bool) -> [Int64] {
        peers.filter { $0.addresses.isEmpty && !$0.hasNoAddresses && condition($0) }.compactMap { ids[$0.name.value] }
    }

    private func giveAddresses(
        _ family: AddressFamily,
        to peers: [Int64],
        of interface: InterfaceRecord
    ) throws(StoreFailure) {
        for start in stride(from: 0, to: peers.count, by: Self.allocationsAtOnce) {
            let part = Array(peers[start..<min(start + Self.allocationsAtOnce, peers.count)])
            try giveAddressesAtOnce(family, to: part, of: interface)
        }
    }

    private func giveAddressesAtOnce(
        _ family: AddressFamily,
        to peers: [Int64],
        of interface: InterfaceRecord
    ) throws(StoreFailure) {
        guard let pool = family == .v6 ? interface.ipv6Pool : interface.ipv4Pool else { return }
        let given = try connection.query(
            """
            INSERT INTO allocation (interface, peer, prefix, routed)
            SELECT $1, wanting.peer, given.address, false
            FROM give_addresses($1, $2::integer, cardinality($3)) WITH ORDINALITY AS given (address, place)
            JOIN unnest($3::bigint[]) WITH ORDINALITY AS wanting (peer, place) USING (place)
            ORDER BY place
            RETURNING peer
            """,
            .int(interface.id.value),
            .int(family.rawValue),
            .ints(peers)
        )
        guard given.count == peers.count else { throw .poolExhausted(pool, interface.name) }
    }
}
