// SPDX-License-Identifier: Apache-2.0

import WGMModel

@testable import WGMControl

/// A store in memory, for the rules that need one; the real one is tested with PostgreSQL.
actor MemoryStore: Store {
    private(set) var state = GatewayState()
    private var tokens: [TokenRecord] = []
    private(set) var audit: [(entry: AuditEntry, revision: Int64?)] = []
    private var keys: [CallKey: (revision: Int64, reply: [UInt8]?)] = [:]
    private var nextID: UInt64 = 1
    /// What there was after each revision.
    private var states: [Int64: GatewayState] = [:]
    private var lastPeer: Int64 = 0
    private(set) var changes: [RevisionChange] = []
    var failure: StoreFailure?
    /// Refuses records whose message is this, as a database refuses what it cannot store.
    var poison: String?

    func fail(_ failure: StoreFailure?) { self.failure = failure }
    func setPoison(_ message: String?) { poison = message }
    func replaceState(_ change: (inout GatewayState) -> Void) { change(&state) }

    func load() throws(StoreFailure) -> GatewayState {
        try check()
        return state
    }

    func currentRevision() throws(StoreFailure) -> Int64 {
        try check()
        return state.revision
    }

    func reserveInterfaceID() throws(StoreFailure) -> InterfaceID {
        try check()
        nextID += 1
        return InterfaceID(nextID)
    }

    func keepReply(_ reply: [UInt8], for key: CallKey) throws(StoreFailure) {
        try check()
        keys[key]?.reply = reply
    }

    func append(_ entries: [AuditEntry]) throws(StoreFailure) {
        try check()
        if let poison, entries.contains(where: { $0.message == poison }) { throw .other("invalid byte sequence") }
        audit += entries.map { ($0, nil) }
    }

    func recordToken(_ token: TokenRecord, audit entry: AuditEntry) throws(StoreFailure) {
        try append([entry])
        tokens.append(token)
    }

    func tokens(id: String?, principal: ObjectName?, limit: Int) throws(StoreFailure) -> [TokenRecord] {
        try check()
        let found = tokens.reversed().filter { id ?? $0.token.tokenID == $0.token.tokenID }
        return Array(found.filter { principal ?? $0.token.principal == $0.token.principal }.prefix(limit))
    }

    func auditRecords(_ query: AuditQuery) throws(StoreFailure) -> [AuditRecord] {
        try check()
        return audit.enumerated().reversed().prefix(query.limit).map {
            AuditRecord(sequence: Int64($0.offset + 1), entry: $0.element.entry, revision: $0.element.revision)
        }
    }

    func commit(
        _ change: Change,
        audit entry: AuditEntry,
        key: CallKey?,
        check wanted: CommitCheck?
    ) throws(StoreFailure) -> Committed {
        try check()
        if let key, let earlier = keys[key] {
            return Committed(revision: earlier.revision, outcome: .repeated(reply: earlier.reply))
        }
        let pending = state.unconfirmed
        if case .settles(let revision) = entry.terms.confirmation {
            guard pending?.revision == revision else { throw .nothingUnconfirmed }
        } else if let pending, change.isOfObjects {
            throw .unconfirmed(pending)
        }
        states[state.revision] = state
        let before = state
        let touched = try apply(change, entry, state.revision + 1)
        do { try wanted?(touched) } catch {
            state = before
            throw error
        }
        state.revision += 1
        if case .by(let deadline) = entry.terms.confirmation {
            state.unconfirmed = Unconfirmed(revision: state.revision, principal: entry.principal, deadline: deadline)
        } else if case .settles = entry.terms.confirmation {
            state.unconfirmed = nil
        }
        audit.append((entry, state.revision))
        note(change, entry, touched)
        if let key { keys[key] = (state.revision, nil) }
        return Committed(revision: state.revision, outcome: .applied(touched))
    }

    /// For watchers: which objects a revision left behind or took away.
    private func note(_ change: Change, _ entry: AuditEntry, _ touched: Touched) {
        let names = Dictionary(uniqueKeysWithValues: state.interfaces.values.map { ($0.id, $0.name.value) })
        let interfaces = touched.interfaces.map {
            ObjectDifference(interface: $0.name.value, peer: nil, kind: .changed, attributes: [])
        }
        let peers = touched.peers.map {
            ObjectDifference(interface: names[$0.interface] ?? "", peer: $0.name.value, kind: .changed, attributes: [])
        }
        let gone = touched.deletedPeers.map {
            ObjectDifference(interface: names[$0.interface] ?? "", peer: $0.name.value, kind: .deleted, attributes: [])
        }
        let objects = interfaces + peers + gone
        guard !objects.isEmpty else { return }
        let record = RevisionRecord(
            number: state.revision,
            time: entry.time,
            principal: entry.principal,
            method: entry.method,
            summary: "all of it",
            reason: entry.reason,
            requestID: entry.requestID
        )
        changes.append(RevisionChange(record: record, objects: objects, isTruncated: false))
    }

    private func check() throws(StoreFailure) {
        if let failure { throw failure }
    }

    private func apply(_ change: Change, _ entry: AuditEntry, _ revision: Int64) throws(StoreFailure) -> Touched {
        var touched = Touched()
        switch change {
        case .createInterface(let new):
            guard state.interfaces[new.name] == nil else { throw .taken(what: "name", owner: "interface \(new.name)") }
            let record = InterfaceRecord(new, revision: revision, created: entry.time)
            state.interfaces[new.name] = record
            touched.interfaces = [record]
        case .importInterface(let new):
            var record = InterfaceRecord(new.interface, revision: revision, created: entry.time)
            record.addresses = new.addresses
            record.linkTaken = new.takesLink ? revision : nil
            state.interfaces[record.name] = record
            touched.interfaces = [record]
            for peer in new.peers {
                lastPeer += 1
                var made = PeerRecord(peer, in: record, id: lastPeer, revision, entry.time)
                made.addresses = peer.addresses
                state.peers[record.id, default: [:]][peer.name] = made
                touched.peers.append(made)
            }
        case .setInterfaceUp(let name, let isUp):
            var record = try interface(name)
            record.isUp = isUp
            state.interfaces[name] = record
            touched.interfaces = [record]
        case .setDriftPolicy(let name, let policy):
            var record = try interface(name)
            record.driftPolicy = policy
            state.interfaces[name] = record
            touched.interfaces = [record]
        case .rotateKey(let name, let step):
            let record = try step.applied(to: try interface(name))
            state.interfaces[name] = record
            touched.interfaces = [record]
        case .adopt(let name, let adoption):
            touched = try adopt(adoption, name, revision, entry.time)
        case .confirm: break
        case .applyFile(let change): touched = try apply(change, entry, revision)
        case .rollBack(let target):
            guard let past = states[target] else { throw .noSuchRevision(target, first: revision) }
            let gone = state.interfaces.values.filter { past.interfaces[$0.name] == nil }
            touched = restore(past)
            touched.givenBack = gone.filter { $0.linkTaken ?? 0 > target }.map(\.id)
            state.formerInterfaces.formUnion(gone.map(\.id))
            state.givenBack.formUnion(touched.givenBack)
        case .deleteInterface(let name, let withPeers):
            let record = try interface(name)
            let peers = state.peers[record.id] ?? [:]
            guard withPeers || peers.isEmpty else { throw .hasPeers(name, count: peers.count) }
            state.interfaces[name] = nil
            state.peers[record.id] = nil
            state.formerInterfaces.insert(record.id)
            touched.deletedInterfaces = [name]
            touched.deletedPeers = Array(peers.values)
        case .createPeers(let name, let new):
            let record = try interface(name)
            for peer in new {
                lastPeer += 1
                let made = PeerRecord(peer, in: record, id: lastPeer, revision, entry.time)
                state.peers[record.id, default: [:]][peer.name] = made
                touched.peers.append(made)
            }
        case .updateInterface(let name, let update):
            var record = try interface(name)
            record.mtu = update.mtu ?? record.mtu
            record.listenPort = update.listenPort ?? record.listenPort
            record.endpoint = update.endpoint.applied(to: record.endpoint)
            record.firewallMark = update.firewallMark ?? record.firewallMark
            record.dns = update.dns ?? record.dns
            record.isUp = update.isUp ?? record.isUp
            record.driftPolicy = update.driftPolicy ?? record.driftPolicy
            state.interfaces[name] = record
            touched.interfaces = [record]
        case .updatePeer(let name, let peer, let update):
            let record = update.applied(to: try self.peer(peer, name))
            state.peers[record.interface]?[peer] = record
            touched.peers = [record]
        case .setPeersEnabled(let name, let peers, let isEnabled):
            for peer in peers {
                var record = try self.peer(peer, name)
                record.isEnabled = isEnabled
                state.peers[record.interface]?[peer] = record
                touched.peers.append(record)
            }
        case .deletePeers(let name, let peers):
            for peer in peers {
                let record = try self.peer(peer, name)
                state.peers[record.interface]?[peer] = nil
                touched.deletedPeers.append(record)
            }
        case .setRoles(let name, let uid, let roles):
            var record = principal(name, uid, entry.time)
            record.roles = roles
            let isLast = !state.principals.values.contains { $0.name != name && $0.roles.contains(.admin) }
            if isLast, !roles.contains(.admin) { throw .lastAdmin }
            state.principals[name] = record
            touched.principals = [record]
        case .revokeToken(let principal, let tokenID, _):
            let token = RevokedToken(principal: principal, tokenID: tokenID)
            state.revokedTokens.insert(token)
            touched.revokedTokens = [token]
        case .revokeTokens(let name, let moment):
            guard var record = state.principals[name] else { throw .notFound(.principal(name)) }
            record.tokensValidFrom = moment
            state.principals[name] = record
            touched.principals = [record]
        case .makeFirstAdmin(let name, let uid):
            guard audit.isEmpty else { throw .notFirst }
            var record = principal(name, uid, entry.time)
            record.roles = [.admin]
            state.principals[name] = record
            touched.principals = [record]
        }
        return touched
    }

    private func apply(_ change: FileChange, _ entry: AuditEntry, _ revision: Int64) throws(StoreFailure) -> Touched {
        var touched = Touched()
        var parts = change.deletedPeers.map { Change.deletePeers($0.key, $0.value) }
        parts += change.deletedInterfaces.map { Change.deleteInterface($0, withPeers: true) }
        parts += change.newInterfaces.map { Change.createInterface($0) }
        parts += change.newPeers.map { Change.createPeers($0.key, $0.value) }
        for part in parts {
            let more = try apply(part, entry, revision)
            touched.interfaces += more.interfaces
            touched.deletedInterfaces += more.deletedInterfaces
            touched.peers += more.peers
            touched.deletedPeers += more.deletedPeers
        }
        for record in change.changedInterfaces {
            state.interfaces[record.name] = record
            touched.interfaces.append(record)
        }
        for record in change.changedPeers.values.joined() {
            state.peers[record.interface]?[record.name] = record
            touched.peers.append(record)
        }
        return touched
    }

    private func restore(_ past: GatewayState) -> Touched {
        var touched = Touched()
        touched.deletedInterfaces = state.interfaces.keys.filter { past.interfaces[$0] == nil }
        touched.deletedPeers = state.peers.values.flatMap(\.values).filter { past.peers[$0.interface]?[$0.name] == nil }
        touched.interfaces = Array(past.interfaces.values)
        touched.peers = past.peers.values.flatMap(\.values)
        (state.interfaces, state.peers) = (past.interfaces, past.peers)
        return touched
    }

    private func adopt(
        _ adoption: Adoption,
        _ name: InterfaceName,
        _ revision: Int64,
        _ time: Timestamp
    ) throws(StoreFailure) -> Touched {
        var record = try interface(name)
        record.isUp = adoption.isUp ?? record.isUp
        record.mtu = adoption.mtu ?? record.mtu
        record.listenPort = adoption.listenPort ?? record.listenPort
        record.addresses = record.addresses.filter { !adoption.removedAddresses.contains($0) } + adoption.addedAddresses
        state.interfaces[name] = record
        var touched = Touched()
        touched.interfaces = [record]
        for peer in adoption.disabledPeers {
            state.peers[record.id]?[peer]?.isEnabled = false
            touched.peers += state.peers[record.id]?[peer].map { [$0] } ?? []
        }
        for peer in adoption.newPeers + adoption.changedPeers {
            lastPeer += 1
            var made = PeerRecord(peer, in: record, id: lastPeer, revision, time)
            made.addresses = peer.addresses
            state.peers[record.id, default: [:]][peer.name] = made
            touched.peers.append(made)
        }
        return touched
    }

    /// History is PostgreSQL's; here there is none.
    func revisions(limit: Int, before: Int64?, interface: InterfaceName?) throws(StoreFailure) -> [RevisionRecord] {
        []
    }
    func revision(_ number: Int64) throws(StoreFailure) -> (RevisionRecord, Differences) {
        throw .noSuchRevision(number, first: state.revision)
    }
    func changes(after revision: Int64) throws(StoreFailure) -> ChangePage {
        try check()
        guard revision <= state.revision else { throw .noSuchRevision(revision, first: 0) }
        return ChangePage(changes: changes.filter { $0.record.number > revision }, completeTo: state.revision)
    }
    func differences(from: Int64, to: Int64) throws(StoreFailure) -> Differences {
        let made = changes.filter { (min(from, to) + 1..<max(from, to) + 1).contains($0.record.number) }
        return Differences(objects: made.flatMap(\.objects), isTruncated: false)
    }
    func peer(_ name: ObjectName, of interface: InterfaceName, at: HistoryPoint) throws(StoreFailure) -> PastPeer {
        throw .notFound(.peer(name, interface))
    }
    func holders(of address: IPAddress, at moment: HistoryPoint) throws(StoreFailure) -> [AddressHolder] { [] }

    private(set) var counted: [TrafficRecord] = []

    func traffic() throws(StoreFailure) -> [TrafficRecord] {
        try check()
        return counted
    }

    func keepTraffic(_ records: [TrafficRecord]) throws(StoreFailure) {
        try check()
        counted = counted.filter { old in !records.contains { $0.interface == old.interface && $0.peer == old.peer } }
        counted += records
    }

    func keepProgress(_ progress: [InterfaceID: Progress]) throws(StoreFailure) {
        try check()
        for record in state.interfaces.values {
            if let kept = progress[record.id] { state.progress[record.name] = kept }
        }
    }

    private func principal(_ name: ObjectName, _ uid: UInt32?, _ time: Timestamp) -> PrincipalRecord {
        let none = Timestamp(seconds: 0)
        var record =
            state.principals[name]
            ?? PrincipalRecord(name: name, uid: uid, roles: [], tokensValidFrom: none, created: time)
        if let uid { record.uid = uid }
        return record
    }

    private func interface(_ name: InterfaceName) throws(StoreFailure) -> InterfaceRecord {
        guard let record = state.interfaces[name] else { throw .notFound(.interface(name)) }
        return record
    }

    private func peer(_ peer: ObjectName, _ name: InterfaceName) throws(StoreFailure) -> PeerRecord {
        let record = try interface(name)
        guard let found = state.peers[record.id]?[peer] else { throw .notFound(.peer(peer, name)) }
        return found
    }
}

