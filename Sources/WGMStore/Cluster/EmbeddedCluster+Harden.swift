// SPDX-License-Identifier: Apache-2.0

package import WGMControl

extension EmbeddedCluster {
    /// Takes back what PostgreSQL gives everybody, and what the daemon's role may have left for its next connection.
    ///
    /// For a daemon that was broken into: it cannot set traps that outlast it, use the server's other databases, or keep large
    /// objects. Each start does it again, as the server's own user or root.
    package func harden() throws(StoreFailure) {
        let own = try superuser(of: Self.superuserRole)
        try own.query("ALTER ROLE wgmd RESET ALL")
        try own.query("ALTER ROLE wgmd IN DATABASE wgm RESET ALL")
        try own.query("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        let ours = try superuser(of: Self.database)
        try ours.query(
            """
            REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),
                pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC
            """
        )
    }

    private func superuser(of database: String) throws(StoreFailure) -> Connection {
        let limits = Connection.Limits(statement: 10_000, lock: 10_000, probe: 0, call: 0)
        return try Connection(address(as: Self.superuserRole, database: database), limits: limits)
    }
}
