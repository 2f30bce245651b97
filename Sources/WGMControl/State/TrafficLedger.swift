// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import WGMModel

/// What a peer has sent and received in all its life, and how reachable it is.
package struct PeerTraffic: Hashable, Sendable {
    /// Bytes, over restarts, new keys and links.
    package var received: UInt64
    package var sent: UInt64
    package var state: PeerState
    package var lastHandshake: Timestamp?
}

/// The same as the database keeps it, with the kernel's counters up to which it was counted.
package struct TrafficRecord: Hashable, Sendable {
    package var interface: InterfaceID
    package var peer: ObjectName
    package var publicKey: PublicKey
    package var received: UInt64
    package var sent: UInt64
    /// What the kernel said of this public key.
    package var countedReceived: UInt64
    package var countedSent: UInt64
    package var lastHandshake: Timestamp?

    package init(
        interface: InterfaceID,
        peer: ObjectName,
        publicKey: PublicKey,
        received: UInt64 = 0,
        sent: UInt64 = 0,
        countedReceived: UInt64 = 0,
        countedSent: UInt64 = 0,
        lastHandshake: Timestamp? = nil
    ) {
        self.interface = interface
        self.peer = peer
        self.publicKey = publicKey
        self.received = received
        self.sent = sent
        self.countedReceived = countedReceived
        self.countedSent = countedSent
        self.lastHandshake = lastHandshake
    }
}

/// Counts what the kernel counts, so that nothing is lost or counted twice when its counters begin anew.
final class TrafficLedger: Sendable {
    /// The moment of a look at an interface.
    struct Moment {
        var now: Timestamp
        /// Milliseconds of a clock that nobody sets.
        var steady: Int64
        /// Orders looks by when they began.
        var ticket: UInt64
        /// From when on a handshake is one with the interface's new key; nil when it has no new one.
        var adoption: Timestamp?
    }

    /// An object, so that tables of them stay small.
    fileprivate final class Entry {
        var record: TrafficRecord
        var activity: PeerActivity
        var isUnsaved = false

        init(_ record: TrafficRecord, _ activity: PeerActivity = PeerActivity()) {
            self.record = record
            self.activity = activity
        }
    }

    private struct Content {
        var isLoaded = false
        var entries: [InterfaceID: [ObjectName: Entry]] = [:]
        var tickets: [InterfaceID: UInt64] = [:]
        var counts: [InterfaceID: [PeerState: Int]] = [:]
        var stragglers: [InterfaceID: Int] = [:]
    }
    private let content = Mutex(Content())

    /// Before that nothing is counted, since it is not known what was counted already.
    var isLoaded: Bool { content.withLock { $0.isLoaded } }

    func load(_ records: [TrafficRecord]) {
        content.withLock { content in
            guard !content.isLoaded else { return }
            for record in records {
                content.entries[record.interface, default: [:]][record.peer] = Entry(
                    record,
                    PeerActivity(lastHandshake: record.lastHandshake)
                )
            }
            content.isLoaded = true
        }
    }

    func traffic(of peer: ObjectName, in interface: InterfaceID) -> PeerTraffic? {
        content.withLock { content in
            content.entries[interface]?[peer].map {
                PeerTraffic(
                    received: $0.record.received,
                    sent: $0.record.sent,
                    state: $0.activity.state,
                    lastHandshake: $0.activity.lastHandshake
                )
            }
        }
    }

    /// How many peers that are let in are in which state, over these interfaces.
    func counts(of interfaces: [InterfaceID]) -> [PeerState: Int] {
        content.withLock { content in
            interfaces.reduce(into: [:]) { sum, id in sum.merge(content.counts[id] ?? [:], uniquingKeysWith: +) }
        }
    }

    /// How many peers that are let in were not seen with the new keys of these interfaces.
    func stragglers(of interfaces: [InterfaceID]) -> Int {
        content.withLock { content in interfaces.reduce(0) { $0 + (content.stragglers[$1] ?? 0) } }
    }

