// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("As units of systemd")
struct UnitTests {
    @Test("Nobody needs root, the keeper and the database come and go, and the configuration is read again")
    func units() async throws {
        let gateway = try Gateway(furnished: true, units: true)
        let users = try await gateway.inside("ps -o user:16= -p $wgmd_pid,$keeper_pid,$database_pid | sort | xargs")
        #expect(users.output == "wgmd wgmd-keeper wgmd-postgres")

        // Without the keeper reads go on and changes are refused; with it back, wgmd needs no restart.
        let link = try await gateway.inside("ip -o link show dev wg0 | cut -d: -f1")
        #expect(try await gateway.inside("rm /run/wgm-keeper/keeper.sock; kill -KILL $keeper_pid").code == 0)
        let refused = try gateway.control("peer", "disable", "wg0", "alice")
        #expect(refused.code == 7, "\(refused.errors)")
        #expect(try gateway.control("peer", "list", "wg0").code == 0)
        #expect(try gateway.control("status").code == 2)
        #expect(
            try await gateway.inside("start_keeper_unit \"$log\" && within 30 gateway_is_well \"$socket\"").code == 0
        )
        #expect(try gateway.control("peer", "disable", "wg0", "alice").code == 0)
        #expect(try gateway.control("login").code == 0)
        #expect(try await gateway.inside("ip -o link show dev wg0 | cut -d: -f1").output == link.output)

        // A good file is taken, a bad one is not, and what needs a restart is named.
        let rewrite = "sed -i '/^log_level/d' /run/gateway/wgmd.toml; "
        _ = try await gateway.inside(
            rewrite + "echo 'log_level = \"debug\"' >>/run/gateway/wgmd.toml; kill -HUP $wgmd_pid"
        )
        #expect(try await gateway.inside("within 5 grep -q 'log_level=debug' \"$log\"").code == 0)
        _ = try await gateway.inside(
            rewrite + "echo 'log_level = \"loud\"' >>/run/gateway/wgmd.toml; kill -HUP $wgmd_pid"
        )
        #expect(
            try await gateway.inside("within 5 grep -q 'toml:[0-9]*: .log_level. must be one of' \"$log\"").code == 0
        )
        _ = try await gateway.inside(rewrite + "sed -i 's/gw1/gw2/' /run/gateway/wgmd.toml; kill -HUP $wgmd_pid")
        #expect(try await gateway.inside("within 5 grep -q 'only after a restart' \"$log\"").code == 0)
        #expect(try gateway.control("status").code == 0)

        // Root starts a second database by hand: it is refused, and the first one serves on.
        let second = try await gateway.inside(
            "wgmd database --config /run/gateway/wgmd.toml --socket-folder /run/wgm-postgres 2>&1 </dev/null"
        )
        #expect(second.code != 0 && second.output.contains("another wgmd runs on"), "\(second.output)")
        #expect(try await gateway.inside("kill -0 $database_pid").code == 0)
        #expect(try gateway.control("peer", "enable", "wg0", "alice").code == 0)
        #expect(try gateway.control("peer", "disable", "wg0", "alice").code == 0)

        // The database in good order too.
        #expect(try await gateway.inside("kill -TERM $database_pid; wait $database_pid").code == 0)
        #expect(try gateway.control("peer", "list", "wg0").code == 0)
        await gateway.stop()
    }
}

@Suite("First steps")
struct FirstStepsTests {
    private struct Steps: Decodable {
        struct Interface: Decodable { let name: String }
        let becameFirstAdmin: Bool
        let interfaces: [Interface]
    }
    private struct Diagnosis: Decodable {
        struct Finding: Decodable {
            let name: String
            let state: String
        }
        let findings: [Finding]
    }

    @Test("wgmctl init makes the first admin and the first interface, may be repeated, and is not for everybody")
    func initialise() async throws {
        let gateway = try Gateway(furnished: false)
        let unasked = try gateway.control("init", "-o", "json")
        #expect(unasked.code == 0, "\(unasked.errors)")
        #expect(unasked.json(Steps.self)?.becameFirstAdmin == true)
        #expect(unasked.json(Steps.self)?.interfaces.isEmpty == true)
        let arguments = ["--interface", "wg0", "--endpoint", "192.0.2.1", "--ipv4-pool", "10.90.0.0/24", "-o", "json"]
        for _ in 0..<2 {
            let result = try gateway.control(["init"] + arguments)
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.json(Steps.self)?.interfaces.map(\.name) == ["wg0"])
        }
        let other = try gateway.controlAsDaemon("init", "--no-interface")
        #expect(other.code == 5)
        #expect(other.errors.contains("no admin"), "\(other.errors)")

        let well = try gateway.control("doctor", "-o", "json")
        let findings = try #require(well.json(Diagnosis.self)?.findings, "\(well.output)\(well.errors)")
        for name in ["socket", "wgmd", "database", "keeper", "reconciler"] {
            #expect(findings.first { $0.name == name }?.state == "ok", "\(name): \(well.output)")
        }
        #expect(try await gateway.inside("kill -TERM $wgmd_pid; within 20 halves_are_gone").code == 0)
        let ill = try gateway.control("doctor")
        #expect(ill.code == 2)
        #expect(ill.output.contains("fail  socket"), "\(ill.output)")
        await gateway.stop()
    }
}

@Suite("What ends wgmd at once")
struct RefusedStartTests {
    private static let schema = "wgm.schema_version"

    @Test(
        "A database that is newer than the program is refused in one line, by wgmd and by its unit, and is not touched"
    )
    func newerDatabase() async throws {
        let gateway = try Gateway(furnished: false)
        // As the cluster's owner; wgmd itself may not do that.
        let newer = """
            setpriv --reuid wgmd-postgres --regid wgmd-postgres --clear-groups psql -qh "$(dirname "$socket")/postgres" \
            -U wgm_owner wgm -c "INSERT INTO \(Self.schema) VALUES (99, 'x', now())" 2>&1
            """
        let inserted = try await gateway.inside(newer)
        #expect(inserted.code == 0, "\(inserted.output)")
        #expect(try await gateway.inside("stop_wgmd").code == 0)
        for command in ["run", "migrate"] {
            let result = try await gateway.inside("wgmd \(command) --config /run/gateway/wgmd.toml 2>&1 </dev/null")
            #expect(result.code == 78, "\(result.output)")
            #expect(result.output.contains("newer than this program"), "\(result.output)")
            #expect(result.output.split(separator: "\n").count == 1, "\(result.output)")
            #expect(try await gateway.inside("within 20 halves_are_gone").code == 0)
        }
        await gateway.stop()
    }

    @Test("A bad configuration is refused with its lines")
    func badConfiguration() async throws {
        let gateway = try Gateway(furnished: false)
        _ = try await gateway.inside("printf 'socket = 7\\ncolour = \"red\"\\n' >/run/gateway/bad.toml")
        for command in ["run", "check", "migrate", "database"] {
            let result = try await gateway.inside("wgmd \(command) --config /run/gateway/bad.toml 2>&1 </dev/null")
            #expect(result.code == 78)
            #expect(result.output.contains("bad.toml:1:") && result.output.contains("bad.toml:2:"), "\(result.output)")
        }
        await gateway.stop()
    }
}
