// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension WatchQuery {
    init(_ message: V1.WatchRequest) throws(Status) {
        self.init()
        interface = message.interface
        since = message.since
        interval = message.intervalMs
        for (index, kind) in message.kinds.enumerated() {
            guard let kind = WatchKind(kind) else {
                throw .invalidArgument(field: "kinds[\(index)]", rule: "a kind that this version of wgmd knows")
            }
            kinds.insert(kind)
        }
    }
}

extension WatchKind {
    fileprivate init?(_ message: V1.EventKind) {
        switch message {
        case .change: self = .change
        case .drift: self = .drift
        case .state: self = .state
        case .sample: self = .sample
        case .unrecognized: return nil
        }
    }
}

extension V1.WatchResponse {
    /// Bytes of names and values in one message, about.
    private static let mostBytes = 128 * 1024
    private static let mostObjects = 500

    /// One message, or several for a revision that changed a lot; all but the last of these are marked as truncated.
    static func parts(of event: WatchEvent, time: Int64) -> [V1.WatchResponse] {
        var message = V1.WatchResponse(timeUnixMs: time)
        switch event {
        case .alive: break
        case .changed(let change): return parts(of: change)
        case .drift(let interface, let drift):
            var shown = drift
            shown.items = Array(drift.items.prefix(mostObjects))
            message.timeUnixMs = drift.time.milliseconds
            message.drift = V1.InterfaceDrift(interface, shown)
        case .state(let change):
            message.timeUnixMs = change.time.milliseconds
            message.peerState = V1.PeerStateEvent(
                interface: change.interface.value,
                peer: change.peer.value,
                before: V1.PeerState(change.before),
                after: V1.PeerState(change.after),
                endpoint: change.endpoint?.description,
                lastHandshakeUnixMs: change.lastHandshake?.milliseconds
            )
        case .sample(let sample): message.sample = V1.InterfaceSample(sample)
        case .lost(let count): message.lost = count
        }
        return [message]
    }

    private static func parts(of change: RevisionChange) -> [V1.WatchResponse] {
        var groups: [[V1.ChangedObject]] = [[]]
        var bytes = 0
        for object in change.objects {
            let size = object.attributes.reduce(64) { sum, attribute in
                let values = (attribute.before?.utf8.count ?? 0) + (attribute.after?.utf8.count ?? 0)
                return sum + attribute.name.utf8.count + min(values, 2 * mostValue)
            }
            if bytes + size > mostBytes || groups[groups.count - 1].count >= mostObjects {
                groups.append([])
                bytes = 0
            }
            bytes += size
            groups[groups.count - 1].append(V1.ChangedObject(clipping: object))
        }
        var revision = V1.Revision(change.record)
        if change.record.summary.isEmpty { revision.summary = nil }
        return groups.enumerated().map { index, objects in
            let isLast = index == groups.count - 1
            let isCut = isLast ? change.isTruncated : true
            return V1.WatchResponse(
                timeUnixMs: change.record.time.milliseconds,
                change: V1.RevisionEvent(revision: revision, objects: objects, truncated: isCut ? true : nil)
            )
        }
    }

    /// Bytes of one value.
    fileprivate static let mostValue = 4096
}

extension V1.ChangedObject {
    /// Long values are cut off.
    fileprivate init(clipping difference: ObjectDifference) {
        self.init(difference)
        for index in attributes.indices {
            attributes[index].before = attributes[index].before.map(Self.clipped)
            attributes[index].after = attributes[index].after.map(Self.clipped)
        }
    }

    private static func clipped(_ value: String) -> String {
        guard value.utf8.count > V1.WatchResponse.mostValue else { return value }
        return String(value.unicodeScalars.prefix(V1.WatchResponse.mostValue / 4)) + "…"
    }
}

extension V1.InterfaceSample {
    fileprivate init(_ sample: InterfaceSample) {
        self.init(
            interface: sample.interface.value,
            observedUnixMs: sample.observed.milliseconds,
            peers: sample.peers.map { V1.PeerSample($0) },
            more: sample.isContinued ? true : nil
        )
    }
}

extension V1.PeerSample {
    fileprivate init(_ peer: PeerReport) {
        let (actual, traffic) = (peer.actual, peer.traffic)
        self.init(
            name: peer.record.name.value,
            enabled: peer.record.isEnabled,
            present: actual != nil,
            totalReceivedBytes: traffic?.received,
            totalSentBytes: traffic?.sent,
            lastHandshakeUnixMs: (actual?.lastHandshake ?? traffic?.lastHandshake)?.milliseconds,
            endpoint: actual?.endpoint?.description,
            state: peer.state.map { V1.PeerState($0) }
        )
    }
}
