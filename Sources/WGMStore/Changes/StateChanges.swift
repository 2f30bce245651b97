// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension ChangeWriter {
    /// Takes over what the kernel holds.
    func adopt(_ adoption: Adoption, by name: InterfaceName) throws(StoreFailure) -> Touched {
        let interface = try lockedInterface(name)
        if let port = adoption.listenPort, let owner = try reader.interfaces().first(where: { $0.listenPort == port }) {
            throw .taken(what: "listen port \(port)", owner: "interface \(owner.name)")
        }
        try connection.query(
            """
            UPDATE interface SET up = coalesce($2, up), mtu = coalesce($3, mtu),
                listen_port = coalesce($4, listen_port), firewall_mark = coalesce($5, firewall_mark), revision = $6
            WHERE id = $1
            """,
            .int(interface.id.value),
            .bool(adoption.isUp),
            .int(adoption.mtu),
            .int(adoption.listenPort),
            .int(adoption.firewallMark),
            .int(revision)
        )
        try adoptAddresses(adoption, of: interface)
        var touched = try adoptPeers(adoption, of: interface)
        touched.interfaces = try reader.interfaces([interface.id])
        return touched
    }

    private func adoptAddresses(_ adoption: Adoption, of interface: InterfaceRecord) throws(StoreFailure) {
        try connection.query(
            "DELETE FROM allocation WHERE interface = $1 AND peer IS NULL AND prefix = ANY ($2)",
            .int(interface.id.value),
            .prefixes(adoption.removedAddresses.map { IPPrefix(host: $0.address) })
        )
        try connection.query(
            """
            INSERT INTO allocation (interface, prefix, routed, on_link)
            SELECT $1, prefix, false, on_link FROM unnest($2::cidr[], $3::bigint[]) AS new (prefix, on_link)
            """,
            .int(interface.id.value),
            .prefixes(adoption.addedAddresses.map { IPPrefix(host: $0.address) }),
            .ints(adoption.addedAddresses.map { Int64($0.length) })
        )
    }

    /// What moved from one peer to another is taken from all of them before it is given to any.
    private func adoptPeers(_ adoption: Adoption, of interface: InterfaceRecord) throws(StoreFailure) -> Touched {
        let changed = adoption.changedPeers
        let known = try find(adoption.disabledPeers + changed.map(\.name), in: interface)
        try connection.query(
            "UPDATE peer SET revision = $2, enabled = enabled AND NOT name = ANY ($3) WHERE id = ANY ($1)",
            .ints(known),
            .int(revision),
            .texts(adoption.disabledPeers.map(\.value))
        )
        try connection.query(
            "DELETE FROM allocation a USING peer p WHERE a.peer = p.id AND p.interface = $1 AND p.name = ANY ($2)",
            .int(interface.id.value),
            .texts(changed.map(\.name.value))
        )
        var ids: [String: Int64] = [:]
        for peer in changed {
            var row = try connection.row(
                "UPDATE peer SET keepalive = $3 WHERE interface = $1 AND name = $2 RETURNING id",
                .int(interface.id.value),
                .text(peer.name.value),
                .int(peer.keepalive)
            )
            ids[peer.name.value] = try row.int()
        }
        try insertWantedPrefixes(of: changed, ids: ids, into: interface)
        let conflicts = PeerConflicts(connection: connection, interface: interface)
        try conflicts.checkWithin(adoption.newPeers)
        try conflicts.checkAgainstPresent(adoption.newPeers)
        let new = try insert(adoption.newPeers, into: interface)
        try insertWantedPrefixes(of: adoption.newPeers, ids: new, into: interface)
        var touched = Touched()
        touched.peers = try reader.peers(known + new.values.sorted())
        return touched
    }

    func rollBack(to target: Int64) throws(StoreFailure) -> Touched {
        var head = try connection.row("SELECT history_from FROM head")
        let first = try head.int()
        guard target >= first, target < revision else { throw .noSuchRevision(target, first: first) }
        let before = try reader.everything()
        try connection.query(
            "SELECT FROM roll_back($1, $2, $3)",
            .text(node),
            .int(target),
            .int(revision)
        )
        let after = try reader.everything()
        try dropMomentsThatAreOver(before, after)
        var touched = Touched()
        let old = before.peers.values.flatMap(\.values)
        let new = after.peers.values.flatMap(\.values)
        let kept = Set(new.map(\.id))
        touched.deletedPeers = old.filter { !kept.contains($0.id) }
        touched.deletedInterfaces = before.interfaces.values.filter { after.interfaces[$0.name]?.id != $0.id }.map(
            \.name
        )
        touched.givenBack = try giveBack(before.interfaces.values, after.interfaces.values, target)
        touched.interfaces = try reader.interfaces(
            after.interfaces.values.filter { $0.revision == revision }.map(\.id)
        )
        touched.peers = new.filter { $0.revision == revision }
        return touched
    }

    /// What came back with a moment that is over stays announced without one, or it would be put in force again at once.
    private func dropMomentsThatAreOver(_ before: GatewayState, _ after: GatewayState) throws(StoreFailure) {
        let over = after.interfaces.values.filter { interface in
            interface.rotation?.due.map { $0 <= caller.time } ?? false
                && before.interfaces[interface.name]?.rotation != interface.rotation
        }
        try connection.query(
            "UPDATE interface SET other_key_time = NULL WHERE id = ANY ($1) AND other_key_is_next",
            .array(of: .int8, over.map { .int($0.id.value) })
        )
    }

    /// Remembers which links go on without wgm, since the import that took them over is undone; one that comes back is taken
    /// over again.
    private func giveBack(
        _ before: some Sequence<InterfaceRecord>,
        _ after: some Sequence<InterfaceRecord>,
        _ target: Int64
    ) throws(StoreFailure) -> [InterfaceID] {
        let kept = Set(after.map(\.id))
        let gone = before.filter { !kept.contains($0.id) && $0.linkTaken ?? 0 > target }.map(\.id)
        try connection.query(
            "INSERT INTO given_back SELECT unnest($1::bigint[])",
            .array(of: .int8, gone.map { .int($0.value) })
        )
        try connection.query(
            """
            WITH again AS (DELETE FROM given_back g USING interface i WHERE g.interface = i.id RETURNING g.interface)
            UPDATE interface SET link_taken = $1 WHERE id IN (SELECT interface FROM again)
            """,
            .int(revision)
        )
        return gone
    }
}
