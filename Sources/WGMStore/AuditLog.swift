// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// The table of audit records, which only ever grows.
struct AuditLog {
    let connection: Connection
    let node: String

    static let mostRecords = 10_000

    /// Adds records in order, numbered by the database without gaps.
    func append(_ entries: [AuditEntry], revision: Int64? = nil) throws(StoreFailure) {
        try connection.query(
            """
            INSERT INTO audit
                (node, time, principal, uid, token_id, method, resource, code, message, request, request_id, revision,
                 reason, count, last_time)
            SELECT $1, time, principal, uid, token_id, method, resource, code, message, request, request_id, $2, reason,
                   count, last_time
            FROM unnest($3::timestamptz[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
                        $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[],
                        $15::timestamptz[]) WITH ORDINALITY
                AS new (time, principal, uid, token_id, method, resource, code, message, request, request_id, reason,
                        count, last_time, place)
            ORDER BY place
            """,
            .text(node),
            .int(revision),
            .array(of: .timestamptz, entries.map { .time($0.time) }),
            .array(of: .text, entries.map { .text($0.principal.map(storable)) }),
            .array(of: .int8, entries.map { .int($0.uid) }),
            .array(of: .text, entries.map { .text($0.tokenID.map(storable)) }),
            .texts(entries.map { storable($0.method) }),
            .texts(entries.map { storable($0.resource) }),
            .array(of: .int8, entries.map { .int($0.code) }),
            .texts(entries.map { storable($0.message) }),
            .texts(entries.map { storable($0.request) }),
            .texts(entries.map { storable($0.requestID) }),
            .texts(entries.map { storable($0.reason) }),
            .array(of: .int8, entries.map { .int($0.count) }),
            .array(of: .timestamptz, entries.map { .time($0.lastTime) })
        )
    }

    /// Adds the record with number 1: the primary key lets that happen once.
    func appendFirst(_ entry: AuditEntry, revision: Int64) throws(StoreFailure) {
        try connection.query(
            """
            INSERT INTO audit
                (sequence, node, time, principal, uid, token_id, method, resource, code, message, request, request_id,
                 revision)
            VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            .text(node),
            .time(entry.time),
            .text(entry.principal.map(storable)),
            .int(entry.uid),
            .text(entry.tokenID.map(storable)),
            .text(storable(entry.method)),
            .text(storable(entry.resource)),
            .int(entry.code),
            .text(storable(entry.message)),
            .text(storable(entry.request)),
            .text(storable(entry.requestID)),
            .int(revision)
        )
    }

    func records(_ query: AuditQuery) throws(StoreFailure) -> [AuditRecord] {
        let rows = try connection.query(
            """
            SELECT sequence, revision, time, principal, uid, token_id, method, resource, code, message, request,
                   request_id, reason, count, last_time
            FROM audit
            WHERE ($2 IS NULL OR sequence < $2) AND ($3 IS NULL OR principal = $3) AND ($4 IS NULL OR method = $4)
                AND (NOT $5 OR code <> 0) AND ($6 IS NULL OR time >= $6)
            ORDER BY sequence DESC LIMIT $1
            """,
            .int(min(max(query.limit, 0), Self.mostRecords)),
            .int(query.beforeSequence),
            .text(query.principal.map(storable)),
            .text(query.method.map(storable)),
            .bool(query.failuresOnly),
            .time(query.since)
        )
        var records: [AuditRecord] = []
        for var row in rows { records.append(try row.auditRecord()) }
        return records
    }
}

extension Row {
    fileprivate mutating func auditRecord() throws(StoreFailure) -> AuditRecord {
        let sequence = try int()
        let revision = try optionalInt()
        let entry = AuditEntry(
            time: try time(),
            principal: try optionalText(),
            uid: try optionalInt().map { UInt32(clamping: $0) },
            tokenID: try optionalText(),
            method: try text(),
            resource: try text(),
            code: UInt32(clamping: try int()),
            message: try text(),
            request: try text(),
            requestID: try text(),
            reason: try text(),
            count: try int(),
            lastTime: try optionalTime()
        )
        return AuditRecord(sequence: sequence, entry: entry, revision: revision)
    }
}
