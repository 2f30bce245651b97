// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// Reads what earlier revisions left behind.
struct HistoryReader {
    let connection: Connection
    let node: String

    /// Attributes in one reply.
    private static let mostAttributes = 20_000

    func revisions(limit: Int, before: Int64?, interface: InterfaceName?) throws(StoreFailure) -> [RevisionRecord] {
        let rows = try connection.query(
            """
            SELECT number, time, principal, method, summary, reason, request_id FROM revision r
            WHERE ($2 IS NULL OR number < $2) AND EXISTS (
                SELECT FROM history h
                WHERE h.revision = r.number AND h.node = $1 AND ($3 IS NULL OR h.interface = $3))
            ORDER BY number DESC LIMIT $4
            """,
            .text(node),
            .int(before),
            .text(interface?.value),
            .int(limit)
        )
        var records: [RevisionRecord] = []
        for var row in rows { records.append(try row.revision()) }
        return records
    }

    func revision(_ number: Int64) throws(StoreFailure) -> (RevisionRecord, Differences) {
        let first = try firstKnown()
        guard let record = try revisions(limit: 1, before: number + 1, interface: nil).first, record.number == number
        else { throw .noSuchRevision(number, first: first) }
        return (record, try states(number - 1, number))
    }

    func differences(from: Int64, to: Int64) throws(StoreFailure) -> Differences {
        _ = try number(.revision(from))
        _ = try number(.revision(to))
        return try states(from, to)
    }

    private func states(_ from: Int64, _ to: Int64) throws(StoreFailure) -> Differences {
        let rows = try connection.query(
            """
            SELECT o.interface, o.peer, o.before IS NULL, o.after IS NULL, k.name, o.before ->> k.name,
                   o.after ->> k.name
            FROM (
                SELECT coalesce(a.interface, b.interface) AS interface, coalesce(a.peer, b.peer) AS peer,
                       told_state(a.state) AS after, told_state(b.state) AS before
                FROM state_at($1, $3) a FULL JOIN state_at($1, $2) b ON a.interface = b.interface AND a.peer = b.peer
                WHERE a.state IS DISTINCT FROM b.state
            ) o,
                jsonb_object_keys(coalesce(o.before, '{}'::jsonb) || coalesce(o.after, '{}'::jsonb)) AS k (name)
            WHERE o.before ->> k.name IS DISTINCT FROM o.after ->> k.name
            ORDER BY o.interface, o.peer, k.name LIMIT $4
            """,
            .text(node),
            .int(from),
            .int(to),
            .int(Self.mostAttributes)
        )
        var found: [ObjectDifference] = []
        for var row in rows {
            let (interface, peer) = (try row.text(), try row.text())
            let (isNew, isGone) = (try row.bool(), try row.bool())
            let attribute = Self.attribute(try row.text(), try row.optionalText(), try row.optionalText())
            if let last = found.indices.last, found[last].interface == interface, (found[last].peer ?? "") == peer {
                found[last].attributes.append(attribute)
            } else {
                found.append(
                    ObjectDifference(
                        interface: interface,
                        peer: peer.isEmpty ? nil : peer,
                        kind: isNew ? .created : isGone ? .deleted : .changed,
                        attributes: [attribute]
                    )
                )
            }
        }
        return Differences(objects: found, isTruncated: rows.count == Self.mostAttributes)
    }

