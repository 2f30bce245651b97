// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMWire

/// Who is calling, and tokens.
struct AuthHandler: AuthService {
    let gateway: Gateway

    func login(_ request: V1.LoginRequest, _ context: CallContext) -> Reply<V1.LoginResponse> {
        .asking { () async throws(Refusal) in
            V1.LoginResponse(try await gateway.login(userName: context.uid.flatMap(userName(of:)), context))
        }
    }

    func whoAmI(_ request: V1.WhoAmIRequest, _ context: CallContext) -> Reply<V1.WhoAmIResponse> {
        .answering { () throws(Refusal) in V1.WhoAmIResponse(try gateway.whoAmI(context)) }
    }

    func issueToken(_ request: V1.IssueTokenRequest, _ context: CallContext) -> Reply<V1.IssueTokenResponse> {
        .asking { () async throws(Refusal) in
            V1.IssueTokenResponse(try await gateway.issueToken(TokenRequest(request), context))
        }
    }

    func listTokens(_ request: V1.ListTokensRequest, _ context: CallContext) -> Reply<V1.ListTokensResponse> {
        .asking { () async throws(Refusal) in
            let tokens = try await gateway.listTokens(of: request.principal, context)
            return V1.ListTokensResponse(tokens: tokens.map { V1.TokenInfo($0.token, isRevoked: $0.isRevoked) })
        }
    }

    func revokeToken(_ request: V1.RevokeTokenRequest, _ context: CallContext) -> Reply<V1.RevokeTokenResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.revokeToken(principal: request.principal, tokenID: request.tokenId, context)
        } reply: { _, revision in
            V1.RevokeTokenResponse(revision: revision)
        }
    }
}

/// Persons and robots, and their roles.
struct PrincipalsHandler: PrincipalsService {
    let gateway: Gateway

    func list(_ request: V1.ListPrincipalsRequest, _ context: CallContext) -> Reply<V1.ListPrincipalsResponse> {
        .answering { () throws(Refusal) in
            let (principals, freshness) = try gateway.listPrincipals(context)
            return V1.ListPrincipalsResponse(
                principals: principals.map { V1.Principal($0) },
                freshness: V1.Freshness(freshness)
            )
        }
    }

    func setRoles(_ request: V1.SetRolesRequest, _ context: CallContext) -> Reply<V1.SetRolesResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.setRoles(name: request.name, uid: request.uid, roles: request.roles, context)
        } reply: { principal, revision in
            V1.SetRolesResponse(principal: V1.Principal(principal), revision: revision)
        }
    }
}
