// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Who may do what: asked by the server before it calls a use case.
extension Gateway {
    /// Verifies a token shown by this caller; for a connection's AUTH frame.
    package func authenticate(token: String, bearer: Bearer) throws(Refusal) -> Credential {
        let claims: TokenClaims
        do throws(TokenFault) {
            claims = try verifier.verify(token, at: clock.now)
        } catch {
            throw .unauthenticated(error.message)
        }
        if let words = bearer.refusal(of: claims.binding) { throw .unauthenticated(words) }
        return try credential(claims, narrowedTo: [])
    }

    /// The credential as it is now; cheap when nothing changed, and the last moment to notice that it is worthless.
    package func recheck(_ credential: Credential) throws(Refusal) -> Credential {
        guard credential.epoch != view.identityEpoch else {
            try requireUnexpired(credential.claims)
            return credential
        }
        return try self.credential(credential.claims, narrowedTo: credential.scopes)
    }

    /// Refuses unless the credential, rechecked, covers the verb on every one of the resources.
    ///
    /// `scope`, as `PATTERN VERB,VERB`, narrows this one call. The credential that comes back is the one to call with.
    package func authorise(
        _ credential: Credential,
        verb: String,
        resources: [ResourcePattern],
        scope: String? = nil
    ) throws(Refusal) -> Credential {
        let current = try narrow(credential, scope)
        guard let verb = Verb(rawValue: verb), !resources.isEmpty else {
            throw .permissionMissing(verb: verb, resource: resources.first?.description ?? "")
        }
        for resource in resources { try current.rights.require(verb, on: resource) }
        return current
    }

    /// The last look before a change is made, for a call that may have waited for others.
    ///
    /// Its caller may have lost the right meanwhile, or given the call up.
    func begin(_ context: CallContext) throws(Refusal) {
        if let credential = context.credential {
            let current = try recheck(credential)
            if let permission = context.permission {
                guard let verb = Verb(rawValue: permission.verb) else {
                    throw .permissionMissing(verb: permission.verb, resource: "")
                }
                for resource in permission.resources { try current.rights.require(verb, on: resource) }
            }
        }
        for interface in view.interfaces {
            if let due = interface.rotation?.due { try refuseTrial(over: due, of: interface.name, context) }
        }
        guard context.passCommitPoint() else { throw .givenUp }
    }

    /// Undoing a change on trial would take back what came in between: a key that was switched at the moment its peers were told.
    func refuseTrial(over due: Timestamp, of interface: InterfaceName, _ context: CallContext) throws(Refusal) {
        guard case .within(let seconds) = context.terms.confirmation,
            due.milliseconds <= clock.now.milliseconds + Int64(seconds) * 1000
        else { return }
        let rule =
            "the key of \(interface) is switched at \(due), within this time: choose a shorter one, or wait until then"
        throw .invalid([.init(field: "confirm", rule: rule)])
    }

    /// The credential as it is now, with no more rights than `scope` leaves it.
    package func narrow(_ credential: Credential, _ scope: String?) throws(Refusal) -> Credential {
        guard let scope, !scope.isEmpty else { return try recheck(credential) }
        guard let grant = Grant(scope: scope) else {
            throw .invalid([.init(field: "scope", rule: "a resource pattern, one space, and verbs between commas")])
        }
        return try self.credential(credential.claims, narrowedTo: credential.scopes + [grant])
    }

    private func credential(_ claims: TokenClaims, narrowedTo scopes: [Grant]) throws(Refusal) -> Credential {
        // The epoch first: a change that comes in between is then noticed on the next call.
        let epoch = view.identityEpoch
        try requireUnexpired(claims)
        try requireLoaded()
        let principal = view.principal(claims.subject)
        let isOld = principal.map { Timestamp(seconds: claims.issued) < $0.tokensValidFrom } ?? false
        let token = RevokedToken(principal: claims.subject, tokenID: claims.tokenID)
        guard !isOld, !view.isRevoked(token) else {
            throw .unauthenticated("the token was revoked")
        }
        return Credential(claims: claims, principal: principal, scopes: scopes, epoch: epoch)
    }

    private func requireUnexpired(_ claims: TokenClaims) throws(Refusal) {
        guard clock.now.seconds < claims.expires else { throw .unauthenticated(TokenFault.expired.message) }
    }
}
