// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension Change {
    /// True when it may be about all the peers that there are.
    var isAboutAll: Bool {
        switch self {
        case .rollBack, .deleteInterface: true
        case .applyFile(let change): !change.deletedInterfaces.isEmpty
        default: false
        }
    }

    /// How many peers it names.
    var peerCount: Int {
        switch self {
        case .importInterface(let new): new.peers.count
        case .createPeers(_, let peers): peers.count
        case .setPeersEnabled(_, let names, _), .deletePeers(_, let names): names.count
        case .adopt(_, let adoption):
            adoption.newPeers.count + adoption.disabledPeers.count + adoption.changedPeers.count
        case .applyFile(let change):
            change.newPeers.values.reduce(0) { $0 + $1.count } + change.changedPeers.values.reduce(0) { $0 + $1.count }
                + change.deletedPeers.values.reduce(0) { $0 + $1.count }
        default: 0
        }
    }
}

/// Writes one change inside a transaction that holds the lock of `RevisionLog.lockNext`.
///
/// Conflicts are looked for first, so that the refusal can name the owner; the schema's constraints stand behind that.
struct ChangeWriter {
    let connection: Connection
    let node: String
    let revision: Int64
    let caller: AuditEntry

    var reader: StateReader { StateReader(connection: connection, node: node) }

    func apply(_ change: Change) throws(StoreFailure) -> Touched {
        switch change {
        case .createInterface(let new): try createInterface(new)
        case .importInterface(let new): try importInterface(new)
        case .setInterfaceUp(let name, let up): try setInterface(name, up: up)
        case .setDriftPolicy(let name, let policy): try setDriftPolicy(policy, of: name)
        case .adopt(let name, let adoption): try adopt(adoption, by: name)
        case .rollBack(let target): try rollBack(to: target)
        case .confirm: Touched()
        case .applyFile(let change): try applyFile(change)
        case .deleteInterface(let name, let withPeers): try deleteInterface(name, withPeers: withPeers)
        case .createPeers(let interface, let peers): try createPeers(peers, of: interface)
        case .updateInterface(let name, let update): try updateInterface(name, update)
        case .rotateKey(let name, let step): try rotateKey(of: name, step)
        case .updatePeer(let interface, let name, let update): try updatePeer(name, of: interface, update)
        case .setPeersEnabled(let interface, let names, let enabled):
            try setPeers(names, of: interface, enabled: enabled)
        case .deletePeers(let interface, let names): try deletePeers(names, of: interface)
        case .setRoles(let principal, let uid, let roles): try setRoles(roles, of: principal, uid: uid)
        case .revokeToken(let principal, let id, let expires):
            try revokeToken(id, of: principal, expires: expires)
        case .revokeTokens(let principal, let moment): try revokeTokens(of: principal, issuedBefore: moment)
        case .makeFirstAdmin(let principal, let uid): try makeFirstAdmin(principal, uid: uid)
        }
    }

    /// The interface, locked until the transaction ends.
    func lockedInterface(_ name: InterfaceName) throws(StoreFailure) -> InterfaceRecord {
        let rows = try connection.query(
            """
            SELECT i.id FROM interface i JOIN node n ON n.id = i.node WHERE n.name = $1 AND i.name = $2
            FOR UPDATE OF i
            """,
            .text(node),
            .text(name.value)
        )
        guard var row = rows.first else { throw .notFound(.interface(name)) }
        let record = try reader.interfaces([InterfaceID(UInt64(clamping: row.int()))]).first
        guard let record else { throw .notFound(.interface(name)) }
        return record
    }
}
