// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    @Suite struct Retries {
        let store: PostgresStore
        let database: TestDatabase
        let key = CallKey(principal: "alice", key: [UInt8](repeating: 1, count: 16), requestHash: [1, 2, 3])

        init() async throws {
            database = try TestCluster.database()
            store = try database.store()
            try await store.make("wg0")
        }

        @Test func theSameCallAgainChangesNothingAndBringsTheKeptReply() async throws {
            let change = try Change.createPeers(interface("wg0"), [peer("a", key: 1)])
            let first = try await store.commit(change, audit: entry(), key: key)
            let early = try await store.commit(change, audit: entry(), key: key)
            guard case .repeated(reply: nil) = early.outcome else {
                Issue.record("not taken for a repetition")
                return
            }
            try await store.keepReply([9, 8, 7], for: key)
            let late = try await store.commit(change, audit: entry(), key: key)
            guard case .repeated(reply: [9, 8, 7]) = late.outcome else {
                Issue.record("the reply was not kept")
                return
            }
            #expect([first.revision, early.revision, late.revision] == [2, 2, 2])
            #expect(try await store.currentRevision() == 2)
            #expect(try await store.auditRecords(AuditQuery(limit: 10)).count == 2)
        }

        @Test func aKeyIsOnePrincipalsAndForOneRequest() async throws {
            let change = try Change.setInterfaceUp(interface("wg0"), false)
            try await store.change(change, key: key)
            var other = key
            other.requestHash = [4]
            #expect(await failure { try await store.change(change, key: other) } == .keyReused)
            other = key
            other.principal = "bob"
            try await store.change(change, key: other)
        }

        @Test func aFailedCallDoesNotUseUpItsKey() async throws {
            let change = try Change.setInterfaceUp(interface("wg1"), false)
            #expect(
                await failure { try await store.change(change, key: key) }
                    == .notFound(.interface(try interface("wg1")))
            )
            try await store.make("wg1", key: 9)
            try await store.change(change, key: key)
        }

        @Test func aKeyIsForgottenAfterTenMinutes() async throws {
            let change = try Change.setInterfaceUp(interface("wg0"), false)
            try await store.change(change, key: key)
            try database.connection().query("UPDATE call_key SET time = now() - interval '11 minutes'")
            try await store.change(change, key: key)
        }

        @Test func ofTwoCallsWithOneKeyAtOnceOneIsARepetition() async throws {
            let change = try Change.createPeers(interface("wg0"), [peer("a", key: 1)])
            let (first, second) = (try database.store(), try database.store())
            async let one = first.commit(change, audit: entry(), key: key)
            async let two = second.commit(change, audit: entry(), key: key)
            let revisions = try await [one.revision, two.revision]
            #expect(revisions == [2, 2])
        }

        @Test func ofTwoPeersWithOneAddressAtOnceOneIsMade() async throws {
            let (first, second) = (try database.store(), try database.store())
            for round in 2..<22 {
                let address = "fd12:3456:789a::1:\(round)"
                let (a, b) = (
                    try peer("a\(round)", key: round, addresses: [address]),
                    try peer("b\(round)", key: 1000 + round, addresses: [address])
                )
                async let one = failure { try await first.add([a]) }
                async let two = failure { try await second.add([b]) }
                let failures = await [one, two].compactMap(\.self)
                #expect(failures.count == 1)
                guard case .taken(_, let owner) = failures.first else {
                    Issue.record("\(failures)")
                    continue
                }
                #expect(owner == "peer a\(round) of wg0" || owner == "peer b\(round) of wg0")
            }
            #expect(try await store.load().peers.values.map(\.count) == [20])
        }

        @Test func aConnectionThatBreaksDuringCommitLeavesTheChangeInDoubtUntilARetryTells() async throws {
            let owner = try database.connection()
            try owner.query(
                """
                CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$
                """
            )
            try owner.query(
                """
                CREATE CONSTRAINT TRIGGER disturb AFTER INSERT ON revision DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION disturb()
                """
            )
            let change = try Change.createPeers(interface("wg0"), [peer("a", key: 1)])
            guard case .inDoubt = await failure({ try await store.change(change, key: key) }) else {
                Issue.record("not in doubt")
                return
            }
            try owner.query("DROP TRIGGER disturb ON revision")
            try await store.change(change, key: key)
        }

        @Test func aWarningOnCommitLeavesTheChangeInDoubtUntilARetryTells() async throws {
            let owner = try database.connection()
            try owner.query(
                """
                CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$
                """
            )
            try owner.query(
                """
                CREATE CONSTRAINT TRIGGER disturb AFTER INSERT ON revision DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION disturb()
                """
            )
            let change = try Change.createPeers(interface("wg0"), [peer("a", key: 1)])
            #expect(
                await failure { try await store.change(change, key: key) }
                    == .inDoubt("canceling wait for synchronous replication")
            )
            guard case .repeated = try await store.commit(change, audit: entry(), key: key).outcome else {
                Issue.record("the change was there and is made again")
                return
            }
        }

        @Test func revisionsHaveNoGapsHoweverManyWrite() async throws {
            let change = try Change.setInterfaceUp(interface("wg0"), false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<5 {
                    let store = try database.store()
                    group.addTask { for _ in 0..<10 { try await store.change(change) } }
                }
                try await group.waitForAll()
            }
            var row = try database.connection().row("SELECT count(*), max(number) FROM revision")
            #expect(try row.int() == 51)
            #expect(try row.int() == 51)
        }

        @Test func aTransactionAboutManyPeersHasMoreTimeAndTheNextHasNot() throws {
            let limits = Connection.Limits(statement: 100, call: 400)
            let connection = try Connection(database.address("wgmd"), limits: limits)
            func isInTime() -> Bool { (try? connection.query("SELECT pg_sleep(0.6)")) != nil }
            for count in [1000, 1001] {
                try connection.begin(.snapshot)
                try connection.allow(peers: count, andAll: true)
                #expect(isInTime() == (count > 1000))
                connection.rollBack()
                try connection.begin(.snapshot)
                #expect(!isInTime())
                connection.rollBack()
            }
            #expect(!connection.isLost)
        }
    }
}
