// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    /// What the database itself refuses, whoever writes to it.
    @Suite struct Constraints {
        let connection: Connection
        let store: PostgresStore

        init() async throws {
            let database = try TestCluster.database()
            store = try database.store()
            try await store.make("wg0", key: 1, ipv4Pool: "10.1.0.0/24")
            try await store.make("wg1", key: 2)
            try await store.add([peer("alice", key: 11), peer("bob", key: 12)])
            connection = try database.connection()
        }

        private func refusal(_ sql: StaticString) -> StoreFailure? {
            do { try connection.query(sql) } catch { return error }
            return nil
        }

        @Test func interfacesDifferInNamePortKeyAndPools() {
            #expect(
                refusal("UPDATE interface SET name = 'wg0' WHERE name = 'wg1'")
                    == .taken(what: "name", owner: "another interface")
            )
            #expect(
                refusal("UPDATE interface SET listen_port = 51820 WHERE name = 'wg1'")
                    == .taken(what: "listen port", owner: "another interface")
            )
            #expect(
                refusal("UPDATE interface SET public_key = (SELECT public_key FROM interface WHERE name = 'wg0')")
                    == .taken(what: "public key", owner: "another interface")
            )
            #expect(
                refusal("UPDATE interface SET ipv6_pool = 'fd12:3456:789a::/63' WHERE name = 'wg1'")
                    == .taken(what: "IPv6 pool", owner: "another interface")
            )
            #expect(
                refusal("UPDATE interface SET ipv4_pool = '10.1.0.128/25' WHERE name = 'wg1'")
                    == .taken(what: "IPv4 pool", owner: "another interface")
            )
        }

        @Test func aValueThatIsNoneOfOursIsNamedWithItsPlace() async throws {
            let peers = try await store.load().peers.values.flatMap(\.values)
            let id = try #require(peers.first { $0.name.value == "alice" }).id
            try connection.query("UPDATE peer SET name = E'x\\n/' WHERE name = 'alice'")
            let failure = await #expect(throws: StoreFailure.self) { _ = try await store.load() }
            let words = if case .other(let words) = failure { words } else { "\(String(describing: failure))" }
            #expect(words.contains("(column name of the table that SELECT "))
            #expect(words.contains("::regclass names, in the row whose id is \(id)): correct it, or restore a backup"))
        }

        @Test func peersOfOneInterfaceDifferInNameAndKeyAndFromTheInterface() {
            #expect(
                refusal("UPDATE peer SET name = 'alice' WHERE name = 'bob'")
                    == .taken(what: "name", owner: "another peer")
            )
            #expect(
                refusal("UPDATE peer SET public_key = (SELECT public_key FROM peer WHERE name = 'alice')")
                    == .taken(what: "public key", owner: "another peer")
            )
            #expect(
                refusal(
                    """
                    INSERT INTO peer (interface, name, public_key, enabled, keepalive, comment, revision)
                    SELECT id, 'carol', public_key, true, 0, '', 1 FROM interface WHERE name = 'wg0'
                    """
                ) == .taken(what: "public key", owner: "the interface itself")
            )
        }

        @Test func noAddressIsGivenTwiceAndNoPrefixesOverlap() {
            for prefix: StaticString in [
                "INSERT INTO allocation (interface, peer, prefix, routed) SELECT interface, id, '10.1.0.2', false FROM peer WHERE name = 'bob'",
                "INSERT INTO allocation (interface, peer, prefix, routed) SELECT interface, id, '10.1.0.2/31', true FROM peer WHERE name = 'bob'",
                "INSERT INTO allocation (interface, peer, prefix, routed) SELECT interface, id, '::/0', true FROM peer WHERE name = 'bob'",
            ] {
                #expect(refusal(prefix) == .taken(what: "address", owner: "another peer"))
            }
            #expect(
                refusal(
                    """
                    INSERT INTO allocation (interface, peer, prefix, routed)
                    SELECT interface, id, '10.1.0.0/31', true FROM peer WHERE name = 'bob'
                    """
                ) == .taken(what: "address", owner: "the interface itself")
            )
            #expect(
                refusal(
                    """
                    INSERT INTO allocation (interface, peer, prefix, routed)
                    SELECT interface, id, '10.1.0.3', true FROM peer WHERE name = 'bob'
                    """
                ) == .taken(what: "address", owner: "the same peer")
            )
        }

        @Test func aPeersPrefixIsOnItsOwnInterface() {
            let sql: StaticString = """
                INSERT INTO allocation (interface, peer, prefix, routed)
                SELECT (SELECT id FROM interface WHERE name = 'wg1'), id, '192.0.2.1', false FROM peer WHERE name = 'bob'
                """
            guard case .other = refusal(sql) else {
                Issue.record("a peer got a prefix of another interface")
                return
            }
        }

        @Test func principalsDifferInNameAndUserID() throws {
            try connection.query("INSERT INTO principal (name, uid) VALUES ('a', 1)")
            #expect(
                refusal("INSERT INTO principal (name, uid) VALUES ('a', 2)")
                    == .taken(what: "name", owner: "another principal")
            )
            #expect(
                refusal("INSERT INTO principal (name, uid) VALUES ('b', 1)")
                    == .taken(what: "user id", owner: "another principal")
            )
        }
    }
}
