// SPDX-License-Identifier: Apache-2.0

package import WGMControl

/// Brings the database's schema to the version that this program knows.
package enum Migrator {
    /// One numbered file of `Migrations`, which never changes once released.
    struct Migration {
        let version: Int64
        let script: [UInt8]
    }

    static let migrations = [
        Migration(version: 1, script: PackageResources.v0001_schema_sql),
        Migration(version: 2, script: PackageResources.v0002_drift_and_history_sql),
        Migration(version: 3, script: PackageResources.v0003_numbers_sql),
        Migration(version: 4, script: PackageResources.v0004_audit_count_sql),
        Migration(version: 5, script: PackageResources.v0005_preshared_keys_sql),
        Migration(version: 6, script: PackageResources.v0006_unconfirmed_sql),
        Migration(version: 7, script: PackageResources.v0007_validity_sql),
        Migration(version: 8, script: PackageResources.v0008_traffic_sql),
        Migration(version: 9, script: PackageResources.v0009_taken_links_sql),
        Migration(version: 10, script: PackageResources.v0010_interface_keys_sql),
        Migration(version: 11, script: PackageResources.v0011_key_sights_sql),
        Migration(version: 12, script: PackageResources.v0012_endpoint_names_sql),
        Migration(version: 13, script: PackageResources.v0013_told_states_sql),
        Migration(version: 14, script: PackageResources.v0014_issued_tokens_sql),
    ]

    static var newestVersion: Int64 { migrations.last?.version ?? 0 }

    /// Connects as the schema's owner and runs what has not been run yet, all or nothing.
    ///
    /// Starts no thread: the daemon may call this before it drops its privileges.
    package static func migrate(_ address: DatabaseAddress) throws(StoreFailure) {
        try migrate(Connection(address, limits: Connection.Limits(statement: 300_000, lock: 60_000, probe: 0, call: 0)))
    }

    static func migrate(_ connection: Connection) throws(StoreFailure) {
        try connection.begin(.write)
        do {
            try connection.query("SELECT pg_advisory_xact_lock(7955366478031810605)")
            try connection.query("CREATE SCHEMA IF NOT EXISTS wgm")
            try connection.query(
                """
                CREATE TABLE IF NOT EXISTS wgm.schema_version (
                    version bigint PRIMARY KEY,
                    checksum bytea NOT NULL,
                    applied timestamptz NOT NULL DEFAULT now()
                )
                """
            )
            let present = try presentVersion(connection)
            for migration in migrations where migration.version > present {
                try connection.run(embedded: migration.script)
                try connection.query(
                    "INSERT INTO schema_version (version, checksum) VALUES ($1, sha256($2))",
                    .int(migration.version),
                    .bytes(migration.script)
                )
            }
            try connection.run(embedded: PackageResources.grants_sql)
            try connection.commit()
        } catch {
            connection.rollBack()
            throw error
        }
    }

    /// Connects as the daemon and refuses a database whose schema this program does not know exactly.
    package static func check(_ address: DatabaseAddress) throws(StoreFailure) {
        try check(Connection(address, limits: Connection.Limits(statement: 10_000, lock: 10_000, probe: 0, call: 0)))
    }

    /// Refuses a database whose schema this program does not know exactly.
    static func check(_ connection: Connection) throws(StoreFailure) {
        var row = try connection.row("SELECT to_regclass('wgm.schema_version') IS NULL")
        guard try !row.bool() else {
            throw .other("the database has no schema of wgm: run the migration as its owner first")
        }
        let present = try presentVersion(connection)
        guard present == newestVersion else {
            throw .other(
                "the database's schema is version \(present), older than this program's \(newestVersion): "
                    + "run the migration as its owner first"
            )
        }
    }

    /// The version that the database has, 0 when it is new, once that is known to be one of ours.
    private static func presentVersion(_ connection: Connection) throws(StoreFailure) -> Int64 {
        var row = try connection.row("SELECT coalesce(max(version), 0) FROM wgm.schema_version")
        let present = try row.int()
        guard present <= newestVersion else {
            throw .other(
                "the database's schema is version \(present), newer than this program's \(newestVersion): "
                    + "install the newer wgm again"
            )
        }
        for migration in migrations where migration.version <= present {
            var row = try connection.row(
                "SELECT count(*) FROM wgm.schema_version WHERE version = $1 AND checksum = sha256($2)",
                .int(migration.version),
                .bytes(migration.script)
            )
            guard try row.int() == 1 else {
                throw .other(
                    "version \(migration.version) of the database's schema is not the one of this program: "
                        + "it was made by a build that was never released"
                )
            }
        }
        return present
    }
}
