// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("The embedded database")
struct EmbeddedDatabaseTests {
    private static let psql = "psql -qtAX -h /run/wgm-postgres"
    private static let log = "/run/gateway/state/postgres/postgres.log"

    @Test("Nobody but wgmd, its own user and root can open its socket, and what wgmd's role left there is taken back")
    func closed() async throws {
        let gateway = try Gateway(furnished: false, units: true)
        func query(
            _ user: String,
            _ groups: String,
            _ role: String,
            _ database: String,
            _ sql: String
        ) async throws -> (
            code: Int, output: String
        ) {
            let identity = "--reuid \(user) --regid \(user == "nobody" ? "nogroup" : user) \(groups)"
            let result = try await gateway.inside(
                "setpriv \(identity) \(Self.psql) -U \(role) -c \"\(sql)\" \(database) 2>&1"
            )
            return (Int(result.code), result.output)
        }
        for user in ["nobody", "wgmd-keeper"] {
            let stranger = try await query(user, "--groups wgm", "wgmd", "wgm", "SELECT 1")
            #expect(stranger.code != 0 && stranger.output.contains("Permission denied"), "\(user): \(stranger.output)")
        }
        let own = try await query("wgmd", "--clear-groups", "wgmd", "wgm", "SELECT 1")
        #expect(own.code == 0 && own.output == "1", "\(own.output)")
        let root = try await gateway.inside("\(Self.psql) -U wgm_owner -c 'SELECT 2' wgm 2>&1")
        #expect(root.output == "2")

        // What a daemon that was broken into would do.
        for database in ["postgres", "template1"] {
            let other = try await query("wgmd", "--clear-groups", "wgmd", database, "SELECT 1")
            #expect(other.code != 0 && other.output.contains("CONNECT"), "\(other.output)")
        }
        let large = try await query("wgmd", "--clear-groups", "wgmd", "wgm", "SELECT lo_create(0)")
        #expect(large.code != 0 && large.output.contains("permission denied"), "\(large.output)")
        let settings = "SELECT count(*) FROM pg_db_role_setting"
        for place in ["", "IN DATABASE wgm "] {
            let trap = try await query(
                "wgmd",
                "--clear-groups",
                "wgmd",
                "wgm",
                "ALTER ROLE wgmd \(place)SET statement_timeout = 1"
            )
            #expect(trap.code == 0, "\(trap.output)")
        }
        #expect(try await query("wgmd", "--clear-groups", "wgmd", "wgm", "\(settings)").output != "0")
        let restarted = try await gateway.inside(
            "kill -TERM $database_pid; wait $database_pid; start_database_unit \"$log\"; within 30 gateway_is_well \"$socket\""
        )
        #expect(restarted.code == 0)
        let isClean =
            "is_clean() { test \"$(\(Self.psql) -U wgm_owner -c '\(settings)' wgm 2>&1)\" = 0; }; within 30 is_clean"
        #expect(try await gateway.inside(isClean).code == 0)
        await gateway.stop()
    }

    @Test(
        "A log that grows is shortened while the server runs; a pipe in its place is refused, and so is a foreign process"
    )
    func hostileFiles() async throws {
        let gateway = try Gateway(furnished: false, units: true)
        let grown = "(head -c 17000000 /dev/zero | tr '\\\\0' x | fold -w 99; echo the newest line) >>\(Self.log)"
        #expect(try await gateway.inside(grown).code == 0)
        let shortened =
            "test $(stat -c %s \(Self.log)) -lt 1100000 && tail -n 1 \(Self.log) | grep -qx 'the newest line'"
        let isShort = try await gateway.inside("is_short() { \(shortened); }; within 25 is_short; ls -l \(Self.log)")
        #expect(isShort.code == 0)
        #expect(try await gateway.inside(shortened).code == 0, "\(isShort.output)")
        #expect(try await gateway.inside("head -n 1 \(Self.log)").output.contains("only its end is kept"))

        // Root starts a database whose own user has prepared the folder.
        let folder = "/run/gateway/state/postgres"
        let byRoot =
            "timeout 60 wgmd database --config /run/gateway/wgmd.toml --socket-folder /run/wgm-postgres 2>&1 </dev/null"
        #expect(try await gateway.inside("kill -TERM $database_pid; wait $database_pid").code == 0)
        _ = try await gateway.inside("mv \(Self.log) \(folder)/old; mkfifo \(Self.log)")
        let pipe = try await gateway.inside(byRoot)
        #expect(pipe.code != 0 && pipe.code != 124 && pipe.output.contains("postgres.log"), "\(pipe.output)")
        _ = try await gateway.inside("rm \(Self.log); sleep 300 & victim=$!; mkdir -p \(folder)/data")
        let planted = """
            echo $victim >\(folder)/data/postmaster.pid; chown wgmd-postgres: \(folder)/data/postmaster.pid; \
            \(byRoot) & starter=$!; sleep 8; kill -TERM $(processes -P $starter); wait $starter && kill -0 $victim
            """
        let spared = try await gateway.inside(planted)
        #expect(spared.code == 0, "\(spared.output)")
        // A schema that no program can use is served for who restores a backup.
        _ = try await gateway.inside("start_database_unit \"$log\"")
        let damage = """
            damaged() { \(Self.psql) -U wgm_owner -c 'ALTER TABLE wgm.traffic RENAME TO other' wgm; }; \
            within 30 damaged && { kill -TERM $database_pid; wait $database_pid; true; }
            """
        #expect(try await gateway.inside(damage).code == 0)
        #expect(try await gateway.inside(byRoot).output.contains("traffic"))
        let serving = byRoot.replacing("wgmd database", with: "wgmd database --no-migrate")
        _ = try await gateway.inside("\(serving) & starter=$!")
        let repair =
            "repaired() { \(Self.psql) -U wgm_owner -c 'ALTER TABLE wgm.other RENAME TO traffic' wgm; }; within 30 repaired"
        let repaired = try await gateway.inside(repair)
        #expect(repaired.code == 0, "\(repaired.output)")
        #expect(try await gateway.inside("kill -TERM $(processes -P $starter); wait $starter").code == 0)
        // What root started by hand has left nothing that the unit cannot use.
        #expect(try await gateway.inside("find \(folder) ! -user wgmd-postgres ! -name old").output.isEmpty)
        let again = "start_database_unit \"$log\"; within 30 gateway_is_well \"$socket\""
        #expect(try await gateway.inside(again).code == 0)
        await gateway.stop()
    }
}
