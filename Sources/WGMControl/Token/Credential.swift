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
    let epoch: UInt64

    package var principal: ObjectName { claims.subject }
    package var expires: Timestamp { Timestamp(seconds: claims.expires) }

    /// The same credential for one call that asked to have its rights narrowed.
    package func narrowed(to scope: Grant) -> Credential {
        Credential(claims: claims, roles: roles, rights: rights.narrowed(to: scope), epoch: epoch)
    }
}
