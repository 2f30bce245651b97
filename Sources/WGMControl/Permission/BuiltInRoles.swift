// SPDX-License-Identifier: Apache-2.0

package import WGMModel

extension Role {
    /// The table of built-in roles; `{self}` is the principal's own name.
    private static let table: [Role: [(resource: String, verbs: Set<Verb>)]] = [
        .viewer: [("node/*/interface/**", [.get, .list])],
        .operator: [
            ("node/*/interface/**", [.get, .list, .create, .update, .delete]),
            ("principal/{self}/token", [.issue, .revoke]),
        ],
        .admin: [("**", [.all, .grant, .issue, .revoke, .routeAll, .list])],
    ]

    /// What the role lets this principal do.
    package func grants(for principal: ObjectName) -> [Grant] {
        (Self.table[self] ?? []).compactMap { row in
            let path = row.resource.split(separator: "/").map { $0 == "{self}" ? principal.value : String($0) }
            return ResourcePattern(path.joined(separator: "/")).map { Grant(resource: $0, verbs: row.verbs) }
        }
    }
}

extension PrincipalRecord {
    /// What the principal's roles allow.
    package var grants: [Grant] { roles.sorted().flatMap { $0.grants(for: name) } }
}
