// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// A verified token, bound to the caller who showed it, with what it allows as of one epoch.
///
/// It is made by `Gateway.authenticate` and kept for a connection; `Gateway.recheck` brings it up to date before each
/// call, without cryptography.
package struct Credential: Sendable {
    package let claims: TokenClaims
    /// The principal's roles now.
    package let roles: Set<Role>
    package let rights: Rights
    /// What calls have narrowed it to; it stays that narrow when it is rechecked.
    package let scopes: [Grant]
    let epoch: UInt64

    init(claims: TokenClaims, principal: PrincipalRecord?, scopes: [Grant], epoch: UInt64) {
        self.claims = claims
        self.scopes = scopes
        self.epoch = epoch
        roles = principal?.roles ?? []
        let whole = Rights(token: claims.grants, roles: principal?.grants ?? [])
        rights = scopes.reduce(whole) { $0.narrowed(to: $1) }
    }

    package var principal: ObjectName { claims.subject }
    package var expires: Timestamp { Timestamp(seconds: claims.expires) }
}
