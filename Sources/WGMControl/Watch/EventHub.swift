// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMModel

/// Tells watchers what happened; costs next to nothing while there are none.
package final class EventHub: Sendable {
    /// Watchers of one principal, and of all.
    static let mostOfOne = 16
    static let mostOfAll = 128

    private struct Content {
        var mailboxes: [UInt64: EventMailbox] = [:]
        var nextID: UInt64 = 1
        /// Of each peer, what its watchers take it for.
        var states: [InterfaceName: [ObjectName: PeerState]] = [:]
    }
    private let content = Mutex(Content())
    private let count = Atomic<Int>(0)
    private let stateWatchers = Atomic<Int>(0)

    init() {}

    var watcherCount: Int { count.load(ordering: .acquiring) }
    private var hasStateWatchers: Bool { stateWatchers.load(ordering: .acquiring) > 0 }

    func open(
        _ principal: ObjectName,
        interface: InterfaceName?,
        kinds: Set<WatchKind>
    ) throws(Refusal) -> EventMailbox {
        let opened: Result<EventMailbox, Refusal> = content.withLock { content in
            let own = content.mailboxes.values.count { $0.principal == principal }
            guard content.mailboxes.count < Self.mostOfAll else { return .failure(.tooManyWatchers(Self.mostOfAll)) }
            guard own < Self.mostOfOne else {
                return .failure(.tooManyWatchers(Self.mostOfOne, of: principal.value))
            }
            let mailbox = EventMailbox(id: content.nextID, principal: principal, interface: interface, kinds: kinds)
            content.nextID += 1
            content.mailboxes[mailbox.id] = mailbox
            note(content)
            return .success(mailbox)
        }
        return try opened.get()
    }

    func close(_ mailbox: EventMailbox) {
        content.withLock { content in
            content.mailboxes[mailbox.id] = nil
            note(content)
            if !hasStateWatchers { content.states = [:] }
        }
    }

    private func note(_ content: Content) {
        count.store(content.mailboxes.count, ordering: .releasing)
        stateWatchers.store(content.mailboxes.values.count { $0.watchesStates }, ordering: .releasing)
    }

    /// Lets every watcher look whether there is something for it: a revision, other rights, the time for a sample.
    func wake() {
        guard watcherCount > 0 else { return }
        for mailbox in content.withLock({ Array($0.mailboxes.values) }) { mailbox.poke() }
    }

    func post(_ event: WatchEvent, _ kind: WatchKind, of interface: InterfaceName) {
        guard watcherCount > 0 else { return }
        let mailboxes = content.withLock { content in content.mailboxes.values.filter { $0.wants(kind, of: interface) }
        }
        for mailbox in mailboxes { mailbox.post(event) }
    }

    /// Compares what the kernel was seen to hold with what it held before; the first time there is nothing to tell.
    ///
    /// `peers` is asked only when somebody watches.
    func observed(_ name: InterfaceName, _ observation: Observation, peers: () -> [PeerReport]) {
        guard hasStateWatchers else { return }
        let reports = peers()
        let changes = content.withLock { content -> [PeerStateChange] in
            let known = content.states[name]
            var now: [ObjectName: PeerState] = [:]
            var changes: [PeerStateChange] = []
            for report in reports {
                let record = report.record
                guard let after = report.state else { continue }
                now[record.name] = after
                guard let known else { continue }
                let before = known[record.name] ?? .never
                guard before != after else { continue }
                changes.append(
                    PeerStateChange(
                        interface: name,
                        peer: record.name,
                        before: before,
                        after: after,
                        endpoint: report.actual?.endpoint,
                        lastHandshake: report.traffic?.lastHandshake,
                        time: observation.time
                    )
                )
            }
            content.states[name] = now
            return changes
        }
        for change in changes { post(.state(change), .state, of: name) }
    }

    /// An interface that is gone has no peers to compare with.
    func forget(_ interfaces: [InterfaceName]) {
        guard hasStateWatchers, !interfaces.isEmpty else { return }
        content.withLock { content in for name in interfaces { content.states[name] = nil } }
    }
}
