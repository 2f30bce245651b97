// SPDX-License-Identifier: Apache-2.0

import WGMControl

/// The idempotency keys of the last ten minutes.
struct CallKeys {
    let connection: Connection

    /// Takes a key for this transaction's change; what became of it if an earlier call did.
    func claim(_ key: CallKey, revision: Int64) throws(StoreFailure) -> Committed? {
        try connection.query("DELETE FROM call_key WHERE time < now() - interval '10 minutes'")
        let claimed = try connection.query(
            """
            INSERT INTO call_key (principal, key, request_hash, revision) VALUES ($1, $2, $3, $4)
            ON CONFLICT ON CONSTRAINT call_key_once DO NOTHING RETURNING revision
            """,
            .text(storable(key.principal)),
            .bytes(key.key),
            .bytes(key.requestHash),
            .int(revision)
        )
        guard claimed.isEmpty else { return nil }
        var earlier = try connection.row(
            "SELECT request_hash = $3, revision, reply FROM call_key WHERE principal = $1 AND key = $2",
            .text(storable(key.principal)),
            .bytes(key.key),
            .bytes(key.requestHash)
        )
        guard try earlier.bool() else { throw .keyReused }
        return Committed(revision: try earlier.int(), outcome: .repeated(reply: try earlier.optionalBytes()))
    }

    /// A key that was swept meanwhile stays away.
    func keep(_ reply: [UInt8], for key: CallKey) throws(StoreFailure) {
        try connection.query(
            "UPDATE call_key SET reply = $4 WHERE principal = $1 AND key = $2 AND request_hash = $3",
            .text(storable(key.principal)),
            .bytes(key.key),
            .bytes(key.requestHash),
            .bytes(reply)
        )
    }
}
