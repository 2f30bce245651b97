// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    @Suite struct Audit {
        let store: PostgresStore
        let database: TestDatabase

        init() throws {
            database = try TestCluster.database()
            store = try database.store()
        }

        @Test func aChangeItsRevisionAndItsRecordAreThereTogether() async throws {
            let made = try await store.make("wg0")
            let record = try await #require(store.auditRecords(AuditQuery(limit: 1)).first)
            #expect(record == AuditRecord(sequence: 2, entry: entry(), revision: made.revision))
            var row = try database.connection().row(
                "SELECT number, principal, request_id, method, summary FROM revision"
            )
            #expect(try row.int() == 1)
            #expect(try row.text() == "alice")
            #expect(try row.text() == "request-1")
            #expect(try row.text() == "test/Call")
            #expect(try row.text() == "create interface wg0")
        }

        @Test func aRefusedChangeLeavesNoRecordAndNoRevision() async throws {
            _ = await failure { try await store.change(.setInterfaceUp(interface("wg0"), true)) }
            #expect(try await store.auditRecords(AuditQuery(limit: 10)).isEmpty)
            #expect(try await store.currentRevision() == 0)
        }

        @Test func aRecordThatCannotBeWrittenFailsItsChange() async throws {
            try database.connection().query("ALTER TABLE audit ADD CONSTRAINT full_disk CHECK (method <> 'test/Call')")
            guard case .other = await failure({ try await store.make("wg0") }) else {
                Issue.record("a change without its record was taken")
                return
            }
            #expect(try await store.load().interfaces.isEmpty)
        }

        @Test func aRecordOfManyCallsSaysHowManyAndWhenTheLastWas() async throws {
            var many = entry()
            many.count = 1_000_000
            many.lastTime = Timestamp(seconds: 1_800_000_001)
            try await store.append([entry(), many])
            #expect(try await store.auditRecords(AuditQuery(limit: 2)).map(\.entry) == [many, entry()])
        }

        @Test func nobodyChoosesTheNumberOfARecord() async throws {
            try await store.append([entry("a")])
            for number in ["-5", "3", "4000"] {
                #expect(throws: StoreFailure.self) {
                    try database.connection().run(
                        embedded: Array(
                            """
                            INSERT INTO audit (sequence, node, time, method, resource, code, message, request, request_id)
                            VALUES (\(number), 'n', now(), 'm', 'r', 0, '', '', '')
                            """.utf8
                        )
                    )
                }
            }
            try await store.append([entry("b")])
            #expect(try await store.auditRecords(AuditQuery(limit: 10)).map(\.entry.method) == ["b", "a"])
        }

        @Test func recordsComeNewestFirstAndAreChosenByEveryPartOfTheQuery() async throws {
            var late = entry("late", code: 7)
            late.time = Timestamp(seconds: 1_900_000_000)
            late.principal = nil
            late.uid = nil
            late.tokenID = nil
            try await store.append([entry("a"), entry("b", code: 5, message: "no"), entry("c"), late])
            func methods(_ query: AuditQuery) async throws -> [String] {
                try await store.auditRecords(query).map(\.entry.method)
            }
            #expect(try await methods(AuditQuery(limit: 10)) == ["late", "c", "b", "a"])
            #expect(try await methods(AuditQuery(limit: 2)) == ["late", "c"])
            #expect(try await methods(AuditQuery(limit: 10, beforeSequence: 4)) == ["b", "a"])
            #expect(try await methods(AuditQuery(limit: 10, principal: "alice")) == ["c", "b", "a"])
            #expect(try await methods(AuditQuery(limit: 10, method: "b")) == ["b"])
            #expect(try await methods(AuditQuery(limit: 10, failuresOnly: true)) == ["late", "b"])
            #expect(try await methods(AuditQuery(limit: 10, since: Timestamp(seconds: 1_850_000_000))) == ["late"])
            #expect(try await methods(AuditQuery(limit: -1)).isEmpty)
            #expect(try await store.auditRecords(AuditQuery(limit: 1)).first?.entry == late)
        }

        @Test func hostileTextIsRecordedAsItIs() async throws {
            var hostile = entry("x'); DROP TABLE audit; --", message: "{\"a\",NULL,\\} $1 ü🙂\n\u{202e}")
            hostile.principal = "%s%n\u{7f}"
            try await store.append([hostile])
            #expect(try await store.auditRecords(AuditQuery(limit: 1)).first?.entry == hostile)
            try await store.append([entry("nul\0byte")])
            #expect(try await store.auditRecords(AuditQuery(limit: 1)).first?.entry.method == "nul\u{FFFD}byte")
        }

        @Test(arguments: ["wgm_owner", "wgmd"]) func recordsAreNeitherChangedNorDeleted(role: String) async throws {
            try await store.append([entry()])
            let connection = try database.connection(role)
            func isRefused(_ body: () throws -> Void) -> Bool {
                do { try body() } catch StoreFailure.other(let words) { return words.contains("SQLSTATE 42501") } catch
                {}
                return false
            }
            #expect(isRefused { try connection.query("UPDATE audit SET message = 'nothing happened'") })
            #expect(isRefused { try connection.query("UPDATE audit SET message = '' WHERE sequence = 99") })
            #expect(isRefused { try connection.query("DELETE FROM audit") })
            #expect(isRefused { try connection.query("TRUNCATE audit") })
            #expect(try await store.auditRecords(AuditQuery(limit: 10)).count == 1)
        }

        @Test func theDaemonsRoleHasTheRightsItNeedsAndNoMore() throws {
            let connection = try database.connection()
            var audit = try connection.row(
                """
                SELECT has_table_privilege('wgmd', 'audit', 'SELECT'), has_table_privilege('wgmd', 'audit', 'INSERT'),
                       has_table_privilege('wgmd', 'audit', 'UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER'),
                       has_table_privilege('wgmd', 'revision', 'UPDATE,DELETE,TRUNCATE'),
                       has_table_privilege('wgmd', 'schema_version', 'INSERT,UPDATE,DELETE'),
                       has_schema_privilege('wgmd', 'wgm', 'CREATE'),
                       has_database_privilege('wgmd', current_database(), 'CREATE')
                """
            )
            #expect(try audit.bool())
            #expect(try audit.bool())
            for _ in 0..<5 { #expect(try !audit.bool()) }
        }
    }
}
