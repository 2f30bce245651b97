// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// What a watcher asked for.
package struct WatchQuery: Sendable {
    package var interface: String?
    /// Changes, drift and states when empty, and samples where there is an interval.
    package var kinds: Set<WatchKind> = []
    package var since: Int64?
    /// Milliseconds.
    package var interval: UInt32?

    package init() {}
}

/// One caller's look at what happens; it ends with the credential that it was opened with.
package final class Watcher {
    /// Peers in one event of a sample.
    private static let samplePart = 500
    /// Milliseconds in which nothing happened, after which the caller is told so.
    private static let silence: Int64 = 10_000
    /// Milliseconds after which a database that was away is asked again.
    private static let retry: Int64 = 1000

    private let gateway: Gateway
    private let mailbox: EventMailbox
    private let interface: InterfaceName?
    private let kinds: Set<WatchKind>
    private let timeline: UInt64
    private var credential: Credential
    /// Of all changes up to this revision the caller was told.
    package private(set) var revision: Int64
    private var readAgainAt: Int64 = 0
    private var sampleAt: Int64 = 0
    private let interval: Int64
    private var lastWord: Int64 = 0
    private var isFirst = true

    init(
        _ gateway: Gateway,
        _ mailbox: EventMailbox,
        _ query: CheckedWatch,
        _ credential: Credential,
        from revision: Int64
    ) {
        self.gateway = gateway
        self.mailbox = mailbox
        self.credential = credential
        self.revision = revision
        interface = query.interface
        kinds = query.kinds
        interval = query.interval
        timeline = gateway.view.timeline
    }

    deinit { gateway.view.events.close(mailbox) }

    private var now: Int64 { gateway.clock.now.milliseconds }
    private var readable: Readable { Readable(node: gateway.node, rights: credential.rights) }

    /// Waits for what happens next; nil when the task is cancelled.
    ///
    /// Throws when the caller's token or rights are over, with the reason.
    package func next() async throws(Refusal) -> [WatchEvent]? {
        while !Task.isCancelled {
            try recheck()
            var events = isFirst ? [.alive] : try await changes()
            isFirst = false
            if events.isEmpty { events = mailbox.take().compactMap(allowed) }
            if events.isEmpty { events = try await samples() }
            if events.isEmpty, now - lastWord >= Self.silence || now < lastWord { events = [.alive] }
            guard events.isEmpty else {
                lastWord = now
                return events
            }
            await mailbox.wait()
        }
        return nil
    }

    private func recheck() throws(Refusal) {
        let epoch = gateway.view.identityEpoch
        let isNew = credential.epoch != epoch
        credential = try gateway.recheck(credential)
        if isNew { try gateway.requireAnything(of: interface, credential) }
    }

    // MARK: Changes

    private func changes() async throws(Refusal) -> [WatchEvent] {
        guard kinds.contains(.change) else {
            revision = gateway.view.revision
            return []
        }
        guard timeline == gateway.view.timeline else {
            throw .store(.noSuchRevision(revision, first: gateway.view.revision))
        }
        while gateway.view.revision > revision, !(now..<now + Self.retry).contains(readAgainAt - 1) {
            let page: ChangePage
            do throws(StoreFailure) {
                page = try await gateway.recentChanges.changes(after: revision)
            } catch {
                switch error {
                case .noSuchRevision: throw .store(error)
                // The history waits as long as the database is away.
                default:
                    readAgainAt = now + Self.retry
                    return []
                }
            }
            // Rights may have gone while the database was asked.
            try recheck()
            let events = page.changes.compactMap { readable.part(of: $0, interface: interface) }
            revision = max(revision, page.completeTo)
            if !events.isEmpty { return events.map { .changed($0) } }
        }
        return []
    }

    private func allowed(_ event: WatchEvent) -> WatchEvent? {
        switch event {
        case .drift(let name, let drift): readable.part(of: drift, on: name).map { .drift(name, $0) }
        case .state(let change):
            readable.peer(change.peer.value, of: change.interface.value) ? event : nil
        case .alive, .changed, .sample, .lost: event
        }
    }

    // MARK: Samples

    private func samples() async throws(Refusal) -> [WatchEvent] {
        guard interval > 0, !(now..<now + interval).contains(sampleAt - 1) else { return [] }
        sampleAt = now + interval
        var events: [WatchEvent] = []
        let names = interface.map { [$0] } ?? gateway.view.interfaces.map(\.name)
        for name in names where gateway.view.interface(name) != nil && readable.anything(of: name.value) {
            await gateway.reconciler.refresh(name)
            try recheck()
            events += samples(of: name)
        }
        return events
    }

    private func samples(of name: InterfaceName) -> [WatchEvent] {
        guard let observation = gateway.view.observation(name) else { return [] }
        let seesAll = readable.everyPeer(of: name.value)
        let records = gateway.view.peers(of: name).filter { seesAll || readable.peer($0.name.value, of: name.value) }
        guard seesAll || !records.isEmpty || readable.interface(name.value) else { return [] }
        let peers = gateway.reports(records, of: name)
        let starts = peers.isEmpty ? [0] : Array(stride(from: 0, to: peers.count, by: Self.samplePart))
        return starts.map { start in
            let end = min(start + Self.samplePart, peers.count)
            return .sample(
                InterfaceSample(
                    interface: name,
                    observed: observation.time,
                    peers: Array(peers[start..<end]),
                    isContinued: end < peers.count
                )
            )
        }
    }
}