    /// `peers` are those of the interface; nil for `actual` says that there is no link.
    func count(_ interface: InterfaceID, _ peers: [ObjectName: PeerRecord], _ actual: ActualInterface?, _ at: Moment) {
        content.withLock { content in
            guard content.isLoaded, at.ticket >= content.tickets[interface] ?? 0 else { return }
            content.tickets[interface] = at.ticket
            var entries = content.entries.removeValue(forKey: interface) ?? [:]
            if entries.count > peers.count { entries = entries.filter { peers[$0.key] != nil } }
            var counts: [PeerState: Int] = [:]
            var stragglers = 0
            for (name, peer) in peers {
                let entry: Entry
                if let known = entries[name] {
                    entry = known
                } else {
                    entry = Entry(TrafficRecord(interface: interface, peer: name, publicKey: peer.publicKey))
                    entries[name] = entry
                }
                entry.take(peer, actual, at)
                guard peer.isEnabled, peer.validity.holds(at: at.now) else { continue }
                counts[entry.activity.state, default: 0] += 1
                if let adoption = at.adoption, entry.activity.lastHandshake.map({ $0 < adoption }) ?? true {
                    stragglers += 1
                }
            }
            content.entries[interface] = entries
            content.counts[interface] = counts
            content.stragglers[interface] = stragglers
        }
    }

    func forget(_ interface: InterfaceID) {
        content.withLock { content in
            content.entries[interface] = nil
            content.counts[interface] = nil
            content.stragglers[interface] = nil
            content.tickets[interface] = nil
        }
    }

    /// What the database does not know yet; it counts as known from now on.
    func takeUnsaved() -> [TrafficRecord] {
        content.withLock { content in
            var records: [TrafficRecord] = []
            for entries in content.entries.values {
                for entry in entries.values where entry.isUnsaved {
                    var record = entry.record
                    record.lastHandshake = entry.activity.lastHandshake
                    records.append(record)
                    entry.isUnsaved = false
                }
            }
            return records
        }
    }

    /// They were not saved after all.
    func putBack(_ records: some Sequence<TrafficRecord>) {
        content.withLock { content in
            for record in records { content.entries[record.interface]?[record.peer]?.isUnsaved = true }
        }
    }
}

extension TrafficLedger.Entry {
    fileprivate func take(_ peer: PeerRecord, _ actual: ActualInterface?, _ at: TrafficLedger.Moment) {
        var grown = Grown()
        if peer.publicKey != record.publicKey {
            // The last that the old key has received, before it is forgotten.
            grown.add(count(actual?.peers[record.publicKey]))
            record.publicKey = peer.publicKey
            (record.countedReceived, record.countedSent) = (0, 0)
        }
        let present = actual?.peers[peer.publicKey]
        grown.add(count(present))
        let before = activity.lastHandshake
        activity.look(
            PeerLook(
                now: at.now,
                steady: at.steady,
                lastHandshake: present?.lastHandshake,
                received: grown.received,
                sent: grown.sent,
                keepalive: peer.keepalive,
                isCarried: present != nil && actual?.isUp == true
            )
        )
        if grown != Grown() || activity.lastHandshake != before { isUnsaved = true }
    }

    /// A counter that went back was begun anew, unless its handshake says that an older answer came late.
    private func count(_ actual: ActualPeer?) -> Grown {
        guard let actual else {
            if record.countedReceived > 0 || record.countedSent > 0 { isUnsaved = true }
            (record.countedReceived, record.countedSent) = (0, 0)
            return Grown()
        }
        let isBack = actual.receivedBytes < record.countedReceived || actual.sentBytes < record.countedSent
        if isBack {
            if let handshake = actual.lastHandshake, let last = activity.lastHandshake, handshake <= last {
                return Grown()
            }
            (record.countedReceived, record.countedSent) = (0, 0)
        }
        let grown = Grown(
            received: actual.receivedBytes - record.countedReceived,
            sent: actual.sentBytes - record.countedSent
        )
        (record.countedReceived, record.countedSent) = (actual.receivedBytes, actual.sentBytes)
        record.received &+= grown.received
        record.sent &+= grown.sent
        return grown
    }

    private struct Grown: Equatable {
        var received: UInt64 = 0
        var sent: UInt64 = 0

        mutating func add(_ other: Grown) {
            received &+= other.received
            sent &+= other.sent
        }
    }
}
