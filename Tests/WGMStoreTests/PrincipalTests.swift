// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    @Suite struct Principals {
        let store: PostgresStore
        let database: TestDatabase

        init() throws {
            database = try TestCluster.database()
            store = try database.store()
        }

        private func principal(_ text: String) async throws -> PrincipalRecord? {
            try await store.load().principals[name(text)]
        }

        @Test func theFirstAdminIsMadeOnceAsAuditRecordOne() async throws {
            try await store.append([entry("before")])
            let made = try await store.change(.makeFirstAdmin(principal: name("root"), uid: 0))
            #expect(made.principals.map(\.roles) == [[.admin]])
            #expect(made.principals.map(\.uid) == [0])
            let records = try await store.auditRecords(AuditQuery(limit: 10))
            #expect(records.map(\.sequence) == [2, 1])
            #expect(records.last?.revision == 1)
            #expect(
                await failure { try await store.change(.makeFirstAdmin(principal: name("eve"), uid: 1)) } == .notFirst
            )
            #expect(try await principal("eve") == nil)
        }

        @Test func noSecondFirstAdminIsMadeAfterTheFirstHasLostTheRole() async throws {
            try await store.change(.makeFirstAdmin(principal: name("root"), uid: 0))
            try database.connection().query("DELETE FROM principal_role")
            #expect(
                await failure { try await store.change(.makeFirstAdmin(principal: name("eve"), uid: 1)) } == .notFirst
            )
            #expect(try await principal("eve") == nil)
        }

        @Test func ofManyWhoWantToBeFirstAtOnceOneIs() async throws {
            let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<6 {
                    let store = try database.store()
                    let change = try Change.makeFirstAdmin(principal: name("p\(number)"), uid: UInt32(number))
                    group.addTask { await failure { try await store.change(change) } == nil }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(winners == 1)
            #expect(try await store.load().principals.values.filter { $0.roles == [.admin] }.count == 1)
            #expect(try await store.auditRecords(AuditQuery(limit: 10)).map(\.sequence) == [1])
        }

        @Test func rolesAreReplacedAndAPrincipalIsMadeWhenThereIsNone() async throws {
            try await store.change(.makeFirstAdmin(principal: name("root"), uid: 0))
            try await store.change(.setRoles(principal: name("alice"), uid: 1000, roles: [.viewer, .operator]))
            try await store.change(.setRoles(principal: name("robot"), uid: nil, roles: [.viewer]))
            #expect(try await principal("alice")?.roles == [.viewer, .operator])
            #expect(try await principal("robot")?.uid == nil)
            try await store.change(.setRoles(principal: name("alice"), uid: nil, roles: []))
            #expect(try await principal("alice")?.roles == [])
            #expect(try await principal("alice")?.uid == 1000)
        }

        @Test func aUserIDBelongsToOnePrincipalForGood() async throws {
            try await store.change(.setRoles(principal: name("alice"), uid: 1000, roles: [.viewer]))
            #expect(
                await failure { try await store.change(.setRoles(principal: name("bob"), uid: 1000, roles: [])) }
                    == .taken(what: "user id 1000", owner: "principal alice")
            )
            #expect(
                await failure { try await store.change(.setRoles(principal: name("alice"), uid: 7, roles: [])) }
                    == .taken(what: "name", owner: "principal alice with user id 1000")
            )
            #expect(
                await failure { try await store.change(.makeFirstAdmin(principal: name("bob"), uid: 1000)) }
                    == .taken(what: "user id 1000", owner: "principal alice")
            )
        }

        @Test func theLastAdminStaysOne() async throws {
            try await store.change(.makeFirstAdmin(principal: name("root"), uid: 0))
            let fall = try Change.setRoles(principal: name("root"), uid: nil, roles: [.viewer])
            #expect(await failure { try await store.change(fall) } == .lastAdmin)
            #expect(try await principal("root")?.roles == [.admin])
            try await store.change(.setRoles(principal: name("alice"), uid: 1000, roles: [.admin]))
            try await store.change(fall)
            #expect(try await principal("root")?.roles == [.viewer])
        }

        @Test func twoAdminsWhoDegradeEachOtherAtOnceLeaveOne() async throws {
            try await store.change(.makeFirstAdmin(principal: name("root"), uid: 0))
            try await store.change(.setRoles(principal: name("alice"), uid: 1000, roles: [.admin]))
            let (first, second) = (try database.store(), try database.store())
            let (fallOfRoot, fallOfAlice) = (
                try Change.setRoles(principal: name("root"), uid: nil, roles: []),
                try Change.setRoles(principal: name("alice"), uid: nil, roles: [])
            )
            async let one = failure { try await first.change(fallOfRoot) }
            async let two = failure { try await second.change(fallOfAlice) }
            #expect(await [one, two].compactMap(\.self) == [.lastAdmin])
        }

        @Test func revokedTokensAreKnownUntilTheyExpire() async throws {
            try await store.change(.setRoles(principal: name("alice"), uid: 1000, roles: [.viewer]))
            let future = Timestamp(seconds: 4_000_000_000)
            let revoked = try await store.change(
                .revokeToken(principal: name("alice"), tokenID: "'; --", expires: future)
            )
            let token = { RevokedToken(principal: try name("alice"), tokenID: $0) }
            #expect(try revoked.revokedTokens == [token("'; --")])
            try await store.change(
                .revokeToken(principal: name("alice"), tokenID: "old", expires: Timestamp(seconds: 1))
            )
            try await store.change(
                .revokeToken(principal: name("alice"), tokenID: "endless", expires: Timestamp(seconds: .max))
            )
            try await store.change(
                .revokeToken(principal: name("alice"), tokenID: "'; --", expires: Timestamp(seconds: 2))
            )
            #expect(try await store.load().revokedTokens == [token("'; --"), token("endless")])
            #expect(
                await failure {
                    try await store.change(.revokeToken(principal: name("x"), tokenID: "t", expires: future))
                } == .notFound(.principal(try name("x")))
            )
        }

        @Test func issuedTokensAreRememberedUntilTheyEnd() async throws {
            try await store.change(.setRoles(principal: name("alice"), uid: 1000, roles: [.viewer]))
            try await store.change(.setRoles(principal: name("robot"), uid: nil, roles: [.viewer]))
            func token(_ id: String, of principal: String, expires: Int64 = 4_000_000_000) throws -> TokenRecord {
                let grant = try #require(Grant(resource: "node/*/interface/wg0/**", verbs: ["list", "get"]))
                return TokenRecord(
                    token: RevokedToken(principal: try name(principal), tokenID: id),
                    issuer: "o'root",
                    issued: Timestamp(seconds: 1_800_000_000 + Int64(id.utf8.count)),
                    expires: Timestamp(seconds: expires),
                    binding: try #require(TokenBinding(uid: 7, certificate: Array(repeating: 0xa5, count: 32))),
                    grants: [grant, Grant(resource: .everything, verbs: [.all])]
                )
            }
            let records = try [
                token("a", of: "alice"), token("bb", of: "robot"), token("old", of: "robot", expires: 1),
            ]
            for record in records { try await store.recordToken(record, audit: entry("wgm.v1.Auth/IssueToken")) }
            #expect(try await store.tokens(id: nil, principal: nil, limit: 9) == [records[1], records[0]])
            #expect(try await store.tokens(id: nil, principal: nil, limit: 1) == [records[1]])
            #expect(try await store.tokens(id: "a", principal: nil, limit: 9) == [records[0]])
            #expect(try await store.tokens(id: nil, principal: name("robot"), limit: 9) == [records[1]])
            #expect(try await store.tokens(id: "old", principal: nil, limit: 9).isEmpty)
            #expect(try await store.auditRecords(AuditQuery(limit: 9, method: "wgm.v1.Auth/IssueToken")).count == 3)
            // Nothing of one that cannot be remembered, its audit record neither.
            let unknown = try token("c", of: "nobody")
            #expect(
                await failure { try await store.recordToken(unknown, audit: entry("wgm.v1.Auth/IssueToken")) }
                    == .notFound(.principal(try name("nobody")))
            )
            #expect(try await store.auditRecords(AuditQuery(limit: 9, method: "wgm.v1.Auth/IssueToken")).count == 3)
        }

        @Test func allTokensOfAPrincipalAreRevokedUpToAMomentThatOnlyMovesForward() async throws {
            try await store.change(.setRoles(principal: name("alice"), uid: 1000, roles: [.viewer]))
            #expect(try await principal("alice")?.tokensValidFrom == Timestamp(seconds: 0))
            let moment = Timestamp(seconds: 1_800_000_000, nanoseconds: 5000)
            try await store.change(.revokeTokens(principal: name("alice"), issuedBefore: moment))
            try await store.change(.revokeTokens(principal: name("alice"), issuedBefore: Timestamp(seconds: 9)))
            #expect(try await principal("alice")?.tokensValidFrom == moment)
            #expect(
                await failure { try await store.change(.revokeTokens(principal: name("x"), issuedBefore: moment)) }
                    == .notFound(.principal(try name("x")))
            )
        }
    }
}
