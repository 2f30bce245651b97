// SPDX-License-Identifier: Apache-2.0

import Dispatch
package import WGMControl
package import WGMModel

/// State and audit records in PostgreSQL, over one connection that is made anew when it breaks.
package actor PostgresStore: Store {
    private let executor = BlockingExecutor(label: "wgm.store")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let address: DatabaseAddress
    private let node: String
    private let limits: Connection.Limits
    private let lease: Lease
    private var connection: Connection?
    private var holdsLease = false
    private var backoff = Backoff()

    /// Connects when first asked something.
    ///
    /// `node` is this gateway's name; one database may serve many, each from one process at a time (`Lease`).
    package init(address: DatabaseAddress, node: ObjectName) {
        self.init(address: address, node: node, limits: Connection.Limits())
    }

    init(address: DatabaseAddress, node: ObjectName, limits: Connection.Limits, lease: Lease? = nil) {
        self.address = address
        self.node = node.value
        self.limits = limits
        self.lease = lease ?? Lease(node: node.value)
    }

    package func load() throws(StoreFailure) -> GatewayState {
        try transaction(.snapshot) { (connection) throws(StoreFailure) in
            try connection.allow(andAll: true)
            return try StateReader(connection: connection, node: node).everything()
        }
    }

    package func currentRevision() throws(StoreFailure) -> Int64 {
        try reading { (connection) throws(StoreFailure) in
            var row = try connection.probe("SELECT revision FROM head")
            return try row.int()
        }
    }

    package func reserveInterfaceID() throws(StoreFailure) -> InterfaceID {
        InterfaceID(UInt64.random(in: 1...UInt64(Int64.max)))
    }

    package func commit(
        _ change: Change,
        audit: AuditEntry,
        key: CallKey?,
        check: CommitCheck? = nil
    ) throws(StoreFailure) -> Committed {
        try transaction(.write) { (connection) throws(StoreFailure) in
            let revision = try RevisionLog(connection: connection, node: node).lockNext()
            if let key, let earlier = try CallKeys(connection: connection).claim(key, revision: revision) {
                return earlier
            }
            try connection.allow(peers: change.peerCount, andAll: change.isAboutAll)
            let confirmations = Confirmations(connection: connection, node: node)
            try confirmations.admit(change, audit)
            let changes = ChangeWriter(connection: connection, node: node, revision: revision, caller: audit)
            let touched = try changes.apply(change)
            try check?(touched)
            try RevisionLog(connection: connection, node: node).record(
                change,
                revision: revision,
                audit: audit,
                touched: touched
            )
            try confirmations.record(audit, revision: revision)
            return Committed(revision: revision, outcome: .applied(touched))
        }
    }

    package func keepReply(_ reply: [UInt8], for key: CallKey) throws(StoreFailure) {
        try reading { (connection) throws(StoreFailure) in
            try CallKeys(connection: connection).keep(reply, for: key)
        }
    }

    package func append(_ entries: [AuditEntry]) throws(StoreFailure) {
        guard !entries.isEmpty else { return }
        try transaction(.write) { (connection) throws(StoreFailure) in
            try AuditLog(connection: connection, node: node).append(entries)
        }
    }

    package func recordToken(_ token: TokenRecord, audit: AuditEntry) throws(StoreFailure) {
        try transaction(.write) { (connection) throws(StoreFailure) in
            try IssuedTokens(connection: connection).record(token)
            try AuditLog(connection: connection, node: node).append([audit])
        }
    }

    package func tokens(id: String?, principal: ObjectName?, limit: Int) throws(StoreFailure) -> [TokenRecord] {
        try reading { (connection) throws(StoreFailure) in
            try IssuedTokens(connection: connection).records(id: id, principal: principal, limit: limit)
        }
    }

    package func auditRecords(_ query: AuditQuery) throws(StoreFailure) -> [AuditRecord] {
        try reading { (connection) throws(StoreFailure) in
            try AuditLog(connection: connection, node: node).records(query)
        }
    }

    package func keepProgress(_ progress: [InterfaceID: Progress]) throws(StoreFailure) {
        let pairs = progress.sorted { $0.key.value < $1.key.value }
        _ = try reading { (connection) throws(StoreFailure) in
            try connection.query(
                """
                UPDATE interface i SET settled = new.settled, seen_key = new.key, seen_key_since = new.since
                FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::timestamptz[]) AS new (id, settled, key, since)
                WHERE i.id = new.id
                """,
                .array(of: .int8, pairs.map { .int($0.key.value) }),
                .ints(pairs.map(\.value.settled)),
                .array(of: .bytea, pairs.map { .bytes($0.value.key?.publicKey.bytes) }),
                .array(of: .timestamptz, pairs.map { .time($0.value.key?.since) })
            )
        }
    }

    package func traffic() throws(StoreFailure) -> [TrafficRecord] {
        try reading { (connection) throws(StoreFailure) in
            try Traffic(connection: connection, node: node).everything()
        }
    }

    package func keepTraffic(_ records: [TrafficRecord]) throws(StoreFailure) {
        try reading { (connection) throws(StoreFailure) in
            try Traffic(connection: connection, node: node).keep(records)
        }
    }

    // MARK: History

    package func revisions(
        limit: Int,
        before: Int64?,
        interface: InterfaceName?
    ) throws(StoreFailure) -> [RevisionRecord] {
        try history { (history) throws(StoreFailure) in
            try history.revisions(limit: limit, before: before, interface: interface)
        }
    }

    package func revision(_ number: Int64) throws(StoreFailure) -> (RevisionRecord, Differences) {
        try history { (history) throws(StoreFailure) in try history.revision(number) }
    }

    package func changes(after revision: Int64) throws(StoreFailure) -> ChangePage {
        try history { (history) throws(StoreFailure) in try history.changes(after: revision) }
    }

    package func differences(from: Int64, to: Int64) throws(StoreFailure) -> Differences {
        try history { (history) throws(StoreFailure) in
            try history.connection.allow(andAll: true)
            return try history.differences(from: from, to: to)
        }
    }

    package func peer(
        _ name: ObjectName,
        of interface: InterfaceName,
        at moment: HistoryPoint
    ) throws(StoreFailure) -> PastPeer {
        try history { (history) throws(StoreFailure) in try history.peer(name, of: interface, at: moment) }
    }

    package func holders(of address: IPAddress, at moment: HistoryPoint) throws(StoreFailure) -> [AddressHolder] {
        try history { (history) throws(StoreFailure) in try history.holders(of: address, at: moment) }
    }

    private func history<Value>(_ body: (HistoryReader) throws(StoreFailure) -> Value) throws(StoreFailure) -> Value {
        try transaction(.snapshot) { (connection) throws(StoreFailure) in
            try body(HistoryReader(connection: connection, node: node))
        }
    }

    // MARK: Connection

    /// Runs a statement that may be run twice without harm: on an idle connection that turns out dead, on a new one.
    private func reading<Value>(
        _ body: (Connection) throws(StoreFailure) -> Value
    ) throws(StoreFailure) -> Value {
        let wasConnected = connection != nil
        let current = try connected()
        do {
            return try body(current)
        } catch {
            guard wasConnected, current.isLost, !current.isFrozen else { throw error }
        }
        return try body(connected())
    }

    private func transaction<Value>(
        _ mode: Connection.Mode,
        _ body: (Connection) throws(StoreFailure) -> Value
    ) throws(StoreFailure) -> Value {
        let connection = try reading { (connection) throws(StoreFailure) in
            try connection.begin(mode)
            return connection
        }
        do {
            if !holdsLease { holdsLease = try lease.take(connection) }
            let value = try body(connection)
            switch mode {
            case .write: try connection.commit()
            // Nothing was written: losing the connection now loses nothing.
            case .snapshot: connection.rollBack()
            }
            return value
        } catch {
            connection.rollBack()
            throw error
        }
    }

    private func connected() throws(StoreFailure) -> Connection {
        if let connection, !connection.isLost { return connection }
        connection = nil
        try backoff.check()
        do {
            let new = try Connection(address, limits: limits)
            try Migrator.check(new)
            try lease.mark(new)
            holdsLease = try lease.take(new)
            backoff = Backoff()
            connection = new
            return new
        } catch {
            backoff.failed(error)
            throw error
        }
    }
}

/// Keeps a store from trying to connect all the time to a database that is not there.
private struct Backoff {
    private var pause: UInt64 = 0
    private var last: (failure: StoreFailure, until: DispatchTime)?

    /// Throws the last failure again until its pause is over.
    func check() throws(StoreFailure) {
        guard let last, last.until > .now() else { return }
        throw last.failure
    }

    /// 50 ms after the first failure, then twice as long each time, up to 2 s.
    mutating func failed(_ failure: StoreFailure) {
        pause = pause == 0 ? 50 : min(pause * 2, 2000)
        last = (failure, .now() + .milliseconds(Int(pause)))
    }
}
