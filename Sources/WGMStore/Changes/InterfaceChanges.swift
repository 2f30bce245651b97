// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension ChangeWriter {
    static let firstListenPort: Int64 = 51820

    func createInterface(_ new: NewInterface) throws(StoreFailure) -> Touched {
        let pools = try insertInterface(new)
        try insertOwnAddresses(new.id, pools: pools)
        return try touched([new.id])
    }

    /// The interface without any address; returns its pools.
    func insertInterface(_ new: NewInterface) throws(StoreFailure) -> [IPPrefix] {
        let node = try lockedNode(uniqueLocalPrefixIfNone: new.uniqueLocalPrefixIfNone)
        let others = try reader.interfaces()
        if others.contains(where: { $0.name == new.name }) {
            throw .taken(what: "name", owner: "interface \(new.name)")
        }
        if let owner = try keyOwner(new.publicKey) { throw .taken(what: "public key", owner: "interface \(owner)") }
        let port = try listenPort(new.listenPort, others: others)
        let ipv6Pool = try ipv6Pool(for: new, node: node, others: others)
        if let ipv4Pool = new.ipv4Pool { try checkPool(ipv4Pool, others: others) }
        try insert(new, node: node.id, port: port, ipv6Pool: ipv6Pool)
        return [ipv6Pool, new.ipv4Pool].compactMap(\.self)
    }

    func setInterface(_ name: InterfaceName, up: Bool) throws(StoreFailure) -> Touched {
        let id = try lockedInterface(name).id
        try connection.query(
            "UPDATE interface SET up = $2, revision = $3 WHERE id = $1",
            .int(id.value),
            .bool(up),
            .int(revision)
        )
        return try touched([id])
    }

    func setDriftPolicy(_ policy: DriftPolicy, of name: InterfaceName) throws(StoreFailure) -> Touched {
        let id = try lockedInterface(name).id
        try connection.query(
            "UPDATE interface SET drift_policy = $2, revision = $3 WHERE id = $1",
            .int(id.value),
            .int(policy.rawValue),
            .int(revision)
        )
        return try touched([id])
    }

    func deleteInterface(_ name: InterfaceName, withPeers: Bool) throws(StoreFailure) -> Touched {
        let interface = try lockedInterface(name)
        var touched = Touched()
        touched.deletedPeers = try reader.peers(of: [interface.id])
        guard withPeers || touched.deletedPeers.isEmpty else {
            throw .hasPeers(name, count: touched.deletedPeers.count)
        }
        try connection.query("DELETE FROM interface WHERE id = $1", .int(interface.id.value))
        touched.deletedInterfaces = [name]
        return touched
    }

    func touched(_ ids: [InterfaceID]) throws(StoreFailure) -> Touched {
        var touched = Touched()
        touched.interfaces = try reader.interfaces(ids)
        return touched
    }

    private func lockedNode(
        uniqueLocalPrefixIfNone prefix: IPPrefix
    ) throws(StoreFailure) -> (id: Int64, ula: IPPrefix, nextSubnet: Int64) {
        try connection.query(
            "INSERT INTO node (name) VALUES ($1) ON CONFLICT ON CONSTRAINT node_name DO NOTHING",
            .text(node)
        )
        var row = try connection.row(
            "UPDATE node SET ula = coalesce(ula, $2) WHERE name = $1 RETURNING id, ula, next_subnet",
            .text(node),
            .prefix(prefix)
        )
        return (try row.int(), try row.prefix(), try row.int())
    }

    /// Keys are told apart over all nodes: two gateways must not be mistaken for each other.
    private func keyOwner(_ key: PublicKey) throws(StoreFailure) -> String? {
        let rows = try connection.query("SELECT name FROM interface WHERE public_key = $1", .bytes(key.bytes))
        guard var row = rows.first else { return nil }
        return try row.text()
    }

    private func listenPort(_ wanted: UInt16?, others: [InterfaceRecord]) throws(StoreFailure) -> Int64 {
        if let wanted {
            guard let owner = others.first(where: { $0.listenPort == wanted }) else { return Int64(wanted) }
            throw .taken(what: "listen port \(wanted)", owner: "interface \(owner.name)")
        }
        let taken = Set(others.map { Int64($0.listenPort) })
        guard let free = (Self.firstListenPort...65535).first(where: { !taken.contains($0) }) else {
            throw .taken(what: "every listen port from \(Self.firstListenPort)", owner: "other interfaces")
        }
        return free
    }

    private func ipv6Pool(
        for new: NewInterface,
        node: (id: Int64, ula: IPPrefix, nextSubnet: Int64),
        others: [InterfaceRecord]
    ) throws(StoreFailure) -> IPPrefix {
        if let pool = new.ipv6Pool {
            try checkPool(pool, others: others)
            return pool
        }
        for subnet in node.nextSubnet..<65536 {
            let address = IPAddress(v6: node.ula.address.bits | UInt128(subnet) << 64)
            guard let pool = IPPrefix(address, length: 64) else { continue }
            guard !others.contains(where: { $0.ipv6Pool.overlaps(pool) }) else { continue }
            try connection.query(
                "UPDATE node SET next_subnet = $2 WHERE id = $1",
                .int(node.id),
                .int(subnet + 1)
            )
            return pool
        }
        throw .poolExhausted(node.ula, new.name)
    }

    private func checkPool(_ pool: IPPrefix, others: [InterfaceRecord]) throws(StoreFailure) {
        for other in others {
            for taken in [other.ipv6Pool, other.ipv4Pool].compactMap(\.self) where taken.overlaps(pool) {
                throw .overlap(pool, with: taken, owner: "interface \(other.name)")
            }
        }
    }

    private func insert(
        _ new: NewInterface,
        node: Int64,
        port: Int64,
        ipv6Pool: IPPrefix
    ) throws(StoreFailure) {
        guard let id = Int64(exactly: new.id.value) else { throw .other("an interface's number is too large") }
        try connection.query(
            """
            INSERT INTO interface (id, node, name, backend, up, mtu, listen_port, public_key, sealed_key, ipv6_pool,
                                   ipv4_pool, endpoint, firewall_mark, dns, revision, drift_policy)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            """,
            .int(id),
            .int(node),
            .text(new.name.value),
            .int(new.backend.rawValue),
            .bool(new.isUp),
            .int(new.mtu),
            .int(port),
            .bytes(new.publicKey.bytes),
            .bytes(new.sealedKey.bytes),
            .prefix(ipv6Pool),
            .prefix(new.ipv4Pool),
            .text(new.endpoint),
            .int(new.firewallMark),
            .addresses(new.dns),
            .int(revision),
            .int(new.driftPolicy.rawValue)
        )
    }

    /// The gateway takes the first host address of each pool.
    private func insertOwnAddresses(_ id: InterfaceID, pools: [IPPrefix]) throws(StoreFailure) {
        try connection.query(
            """
            INSERT INTO allocation (interface, prefix, routed, on_link)
            SELECT $1, set_masklen(pool::inet, CASE family(pool) WHEN 4 THEN 32 ELSE 128 END) + 1, false, masklen(pool)
            FROM unnest($2::cidr[]) WITH ORDINALITY AS given (pool, place) ORDER BY place
            """,
            .int(id.value),
            .prefixes(pools)
        )
    }
}
