// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Who is calling, and what they may do", .serialized)
struct IdentityTests {
    @Test("Root became the first admin, as audit record 1, and a second login changes nothing")
    func firstAdminOnce() async throws {
        let gateway = try await Gateway.shared.value
        let again = try gateway.control("login", "-o", "json")
        #expect(again.json(LoginDocument.self)?.becameFirstAdmin == false)
        let records = try gateway.control("audit", "list", "--limit", "1000000", "-o", "json").json(
            [AuditDocument].self
        )
        let first = try #require(records?.last)
        #expect(first.sequence == 1)
        #expect(first.method.hasSuffix("Auth/Login"))
        #expect(first.uid == 0)
        #expect(first.code == 0)
    }

    @Test("A user without a role learns which permission is missing, and leaves a record")
    func strangerIsRefused() async throws {
        let gateway = try await Gateway.shared.value
        let refused = try gateway.controlAsDaemon("peer", "list", "wg0")
        #expect(refused.code == 5, "\(refused.errors)")
        #expect(refused.errors.contains("permission"), "\(refused.errors)")
        let records = try gateway.control("audit", "list", "--failures", "-o", "json").json([AuditDocument].self)
        #expect(records?.contains { $0.uid == 1 && $0.code == 7 } == true)
    }

    @Test("A viewer sees and changes nothing, until the role is taken away")
    func viewerSees() async throws {
        let gateway = try await Gateway.shared.value
        #expect(try gateway.control("principal", "set-roles", "daemon", "--role", "viewer").code == 0)
        let list = try gateway.controlAsDaemon("peer", "list", "wg0", "-o", "json")
        #expect(list.json([PeerDocument].self)?.contains { $0.name == "alice" } == true, "\(list.errors)")
        let disable = try gateway.controlAsDaemon("peer", "disable", "wg0", "alice")
        #expect(disable.code == 5)
        #expect(disable.errors.contains("update"), "\(disable.errors)")
        #expect(disable.errors.contains("peer/alice"), "\(disable.errors)")
        let rise = try gateway.controlAsDaemon("principal", "set-roles", "daemon", "--role", "admin")
        #expect(rise.code == 5)
        #expect(try gateway.control("principal", "set-roles", "daemon", "--no-roles").code == 0)
        #expect(try gateway.controlAsDaemon("peer", "list", "wg0").code == 5)
    }

    @Test("The last admin cannot be removed")
    func lastAdminStays() async throws {
        let gateway = try await Gateway.shared.value
        let result = try gateway.control("principal", "set-roles", "root", "--role", "viewer")
        #expect(result.code == 4, "\(result.errors)")
        #expect(try gateway.control("peer", "list", "wg0").code == 0)
    }

    @Test("A revoked token is worthless at the next call")
    func revokedToken() async throws {
        let gateway = try await Gateway.shared.value
        let file = gateway.folder.newFile()
        #expect(try gateway.control("token", "issue", "--output-file", file).code == 0)
        let whoami = try gateway.control("whoami", "--token-file", file, "-o", "json")
        let tokenID = try #require(whoami.json(IdentityDocument.self)?.tokenId)
        #expect(try gateway.control("peer", "list", "wg0", "--token-file", file).code == 0)
        #expect(try gateway.control("token", "revoke", tokenID).code == 0)
        #expect(try gateway.control("peer", "list", "wg0", "--token-file", file).code == 6)
    }

    @Test("A token of another user is worthless")
    func foreignToken() async throws {
        let gateway = try await Gateway.shared.value
        let file = gateway.folder.newFile()
        #expect(try gateway.control("token", "issue", "--output-file", file).code == 0)
        try makeReadableByAll(file)
        #expect(try gateway.controlAsDaemon("peer", "list", "wg0", "--token-file", file).code == 6)
    }
}
