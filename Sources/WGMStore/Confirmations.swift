// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// The change of a node that is undone unless somebody confirms it; there is one at most.
struct Confirmations {
    let connection: Connection
    let node: String

    func pending() throws(StoreFailure) -> Unconfirmed? {
        let rows = try connection.query(
            "SELECT revision, principal, deadline FROM unconfirmed WHERE node = $1",
            .text(node)
        )
        guard var row = rows.first else { return nil }
        return Unconfirmed(revision: try row.int(), principal: try row.optionalText(), deadline: try row.time())
    }

    /// Refuses what must wait, and what ends a waiting that is over.
    ///
    /// What wgmd does by itself is let through, so that nobody is let in for longer; but it takes nothing over meanwhile.
    func admit(_ change: Change, _ audit: AuditEntry) throws(StoreFailure) {
        let pending = try pending()
        if case .settles(let revision) = audit.terms.confirmation {
            guard pending?.revision == revision else { throw .nothingUnconfirmed }
            return
        }
        guard let pending, change.isOfObjects else { return }
        if case .adopt = change { throw .unconfirmed(pending) }
        guard audit.principal == nil, audit.method.hasPrefix("wgmd/") else { throw .unconfirmed(pending) }
    }

    func record(_ audit: AuditEntry, revision: Int64) throws(StoreFailure) {
        switch audit.terms.confirmation {
        case .none, .within: return
        case .by(let deadline):
            try connection.query(
                "INSERT INTO unconfirmed (node, revision, principal, deadline) VALUES ($1, $2, $3, $4)",
                .text(node),
                .int(revision),
                .text(audit.principal.map(storable)),
                .time(deadline)
            )
        case .settles: try connection.query("DELETE FROM unconfirmed WHERE node = $1", .text(node))
        }
    }
}
