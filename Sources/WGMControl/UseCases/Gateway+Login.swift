// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    /// Seconds.
    static let loginLifetime: Int64 = 900
    /// What the kernel shows for a user that has no number here, and what stands for "no change".
    private static let nobody: Set<UInt32> = [65534, .max]

    /// Gives the caller on the Unix socket a short-lived token for everything that the caller's roles allow.
    ///
    /// Whose principal that is, the user id alone decides, never the user's name. Somebody without a principal gets a token
    /// that allows nothing: so every later refusal names the missing permission and has a name in the audit log. Such a
    /// token does not gain anything when roles are given later; a new login does.
    ///
    /// While there is no admin, user id 0 becomes the first one.
    package func login(userName: String?, _ context: CallContext) async throws(Refusal) -> Login {
        guard let uid = context.uid, !Self.nobody.contains(uid) else {
            throw .unauthenticated("only a user of this host can log in, over the Unix socket")
        }
        try requireLoaded()
        let isFirst = try await becomeFirstAdmin(uid: uid, userName: userName, context)
        let principal = view.principal(uid: uid)
        let name = principal?.name ?? unknownName(uid: uid, userName: userName)
        let claims = claims(
            for: name,
            validFrom: principal?.tokensValidFrom,
            lifetime: Self.loginLifetime,
            binding: TokenBinding(uid: uid),
            grants: principal?.grants ?? []
        )
        let issued = try await issue(claims)
        if !isFirst {
            var entry = context.entry(message: "token \(claims.tokenID)")
            entry.principal = name.value
            audit.record(entry)
        }
        let roles = (principal?.roles ?? []).sorted()
        return Login(issued: issued, principal: name, roles: roles, becameFirstAdmin: isFirst)
    }

    private func becomeFirstAdmin(uid: UInt32, userName: String?, _ context: CallContext) async throws(Refusal) -> Bool
    {
        guard uid == 0, !view.hasAdmin, let name = ObjectName(userName ?? "root") ?? ObjectName("root") else {
            return false
        }
        return try await identityLane.withLock(true) { () async throws(Refusal) in
            guard !view.hasAdmin else { return false }
            var entry = context.entry(message: "first admin")
            entry.principal = name.value
            do throws(Refusal) {
                _ = try await commit(.makeFirstAdmin(principal: name, uid: uid), entry, key: nil)
                return true
            } catch {
                // Somebody was first, at another time or on another node.
                guard error == .store(.notFirst) else { throw error }
                return false
            }
        }
    }

    /// The user's name, unless a principal who is somebody else has it.
    private func unknownName(uid: UInt32, userName: String?) -> ObjectName {
        if let name = userName.flatMap({ ObjectName($0) }), view.principal(name) == nil { return name }
        return ObjectName("uid-\(uid)") ?? node
    }

    func claims(
        for principal: ObjectName,
        validFrom: Timestamp?,
        lifetime: Int64,
        binding: TokenBinding,
        grants: [Grant]
    ) -> TokenClaims {
        // Claims count whole seconds: a token made in the second of a revocation must say the next one, or it would be
        // taken for one from before.
        let earliest = validFrom.map { $0.seconds + ($0.nanoseconds > 0 ? 1 : 0) } ?? 0
        return TokenClaims(
            node: node,
            subject: principal,
            tokenID: TokenClaims.makeTokenID(),
            issued: max(clock.now.seconds, earliest),
            lifetime: lifetime,
            binding: binding,
            grants: grants
        )
    }

    func issue(_ claims: TokenClaims) async throws(Refusal) -> IssuedToken {
        let token = try await issuer.sign(claims)
        return IssuedToken(token: token, tokenID: claims.tokenID, expires: Timestamp(seconds: claims.expires))
    }
}
