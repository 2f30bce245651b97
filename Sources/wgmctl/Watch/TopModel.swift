// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// What `wgmctl top` knows of the peers: the last samples, and what they come to.
struct TopModel {
    /// Rates that are remembered for the line of each peer.
    static let historyLength = 20

    enum SortKey: String, CaseIterable, Sendable {
        case rate, total, received, sent, handshake, state, name
    }

    struct Row: Hashable {
        var interface: String
        var name: String
        /// nil for a peer that is not let in.
        var state: V1.PeerState?
        var isEnabled: Bool
        var isPresent: Bool
        var endpoint: String
        var lastHandshake: Int64?
        var received: UInt64
        var sent: UInt64
        /// Bytes a second; nil before the second sample, and after the kernel has begun to count anew.
        var receiving: Double?
        var sending: Double?
        /// Both directions together, the newest last.
        var history: [Double] = []
        var observed: Int64

        var rate: Double { (receiving ?? 0) + (sending ?? 0) }
        var total: UInt64 { received &+ sent }
    }

    private struct Key: Hashable {
        let interface: String
        let name: String
    }

    var sortKey = SortKey.rate
    var isReversed = false
    /// Part of a name, an interface or an endpoint.
    var filter = ""
    private var rows: [Key: Row] = [:]
    /// Peers that the parts of the sample under way have named.
    private var named: [String: Set<String>] = [:]
    /// Whole samples of each interface.
    private(set) var sampleCounts: [String: Int] = [:]

    var rowCount: Int { rows.count }
    var upCount: Int { rows.values.count { $0.state == .up } }
    var receiving: Double { rows.values.reduce(0) { $0 + ($1.receiving ?? 0) } }
    var sending: Double { rows.values.reduce(0) { $0 + ($1.sending ?? 0) } }

    /// True once there are rates of every interface that was ever sampled.
    var hasRates: Bool { !sampleCounts.isEmpty && sampleCounts.values.allSatisfy { $0 > 1 } }

    mutating func take(_ sample: V1.InterfaceSample) {
        let interface = sample.interface ?? ""
        for peer in sample.peers { take(peer, of: interface, at: sample.observedUnixMs ?? 0) }
        named[interface, default: []].formUnion(sample.peers.map { $0.name ?? "" })
        guard sample.more != true else { return }
        let present = named.removeValue(forKey: interface) ?? []
        rows = rows.filter { $0.key.interface != interface || present.contains($0.key.name) }
        sampleCounts[interface, default: 0] += 1
    }

    private mutating func take(_ peer: V1.PeerSample, of interface: String, at observed: Int64) {
        let key = Key(interface: interface, name: peer.name ?? "")
        var row = Row(
            interface: interface,
            name: key.name,
            state: peer.state,
            isEnabled: peer.enabled ?? true,
            isPresent: peer.present ?? false,
            endpoint: peer.endpoint ?? "",
            lastHandshake: peer.lastHandshakeUnixMs,
            received: peer.totalReceivedBytes ?? 0,
            sent: peer.totalSentBytes ?? 0,
            observed: observed
        )
        if let before = rows[key] {
            row.history = before.history
            if observed <= before.observed {
                // The same look at the kernel as before.
                (row.receiving, row.sending, row.observed) = (before.receiving, before.sending, before.observed)
            } else {
                let seconds = Double(observed - before.observed) / 1000
                row.receiving = Self.rate(before.received, row.received, seconds)
                row.sending = Self.rate(before.sent, row.sent, seconds)
                row.history = (row.history + [row.rate]).suffix(Self.historyLength)
            }
        }
        rows[key] = row
    }

    private static func rate(_ before: UInt64, _ after: UInt64, _ seconds: Double) -> Double? {
        after >= before ? Double(after - before) / seconds : nil
    }

    /// Those that the filter leaves, the most interesting first.
    var shown: [Row] {
        let wanted = filter.lowercased()
        let left = rows.values.filter { row in
            wanted.isEmpty || [row.name, row.interface, row.endpoint].contains { $0.lowercased().contains(wanted) }
        }
        let sorted = left.sorted { first, second in
            let order = compare(first, second)
            // Names decide, so that nothing jumps about.
            return order == 0 ? (first.name, first.interface) < (second.name, second.interface) : order < 0
        }
        return isReversed ? sorted.reversed() : sorted
    }

    /// Less than 0 when the first comes first.
    private func compare(_ first: Row, _ second: Row) -> Int {
        func descending<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
            left == right ? 0 : left > right ? -1 : 1
        }
        return switch sortKey {
        case .rate: descending(first.rate, second.rate)
        case .total: descending(first.total, second.total)
        case .received: descending(first.received, second.received)
        case .sent: descending(first.sent, second.sent)
        case .handshake: descending(first.lastHandshake ?? 0, second.lastHandshake ?? 0)
        case .state: descending(second.state?.urgency ?? 6, first.state?.urgency ?? 6)
        case .name: 0
        }
    }
}

extension V1.PeerState {
    /// What needs a look comes first.
    fileprivate var urgency: Int {
        switch self {
        case .down: 0
        case .stale: 1
        case .up: 2
        case .idle: 3
        case .never: 4
        case .unrecognized: 5
        }
    }
}
