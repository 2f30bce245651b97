// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct GatewayViewTests {
    private let now = Timestamp(seconds: 1000)

    private func touched(_ name: String, roles: Set<Role> = []) throws -> Touched {
        var touched = Touched()
        touched.principals = [
            PrincipalRecord(
                name: try #require(ObjectName(name)),
                uid: nil,
                roles: roles,
                tokensValidFrom: Timestamp(seconds: 0),
                created: now
            )
        ]
        return touched
    }

    @Test("commits may be taken over in any order")
    func outOfOrder() throws {
        let view = GatewayView()
        #expect(view.replace(GatewayState(revision: 4), known: 0, at: now))
        view.apply(try touched("b"), revision: 6, at: now)
        #expect(view.revision == 6 && view.isBehind(6))
        view.apply(try touched("a"), revision: 5, at: now)
        #expect(view.revision == 6 && !view.isBehind(6) && view.isBehind(7))
        #expect(view.principals.map(\.name.value) == ["a", "b"])
    }

    @Test("another's commit in between is noticed")
    func gap() throws {
        let view = GatewayView()
        _ = view.replace(GatewayState(revision: 4), known: 0, at: now)
        view.apply(try touched("b"), revision: 6, at: now)
        #expect(view.isBehind(6))
        #expect(view.replace(GatewayState(revision: 6), known: 6, at: now))
        #expect(!view.isBehind(6))
    }

    @Test("a read that began before a commit does not take it back")
    func slowRead() throws {
        let view = GatewayView()
        _ = view.replace(GatewayState(revision: 4), known: 0, at: now)
        let known = view.revision
        view.apply(try touched("a"), revision: 5, at: now)
        #expect(!view.replace(GatewayState(revision: 4), known: known, at: now))
        #expect(view.principals.count == 1)
    }

    @Test("a commit that was read already is not taken over again")
    func lateApply() throws {
        let view = GatewayView()
        _ = view.replace(GatewayState(revision: 5), known: 0, at: now)
        view.apply(try touched("a"), revision: 5, at: now)
        #expect(view.principals.isEmpty)
    }

    @Test("a database that went back is the truth")
    func restore() throws {
        let view = GatewayView()
        _ = view.replace(GatewayState(revision: 9), known: 0, at: now)
        #expect(view.isBehind(3))
        #expect(view.replace(GatewayState(revision: 3), known: 9, at: now))
        #expect(view.revision == 3)
    }

    @Test("the identity epoch moves with principals and revocations, not with interfaces")
    func epochs() throws {
        let view = GatewayView()
        _ = view.replace(GatewayState(revision: 1), known: 0, at: now)
        let first = view.identityEpoch
        view.apply(Touched(), revision: 2, at: now)
        #expect(view.identityEpoch == first)
        view.apply(try touched("a"), revision: 3, at: now)
        let second = view.identityEpoch
        #expect(second != first)
        var revoked = Touched()
        let token = RevokedToken(principal: try #require(ObjectName("a")), tokenID: "t")
        revoked.revokedTokens = [token]
        view.apply(revoked, revision: 4, at: now)
        #expect(view.identityEpoch != second && view.isRevoked(token))
        #expect(!view.isRevoked(RevokedToken(principal: try #require(ObjectName("b")), tokenID: "t")))
    }

    @Test("freshness says since when, and why")
    func freshness() {
        let view = GatewayView()
        #expect(view.age(at: now) == nil && !view.isLoaded)
        _ = view.replace(GatewayState(revision: 1), known: 0, at: now)
        view.markStale("connection refused")
        #expect(view.freshness == Freshness(asOf: now, staleReason: "connection refused"))
        #expect(view.age(at: Timestamp(seconds: 1061)) == 61)
        view.markFresh(at: Timestamp(seconds: 1061))
        #expect(view.freshness == Freshness(asOf: Timestamp(seconds: 1061)))
    }
}

@Suite struct KeyedLockTests {
    @Test("one at a time for each key, in order")
    func order() async {
        let lock = KeyedLock<Int>()
        let log = Log()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    await lock.withLock(index % 2) {
                        await log.enter(index % 2)
                        await Task.yield()
                        await log.leave(index % 2)
                    }
                }
            }
        }
        #expect(await log.maxInside == 1)
        #expect(await log.entered == 200)
    }

    @Test("what is thrown inside releases the lock")
    func throwing() async {
        let lock = KeyedLock<Int>()
        let found = await refusal { () async throws(Refusal) in
            try await lock.withLock(1) { () async throws(Refusal) in throw .underWay }
        }
        #expect(found == .underWay)
        let value = await lock.withLock(1) { 5 }
        #expect(value == 5)
    }

    private actor Log {
        private var inside: [Int: Int] = [:]
        var maxInside = 0
        var entered = 0
        func enter(_ key: Int) {
            inside[key, default: 0] += 1
            maxInside = max(maxInside, inside[key] ?? 0)
            entered += 1
        }
        func leave(_ key: Int) { inside[key, default: 0] -= 1 }
    }
}
