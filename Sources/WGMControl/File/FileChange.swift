// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What a gateway file makes of the wanted state, ready for the store: one revision, all of it or nothing.
package struct FileChange: Hashable, Sendable {
    package var deletedPeers: [InterfaceName: [ObjectName]] = [:]
    /// With their peers.
    package var deletedInterfaces: [InterfaceName] = []
    /// As they are to be.
    package var changedInterfaces: [InterfaceRecord] = []
    package var newInterfaces: [NewInterface] = []
    /// As they are to be, by the interface that has them; keys, addresses and prefixes may have moved between them.
    package var changedPeers: [InterfaceName: [PeerRecord]] = [:]
    package var newPeers: [InterfaceName: [NewPeer]] = [:]

    package init() {}

    /// True when nothing is let in that was not: then a refusal of the kernel is no reason to take it back.
    var onlyTakesAway: Bool {
        newInterfaces.isEmpty && changedInterfaces.isEmpty && newPeers.isEmpty
            && changedPeers.values.allSatisfy { $0.allSatisfy { !$0.isEnabled } }
    }
}

/// How many objects of each kind a file changes.
package struct FileCounts: Hashable, Sendable {
    package var created = 0
    package var changed = 0
    package var deleted = 0

    package var isEmpty: Bool { created + changed + deleted == 0 }

    init(_ objects: [ObjectDifference]) {
        for object in objects {
            switch object.kind {
            case .created: created += 1
            case .changed: changed += 1
            case .deleted: deleted += 1
            }
        }
    }

    /// For the list of revisions and the audit record.
    var words: String { "\(created) created, \(changed) changed, \(deleted) deleted" }
}
