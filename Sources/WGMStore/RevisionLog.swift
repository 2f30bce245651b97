// SPDX-License-Identifier: Apache-2.0

import WGMControl

/// The numbering of wanted states, and what made each.
struct RevisionLog {
    let connection: Connection
    let node: String

    /// The number that this transaction's revision gets.
    ///
    /// Writers queue here, so that who has seen revision N has seen everything before it, and no two changes that pass
    /// their checks can contradict each other.
    func lockNext() throws(StoreFailure) -> Int64 {
        var row = try connection.row("SELECT revision FROM head FOR UPDATE")
        let (next, isBeyond) = try row.int().addingReportingOverflow(1)
        guard !isBeyond else { throw .other("the number of the last revision cannot be one of ours; restore a backup") }
        return next
    }

    func record(
        _ change: Change,
        revision: Int64,
        audit: AuditEntry,
        touched: Touched
    ) throws(StoreFailure) {
        try History(connection: connection, node: node).record(touched, revision: revision)
        try connection.query("UPDATE head SET revision = $1", .int(revision))
        try connection.query(
            """
            INSERT INTO revision (number, principal, request_id, method, summary, reason, node)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            .int(revision),
            .text(audit.principal.map(storable)),
            .text(storable(audit.requestID)),
            .text(storable(audit.method)),
            .text(change.summary(for: audit)),
            .text(storable(audit.reason)),
            .text(node)
        )
        let log = AuditLog(connection: connection, node: node)
        if case .makeFirstAdmin = change {
            try log.appendFirst(audit, revision: revision)
        } else {
            try log.append([audit], revision: revision)
        }
    }
}

extension Change {
    func summary(for audit: AuditEntry) -> String {
        if let undone = audit.undoes { return "undo revision \(undone), which the kernel refused: \(summary)" }
        guard case .rollBack = self, case .settles(let revision) = audit.terms.confirmation else { return summary }
        return "undo revision \(revision), which was not confirmed"
    }

    /// A few words for the list of revisions.
    var summary: String {
        switch self {
        case .createInterface(let new): "create interface \(new.name)"
        case .importInterface(let new):
            "import interface \(new.interface.name) with \(new.peers.count) \(new.peers.count == 1 ? "peer" : "peers")"
        case .setInterfaceUp(let name, let up): "set interface \(name) \(up ? "up" : "down")"
        case .rotateKey(let name, let step): "\(step.summary) of interface \(name)"
        case .setDriftPolicy(let name, let policy): "set drift policy of interface \(name) to \(policy)"
        case .adopt(let name, let adoption): "adopt what was changed by hand on \(name): \(adoption.summary)"
        case .confirm(let revision): "confirm revision \(revision)"
        case .applyFile(let change): "apply a gateway file: \(change.summary)"
        case .rollBack(let target): "roll back to revision \(target)"
        case .deleteInterface(let name, _): "delete interface \(name)"
        case .createPeers(let interface, let peers): "create \(Self.peers(peers.map(\.name))) of \(interface)"
        case .updateInterface(let name, let update): "change interface \(name): \(update.summary)"
        case .updatePeer(let interface, let name, let update): "change peer \(name) of \(interface): \(update.summary)"
        case .setPeersEnabled(let interface, let names, let enabled):
            "\(enabled ? "enable" : "disable") \(Self.peers(names)) of \(interface)"
        case .deletePeers(let interface, let names): "delete \(Self.peers(names)) of \(interface)"
        case .setRoles(let principal, _, let roles):
            "set roles of \(principal) to \(roles.isEmpty ? "none" : roles.sorted().map(\.rawValue).joined(separator: ", "))"
        case .revokeToken(let principal, _, _): "revoke a token of \(principal)"
        case .revokeTokens(let principal, _): "revoke all tokens of \(principal)"
        case .makeFirstAdmin(let principal, _): "make \(principal) the first admin"
        }
    }

    fileprivate static func peers(_ names: [some CustomStringConvertible]) -> String {
        let shown = names.prefix(3).map(\.description).joined(separator: ", ")
        let rest = names.count > 3 ? " and \(names.count - 3) more" : ""
        return "\(names.count == 1 ? "peer" : "peers") \(shown)\(rest)"
    }
}

/// PostgreSQL's text holds every character but one.
func storable(_ text: String) -> String {
    guard text.utf8.contains(0) else { return text }
    return String(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : Character($0) })
}
