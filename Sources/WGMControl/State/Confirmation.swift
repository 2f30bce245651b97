// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What a change has to do with confirmations.
package enum Confirmation: Hashable, Sendable {
    case none
    /// It is undone unless it is confirmed so many seconds after it was made.
    case within(seconds: UInt32)
    /// The same, with the moment.
    case by(Timestamp)
    /// It ends the waiting for the confirmation of this revision, or is refused if that is over.
    case settles(Int64)
}

/// On what terms a change is made.
package struct CommitTerms: Hashable, Sendable {
    package var confirmation = Confirmation.none
    /// The caller's own session, which the change must not cut; nil when it may.
    package var session: CallerSession?

    package init() {}
}

/// A change that is undone unless somebody confirms it.
package struct Unconfirmed: Hashable, Sendable {
    /// The one that made it; what was before is undone to.
    package var revision: Int64
    /// Who made it.
    package var principal: String?
    package var deadline: Timestamp

    package init(revision: Int64, principal: String?, deadline: Timestamp) {
        self.revision = revision
        self.principal = principal
        self.deadline = deadline
    }
}

extension Change {
    /// True for what changes interfaces and peers, and nothing else can be confirmed.
    package var isOfObjects: Bool {
        switch self {
        case .createInterface, .setInterfaceUp, .setDriftPolicy, .adopt, .rollBack, .applyFile, .deleteInterface,
            .rotateKey, .createPeers, .setPeersEnabled, .deletePeers, .updateInterface, .updatePeer, .importInterface:
            true
        case .confirm, .setRoles, .revokeToken, .revokeTokens, .makeFirstAdmin: false
        }
    }
}
