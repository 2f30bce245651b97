// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension ChangeWriter {
    /// Makes the principal when there is none; a uid, once known, stays.
    func setRoles(_ roles: Set<Role>, of name: ObjectName, uid: UInt32?) throws(StoreFailure) -> Touched {
        let principal = try madePrincipal(name, uid: uid)
        let wasAdmin = try reader.principals(name).first?.roles.contains(.admin) == true
        try connection.query("DELETE FROM principal_role WHERE principal = $1", .int(principal))
        try connection.query(
            "INSERT INTO principal_role (principal, role) SELECT $1, unnest($2::text[])",
            .int(principal),
            .texts(roles.sorted().map(\.rawValue))
        )
        if wasAdmin, try adminCount() == 0 { throw .lastAdmin }
        return try touched(name)
    }

    func revokeToken(_ id: String, of name: ObjectName, expires: Timestamp) throws(StoreFailure) -> Touched {
        let principal = try foundPrincipal(name)
        try connection.query("DELETE FROM revoked_token WHERE expires < now() - interval '1 hour'")
        try connection.query(
            """
            INSERT INTO revoked_token (token_id, principal, expires) VALUES ($1, $2, $3)
            ON CONFLICT (principal, token_id) DO UPDATE SET expires = greatest(revoked_token.expires, excluded.expires)
            """,
            .text(id),
            .int(principal),
            .time(expires)
        )
        var touched = Touched()
        touched.revokedTokens = [RevokedToken(principal: name, tokenID: id)]
        return touched
    }

    /// Never moves backwards: a token once worthless stays so.
    func revokeTokens(of name: ObjectName, issuedBefore moment: Timestamp) throws(StoreFailure) -> Touched {
        try connection.query(
            "UPDATE principal SET tokens_valid_from = greatest(tokens_valid_from, $2) WHERE id = $1",
            .int(try foundPrincipal(name)),
            .time(moment)
        )
        return try touched(name)
    }

    /// The primary key of the audit record with number 1 is what makes this happen once at most.
    func makeFirstAdmin(_ name: ObjectName, uid: UInt32) throws(StoreFailure) -> Touched {
        guard try adminCount() == 0 else { throw .notFirst }
        let principal = try madePrincipal(name, uid: uid)
        try connection.query(
            "INSERT INTO principal_role (principal, role) VALUES ($1, 'admin')",
            .int(principal)
        )
        return try touched(name)
    }

    private func touched(_ name: ObjectName) throws(StoreFailure) -> Touched {
        var touched = Touched()
        touched.principals = try reader.principals(name)
        return touched
    }

    private func adminCount() throws(StoreFailure) -> Int64 {
        var row = try connection.row("SELECT count(*) FROM principal_role WHERE role = 'admin'")
        return try row.int()
    }

    private func foundPrincipal(_ name: ObjectName) throws(StoreFailure) -> Int64 {
        let rows = try connection.query("SELECT id FROM principal WHERE name = $1 FOR UPDATE", .text(name.value))
        guard var row = rows.first else { throw .notFound(.principal(name)) }
        return try row.int()
    }

    private func madePrincipal(_ name: ObjectName, uid: UInt32?) throws(StoreFailure) -> Int64 {
        if let uid {
            let owners = try connection.query(
                "SELECT name FROM principal WHERE uid = $1 AND name <> $2",
                .int(uid),
                .text(name.value)
            )
            if var row = owners.first { throw .taken(what: "user id \(uid)", owner: "principal \(try row.text())") }
        }
        try connection.query(
            "INSERT INTO principal (name, uid) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT principal_name DO NOTHING",
            .text(name.value),
            .int(uid)
        )
        var row = try connection.row(
            "UPDATE principal SET uid = coalesce(uid, $2) WHERE name = $1 RETURNING id, uid",
            .text(name.value),
            .int(uid)
        )
        let id = try row.int()
        if let present = try row.optionalInt(), let uid, present != Int64(uid) {
            throw .taken(what: "name", owner: "principal \(name) with user id \(present)")
        }
        return id
    }
}
