// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension ChangeWriter {
    /// What goes makes room before anything comes, so that names, keys, ports and prefixes may move.
    func applyFile(_ change: FileChange) throws(StoreFailure) -> Touched {
        var touched = Touched()
        for (interface, names) in change.deletedPeers.sorted(by: { $0.key < $1.key }) {
            touched.add(try deletePeers(names, of: interface))
        }
        for name in change.deletedInterfaces { touched.add(try deleteInterface(name, withPeers: true)) }
        touched.add(try change.changedInterfaces.isEmpty ? Touched() : setInterfaces(change.changedInterfaces))
        for new in change.newInterfaces { touched.add(try createInterface(new)) }
        for (interface, peers) in change.changedPeers.sorted(by: { $0.key < $1.key }) {
            touched.add(try setPeers(peers, of: interface))
        }
        for (interface, peers) in change.newPeers.sorted(by: { $0.key < $1.key }) {
            touched.add(try createPeers(peers, of: interface))
        }
        return touched
    }

    private func setInterfaces(_ records: [InterfaceRecord]) throws(StoreFailure) -> Touched {
        try movePorts(of: records)
        for record in records {
            let id = try lockedInterface(record.name).id
            guard id == record.id else { throw .notFound(.interface(record.name)) }
            try connection.query(
                """
                UPDATE interface SET up = $2, mtu = $3, endpoint = $4, firewall_mark = $5, dns = $6, drift_policy = $7,
                    revision = $8
                WHERE id = $1
                """,
                .int(id.value),
                .bool(record.isUp),
                .int(record.mtu),
                .text(record.endpoint),
                .int(record.firewallMark),
                .addresses(record.dns),
                .int(record.driftPolicy.rawValue),
                .int(revision)
            )
        }
        return try touched(records.map(\.id))
    }

    /// In one statement, since ports may change hands.
    private func movePorts(of records: [InterfaceRecord]) throws(StoreFailure) {
        try connection.query(
            """
            UPDATE interface i SET listen_port = new.port FROM unnest($1::bigint[], $2::bigint[]) AS new (id, port)
            WHERE i.id = new.id
            """,
            .array(of: .int8, records.map { .int($0.id.value) }),
            .ints(records.map { Int64($0.listenPort) })
        )
    }

    /// A handful of statements, however many peers there are.
    private func setPeers(_ peers: [PeerRecord], of name: InterfaceName) throws(StoreFailure) -> Touched {
        let interface = try lockedInterface(name)
        let ids = Dictionary(try find(peers.map(\.name), in: interface).map { ($0, true) }) { first, _ in first }
        if let other = peers.first(where: { ids[$0.id] == nil }) { throw .notFound(.peer(other.name, name)) }
        let present = try reader.peers(peers.map(\.id))
        let known = Dictionary(present.map { ($0.id, $0) }) { first, _ in first }
        try parkKeys(of: peers.filter { known[$0.id]?.publicKey != $0.publicKey })
        try writePeers(peers)
        let moved = peers.filter { peer in
            known[peer.id].map { $0.addresses != peer.addresses || $0.routed != peer.routed } ?? true
        }
        try connection.query("DELETE FROM allocation WHERE peer = ANY ($1)", .ints(moved.map(\.id)))
        try insertWantedPrefixes(
            of: moved.map {
                NewPeer(name: $0.name, publicKey: $0.publicKey, addresses: $0.addresses, routed: $0.routed)
            },
            ids: Dictionary(moved.map { ($0.name.value, $0.id) }) { first, _ in first },
            into: interface
        )
        var touched = Touched()
        touched.peers = try reader.peers(peers.map(\.id))
        return touched
    }

    /// Keys may change hands: those that change are first exchanged for ones that nobody has.
    private func parkKeys(of peers: [PeerRecord]) throws(StoreFailure) {
        guard !peers.isEmpty else { return }
        try connection.query(
            "UPDATE peer SET public_key = sha256(public_key || int8send($2) || int8send(id)) WHERE id = ANY ($1)",
            .ints(peers.map(\.id)),
            .int(revision)
        )
    }

    private func writePeers(_ peers: [PeerRecord]) throws(StoreFailure) {
        try connection.query(
            """
            UPDATE peer p SET public_key = new.public_key, enabled = new.enabled,
                endpoint_address = new.endpoint_address, endpoint_port = new.endpoint_port,
                endpoint_zone = new.endpoint_zone, keepalive = new.keepalive, comment = new.comment,
                sealed_preshared_key = new.sealed_preshared_key, valid_from = new.valid_from,
                valid_until = new.valid_until, endpoint_name = new.endpoint_name, revision = $1
            FROM unnest($2::bigint[], $3::bytea[], $4::boolean[], $5::inet[], $6::bigint[], $7::bigint[], $8::bigint[],
                        $9::text[], $10::bytea[], $11::timestamptz[], $12::timestamptz[], $13::text[])
                AS new (id, public_key, enabled, endpoint_address, endpoint_port, endpoint_zone, keepalive, comment,
                        sealed_preshared_key, valid_from, valid_until, endpoint_name)
            WHERE p.id = new.id
            """,
            .int(revision),
            .ints(peers.map(\.id)),
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
    }
}

extension Touched {
    fileprivate mutating func add(_ other: Touched) {
        interfaces += other.interfaces
        deletedInterfaces += other.deletedInterfaces
        peers += other.peers
        deletedPeers += other.deletedPeers
    }
}

extension FileChange {
    /// A few words for the list of revisions.
    var summary: String {
        let counts = [
            (newInterfaces.count, "interface", "created"), (changedInterfaces.count, "interface", "changed"),
            (deletedInterfaces.count, "interface", "deleted"),
            (newPeers.values.reduce(0) { $0 + $1.count }, "peer", "created"),
            (changedPeers.values.reduce(0) { $0 + $1.count }, "peer", "changed"),
            (deletedPeers.values.reduce(0) { $0 + $1.count }, "peer", "deleted"),
        ]
        return counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s") \($0.2)" }
            .joined(separator: ", ")
    }
}
