// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What a watcher can ask to be told.
package enum WatchKind: UInt8, Hashable, Sendable, CaseIterable {
    case change, drift, state, sample
}

/// Something that a watcher is told.
package enum WatchEvent: Sendable {
    /// Nothing happened, and that is known up to the watcher's revision.
    case alive
    case changed(RevisionChange)
    case drift(InterfaceName, Drift)
    case state(PeerStateChange)
    case sample(InterfaceSample)
    /// So many events did not fit.
    case lost(UInt64)
}

/// What one revision made of interfaces and peers.
package struct RevisionChange: Hashable, Sendable {
    package var record: RevisionRecord
    /// With attributes only where an object changed, not where it came or went.
    package var objects: [ObjectDifference]
    /// Only the first objects were read.
    package var isTruncated: Bool

    package init(record: RevisionRecord, objects: [ObjectDifference], isTruncated: Bool) {
        self.record = record
        self.objects = objects
        self.isTruncated = isTruncated
    }
}

/// Revisions that follow each other, as far as they were read.
package struct ChangePage: Sendable {
    /// Oldest first; revisions of other things are left out.
    package var changes: [RevisionChange]
    /// Up to this revision nothing is missing.
    package var completeTo: Int64

    package init(changes: [RevisionChange], completeTo: Int64) {
        self.changes = changes
        self.completeTo = completeTo
    }

    /// Objects in one page, and so in what is kept of the last ones.
    package static let mostObjects = 5000
    /// Revisions in one page.
    package static let mostRevisions = 64
}

/// A peer that was heard, or not any more.
package struct PeerStateChange: Hashable, Sendable {
    package var interface: InterfaceName
    package var peer: ObjectName
    package var before: PeerState
    package var after: PeerState
    package var endpoint: Endpoint?
    package var lastHandshake: Timestamp?
    /// When the kernel was asked.
    package var time: Timestamp
}

/// What the kernel counted for peers of one interface.
package struct InterfaceSample: Sendable {
    package var interface: InterfaceName
    package var observed: Timestamp
    package var peers: [PeerReport]
    /// More of the same sample follows.
    package var isContinued: Bool
}
