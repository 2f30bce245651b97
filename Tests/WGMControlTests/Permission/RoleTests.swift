// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct RoleTests {
    /// What each role may do, written out: the verbs on each kind of resource, for a principal named `me`.
    private static let golden: [Role: [String: [Verb]]] = [
        .viewer: [
            "node/n1/interface/*": [.get, .list],
            "node/n1/interface/wg0": [.get, .list],
            "node/n1/interface/wg0/peer/*": [.get, .list],
            "node/n1/interface/wg0/peer/p": [.get, .list],
            "node/n1/audit": [],
            "node/n1": [],
            "principal/me": [],
            "principal/me/token": [],
            "principal/other/token": [],
            "principal/*/token": [],
            "principal/*": [],
            "**": [],
        ],
        .operator: [
            "node/n1/interface/*": [.get, .list, .create, .update, .delete],
            "node/n1/interface/wg0": [.get, .list, .create, .update, .delete],
            "node/n1/interface/wg0/peer/*": [.get, .list, .create, .update, .delete],
            "node/n1/interface/wg0/peer/p": [.get, .list, .create, .update, .delete],
            "node/n1/audit": [],
            "node/n1": [],
            "principal/me": [],
            "principal/me/token": [.issue, .revoke],
            "principal/other/token": [],
            "principal/*/token": [],
            "principal/*": [],
            "**": [],
        ],
        .admin: Dictionary(
            uniqueKeysWithValues: [
                "node/n1/interface/*", "node/n1/interface/wg0", "node/n1/interface/wg0/peer/*",
                "node/n1/interface/wg0/peer/p", "node/n1/audit", "node/n1", "principal/me", "principal/me/token",
                "principal/other/token", "principal/*/token", "principal/*", "**",
            ].map { path in
                (path, [.get, .list, .create, .update, .delete, .grant, .issue, .revoke, .routeAll, .takeOver, .all])
            }
        ),
    ]

    @Test("every role has exactly the verbs of the table", arguments: Role.allCases)
    func goldenTable(role: Role) throws {
        let me = try #require(ObjectName("me"))
        let rights = Rights(
            token: [Grant(resource: .everything, verbs: Set(Verb.allCases))],
            roles: role.grants(for: me)
        )
        let rows = try #require(Self.golden[role])
        #expect(rows.count == 12)
        for (path, verbs) in rows {
            let resource = try #require(ResourcePattern(path))
            for verb in Verb.allCases {
                #expect(rights.allow(verb, on: resource) == verbs.contains(verb), "\(role) \(verb) \(path)")
            }
        }
    }

    @Test("nobody without a role may do anything, whatever the token says", arguments: Verb.allCases)
    func noRole(verb: Verb) throws {
        let everything = Grant(resource: .everything, verbs: Set(Verb.allCases))
        let resource = try #require(ResourcePattern("node/n1/interface/wg0"))
        #expect(!Rights(token: [everything], roles: []).allow(verb, on: resource))
        #expect(!Rights(token: [], roles: [everything]).allow(verb, on: resource))
    }

    @Test("a role holds what smaller roles allow, so that an admin can give them all")
    func adminHoldsAll() throws {
        let me = try #require(ObjectName("me"))
        let admin = Role.admin.grants(for: me)
        for role in Role.allCases {
            for grant in role.grants(for: try #require(ObjectName("other"))) {
                try Rights(token: admin, roles: admin).requireHolding(grant)
            }
        }
    }
}