    func peer(_ name: ObjectName, of interface: InterfaceName, at moment: HistoryPoint) throws(StoreFailure) -> PastPeer
    {
        let rows = try connection.query(
            """
            SELECT state ->> 'public_key', (state ->> 'enabled')::boolean,
                   ARRAY(SELECT jsonb_array_elements_text(state -> 'addresses')),
                   ARRAY(SELECT jsonb_array_elements_text(state -> 'routed')),
                   (state ->> 'endpoint_address')::inet, state ->> 'endpoint_name',
                   (state ->> 'endpoint_port')::bigint, (state ->> 'endpoint_zone')::bigint,
                   (state ->> 'keepalive_s')::bigint,
                   state ->> 'preshared_key' IS NOT NULL, state ->> 'comment', (state ->> 'valid_from')::timestamptz,
                   (state ->> 'valid_until')::timestamptz, (state ->> 'created')::timestamptz, revision
            FROM (
                SELECT * FROM history WHERE node = $1 AND interface = $2 AND peer = $3 AND revision <= $4
                ORDER BY revision DESC LIMIT 1
            ) newest WHERE state IS NOT NULL
            """,
            .text(node),
            .text(interface.value),
            .text(name.value),
            .int(try number(moment))
        )
        let time = try time(moment)
        guard var row = rows.first else { throw .notFound(.peer(name, interface)) }
        let key = try row.text()
        let isEnabled = try row.bool()
        let (addresses, routed) = (try row.texts(), try row.texts())
        return PastPeer(
            publicKey: key,
            isEnabled: isEnabled,
            addresses: addresses,
            routed: routed,
            endpoint: try row.endpoint(),
            keepalive: try row.int(),
            hasPresharedKey: try row.bool(),
            comment: try row.text(),
            validFrom: try row.optionalTime(),
            validUntil: try row.optionalTime(),
            created: try row.optionalTime(),
            revision: try row.int(),
            moment: time
        )
    }

    /// The narrowest prefix first.
    func holders(of address: IPAddress, at moment: HistoryPoint) throws(StoreFailure) -> [AddressHolder] {
        let rows = try connection.query(
            """
            SELECT s.interface, s.peer, held.prefix, s.state ->> 'public_key',
                   coalesce((s.state ->> 'enabled')::boolean, (s.state ->> 'up')::boolean)
                       AND coalesce((s.state ->> 'valid_from')::timestamptz <= $4, true)
                       AND coalesce((s.state ->> 'valid_until')::timestamptz > $4, true), s.revision, r.time
            FROM state_at($1, $2) s JOIN revision r ON r.number = s.revision, LATERAL (
                SELECT jsonb_array_elements_text(s.state -> 'addresses') AS prefix
                UNION SELECT jsonb_array_elements_text(s.state -> 'routed')
            ) held
            WHERE CASE s.peer WHEN '' THEN host(held.prefix::inet)::inet ELSE held.prefix::inet END >>= $3
            ORDER BY masklen(held.prefix::inet) DESC, s.interface, s.peer LIMIT 100
            """,
            .text(node),
            .int(try number(moment)),
            .address(address),
            .time(try time(moment))
        )
        var holders: [AddressHolder] = []
        for var row in rows {
            let (interface, peer) = (try row.text(), try row.text())
            holders.append(
                AddressHolder(
                    interface: interface,
                    peer: peer.isEmpty ? nil : peer,
                    prefix: try row.text(),
                    publicKey: try row.text(),
                    isEnabled: try row.bool(),
                    revision: try row.int(),
                    since: try row.time()
                )
            )
        }
        return holders
    }

    /// The revision that was the newest at the moment, if it is one whose state was kept.
    private func number(_ moment: HistoryPoint) throws(StoreFailure) -> Int64 {
        let first = try firstKnown()
        var row = try connection.row("SELECT revision FROM head")
        let newest = try row.int()
        let number: Int64
        switch moment {
        case .newest: return newest
        case .revision(let wanted): number = wanted
        case .time(let time):
            var row = try connection.row("SELECT coalesce(max(number), 0) FROM revision WHERE time <= $1", .time(time))
            number = try row.int()
        }
        guard (first...max(first, newest)).contains(number) else { throw .noSuchRevision(number, first: first) }
        return number
    }

    private func time(_ moment: HistoryPoint) throws(StoreFailure) -> Timestamp {
        let rows: [Row]
        switch moment {
        case .time(let time): return time
        case .newest: rows = try connection.query("SELECT now()")
        case .revision(let number):
            rows = try connection.query("SELECT time FROM revision WHERE number = $1", .int(number))
        }
        // Before the first revision there was nothing.
        guard var row = rows.first else { return Timestamp(seconds: 0) }
        return try row.time()
    }

    func firstKnown() throws(StoreFailure) -> Int64 {
        var row = try connection.row("SELECT history_from FROM head")
        return try row.int()
    }
}

extension Row {
    mutating func revision() throws(StoreFailure) -> RevisionRecord {
        RevisionRecord(
            number: try int(),
            time: try time(),
            principal: try optionalText(),
            method: try text(),
            summary: try text(),
            reason: try text(),
            requestID: try text()
        )
    }
}
