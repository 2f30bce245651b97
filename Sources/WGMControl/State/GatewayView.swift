// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import WGMModel

/// The daemon's copy of the wanted state and of what the kernel was last seen to hold.
///
/// Reads are answered from here without waiting. The database stays the truth: the copy says how old it is.
package final class GatewayView: Sendable {
    private struct Content {
        var state = GatewayState()
        var isLoaded = false
        var freshness = Freshness()
        /// Every revision up to this one is in the copy.
        var completeTo: Int64 = 0
        /// Revisions beyond `completeTo` that are in the copy as well.
        var ahead: Set<Int64> = []
        /// The revision at which the whole state was last read.
        var loadedAt: Int64 = 0
        var observations: [InterfaceName: Observation] = [:]
        var drifts: [InterfaceName: Drift] = [:]
        /// What the database does not know yet of `state.progress`.
        var unsaved: Set<InterfaceName> = []
        var nextTicket: UInt64 = 1

        var newest: Int64 { max(completeTo, ahead.max() ?? 0) }

        mutating func see(_ key: PublicKey?, on interface: InterfaceRecord, at time: Timestamp, _ ticket: UInt64) {
            guard let key, ticket >= observations[interface.name]?.ticket ?? 0 else { return }
            if state.see(key, on: interface, at: time) { unsaved.insert(interface.name) }
        }
    }
    private let content = Mutex(Content())
    private let epoch = Atomic<UInt64>(0)
    private let changes = Atomic<UInt64>(0)
    private let states = Atomic<UInt64>(0)
    let ledger = TrafficLedger()
    let names = NameTable()
    private let lines = Atomic<UInt64>(0)
    /// Who is told what happens.
    let events = EventHub()

    package init() {}

    /// Changes whenever a principal, role or revocation does, so that a credential need not be looked at again until then.
    package var identityEpoch: UInt64 { epoch.load(ordering: .acquiring) }

    /// Changes whenever anything does that a read tells, so that what was told before may be told again until then.
    package var generation: UInt64 { changes.load(ordering: .acquiring) }

    /// Changes whenever the wanted state may have.
    package var stateEpoch: UInt64 { states.load(ordering: .acquiring) }

    /// Changes whenever the database went back to an older state, so that numbers of revisions mean something else.
    var timeline: UInt64 { lines.load(ordering: .acquiring) }

    private func noteChange() { changes.add(1, ordering: .releasing) }

    // MARK: What the database says

    /// True once the state has been read.
    package var isLoaded: Bool { content.withLock { $0.isLoaded } }

    package var freshness: Freshness { content.withLock { $0.freshness } }

    package var revision: Int64 { content.withLock { $0.newest } }

    /// True when the database's newest revision is not wholly in the copy.
    package func isBehind(_ newest: Int64) -> Bool { content.withLock { !$0.isLoaded || $0.completeTo != newest } }

    /// Seconds since the database was last known to say this; nil before it was first read.
    package func age(at now: Timestamp) -> Int64? {
        freshness.asOf.map { max(0, (now.milliseconds - $0.milliseconds) / 1000) }
    }

    /// Takes over a state that was read as a whole; false if the copy got younger meanwhile, and it must be read again.
    ///
    /// `known` is the revision of the copy before the read began. A state older than that means that the database itself
    /// went back, as after a restore: it is the truth all the same.
    package func replace(_ state: GatewayState, known: Int64, at now: Timestamp) -> Bool {
        let isTaken = content.withLock { content in
            guard !content.isLoaded || state.revision >= content.newest || state.revision < known else { return false }
            if content.isLoaded, state.revision < content.newest { lines.add(1, ordering: .releasing) }
            content.state = state
            content.isLoaded = true
            content.completeTo = state.revision
            content.loadedAt = state.revision
            content.ahead = []
            content.freshness = Freshness(asOf: now)
            content.observations = content.observations.filter { state.interfaces[$0.key] != nil }
            content.drifts = content.drifts.filter { state.interfaces[$0.key] != nil }
            return true
        }
        epoch.add(1, ordering: .releasing)
        states.add(1, ordering: .releasing)
        noteChange()
        events.wake()
        return isTaken
    }

    /// Takes over what one of our own commits wrote.
    package func apply(_ touched: Touched, revision: Int64, at now: Timestamp) {
        content.withLock { content in
            content.freshness = Freshness(asOf: now)
            guard revision > content.loadedAt else { return }
            for name in touched.deletedInterfaces { content.state.interfaces[name].map { ledger.forget($0.id) } }
            content.state.apply(touched)
            content.state.noteChanges(touched, revision)
            for name in touched.deletedInterfaces {
                content.observations[name] = nil
                content.drifts[name] = nil
            }
            content.ahead.insert(revision)
            while content.ahead.remove(content.completeTo + 1) != nil { content.completeTo += 1 }
            content.state.revision = content.completeTo
        }
        if !touched.principals.isEmpty || !touched.revokedTokens.isEmpty { epoch.add(1, ordering: .releasing) }
        states.add(1, ordering: .releasing)
        noteChange()
        events.forget(touched.deletedInterfaces)
        events.wake()
    }

    /// The database answered, and had nothing new.
    package func markFresh(at now: Timestamp) {
        content.withLock { $0.freshness = Freshness(asOf: now) }
        noteChange()
    }

    package func markStale(_ reason: String) {
        content.withLock { $0.freshness.staleReason = reason }
        noteChange()
    }

    // MARK: Lookups

    /// All of it, as of one moment.
    var state: GatewayState { content.withLock { $0.state } }

    package var interfaces: [InterfaceRecord] {
        content.withLock { $0.state.interfaces.values.sorted { $0.name < $1.name } }
    }

    package func interface(_ name: InterfaceName) -> InterfaceRecord? { content.withLock { $0.state.interfaces[name] } }

    package func peer(_ name: ObjectName, of interface: InterfaceName) -> PeerRecord? {
        content.withLock { content in
            content.state.interfaces[interface].flatMap { content.state.peers[$0.id]?[name] }
        }
    }

    /// In the order of their names.
    package func peers(of interface: InterfaceName) -> [PeerRecord] { peers(of: interface) { _ in true } }

    /// Some of them, in the same order.
    func peers(of interface: InterfaceName, where isWanted: (PeerRecord) -> Bool) -> [PeerRecord] {
        let peers = content.withLock { content in
            content.state.interfaces[interface].flatMap { content.state.peers[$0.id] }
        }
        return (peers ?? [:]).values.filter(isWanted).sorted { $0.name < $1.name }
    }

    package func peerCount(of interface: InterfaceID) -> Int {
        content.withLock { $0.state.peers[interface]?.count ?? 0 }
    }

    /// Of the peers of a change that is not in the copy yet those that keep their key and get another endpoint, or none.
    func redirected(by touched: Touched) -> [PeerRecord] {
        content.withLock { content in
            touched.peers.filter { peer in
                guard let old = content.state.peers[peer.interface]?[peer.name] else { return false }
                return old.publicKey == peer.publicKey && old.endpoint != peer.endpoint
            }
        }
    }

    /// What the kernel is to hold under this name now, with peers outside of their time disabled; nil when nothing.
    func wanted(_ name: InterfaceName, at now: Timestamp) -> (interface: InterfaceRecord, peers: [PeerRecord])? {
        var wanted: (interface: InterfaceRecord, peers: [PeerRecord])? = content.withLock { content in
            content.state.interfaces[name].map { ($0, Array((content.state.peers[$0.id] ?? [:]).values)) }
        }
        wanted?.peers.keepOut(at: now)
        return wanted
    }

    package var principals: [PrincipalRecord] {
        content.withLock { $0.state.principals.values.sorted { $0.name < $1.name } }
    }

    package func principal(_ name: ObjectName) -> PrincipalRecord? { content.withLock { $0.state.principals[name] } }

    package func principal(uid: UInt32) -> PrincipalRecord? {
        content.withLock { content in content.state.principals.values.first { $0.uid == uid } }
    }

    package var hasAdmin: Bool {
        content.withLock { content in content.state.principals.values.contains { $0.roles.contains(.admin) } }
    }

    /// The change that is undone unless somebody confirms it.
    var unconfirmed: Unconfirmed? { content.withLock { $0.state.unconfirmed } }

    func setUnconfirmed(_ unconfirmed: Unconfirmed?) {
        content.withLock { $0.state.unconfirmed = unconfirmed }
        noteChange()
    }

    package func isRevoked(_ token: RevokedToken) -> Bool {
        content.withLock { $0.state.revokedTokens.contains(token) }
    }

    /// What to do with the link of an interface that this database had once and has no more; nil for any other.
    func former(_ id: InterfaceID) -> FormerInterface? {
        content.withLock { content in
            guard content.state.formerInterfaces.contains(id) else { return nil }
            return content.state.givenBack.contains(id) ? .givenBack : .deleted
        }
    }

    // MARK: What the kernel was seen to hold

    package func observation(_ interface: InterfaceName) -> Observation? {
        content.withLock { $0.observations[interface] }
    }

    /// To be called before the kernel is asked, so that an answer that took long does not replace a younger one.
    func beginObservation() -> UInt64 {
        content.withLock { content in
            defer { content.nextTicket += 1 }
            return content.nextTicket
        }
    }

    /// Adds up what a dump shows; `steady` is of the clock that nobody sets.
    func count(_ name: InterfaceName, _ actual: ActualInterface?, at now: Timestamp, steady: Int64, ticket: UInt64) {
        let known = content.withLock { content in
            content.state.interfaces[name].map { record in
                let ours = actual?.owner == record.id ? actual : nil
                content.see(ours?.publicKey, on: record, at: now, ticket)
                return (ours, record.id, content.state.peers[record.id] ?? [:], content.state.adoption(record))
            }
        }
        guard let (ours, id, peers, adoption) = known else { return }
        let moment = TrafficLedger.Moment(now: now, steady: steady, ticket: ticket, adoption: adoption)
        ledger.count(id, peers, ours, moment)
    }

    func note(_ found: NamedAddresses, for name: HostName, now: Timestamp, steady: Int64) {
        names.note(found, for: name, now: now, steady: steady)
        noteChange()
    }

    func note(_ failure: LookupFailure, for name: HostName, now: Timestamp, steady: Int64) {
        names.note(failure, for: name, now: now, steady: steady)
        noteChange()
    }

    func record(_ observation: Observation, of interface: InterfaceName) {
        content.withLock { content in
            guard content.state.interfaces[interface] != nil else { return }
            guard observation.ticket >= content.observations[interface]?.ticket ?? 0 else { return }
            content.observations[interface] = observation
        }
        noteChange()
        compareStates(interface)
    }
}

