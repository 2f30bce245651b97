// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
internal import WGMModel

/// Sends peers whose endpoint is a name to what the name stands for.
///
/// A name is looked up when the kernel has no endpoint of the peer, or another was decided; and again, once the answer has
/// lived its time, while handshakes should come and do not. A peer that is heard, or that nobody sends anything, is left
/// alone, wherever it has roamed to.
actor EndpointKeeper {
    private static let tick: Duration = .seconds(1)
    /// Names that are looked up at the same time.
    private static let mostLookups = 8
    /// Milliseconds until what was told to the kernel is surely seen in it.
    private static let settling: Int64 = 6000
    /// Milliseconds that an address has to prove itself, the first time and at most; twice as long each time.
    private static let trials: ClosedRange<Int64> = 30_000...300_000

    private struct Track {
        var endpoint: PeerEndpoint?
        /// When the kernel was told last.
        var movedAt: Int64?
        /// When the present address began to be tried, and what had been sent until then.
        var triedSince: Int64
        var sentBefore: UInt64
        /// Addresses that were tried in vain since the peer was heard.
        var failures = 0
    }

    private struct Move {
        var peer: PeerRecord
        var from: Endpoint?
        var to: Endpoint
        var reason: Reason

        var change: PeerChange {
            var change = PeerChange(publicKey: peer.publicKey)
            change.updateOnly = true
            change.endpoint = to
            return change
        }
    }

    private enum Reason { case first, renumbered, next }

    private let node: ObjectName
    private let view: GatewayView
    private let kernel: any Kernel
    private let lookup: any NameLookup
    private let clock: any Clock
    private let lanes: KeyedLock<InterfaceName>
    private let reconciler: Reconciler
    private let audit: AuditQueue
    private let logger: Logger
    private nonisolated let decided = Mutex<Set<Int64>>([])
    private var tracks: [Int64: Track] = [:]
    private var known = (revision: Int64(-1), peers: [InterfaceName: [PeerRecord]]())
    private var underWay: Set<HostName> = []
    private var complaints: [InterfaceName: String] = [:]

    init(
        node: ObjectName,
        view: GatewayView,
        kernel: any Kernel,
        lookup: any NameLookup,
        clock: any Clock,
        lanes: KeyedLock<InterfaceName>,
        reconciler: Reconciler,
        audit: AuditQueue,
        logger: Logger
    ) {
        self.node = node
        self.view = view
        self.kernel = kernel
        self.lookup = lookup
        self.clock = clock
        self.lanes = lanes
        self.reconciler = reconciler
        self.audit = audit
        self.logger = logger
    }

    /// Somebody decided that these peers are to be sent there, whatever the kernel has heard since.
    nonisolated func decide(_ peers: [PeerRecord]) {
        guard !peers.isEmpty else { return }
        decided.withLock { $0.formUnion(peers.map(\.id)) }
    }

    /// Until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while (try? await Task.sleep(for: Self.tick)) != nil {
                for name in await step() { group.addTask { await self.lookUp(name) } }
            }
        }
    }

    /// Tells the kernel what is known, and returns the names that are to be looked up now.
    func step() async -> [HostName] {
        guard view.isLoaded else { return [] }
        renew()
        var names: [HostName: Int64] = [:]
        for (interface, peers) in known.peers {
            guard let record = view.interface(interface), record.isUp, let actual = view.observation(interface)?.actual,
                actual.owner == record.id
            else { continue }
            let own = OwnAddresses(of: view, inside: record)
            let moves = peers.compactMap { move($0, actual.peers[$0.publicKey], own, &names) }
            if !moves.isEmpty { await make(moves, of: record) }
        }
        let free = Self.mostLookups - underWay.count
        // Those that have waited for longest, or names that are not found would be all that is looked up.
        let waiting = names.filter { !underWay.contains($0.key) }.sorted {
            ($0.value, $0.key.value) < ($1.value, $1.key.value)
        }
        let next = waiting.prefix(free).map(\.key)
        underWay.formUnion(next)
        return next
    }

    func lookUp(_ name: HostName) async {
        defer { underWay.remove(name) }
        let before = view.names.record(of: name)
        do throws(LookupFailure) {
            let found = try await lookup.addresses(of: name)
            view.note(found, for: name, now: clock.now, steady: clock.steady)
            if before?.failure != nil { logger.notice("a name is found again", metadata: ["name": "\(name)"]) }
        } catch {
            view.note(error, for: name, now: clock.now, steady: clock.steady)
            guard before?.failure != error.message else { return }
            logger.warning("a name was not found", metadata: ["name": "\(name)", "reason": "\(error.message)"])
        }
    }

    private func renew() {
        guard known.revision != view.revision else { return }
        known = (view.revision, view.namedPeers)
        let all = known.peers.values.joined()
        let ids = Set(all.map(\.id))
        tracks = tracks.filter { ids.contains($0.key) }
        decided.withLock { $0.formIntersection(ids) }
        view.names.keep(Set(all.compactMap(\.endpoint?.name)))
    }

    /// Where the peer is to be sent to, if elsewhere; adds the name, with when it was due, if it must be looked up for that.
    private func move(
        _ peer: PeerRecord,
        _ present: ActualPeer?,
        _ own: OwnAddresses,
        _ names: inout [HostName: Int64]
    ) -> Move? {
        let steady = clock.steady
        guard let present, let endpoint = peer.endpoint, let name = endpoint.name, peer.isEnabled,
            peer.validity.holds(at: clock.now)
        else { return nil }
        if tracks[peer.id]?.endpoint != endpoint {
            tracks[peer.id] = Track(endpoint: endpoint, triedSince: steady, sentBefore: present.sentBytes)
        }
        let isFirst = present.endpoint == nil || decided.withLock { $0.contains(peer.id) }
        guard isFirst || isMissed(peer) else {
            tracks[peer.id]?.failures = 0
            return nil
        }
        if let moved = tracks[peer.id]?.movedAt, steady - moved < Self.settling { return nil }
        let record = view.names.record(of: name)
        let due = record?.due ?? .min
        if due <= steady { names[name] = due }
        let targets = (record?.addresses ?? []).filter { !own.contains($0) }.map { Endpoint($0, port: endpoint.port) }
        guard let first = targets.first else { return nil }
        guard !isFirst, let current = present.endpoint else {
            return Move(peer: peer, from: present.endpoint, to: first, reason: .first)
        }
        guard let index = targets.firstIndex(of: current) else {
            return Move(peer: peer, from: current, to: first, reason: .renumbered)
        }
        guard targets.count > 1, hasFailed(peer, present, steady) else { return nil }
        return Move(peer: peer, from: current, to: targets[(index + 1) % targets.count], reason: .next)
    }

    /// Handshakes should come and do not.
    private func isMissed(_ peer: PeerRecord) -> Bool {
        switch view.ledger.traffic(of: peer.name, in: peer.interface)?.state {
        case .never, .stale, .down: true
        case .up, .idle, nil: false
        }
    }

    /// What was sent to the present address for long enough has had no answer.
    private func hasFailed(_ peer: PeerRecord, _ present: ActualPeer, _ steady: Int64) -> Bool {
        guard let track = tracks[peer.id] else { return false }
        let trial = min(Self.trials.lowerBound << min(track.failures, 8), Self.trials.upperBound)
        let sent = present.sentBytes >= track.sentBefore ? present.sentBytes - track.sentBefore : present.sentBytes
        return steady - track.triedSince >= trial && sent >= PeerActivity.answerBytes
    }

    private func make(_ moves: [Move], of interface: InterfaceRecord) async {
        let name = interface.name
        let made = await lanes.withLock(name) { () async -> [Move] in
            // Meanwhile somebody may have decided otherwise.
            let wanted = Set(moves.map(\.peer.id))
            let present = view.peers(of: name) { wanted.contains($0.id) }.map { ($0.id, $0) }
            let records = Dictionary(present) { first, _ in first }
            let moves = moves.filter { records[$0.peer.id] == $0.peer }
            guard !moves.isEmpty else { return [] }
            do throws(KernelFailure) {
                try await kernel.apply(.setPeers(moves.map(\.change)), to: name, owner: interface.id)
                complaints[name] = nil
                return moves
            } catch {
                complain(name, error)
                return []
            }
        }
        // Also of those that failed: they are not tried again at once.
        for move in moves { tracks[move.peer.id]?.movedAt = clock.steady }
        for move in made { note(move, name) }
        if !made.isEmpty { await reconciler.refresh(name) }
    }

    private func complain(_ name: InterfaceName, _ failure: KernelFailure) {
        guard complaints.updateValue(failure.message, forKey: name) != failure.message else { return }
        logger.error(
            "peers were not sent to where their names say; trying again",
            metadata: ["interface": "\(name)", "reason": "\(failure.message)"]
        )
    }

    private func note(_ move: Move, _ interface: InterfaceName) {
        _ = decided.withLock { $0.remove(move.peer.id) }
        tracks[move.peer.id]?.triedSince = clock.steady
        tracks[move.peer.id]?.sentBefore =
            view.observation(interface)?.actual?.peers[move.peer.publicKey]?.sentBytes ?? 0
        if move.reason == .next { tracks[move.peer.id]?.failures += 1 }
        logger.info(
            "a peer is sent to what its name stands for",
            metadata: [
                "interface": "\(interface)", "peer": "\(move.peer.name)",
                "before": "\(move.from.map(\.description) ?? "none")", "endpoint": "\(move.to)",
            ]
        )
        guard move.reason == .renumbered, let endpoint = move.peer.endpoint else { return }
        let context = CallContext(
            credential: nil,
            uid: nil,
            method: "wgmd/endpoint",
            resource: "node/\(node)/interface/\(interface)/peer/\(move.peer.name)",
            requestID: "",
            time: clock.now
        )
        let from = move.from.map(\.description) ?? "none"
        audit.record(context.entry(message: "no handshake came, and \(endpoint) is \(move.to) now, not \(from)"))
    }
}

/// Where no peer of an interface is, whatever a name server says: the gateway itself, and behind the interface.
private struct OwnAddresses {
    private let addresses: Set<IPAddress>
    private let pools: [IPPrefix]

    init(of view: GatewayView, inside interface: InterfaceRecord) {
        addresses = Set(view.interfaces.flatMap { $0.addresses.map(\.address) })
        pools = [interface.ipv6Pool, interface.ipv4Pool].compactMap(\.self)
    }

    func contains(_ address: IPAddress) -> Bool {
        addresses.contains(address) || pools.contains { $0.contains(address) }
    }
}

extension GatewayView {
    /// Those with a name for an endpoint; interfaces without any are left out.
    fileprivate var namedPeers: [InterfaceName: [PeerRecord]] {
        var found: [InterfaceName: [PeerRecord]] = [:]
        for interface in interfaces {
            let peers = peers(of: interface.name) { $0.endpoint?.name != nil }
            if !peers.isEmpty { found[interface.name] = peers }
        }
        return found
    }
}
