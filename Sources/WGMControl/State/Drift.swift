// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What is done when somebody else changed in the kernel what wgm holds there.
package enum DriftPolicy: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// The kernel is made again what the database says.
    case repair = 0
    /// The kernel stays as it is, and wgm says so until it agrees again.
    case report = 1
    /// The database takes over what can be taken over; the rest is repaired.
    case adopt = 2

    package var description: String {
        switch self {
        case .repair: "repair"
        case .report: "report"
        case .adopt: "adopt"
        }
    }
}

/// One attribute that the kernel holds otherwise than the database wants it.
package struct DriftItem: Hashable, Sendable {
    /// The peer's name, or the key of one that has none; nil for what is the interface's.
    package var peer: String?
    /// `mtu`, `keepalive_s`, `address 192.0.2.1/24`; `peer` for a peer as a whole.
    package var attribute: String
    /// What the database says.
    package var wanted: String
    /// What the kernel said.
    package var found: String
    /// Of a drift that was adopted, what was not.
    package var wasRepaired = false

    package init(_ attribute: String, of peer: String? = nil, wanted: String, found: String) {
        self.peer = peer
        self.attribute = attribute
        self.wanted = wanted
        self.found = found
    }
}

/// What differed on an interface, since when, and what became of it.
package struct Drift: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// It is there still, and why nothing was done about it.
        case open(String)
        case repaired
        /// By this revision; what cannot be adopted was repaired.
        case adopted(revision: Int64)
        /// The kernel agrees again, by somebody else's doing.
        case ended
    }
    package var policy: DriftPolicy
    package var items: [DriftItem]
    /// When it was first seen.
    package var since: Timestamp
    package var outcome: Outcome
    /// When `outcome` came about.
    package var time: Timestamp

    package var isOpen: Bool {
        if case .open = outcome { true } else { false }
    }

    /// For the audit record; names, keys, prefixes and numbers hold nothing that JSON would need an escape for.
    var json: String {
        let shown = items.prefix(Self.mostRecorded).map {
            let peer = $0.peer.map { #""peer":"\#($0)","# } ?? ""
            return #"{\#(peer)"attribute":"\#($0.attribute)","database":"\#($0.wanted)","kernel":"\#($0.found)"}"#
        }
        let more = items.count > shown.count ? #","more":\#(items.count - shown.count)"# : ""
        return #"{"policy":"\#(policy)","since_unix_ms":\#(since.milliseconds),"drift":["#
            + shown.joined(separator: ",") + "]" + more + "}"
    }

    private static let mostRecorded = 100
}

/// How far the kernel has followed the changes of one interface.
package struct Progress: Hashable, Sendable {
    /// The newest revision that changed the interface or one of its peers.
    package var changed: Int64
    /// The newest of these that the kernel was seen to hold.
    package var settled: Int64
    /// nil before the kernel was first asked.
    package var key: KeySight?

    package init(changed: Int64, settled: Int64, key: KeySight? = nil) {
        self.changed = changed
        self.settled = settled
        self.key = key
    }

    /// Only then is a difference somebody else's doing, and not a change of ours that is not finished.
    package var isSettled: Bool { settled >= changed }
}