extension InterfaceRecord {
    init(_ new: NewInterface, revision: Int64, created: Timestamp) {
        let bits = new.uniqueLocalPrefixIfNone.address.bits
        let pool = new.ipv6Pool ?? IPPrefix(masking: IPAddress(v6: bits), length: 64) ?? new.uniqueLocalPrefixIfNone
        let pools = [pool, new.ipv4Pool].compactMap { $0 }
        let own = pools.compactMap { pool in
            let address =
                pool.family == .v6 ? IPAddress(v6: pool.address.bits + 1) : IPAddress(v4: UInt32(pool.address.bits) + 1)
            return InterfaceAddress(address, length: Int(pool.length))
        }
        self.init(
            id: new.id,
            name: new.name,
            backend: new.backend,
            isUp: new.isUp,
            mtu: new.mtu,
            listenPort: new.listenPort ?? 51820,
            publicKey: new.publicKey,
            sealedKey: new.sealedKey,
            addresses: own,
            ipv6Pool: pool,
            ipv4Pool: new.ipv4Pool,
            endpoint: new.endpoint,
            firewallMark: new.firewallMark,
            dns: new.dns,
            driftPolicy: new.driftPolicy,
            revision: revision,
            created: created
        )
    }
}

extension PeerRecord {
    init(_ new: NewPeer, in interface: InterfaceRecord, id: Int64, _ revision: Int64, _ time: Timestamp) {
        let given = IPAddress(v6: interface.ipv6Pool.address.bits + UInt128(id) + 1)
        self.init(
            id: id,
            interface: interface.id,
            name: new.name,
            publicKey: new.publicKey,
            isEnabled: new.isEnabled,
            addresses: new.addresses.isEmpty && !new.hasNoAddresses ? [given] : new.addresses,
            routed: new.routed,
            endpoint: new.endpoint,
            keepalive: new.keepalive,
            presharedKey: new.presharedKey,
            comment: new.comment,
            validity: new.validity,
            revision: revision,
            created: time
        )
    }
}