extension GatewayView {
    // MARK: Drift

    package func drift(_ interface: InterfaceName) -> Drift? { content.withLock { $0.drifts[interface] } }

    func setDrift(_ drift: Drift, of interface: InterfaceName) {
        let isNews = content.withLock { content in
            guard content.state.interfaces[interface] != nil else { return false }
            // What is open is set anew by every look at it.
            let before = content.drifts.updateValue(drift, forKey: interface)
            return !drift.isOpen || before?.outcome != drift.outcome || before?.items != drift.items
        }
        noteChange()
        if isNews { events.post(.drift(interface, drift), .drift, of: interface) }
    }

    // MARK: States of peers

    /// Tells watchers which peers came or went since they were last told.
    func compareStates() { for interface in interfaces { compareStates(interface.name) } }

    private func compareStates(_ interface: InterfaceName) {
        guard let observation = observation(interface), observation.failure?.reason != .keeperGone else { return }
        events.observed(interface, observation) { reports(peers(of: interface), of: interface) }
    }

    /// With what was last seen of each.
    func reports(_ records: some Sequence<PeerRecord>, of interface: InterfaceName) -> [PeerReport] {
        let seen = seen(interface)
        return records.map { report($0, of: interface, seen) }
    }

    /// With what was last seen of it; nobody looks whether it is still wanted.
    package func report(_ record: PeerRecord, of interface: InterfaceName) -> PeerReport {
        report(record, of: interface, seen(interface))
    }

