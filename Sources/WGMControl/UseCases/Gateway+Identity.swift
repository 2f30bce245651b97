// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    private static let maxGrants = 64

    package func whoAmI(_ context: CallContext) throws(Refusal) -> Identity {
        let credential = try caller(context)
        record(context)
        return Identity(
            principal: credential.principal,
            roles: credential.roles.sorted(),
            tokenID: credential.claims.tokenID,
            expires: credential.expires,
            binding: credential.claims.binding,
            grants: credential.rights.grants
        )
    }

    /// Makes a token of at most the caller's own rights; its record is written before it is handed out.
    ///
    /// The idempotency key is not used: a retry makes another token, and the reply, a secret, is kept nowhere.
    package func issueToken(_ request: TokenRequest, _ context: CallContext) async throws(Refusal) -> IssuedToken {
        let credential = try caller(context)
        let token = try checked(request, credential, context)
        for grant in token.grants { try credential.rights.requireHolding(grant) }
        try begin(context)
        var issued = try await issue(token)
        let roles = Rights(token: token.grants, roles: view.principal(token.subject)?.grants ?? [])
        issued.beyondRoles = token.grants
            .map { grant in
                Grant(resource: grant.resource, verbs: grant.verbs.filter { !roles.allow($0, on: grant.resource) })
            }
            .filter { !$0.verbs.isEmpty }
        let record = TokenRecord(
            token: RevokedToken(principal: token.subject, tokenID: token.tokenID),
            issuer: credential.principal.value,
            issued: Timestamp(seconds: token.issued),
            expires: issued.expires,
            binding: token.binding,
            grants: token.grants
        )
        do throws(StoreFailure) {
            let entry = context.entry(message: "token \(token.tokenID) for \(token.subject)")
            try await store.recordToken(record, audit: entry)
        } catch { throw .store(error) }
        return issued
    }

    private func checked(
        _ request: TokenRequest,
        _ credential: Credential,
        _ context: CallContext
    ) throws(Refusal) -> TokenClaims {
        var checker = Checker()
        let name = checker.principal(request.principal, caller: credential.principal)
        let lifetime = checker.number(request.lifetime, in: 60...86_400, else: 3600, "lifetime_s")
        let grants = checker.grants(request.grants, max: Self.maxGrants)
        let certificate = checker.certificate(request.bindCertificate)
        if request.bindUID == .max { checker.refuse("bind_uid", "0 to \(UInt32.max - 1)") }
        if context.terms.confirmation != .none {
            checker.refuse("confirm", "only changes of interfaces and peers can be confirmed")
        }
        try checker.finish()
        guard let name else { throw .invalid([]) }
        guard let principal = view.principal(name) else { throw .store(.notFound(.principal(name))) }
        let uid = request.bindUID ?? (certificate == nil ? principal.uid : nil)
        guard let binding = TokenBinding(uid: uid, certificate: certificate) else {
            let rule = "needed, or a client certificate, since \(name) has no user id of its own"
            throw .invalid([.init(field: "bind_uid", rule: rule)])
        }
        return claims(
            for: name,
            validFrom: principal.tokensValidFrom,
            lifetime: Int64(lifetime),
            binding: binding,
            grants: grants.isEmpty ? principal.grants : grants
        )
    }

    /// The tokens that were issued for programs and have not ended, newest first, 1000 at most; true with those that are worthless.
    package func listTokens(
        of principal: String?,
        _ context: CallContext
    ) async throws(Refusal) -> [(token: TokenRecord, isRevoked: Bool)] {
        var checker = Checker()
        let name = principal.flatMap { $0.isEmpty ? nil : checker.objectName($0, "principal") }
        try checker.finish()
        let records: [TokenRecord]
        do throws(StoreFailure) { records = try await store.tokens(id: nil, principal: name, limit: 1000) } catch {
            throw .store(error)
        }
        record(context)
        return records.map { ($0, isRevoked($0.token, issued: $0.issued)) }
    }

    private func isRevoked(_ token: RevokedToken, issued: Timestamp) -> Bool {
        let validFrom = view.principal(token.principal)?.tokensValidFrom
        return view.isRevoked(token) || validFrom.map { issued < $0 } ?? false
    }

    /// Makes one token worthless, or all that the principal was issued so far, for every call from now on.
    ///
    /// Whose an issued token is need not be said; a token of another than who is said, and an id without either, are refused.
    package func revokeToken(
        principal: String?,
        tokenID: String?,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<Void> {
        let credential = try caller(context)
        var checker = Checker()
        var context = context
        var name = checker.principal(principal, caller: credential.principal)
        let id = tokenID.flatMap { $0.isEmpty ? nil : $0 }
        if let id, !TokenClaims.isTokenID(id) { checker.refuse("token_id", "22 characters of base64url") }
        try checker.finish()
        if let id {
            let said = principal.flatMap { $0.isEmpty ? nil : name }
            name = try await owner(of: id, said: said, credential)
        }
        guard let name, let tokens = ResourcePattern("principal/\(name)/token") else { throw .invalid([]) }
        context.permission = Permission(verb: Verb.revoke.rawValue, resources: [tokens])
        context.resource = "\(tokens)"
        let last = Timestamp(seconds: context.time.seconds + TokenVerifier.maxLifetime + TokenVerifier.maxSkew)
        let change =
            id.map { Change.revokeToken(principal: name, tokenID: $0, expires: last) }
            ?? .revokeTokens(principal: name, issuedBefore: context.time)
        return try await identityLane.withLock(true) { () async throws(Refusal) in
            try begin(context)
            switch try await commit(change, context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _): return .done((), revision: revision)
            }
        }
    }

    private func known(_ name: ObjectName) -> UInt32? { view.principal(name)?.uid }

    private func owner(of id: String, said: ObjectName?, _ credential: Credential) async throws(Refusal) -> ObjectName?
    {
        if id == credential.claims.tokenID, said ?? credential.principal == credential.principal {
            return credential.principal
        }
        let record: TokenRecord?
        do throws(StoreFailure) { record = try await store.tokens(id: id, principal: nil, limit: 1).first } catch {
            throw .store(error)
        }
        let owner = record?.token.principal
        // That of a login is in no table: who says whose it is has to know.
        guard let known = owner ?? said, known == said ?? known else { throw .store(.notFound(.token(id))) }
        return known
    }

    package func listPrincipals(_ context: CallContext) throws(Refusal) -> ([PrincipalRecord], Freshness) {
        try requireLoaded()
        record(context)
        return (view.principals, view.freshness)
    }

    /// Gives the principal exactly these roles; the caller must hold whatever the new ones allow.
    package func setRoles(
        name: String?,
        uid: UInt32?,
        roles: [String],
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<PrincipalRecord> {
        let credential = try caller(context)
        var checker = Checker()
        let name = checker.objectName(name, "name")
        let wanted = checker.roles(roles)
        if uid == .max { checker.refuse("uid", "0 to \(UInt32.max - 1)") }
        // So is called who logs in without a principal: a robot of that name would be taken for that user.
        if let name, name.value.hasPrefix("uid-"), let number = UInt32(name.value.dropFirst(4)),
            uid ?? known(name) != number
        {
            checker.refuse("name", "\(name) stands for the user \(number): say that uid too, or choose another name")
        }
        try checker.finish()
        guard let name else { throw .invalid([]) }
        return try await identityLane.withLock(true) { () async throws(Refusal) in
            try begin(context)
            let before = view.principal(name)
            let added = wanted.subtracting(before?.roles ?? [])
            for grant in added.sorted().flatMap({ $0.grants(for: name) }) {
                try credential.rights.requireHolding(grant)
            }
            let change = Change.setRoles(principal: name, uid: uid, roles: wanted)
            switch try await commit(change, context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                if let old = before?.uid, let uid, uid != old { try await disown(name, context) }
                guard let principal = view.principal(name) else { throw .store(.notFound(.principal(name))) }
                return .done(principal, revision: revision)
            }
        }
    }

    /// A principal that another user was made: the tokens of the user before are worthless from now on.
    private func disown(_ name: ObjectName, _ context: CallContext) async throws(Refusal) {
        var entry = context.entry(message: "the principal got another user id")
        entry.method = "wgmd/revoke"
        entry.request = "{}"
        _ = try await commit(.revokeTokens(principal: name, issuedBefore: clock.now), entry, key: nil)
    }

    private func caller(_ context: CallContext) throws(Refusal) -> Credential {
        guard let credential = context.credential else { throw .unauthenticated("a token is needed") }
        return credential
    }
}

