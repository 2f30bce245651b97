// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct IdentityTests {
    private func path(_ text: String) throws -> [ResourcePattern] { [try #require(ResourcePattern(text))] }

    private func fails(_ body: () throws(Refusal) -> Credential) -> Refusal? {
        do throws(Refusal) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("root is the first admin, once, as audit record 1")
    func firstAdmin() async throws {
        let scene = try await Scene()
        let login = try await scene.gateway.login(userName: "root", scene.context(uid: 0))
        #expect(login.becameFirstAdmin && login.roles == [.admin])
        let first = try #require(await scene.store.audit.first)
        #expect(first.entry.principal == "root" && first.entry.uid == 0)
        let again = try await scene.gateway.login(userName: "root", scene.context(uid: 0))
        #expect(!again.becameFirstAdmin && again.roles == [.admin])
    }

    @Test("nobody but root becomes admin by being first", arguments: [1, 1000, 4_294_967_294])
    func notFirst(uid: UInt32) async throws {
        let scene = try await Scene()
        let login = try await scene.gateway.login(userName: "root", scene.context(uid: uid))
        #expect(!login.becameFirstAdmin && login.roles.isEmpty)
    }

    @Test("a caller whose user id is unknown, or nobody's, cannot log in", arguments: [nil, 65534, UInt32.max])
    func unknownCaller(uid: UInt32?) async throws {
        let scene = try await Scene()
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.login(userName: "root", scene.context(uid: uid))
        }
        guard case .unauthenticated = found else { throw found ?? .underWay }
    }

    @Test("somebody without roles gets a token that allows nothing, and every refusal names what is missing")
    func withoutRoles() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        let stranger = try await scene.login(uid: 1000, name: "stranger")
        #expect(stranger.principal.value == "stranger" && stranger.roles.isEmpty)
        let resources = try path("node/n1/interface/wg0")
        let found = fails { () throws(Refusal) in
            try scene.gateway.authorise(stranger, verb: "get", resources: resources)
        }
        #expect(found == .permissionMissing(verb: "get", resource: "node/n1/interface/wg0"))
        #expect(try scene.gateway.whoAmI(scene.context(stranger)).grants == [])
    }

    @Test("a user's name gives no rights: only the user id does")
    func nameIsNotIdentity() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await scene.gateway.setRoles(name: "alice", uid: 1000, roles: ["operator"], scene.context(root))
        _ = try await scene.gateway.setRoles(name: "robot", uid: nil, roles: ["admin"], scene.context(root))
        for name in ["alice", "robot", "root"] {
            let thief = try await scene.login(uid: 1001, name: name)
            #expect(thief.principal.value == "uid-1001" && thief.roles.isEmpty)
        }
        let alice = try await scene.login(uid: 1000, name: "renamed")
        #expect(alice.principal.value == "alice" && alice.roles == [.operator])
    }

    @Test("a token is useless to another user id, and to nobody in particular")
    func binding() async throws {
        let scene = try await Scene()
        let token = try await scene.gateway.login(userName: "root", scene.context(uid: 0)).issued.token
        let others: [Bearer] = [
            .user(1), .user(1000), .user(65534), .user(.max), .unknown, .remote(certificate: nil),
            .remote(certificate: Array(repeating: 0, count: 32)),
        ]
        for bearer in others {
            let found = fails { () throws(Refusal) in try scene.gateway.authenticate(token: token, bearer: bearer) }
            guard case .unauthenticated = found else { throw found ?? .underWay }
        }
        _ = try scene.gateway.authenticate(token: token, bearer: .user(0))
    }

    @Test("a token for a certificate is good for that certificate over TLS, and for nobody else")
    func certificateBinding() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let digest = [UInt8](repeating: 0xa5, count: 32)
        let texts = [
            Base64.encode(digest, variant: .url), String(repeating: "a5", count: 32),
            Array(repeating: "A5", count: 32).joined(separator: ":"),
        ]
        for text in texts {
            var request = TokenRequest()
            request.bindCertificate = text
            let issued = try await scene.gateway.issueToken(request, scene.context(root))
            let credential = try scene.gateway.authenticate(
                token: issued.token,
                bearer: .remote(certificate: digest)
            )
            #expect(credential.claims.binding == TokenBinding(uid: nil, certificate: digest))
            let others: [Bearer] = [
                .user(0), .unknown, .remote(certificate: nil),
                .remote(certificate: Array(repeating: 0xa4, count: 32)),
            ]
            for bearer in others {
                let found = fails { () throws(Refusal) in
                    try scene.gateway.authenticate(token: issued.token, bearer: bearer)
                }
                guard case .unauthenticated = found else { throw found ?? .underWay }
            }
        }
    }

    @Test("a token for a user and a certificate is good for either", arguments: [0, 0xa5] as [UInt8])
    func doubleBinding(byte: UInt8) async throws {
        let scene = try await Scene()
        let digest = [UInt8](repeating: byte, count: 32)
        var request = TokenRequest()
        request.bindUID = 0
        request.bindCertificate = Base64.encode(digest, variant: .url)
        let issued = try await scene.gateway.issueToken(request, scene.context(try await scene.login()))
        _ = try scene.gateway.authenticate(token: issued.token, bearer: .user(0))
        _ = try scene.gateway.authenticate(token: issued.token, bearer: .remote(certificate: digest))
    }

    @Test(
        "a digest of another form is refused",
        arguments: ["x", "a5", String(repeating: "a5", count: 33), String(repeating: "g5", count: 32)]
    )
    func wrongDigest(text: String) async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        var request = TokenRequest()
        request.bindCertificate = text
        await #expect(throws: Refusal.self) { try await scene.gateway.issueToken(request, scene.context(root)) }
    }

    @Test("a token ends when it says, on a connection that was opened before too")
    func expiry() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        scene.clock.advance(seconds: 899)
        _ = try scene.gateway.recheck(root)
        scene.clock.advance(seconds: 1)
        #expect(
            fails { () throws(Refusal) in try scene.gateway.recheck(root) }
                == .unauthenticated(TokenFault.expired.message)
        )
    }

    @Test("a role taken away is gone with the next call")
    func roleTaken() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["operator"], scene.context(root))
        let olga = try await scene.login(uid: 1001, name: "olga")
        let resources = try path("node/n1/interface/wg0")
        _ = try scene.gateway.authorise(olga, verb: "create", resources: resources)
        _ = try await scene.gateway.setRoles(name: "olga", uid: nil, roles: ["viewer"], scene.context(root))
        _ = try scene.gateway.authorise(olga, verb: "get", resources: resources)
        let found = fails { () throws(Refusal) in
            try scene.gateway.authorise(olga, verb: "create", resources: resources)
        }
        #expect(found == .permissionMissing(verb: "create", resource: "node/n1/interface/wg0"))
    }

    @Test("a token that was issued with less does not gain by a role given later")
    func roleGiven() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let early = try await scene.login(uid: 1001, name: "olga")
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["admin"], scene.context(root))
        let resources = try path("node/n1/interface/wg0")
        #expect(
            fails { () throws(Refusal) in try scene.gateway.authorise(early, verb: "get", resources: resources) } != nil
        )
        let late = try await scene.login(uid: 1001, name: "olga")
        _ = try scene.gateway.authorise(late, verb: "get", resources: resources)
    }

    @Test("one revoked token is worthless with the next call, others are not")
    func revokeOne() async throws {
        let scene = try await Scene()
        let first = try await scene.login()
        let second = try await scene.login()
        let id = first.claims.tokenID
        await #expect(throws: Refusal.store(.notFound(.token(id)))) {
            _ = try await scene.gateway.revokeToken(principal: nil, tokenID: id, scene.context(second))
        }
        _ = try await scene.gateway.revokeToken(principal: "root", tokenID: id, scene.context(second))
        #expect(
            fails { () throws(Refusal) in try scene.gateway.recheck(first) }
                == .unauthenticated("the token was revoked")
        )
        _ = try scene.gateway.recheck(second)
    }

    @Test("an issued token is listed until it ends, and revoked by its id, whose it is or is said to be")
    func revokeIssued() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await scene.gateway.setRoles(name: "ci", uid: nil, roles: ["viewer"], scene.context(root))
        var request = TokenRequest()
        request.principal = "ci"
        request.bindUID = 2000
        let issued = try await scene.gateway.issueToken(request, scene.context(root))
        let credential = try scene.gateway.authenticate(token: issued.token, bearer: .user(2000))
        for principal in ["root", "nobody"] {
            await #expect(throws: Refusal.self) {
                try await scene.gateway.revokeToken(principal: principal, tokenID: issued.tokenID, scene.context(root))
            }
        }
        // Who holds the token may not take it away: the right to revoke is looked at for whose it is.
        await #expect(throws: Refusal.permissionMissing(verb: "revoke", resource: "principal/ci/token")) {
            try await scene.gateway.revokeToken(principal: nil, tokenID: issued.tokenID, scene.context(credential))
        }
        _ = try scene.gateway.recheck(credential)
        let before = try await scene.gateway.listTokens(of: nil, scene.context(root))
        #expect(before.map(\.token.token.tokenID) == [issued.tokenID] && before[0].isRevoked == false)
        #expect(before[0].token.issuer == "root" && before[0].token.binding == TokenBinding(uid: 2000))
        #expect(try await scene.gateway.listTokens(of: "root", scene.context(root)).isEmpty)

        _ = try await scene.gateway.revokeToken(principal: nil, tokenID: issued.tokenID, scene.context(root))
        #expect(throws: Refusal.unauthenticated("the token was revoked")) { try scene.gateway.recheck(credential) }
        #expect(try await scene.gateway.listTokens(of: "ci", scene.context(root)).map(\.isRevoked) == [true])
        let record = try await scene.store.auditRecords(AuditQuery(limit: 1))
        #expect(record.first?.entry.resource == "principal/ci/token")
    }

    @Test("nobody gets the name of a user without a principal, but that user")
    func standInNames() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        for uid: UInt32? in [nil, 2348] {
            await #expect(throws: Refusal.self) {
                _ = try await scene.gateway.setRoles(name: "uid-2347", uid: uid, roles: ["admin"], scene.context(root))
            }
        }
        _ = try await scene.gateway.setRoles(name: "uid-2347", uid: 2347, roles: ["viewer"], scene.context(root))
        _ = try await scene.gateway.setRoles(name: "uid-2347", uid: nil, roles: ["operator"], scene.context(root))
        #expect(try await scene.login(uid: 2347, name: "x").rights.hold(.update))
        _ = try await scene.gateway.setRoles(name: "uid-x", uid: nil, roles: ["viewer"], scene.context(root))
    }

    @Test("after revoking all, only tokens made afterwards are good, within the same second too")
    func revokeAll() async throws {
        let scene = try await Scene()
        scene.clock.advance(milliseconds: 500)
        let old = try await scene.login()
        _ = try await scene.gateway.revokeToken(principal: nil, tokenID: nil, scene.context(old))
        #expect(fails { () throws(Refusal) in try scene.gateway.recheck(old) } != nil)
        scene.clock.advance(milliseconds: 100)
        let new = try await scene.login()
        _ = try scene.gateway.recheck(new)
    }

    @Test("a principal that another user was made leaves the first user's tokens worthless")
    func rebound() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["operator"], scene.context(root))
        let before = try await scene.login(uid: 1001, name: "olga")
        scene.clock.advance(seconds: 2)
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1002, roles: ["operator"], scene.context(root))
        #expect(fails { () throws(Refusal) in try scene.gateway.recheck(before) } != nil)
        #expect(try await scene.login(uid: 1002, name: "x").principal.value == "olga")
    }

    @Test("an issued token holds what was asked for, for whom, as long as asked")
    func issue() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await scene.gateway.setRoles(name: "ci", uid: nil, roles: ["viewer"], scene.context(root))
        var request = TokenRequest()
        request.principal = "ci"
        request.bindUID = 2000
        request.lifetime = 86_400
        request.grants = [GrantRequest(resource: "node/n1/interface/wg0/**", verbs: ["get", "create"])]
        let issued = try await scene.gateway.issueToken(request, scene.context(root))
        #expect(issued.beyondRoles == [Grant(resource: "node/n1/interface/wg0/**", verbs: ["create"])])
        let credential = try scene.gateway.authenticate(token: issued.token, bearer: .user(2000))
        #expect(credential.principal.value == "ci" && credential.expires.seconds == scene.clock.now.seconds + 86_400)
        _ = try scene.gateway.authorise(credential, verb: "get", resources: path("node/n1/interface/wg0/peer/a"))
        // The token has it, the role has not; and the other way round.
        let inside = try path("node/n1/interface/wg0/peer/a")
        let outside = try path("node/n1/interface/wg1")
        #expect(
            fails { () throws(Refusal) in try scene.gateway.authorise(credential, verb: "create", resources: inside) }
                != nil
        )
        #expect(
            fails { () throws(Refusal) in try scene.gateway.authorise(credential, verb: "get", resources: outside) }
                != nil
        )
        #expect(await scene.store.audit.last?.entry.message == "token \(issued.tokenID) for ci")
    }

    @Test(
        "nobody issues what they do not hold",
        arguments: [
            ("**", ["get"]), ("node/*/interface/**", ["get", "grant"]), ("node/*/interface/**", ["*"]),
            ("node/*/**", ["get"]),
            ("principal/olga/token", ["get"]), ("node/n1/audit", ["list"]),
            ("node/n1/interface/wg0/peer/a", ["route-all"]),
        ]
    )
    func notHeld(resource: String, verbs: [String]) async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["operator"], scene.context(root))
        let olga = try await scene.login(uid: 1001, name: "olga")
        var request = TokenRequest()
        request.grants = [GrantRequest(resource: resource, verbs: verbs)]
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.issueToken(request, scene.context(olga))
        }
        guard case .permissionMissing(_, resource) = found else { throw found ?? .underWay }
    }

    @Test("a narrow token issues nothing wider, though its owner's roles would allow it")
    func noEscalation() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        var narrow = TokenRequest()
        narrow.grants = [
            GrantRequest(resource: "principal/root/token", verbs: ["issue"]),
            GrantRequest(resource: "node/n1/interface/wg0", verbs: ["get"]),
        ]
        let issued = try await scene.gateway.issueToken(narrow, scene.context(root))
        let credential = try scene.gateway.authenticate(token: issued.token, bearer: .user(0))
        let all = await refusal { () async throws(Refusal) in
            try await scene.gateway.issueToken(TokenRequest(), scene.context(credential))
        }
        guard case .permissionMissing = all else { throw all ?? .underWay }
        let roles = await refusal { () async throws(Refusal) in
            try await scene.gateway.setRoles(name: "root2", uid: 5, roles: ["viewer"], scene.context(credential))
        }
        guard case .permissionMissing = roles else { throw roles ?? .underWay }
    }

    @Test("a call's scope narrows that call, also when roles change meanwhile")
    func scope() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let resources = try path("node/n1/interface/wg0")
        func refused(_ credential: Credential, _ verb: String, _ scope: String?) -> Refusal? {
            fails { () throws(Refusal) in
                try scene.gateway.authorise(credential, verb: verb, resources: resources, scope: scope)
            }
        }
        let scope = "node/*/interface/wg0 get,list"
        let missing = Refusal.permissionMissing(verb: "delete", resource: "node/n1/interface/wg0")
        let narrowed = try scene.gateway.authorise(root, verb: "get", resources: resources, scope: scope)
        #expect(refused(root, "delete", scope) == missing)
        #expect(refused(root, "delete", nil) == nil)
        #expect(refused(narrowed, "delete", nil) == missing)
        #expect(refused(narrowed, "delete", "** *") == missing)
        #expect(refused(narrowed, "list", "** get") != nil)
        _ = try await scene.gateway.setRoles(name: "olga", uid: 1001, roles: ["operator"], scene.context(root))
        #expect(refused(narrowed, "delete", nil) == missing)
        guard case .invalid = refused(root, "get", "nonsense") else { throw Refusal.underWay }
    }

    @Test("a request for a token is checked as a whole")
    func badTokenRequest() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        var request = TokenRequest()
        request.principal = "a/b"
        request.lifetime = 86_401
        request.grants = [GrantRequest(resource: "a/**/b", verbs: ["fly"]), GrantRequest(resource: "a", verbs: [])]
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.issueToken(request, scene.context(root))
        }
        guard case .invalid(let violations) = found else { throw found ?? .underWay }
        #expect(
            violations.map(\.field) == [
                "principal", "lifetime_s", "grants[0].resource", "grants[0].verbs", "grants[1].verbs",
            ]
        )
    }

    @Test("the last admin stays one")
    func lastAdmin() async throws {
        let scene = try await Scene()
        let root = try await scene.login()
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.setRoles(name: "root", uid: nil, roles: [], scene.context(root))
        }
        #expect(found == .store(.lastAdmin))
    }

    @Test("a token that was made while the keeper is away is an error, not a token")
    func keeperAway() async throws {
        let scene = try await Scene()
        scene.gateway.keys.remove(keyID: scene.signer.keyID)
        let found = await refusal { () async throws(Refusal) in
            try await scene.gateway.login(userName: "root", scene.context(uid: 0))
        }
        guard case .kernel(let failure, undoneBy: nil) = found else { throw found ?? .underWay }
        #expect(failure.reason == .keeperGone)
    }
}
