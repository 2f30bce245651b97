// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// The table of tokens that were issued for programs.
struct IssuedTokens {
    let connection: Connection

    func record(_ record: TokenRecord) throws(StoreFailure) {
        try connection.query("DELETE FROM issued_token WHERE expires < now() - interval '1 hour'")
        let rows = try connection.query(
            """
            INSERT INTO issued_token (token_id, principal, issuer, issued, expires, uid, certificate, grants)
            SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM principal WHERE name = $2
            RETURNING principal
            """,
            .text(record.token.tokenID),
            .text(record.token.principal.value),
            .text(storable(record.issuer)),
            .time(record.issued),
            .time(record.expires),
            .int(record.binding.uid),
            .bytes(record.binding.certificate),
            .texts(record.grants.map(\.scope))
        )
        guard !rows.isEmpty else { throw .notFound(.principal(record.token.principal)) }
    }

    func records(id: String?, principal: ObjectName?, limit: Int) throws(StoreFailure) -> [TokenRecord] {
        let rows = try connection.query(
            """
            SELECT t.token_id, p.name, t.issuer, t.issued, t.expires, t.uid, t.certificate, t.grants
            FROM issued_token t JOIN principal p ON p.id = t.principal
            WHERE t.expires > now() AND ($1 IS NULL OR t.token_id = $1) AND ($2 IS NULL OR p.name = $2)
            ORDER BY t.issued DESC, t.token_id LIMIT $3
            """,
            .text(id.map(storable)),
            .text(principal?.value),
            .int(limit)
        )
        var records: [TokenRecord] = []
        for var row in rows { records.append(try row.issuedToken()) }
        return records
    }
}

extension Row {
    fileprivate mutating func issuedToken() throws(StoreFailure) -> TokenRecord {
        let id = try text()
        let principal = try required(ObjectName(text()))
        let issuer = try text()
        let (issued, expires) = (try time(), try time())
        let (uid, certificate) = (try optionalInt(), try optionalBytes())
        let binding = try required(TokenBinding(uid: uid.map { UInt32(clamping: $0) }, certificate: certificate))
        var grants: [Grant] = []
        for scope in try texts() { grants.append(try required(Grant(scope: scope))) }
        return TokenRecord(
            token: RevokedToken(principal: principal, tokenID: id),
            issuer: issuer,
            issued: issued,
            expires: expires,
            binding: binding,
            grants: grants
        )
    }
}