extension Checker {
    /// The caller when nobody is named.
    fileprivate mutating func principal(_ text: String?, caller: ObjectName) -> ObjectName? {
        guard let text, !text.isEmpty else { return caller }
        return objectName(text, "principal")
    }

    fileprivate mutating func certificate(_ text: String?) -> [UInt8]? {
        guard let text, !text.isEmpty else { return nil }
        let digest = TokenBinding.digest(text)
        if digest == nil { refuse("bind_certificate", "the SHA-256 of a certificate's DER form, in base64url or hex") }
        return digest
    }

    fileprivate mutating func roles(_ texts: [String]) -> Set<Role> {
        var roles: Set<Role> = []
        for (index, text) in texts.enumerated() {
            if let role = Role(rawValue: text) {
                roles.insert(role)
            } else {
                let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
                refuse("roles[\(index)]", "one of \(known)")
            }
        }
        return roles
    }

    fileprivate mutating func grants(_ requests: [GrantRequest], max: Int) -> [Grant] {
        if requests.count > max { refuse("grants", "at most \(max)") }
        return requests.prefix(max).enumerated().compactMap { index, request in
            if ResourcePattern(request.resource) == nil {
                refuse("grants[\(index)].resource", ResourcePattern.rule)
            }
            if request.verbs.isEmpty || request.verbs.contains(where: { Verb(rawValue: $0) == nil }) {
                let known = Verb.allCases.filter { !$0.isReserved }.map(\.rawValue).joined(separator: ", ")
                let unknown = request.verbs.first { Verb(rawValue: $0) == nil }
                let found = unknown.map { " and not \"\($0)\"" } ?? ""
                refuse("grants[\(index)].verbs", "at least one of \(known)\(found)")
            }
            return Grant(resource: request.resource, verbs: request.verbs)
        }
    }
}
