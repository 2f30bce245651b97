// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Without the database")
struct DatabaseLossTests {
    @Test("Reads say how old they are, changes are refused, tunnels stay, and all is well when it is back")
    func databaseGone() async throws {
        let gateway = try Gateway(furnished: true)
        // The link itself, to see later that nobody made it anew.
        let link = try await gateway.inside("ip -o link show dev wg0 | cut -d: -f1")
        #expect(link.code == 0)
        #expect(
            try await gateway.inside("kill -STOP $(postmaster) && pkill -KILL -P $(postmaster)").code
                == 0
        )

        let change = try gateway.control("peer", "disable", "wg0", "alice", "--timeout", "60s")
        #expect(change.code == 7, "\(change.errors)")
        let read = try gateway.control("peer", "list", "wg0", "-o", "json")
        #expect(read.code == 0, "\(read.errors)")
        #expect(read.json([PeerDocument].self)?.map(\.enabled) == [true])
        #expect(read.errors.contains("state as of"), "\(read.errors)")
        #expect(try await gateway.inside("ip -o link show dev wg0 | cut -d: -f1").output == link.output)

        _ = try await gateway.inside("kill -KILL $(postmaster)")
        #expect(try await gateway.inside("within 45 database_is_back").code == 0)
        let after = try gateway.control("peer", "list", "wg0", "-o", "json")
        #expect(after.json([PeerDocument].self)?.map(\.name) == ["alice"])
        #expect(!after.errors.contains("state as of"), "\(after.errors)")
        #expect(try gateway.control("peer", "disable", "wg0", "alice").code == 0)
        await gateway.stop()
    }

    @Test("A migration beside a running wgmd is refused, and takes nothing away")
    func migrationBesideAGateway() async throws {
        let gateway = try Gateway(furnished: true)
        let migration = try await gateway.inside("wgmd migrate --config /run/gateway/wgmd.toml 2>&1")
        #expect(migration.code != 0)
        #expect(migration.output.contains("another wgmd runs"), "\(migration.output)")
        #expect(try gateway.control("peer", "disable", "wg0", "alice").code == 0)
        await gateway.stop()
    }
}
