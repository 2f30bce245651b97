// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// What peers have sent and received, kept over restarts.
///
/// It is no wanted state: no revision and no history tell of it.
struct Traffic {
    let connection: Connection
    let node: String

    func everything() throws(StoreFailure) -> [TrafficRecord] {
        let rows = try connection.query(
            """
            SELECT t.interface, t.peer, t.public_key, t.received, t.sent, t.counted_received, t.counted_sent,
                   t.last_handshake
            FROM traffic t JOIN interface i ON i.id = t.interface JOIN node n ON n.id = i.node WHERE n.name = $1
            """,
            .text(node)
        )
        var records: [TrafficRecord] = []
        for var row in rows {
            records.append(
                TrafficRecord(
                    interface: InterfaceID(UInt64(clamping: try row.int())),
                    peer: try row.required(ObjectName(row.text())),
                    publicKey: try row.required(PublicKey(bytes: row.bytes())),
                    received: UInt64(clamping: try row.int()),
                    sent: UInt64(clamping: try row.int()),
                    countedReceived: UInt64(clamping: try row.int()),
                    countedSent: UInt64(clamping: try row.int()),
                    lastHandshake: try row.optionalTime()
                )
            )
        }
        return records
    }

    /// Of an interface that is gone meanwhile nothing is kept.
    func keep(_ records: [TrafficRecord]) throws(StoreFailure) {
        try connection.query(
            """
            INSERT INTO traffic (interface, peer, public_key, received, sent, counted_received, counted_sent,
                                 last_handshake)
            SELECT new.* FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[],
                                     $7::bigint[], $8::timestamptz[])
                AS new (interface, peer, public_key, received, sent, counted_received, counted_sent, last_handshake)
            JOIN peer p ON p.interface = new.interface AND p.name = new.peer
            ON CONFLICT (interface, peer) DO UPDATE SET
                public_key = excluded.public_key, received = excluded.received, sent = excluded.sent,
                counted_received = excluded.counted_received, counted_sent = excluded.counted_sent,
                last_handshake = excluded.last_handshake
            """,
            .array(of: .int8, records.map { .int($0.interface.value) }),
            .texts(records.map(\.peer.value)),
            .array(of: .bytea, records.map { .bytes($0.publicKey.bytes) }),
            .array(of: .int8, records.map { .int($0.received) }),
            .array(of: .int8, records.map { .int($0.sent) }),
            .array(of: .int8, records.map { .int($0.countedReceived) }),
            .array(of: .int8, records.map { .int($0.countedSent) }),
            .array(of: .timestamptz, records.map { .time($0.lastHandshake) })
        )
    }
}