    private typealias Seen = (observation: Observation?, adoption: Timestamp?)

    private func seen(_ interface: InterfaceName) -> Seen {
        content.withLock { content in
            let adoption = content.state.interfaces[interface].flatMap { content.state.adoption($0) }
            return (content.observations[interface], adoption)
        }
    }

    private func report(_ record: PeerRecord, of interface: InterfaceName, _ seen: Seen) -> PeerReport {
        PeerReport(
            interface: interface,
            record: record,
            actual: seen.observation?.actual?.peers[record.publicKey],
            observed: seen.observation?.time,
            traffic: ledger.traffic(of: record.name, in: record.interface),
            adoption: seen.adoption,
            name: record.endpoint?.name.flatMap { names.record(of: $0) }
        )
    }

    /// What was counted in earlier runs, as the database keeps it.
    func load(_ records: [TrafficRecord]) {
        ledger.load(records)
        noteChange()
    }

    /// nil when there is no such interface.
    func progress(_ interface: InterfaceName) -> Progress? {
        content.withLock { content in
            content.state.interfaces[interface].map { record in
                content.state.progress[interface] ?? Progress(changed: record.revision, settled: -1)
            }
        }
    }

    /// The kernel was seen to hold everything up to this revision.
    func settle(_ interface: InterfaceName, at revision: Int64) {
        content.withLock { content in
            guard let record = content.state.interfaces[interface] else { return }
            var progress = content.state.progress[interface] ?? Progress(changed: record.revision, settled: -1)
            guard revision > progress.settled else { return }
            progress.settled = revision
            content.state.progress[interface] = progress
            content.unsaved.insert(interface)
        }
    }

