// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension ChangeWriter {
    func updateInterface(_ name: InterfaceName, _ update: InterfaceUpdate) throws(StoreFailure) -> Touched {
        let interface = try lockedInterface(name)
        let others = try reader.interfaces().filter { $0.id != interface.id }
        if let port = update.listenPort, let owner = others.first(where: { $0.listenPort == port }) {
            throw .taken(what: "listen port \(port)", owner: "interface \(owner.name)")
        }
        try connection.query(
            """
            UPDATE interface SET mtu = coalesce($2, mtu), listen_port = coalesce($3, listen_port), endpoint = $4,
                firewall_mark = coalesce($5, firewall_mark), dns = coalesce($6, dns), up = coalesce($7, up),
                drift_policy = coalesce($8, drift_policy), revision = $9
            WHERE id = $1
            """,
            .int(interface.id.value),
            .int(update.mtu),
            .int(update.listenPort),
            .text(update.endpoint.applied(to: interface.endpoint)),
            .int(update.firewallMark),
            .addresses(update.dns ?? interface.dns),
            .bool(update.isUp),
            .int(update.driftPolicy?.rawValue),
            .int(revision)
        )
        return try touched([interface.id])
    }

    func rotateKey(of name: InterfaceName, _ step: KeyStep) throws(StoreFailure) -> Touched {
        let record = try step.applied(to: lockedInterface(name))
        var other: (key: InterfaceKey, isNext: Bool, time: Timestamp?)?
        switch record.rotation {
        case .announced(let key, let time): other = (key, true, time)
        case .switched(let key, let time): other = (key, false, time)
        case nil: break
        }
        try connection.query(
            """
            UPDATE interface SET public_key = $2, sealed_key = $3, other_key = $4, other_sealed_key = $5,
                other_key_is_next = $6, other_key_time = $7, revision = $8
            WHERE id = $1
            """,
            .int(record.id.value),
            .bytes(record.publicKey.bytes),
            .bytes(record.sealedKey.bytes),
            .bytes(other?.key.publicKey.bytes),
            .bytes(other?.key.sealed.bytes),
            .bool(other?.isNext),
            .time(other?.time),
            .int(revision)
        )
        return try touched([record.id])
    }

    func updatePeer(
        _ name: ObjectName,
        of interface: InterfaceName,
        _ update: PeerUpdate
    ) throws(StoreFailure) -> Touched {
        let interface = try lockedInterface(interface)
        let ids = try find([name], in: interface)
        guard let old = try reader.peers(ids).first else { throw .notFound(.peer(name, interface.name)) }
        let new = update.applied(to: old)
        let wanted = NewPeer(name: name, publicKey: new.publicKey, addresses: new.addresses, routed: new.routed)
        let conflicts = PeerConflicts(connection: connection, interface: interface, changed: old.id)
        try conflicts.checkWithin([wanted])
        try conflicts.checkAgainstPresent([wanted])
        try connection.query(
            """
            UPDATE peer SET public_key = $2, endpoint_address = $3, endpoint_port = $4, endpoint_zone = $5,
                keepalive = $6, sealed_preshared_key = $7, comment = $8, valid_from = $9, valid_until = $10,
                revision = $11, endpoint_name = $12
            WHERE id = $1
            """,
            .int(old.id),
            .bytes(new.publicKey.bytes),
            new.endpoint.addressColumn,
            new.endpoint.portColumn,
            new.endpoint.zoneColumn,
            .int(new.keepalive),
            .bytes(new.presharedKey?.bytes),
            .text(new.comment),
            .time(new.validity.from),
            .time(new.validity.until),
            .int(revision),
            new.endpoint.nameColumn
        )
        if update.addresses != nil || update.routed != nil {
            try connection.query("DELETE FROM allocation WHERE peer = $1", .int(old.id))
            try insertWantedPrefixes(of: [wanted], ids: [name.value: old.id], into: interface)
        }
        var touched = Touched()
        touched.peers = try reader.peers(ids)
        return touched
    }
}
