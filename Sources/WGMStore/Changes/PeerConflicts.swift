// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// Finds what stands in the way of new peers, and whose it is.
struct PeerConflicts {
    let connection: Connection
    let interface: InterfaceRecord
    /// The peer that is changed, which does not stand in its own way.
    var changed: Int64 = 0

    /// Conflicts of the new peers with each other and with the interface's own values.
    func checkWithin(_ peers: [NewPeer]) throws(StoreFailure) {
        var names: Set<ObjectName> = []
        var keys: [PublicKey: ObjectName] = [:]
        for peer in peers {
            guard names.insert(peer.name).inserted else { throw .taken(what: "name", owner: owner(peer.name)) }
            guard !interface.hasKey(peer.publicKey) else {
                throw .taken(what: "public key", owner: "interface \(interface.name)")
            }
            if let other = keys.updateValue(peer.name, forKey: peer.publicKey) {
                throw .taken(what: "public key", owner: owner(other))
            }
            for address in peer.addresses { try checkPools(address) }
            for own in interface.addresses { try check(peer, against: own.address) }
        }
        try checkOverlaps(wanted(by: peers))
    }

    /// Conflicts with peers that are in the database.
    func checkAgainstPresent(_ peers: [NewPeer]) throws(StoreFailure) {
        let name = try connection.query(
            "SELECT name FROM peer WHERE interface = $1 AND name = ANY ($2) AND id <> $3 LIMIT 1",
            .int(interface.id.value),
            .texts(peers.map(\.name.value)),
            .int(changed)
        )
        if var row = name.first { throw .taken(what: "name", owner: owner(try row.text())) }
        let key = try connection.query(
            "SELECT name FROM peer WHERE interface = $1 AND public_key = ANY ($2) AND id <> $3 LIMIT 1",
            .int(interface.id.value),
            .array(of: .bytea, peers.map { .bytes($0.publicKey.bytes) }),
            .int(changed)
        )
        if var row = key.first { throw .taken(what: "public key", owner: owner(try row.text())) }
        try checkPrefixesAgainstPresent(wanted(by: peers).map(\.prefix))
    }

    private func checkPrefixesAgainstPresent(_ prefixes: [IPPrefix]) throws(StoreFailure) {
        guard !prefixes.isEmpty else { return }
        let found = try connection.query(
            """
            SELECT wanted.prefix, held.prefix, peer.name
            FROM unnest($2::cidr[]) AS wanted (prefix)
            JOIN allocation held ON held.interface = $1 AND family(held.prefix) = family(wanted.prefix)
                AND held.peer <> $3 AND held.prefix && wanted.prefix
            JOIN peer ON peer.id = held.peer
            ORDER BY wanted.prefix, held.prefix LIMIT 1
            """,
            .int(interface.id.value),
            .prefixes(prefixes),
            .int(changed)
        )
        guard var row = found.first else { return }
        let (wanted, held) = (try row.prefix(), try row.prefix())
        throw conflict(wanted, held, owner: owner(try row.text()))
    }

    /// The gateway's own address may lie in a default route, which every more specific prefix overrules, and nowhere else.
    private func check(_ peer: NewPeer, against own: IPAddress) throws(StoreFailure) {
        let prefixes = peer.addresses.map { IPPrefix(host: $0) } + peer.routed
        for prefix in prefixes where prefix.length > 0 && prefix.contains(own) {
            throw conflict(prefix, IPPrefix(host: own), owner: "interface \(interface.name)")
        }
    }

    private func checkPools(_ address: IPAddress) throws(StoreFailure) {
        let pools = [interface.ipv6Pool, interface.ipv4Pool].compactMap(\.self)
        guard let pool = pools.first(where: { $0.contains(address) }) else {
            throw .outsidePools(address, interface.name)
        }
        let last = pool.address.bits + ((UInt128(1) << (pool.family.bitCount - Int(pool.length))) - 1)
        if address == pool.address {
            throw .taken(what: "address \(address)", owner: "the network \(pool) itself")
        }
        if pool.family == .v4, address.bits == last {
            throw .taken(what: "address \(address)", owner: "broadcasts in \(pool)")
        }
    }

    private func wanted(by peers: [NewPeer]) -> [(prefix: IPPrefix, peer: ObjectName)] {
        peers.flatMap { peer in
            (peer.addresses.map { IPPrefix(host: $0) } + peer.routed).map { ($0, peer.name) }
        }
    }

    /// Two prefixes are apart, or one holds the other; so in sorted order those that hold the present one form a stack.
    private func checkOverlaps(_ wanted: [(prefix: IPPrefix, peer: ObjectName)]) throws(StoreFailure) {
        var holding: [(prefix: IPPrefix, peer: ObjectName)] = []
        for next in wanted.sorted(by: { $0.prefix < $1.prefix }) {
            while let last = holding.last, !last.prefix.overlaps(next.prefix) { holding.removeLast() }
            if let other = holding.first(where: { $0.peer != next.peer }) {
                throw conflict(next.prefix, other.prefix, owner: owner(other.peer))
            }
            holding.append(next)
        }
    }

    private func conflict(_ wanted: IPPrefix, _ held: IPPrefix, owner: String) -> StoreFailure {
        wanted == held && wanted.isHost
            ? .taken(what: "address \(wanted.address)", owner: owner)
            : .overlap(wanted, with: held, owner: owner)
    }

    private func owner(_ peer: some CustomStringConvertible) -> String { "peer \(peer) of \(interface.name)" }
}
