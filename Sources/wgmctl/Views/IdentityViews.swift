// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// What a login gave; the token itself is never shown.
struct LoginResult: Presentable {
    var reply: V1.LoginResponse
    var now: Timestamp

    var document: Document {
        .object([
            "principal": .text(reply.principal), "roles": .texts(reply.roles),
            "expires_unix_ms": .number(reply.expiresUnixMs),
            "became_first_admin": .flag(reply.becameFirstAdmin ?? false),
        ])
    }

    func text(styled: Bool) -> String {
        let table = Table(details: [
            ("Principal", reply.principal ?? ""),
            ("Roles", Words.list(reply.roles)),
            ("Token ends", Words.expiry(reply.expiresUnixMs, now: now)),
        ])
        guard reply.becameFirstAdmin == true else { return table.rendered(styled: styled) }
        return table.rendered(styled: styled) + "You are the first admin of this gateway.\n"
    }
}

/// Who the token belongs to and what it may do.
struct Identity: Presentable {
    var reply: V1.WhoAmIResponse
    var now: Timestamp

    var document: Document {
        .object([
            "principal": .text(reply.principal), "roles": .texts(reply.roles), "token_id": .text(reply.tokenId),
            "expires_unix_ms": .number(reply.expiresUnixMs), "uid": .number(reply.uid),
            "certificate": .text(reply.certificate),
            "grants": .grants(reply.grants),
        ])
    }

    func text(styled: Bool) -> String {
        let table = Table(details: [
            ("Principal", reply.principal ?? ""),
            ("Roles", Words.list(reply.roles)),
            ("User id", Words.number(reply.uid)),
            ("Token", reply.tokenId ?? ""),
            ("Token ends", Words.expiry(reply.expiresUnixMs, now: now)),
        ])
        guard !reply.grants.isEmpty else { return table.rendered(styled: styled) }
        var grants = Table([.init(title: "RESOURCE"), .init(title: "VERBS")])
        for grant in reply.grants { grants.append([grant.resource ?? "", grant.verbs.joined(separator: ",")]) }
        return table.rendered(styled: styled) + "\n" + grants.rendered(styled: styled)
    }
}

/// A token just issued, with or without the token itself.
struct IssuedToken: Presentable {
    var reply: V1.IssueTokenResponse
    /// False when the token went to a file.
    var showsToken: Bool
    var now: Timestamp

    var document: Document {
        var members: [String: Document] = [
            "token_id": .text(reply.tokenId), "expires_unix_ms": .number(reply.expiresUnixMs),
            "beyond_roles": .grants(reply.beyondRoles),
        ]
        if showsToken { members["token"] = .text(reply.token) }
        return .object(members)
    }

    /// The token alone, so that `$(wgmctl token issue)` is one.
    func text(styled: Bool) -> String {
        guard !showsToken else { return (reply.token ?? "").printable + "\n" }
        return Table(details: [
            ("Token", reply.tokenId ?? ""), ("Token ends", Words.expiry(reply.expiresUnixMs, now: now)),
        ]).rendered(styled: styled)
    }
}

/// Tokens of programs, one per row; the tokens themselves are nowhere.
struct TokenList: Presentable {
    var tokens: [V1.TokenInfo]
    var now: Timestamp

    var document: Document {
        .list(
            tokens.map { token in
                .object([
                    "token_id": .text(token.tokenId), "principal": .text(token.principal),
                    "issuer": .text(token.issuer),
                    "issued_unix_ms": .number(token.issuedUnixMs), "expires_unix_ms": .number(token.expiresUnixMs),
                    "uid": .number(token.uid), "certificate": .text(token.certificate),
                    "is_revoked": .flag(token.isRevoked ?? false), "grants": .grants(token.grants),
                ])
            }
        )
    }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "TOKEN"), .init(title: "PRINCIPAL"), .init(title: "FOR"), .init(title: "ISSUED BY"),
            .init(title: "ISSUED"), .init(title: "ENDS"),
        ])
        for token in tokens {
            let users = [token.uid.map { "uid \($0)" }, token.certificate.map { _ in "a certificate" }].compactMap {
                $0
            }
            let end = token.isRevoked == true ? "revoked" : Words.expiry(token.expiresUnixMs, now: now)
            table.append([
                token.tokenId ?? "", token.principal ?? "", users.joined(separator: ", "), token.issuer ?? "",
                Words.time(token.issuedUnixMs), end,
            ])
        }
        return table.rendered(styled: styled)
    }
}

/// Persons and robots, one per row.
struct PrincipalList: Presentable {
    var principals: [V1.Principal]

    var document: Document { .list(principals.map(\.document)) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "NAME"), .init(title: "UID", alignment: .right), .init(title: "ROLES"),
            .init(title: "CREATED"),
        ])
        for principal in principals {
            table.append([
                principal.name ?? "", Words.number(principal.uid), principal.roles.joined(separator: ","),
                Words.time(principal.createdUnixMs),
            ])
        }
        return table.rendered(styled: styled)
    }
}

/// One person or robot.
struct PrincipalDetails: Presentable {
    var principal: V1.Principal

    var document: Document { principal.document }

    func text(styled: Bool) -> String {
        Table(details: [
            ("Name", principal.name ?? ""),
            ("User id", Words.number(principal.uid)),
            ("Roles", Words.list(principal.roles)),
            ("Created", Words.time(principal.createdUnixMs)),
        ]).rendered(styled: styled)
    }
}

extension V1.Principal {
    fileprivate var document: Document {
        .object([
            "name": .text(name), "uid": .number(uid), "roles": .texts(roles),
            "created_unix_ms": .number(createdUnixMs),
        ])
    }
}

extension Document {
    fileprivate static func grants(_ grants: [V1.Grant]) -> Document {
        .list(grants.map { .object(["resource": .text($0.resource), "verbs": .texts($0.verbs)]) })
    }
}
