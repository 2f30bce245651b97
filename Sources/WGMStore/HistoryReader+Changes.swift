// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// One revision after the other, for those who watch.
extension HistoryReader {
    /// What came after a revision, oldest first, until there is enough for one page.
    func changes(after revision: Int64) throws(StoreFailure) -> ChangePage {
        let first = try firstKnown()
        var row = try connection.row("SELECT revision FROM head")
        let newest = try row.int()
        guard (first...max(first, newest)).contains(revision) else { throw .noSuchRevision(revision, first: first) }
        let records = try revisions(after: revision)
        var page = ChangePage(changes: [], completeTo: revision)
        var objects = 0
        for record in records {
            let change = try change(record)
            objects += change.objects.count
            guard objects <= ChangePage.mostObjects || page.changes.isEmpty else { return page }
            page.changes.append(change)
            page.completeTo = record.number
        }
        if records.count < ChangePage.mostRevisions { page.completeTo = newest }
        return page
    }

    private func revisions(after revision: Int64) throws(StoreFailure) -> [RevisionRecord] {
        let rows = try connection.query(
            """
            SELECT number, time, principal, method, summary, reason, request_id FROM revision r
            WHERE number > $2 AND EXISTS (SELECT FROM history h WHERE h.revision = r.number AND h.node = $1)
            ORDER BY number LIMIT $3
            """,
            .text(node),
            .int(revision),
            .int(ChangePage.mostRevisions)
        )
        var records: [RevisionRecord] = []
        for var row in rows { records.append(try row.revision()) }
        return records
    }

    /// Before each row of a revision stands the row of an earlier one, if there is any.
    private func change(_ record: RevisionRecord) throws(StoreFailure) -> RevisionChange {
        let rows = try connection.query(
            """
            SELECT h.interface, h.peer, b.state IS NULL, h.state IS NULL, k.name, b.state ->> k.name, h.state ->> k.name
            FROM (
                SELECT interface, peer, told_state(state) AS state FROM history WHERE node = $1 AND revision = $2
                ORDER BY interface, peer LIMIT $3
            ) h
            LEFT JOIN LATERAL (
                SELECT told_state(p.state) AS state FROM history p
                WHERE p.node = $1 AND p.interface = h.interface AND p.peer = h.peer AND p.revision < $2
                ORDER BY p.revision DESC LIMIT 1
            ) b ON true
            LEFT JOIN LATERAL (
                SELECT k.name FROM jsonb_object_keys(b.state || h.state) AS k (name)
                WHERE b.state ->> k.name IS DISTINCT FROM h.state ->> k.name
            ) k ON true
            WHERE h.state IS NOT NULL OR b.state IS NOT NULL
            ORDER BY h.interface, h.peer, k.name
            """,
            .text(node),
            .int(record.number),
            .int(ChangePage.mostObjects + 1)
        )
        var objects: [ObjectDifference] = []
        for var row in rows {
            let (interface, peer) = (try row.text(), try row.text())
            let (isNew, isGone) = (try row.bool(), try row.bool())
            let (name, before, after) = (try row.optionalText(), try row.optionalText(), try row.optionalText())
            if objects.last?.interface != interface || (objects.last?.peer ?? "") != peer {
                let kind = isNew ? ObjectDifference.Kind.created : isGone ? .deleted : .changed
                let named = peer.isEmpty ? nil : peer
                objects.append(ObjectDifference(interface: interface, peer: named, kind: kind, attributes: []))
            }
            if let name {
                objects[objects.count - 1].attributes.append(Self.attribute(name, before, after))
            }
        }
        let isTruncated = objects.count > ChangePage.mostObjects
        return RevisionChange(
            record: record,
            objects: Array(objects.prefix(ChangePage.mostObjects)),
            isTruncated: isTruncated
        )
    }
}
