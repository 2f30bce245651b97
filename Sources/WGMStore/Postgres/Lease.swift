// SPDX-License-Identifier: Apache-2.0

import WGMControl

/// Makes sure that one daemon at a time serves a node: an advisory lock that lives as long as its connection.
///
/// Two daemons of one name would undo each other's changes, each on its own host.
struct Lease {
    /// "wgm", so that other programs' advisory locks are not in the way.
    private static let kind: Int64 = 0x77_676D
    private static let tries = 10
    private let node: String
    /// Tells this process' connections from those of another.
    private let holder: String

    init(node: String, holder: String = "wgmd " + String(UInt64.random(in: .min ... .max), radix: 36)) {
        self.node = node
        self.holder = holder
    }

    /// To be called for each new connection, before `take`.
    func mark(_ connection: Connection) throws(StoreFailure) {
        try connection.query("SELECT set_config('application_name', $1, false)", .text(holder))
    }

    /// True if `connection` holds the lease now, false if an earlier connection of this process still does.
    ///
    /// A daemon that was killed a moment ago may need one more until the server notices.
    func take(_ connection: Connection) throws(StoreFailure) -> Bool {
        for _ in 0..<Self.tries {
            var lock = try connection.row(
                "SELECT pg_try_advisory_lock($1::bigint::integer, hashtext($2))",
                .int(Self.kind),
                .text(node)
            )
            if try lock.bool() { return true }
            if try holders(connection).contains(holder) { return false }
            try connection.query("SELECT pg_sleep(0.1)")
        }
        throw .unavailable(
            """
            another wgmd serves the node `\(node)` with this database: stop it, or give this one another `node` in \
            wgmd.toml
            """
        )
    }

    private func holders(_ connection: Connection) throws(StoreFailure) -> [String] {
        let rows = try connection.query(
            """
            SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid::bigint = $1
                AND l.objid::bigint = hashtext($2)::bigint & 4294967295
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            .int(Self.kind),
            .text(node)
        )
        var names: [String] = []
        for row in rows {
            var row = row
            names.append(try row.text())
        }
        return names
    }
}