    /// The kernel is about to be told something; false when it was known already to hold less than it should.
    func unsettle(_ interface: InterfaceName) -> Bool {
        content.withLock { content in
            guard var progress = content.state.progress[interface], progress.isSettled else { return false }
            progress.settled = -1
            content.state.progress[interface] = progress
            content.unsaved.insert(interface)
            return true
        }
    }

    /// What the database is to be told.
    func takeUnsaved() -> [InterfaceID: Progress] {
        content.withLock { content in
            defer { content.unsaved = [] }
            let pairs = content.unsaved.compactMap { name in
                content.state.interfaces[name].flatMap { record in
                    content.state.progress[name].map { (record.id, $0) }
                }
            }
            return Dictionary(pairs) { first, _ in first }
        }
    }
}

extension GatewayState {
    fileprivate mutating func noteChanges(_ touched: Touched, _ revision: Int64) {
        for name in touched.deletedInterfaces { progress[name] = nil }
        let holders = Set(
            touched.interfaces.map(\.id) + touched.peers.map(\.interface) + touched.deletedPeers.map(\.interface)
        )
        for record in interfaces.values where holders.contains(record.id) {
            progress[record.name, default: Progress(changed: 0, settled: -1)].changed = revision
        }
    }

    /// As a change leaves it.
    func after(_ touched: Touched) -> Self {
        var state = self
        state.apply(touched)
        return state
    }

    fileprivate mutating func apply(_ touched: Touched) {
        for peer in touched.deletedPeers { peers[peer.interface]?[peer.name] = nil }
        for name in touched.deletedInterfaces {
            guard let interface = interfaces.removeValue(forKey: name) else { continue }
            peers[interface.id] = nil
            formerInterfaces.insert(interface.id)
        }
        for interface in touched.interfaces {
            interfaces[interface.name] = interface
            formerInterfaces.remove(interface.id)
        }
        givenBack = givenBack.union(touched.givenBack).intersection(formerInterfaces)
        for peer in touched.peers { peers[peer.interface, default: [:]][peer.name] = peer }
        for principal in touched.principals { principals[principal.name] = principal }
        revokedTokens.formUnion(touched.revokedTokens)
    }
}
