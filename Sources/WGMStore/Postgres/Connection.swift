// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Dispatch
import WGMControl

/// One connection to PostgreSQL, whose calls block for a bounded time.
///
/// Statements are constants of the program (`StaticString`); what comes from outside goes in parameters.
final class Connection {
    /// How long things may take.
    struct Limits {
        /// Milliseconds for one statement, kept by the server.
        var statement: Int64 = 10_000
        /// Milliseconds of waiting for a row lock.
        var lock: Int64 = 5_000
        /// Milliseconds for what takes none, such as BEGIN: when they are over, the server is frozen or away.
        var probe = 1_800
        /// Milliseconds for any other call, longer than `statement`; 0 is no limit but the server's.
        var call = 15_000

        /// Peers that the ordinary limit is enough for, and milliseconds for each where there are more: several times what
        /// a slow machine takes.
        static let fewPeers = 1000
        static let eachPeer: Int64 = 4

        /// An idle transaction is one whose program is gone.
        var idle: Int64 { 30_000 }
    }

    enum Mode {
        case write
        case snapshot
    }

    static let oldestServer: Int32 = 150_000

    // In this order: the watchdog goes before the socket does, the log after its user.
    private let notices = NoticeLog()
    private let session: Session
    private var watchdog: Watchdog?
    private let limits: Limits
    /// Milliseconds that each statement of this transaction may take besides.
    private var more: Int64 = 0
    /// True once the connection is of no more use.
    private(set) var isLost = false
    /// True when it is lost because the server did not answer in time.
    var isFrozen: Bool { watchdog?.hasCut == true }

    init(_ address: DatabaseAddress, limits: Limits = Limits()) throws(StoreFailure) {
        session = try Session(address)
        session.sendNotices(to: notices)
        self.limits = limits
        watchdog = limits.call > 0 ? Watchdog(socket: session.socket) : nil
        guard session.serverVersion >= Self.oldestServer else {
            throw .other("the server is PostgreSQL \(session.serverVersion / 10_000); wgm needs 15 or newer")
        }
        try query(
            """
            SELECT set_config('search_path', 'wgm, pg_temp', false),
                   set_config('statement_timeout', $1::bigint::text, false),
                   set_config('lock_timeout', $2::bigint::text, false),
                   set_config('idle_in_transaction_session_timeout', $3::bigint::text, false),
                   set_config('client_min_messages', 'warning', false),
                   set_config('tcp_keepalives_idle', '20', false),
                   set_config('tcp_keepalives_interval', '5', false),
                   set_config('tcp_keepalives_count', '3', false)
            """,
            .int(limits.statement),
            .int(limits.lock),
            .int(limits.idle)
        )
    }

    deinit { watchdog = nil }

    /// Runs one statement and returns its rows.
    @discardableResult
    func query(_ sql: StaticString, _ parameters: Parameter...) throws(StoreFailure) -> [Row] {
        try run(sql, parameters).rows
    }

    /// The one row of a statement that always has one.
    func row(_ sql: StaticString, _ parameters: Parameter...) throws(StoreFailure) -> Row {
        try first(run(sql, parameters))
    }

    /// The same for a statement that takes no time, so that a frozen server is soon known.
    func probe(_ sql: StaticString) throws(StoreFailure) -> Row {
        try first(run(sql, [], limit: limits.probe))
    }

    private func first(_ result: QueryResult) throws(StoreFailure) -> Row {
        guard let row = result.rows.first else { throw .other("a row is missing from the database; restore a backup") }
        return row
    }

    /// Runs a migration: one statement, embedded in the program.
    func run(embedded script: [UInt8]) throws(StoreFailure) {
        let text = script.map { CChar(bitPattern: $0) } + [0]
        _ = try unsafe execute(text, [], limit: limits.call)
    }

    func begin(_ mode: Mode) throws(StoreFailure) {
        more = 0
        switch mode {
        case .write: _ = try run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", [], limit: limits.probe)
        case .snapshot: _ = try run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", [], limit: limits.probe)
        }
    }

    /// Gives the statements of this transaction more time, for so many peers that they are about, and for those that there are.
    func allow(peers named: Int = 0, andAll isAboutAll: Bool) throws(StoreFailure) {
        var count = named
        if isAboutAll {
            var row = try row("SELECT count(*) FROM peer")
            count += Int(clamping: try row.int())
        }
        guard count > Limits.fewPeers else { return }
        let more = Int64(count) * Limits.eachPeer
        try query("SELECT set_config('statement_timeout', $1::bigint::text, true)", .int(limits.statement + more))
        self.more = more
    }

    /// Ends the transaction well; `inDoubt` when it cannot be known whether it did.
    func commit() throws(StoreFailure) {
        _ = notices.take()
        let result: QueryResult
        do {
            result = try run("COMMIT", [])
        } catch {
            guard isLost else { throw error }
            throw .inDoubt("the connection to the database broke during COMMIT")
        }
        guard result.command == "COMMIT" else { throw .other("the database did not commit: \(result.command)") }
        // The one known: waiting for a synchronous standby was cut short, so that a failover may lose the change.
        if let warning = notices.take().first { throw .inDoubt(oneLine(warning)) }
    }

    /// Ends the transaction without effect; when that fails, so does the connection, which has the same effect.
    func rollBack() {
        guard !isLost else { return }
        do { try query("ROLLBACK") } catch { isLost = true }
    }

    private func run(
        _ sql: StaticString,
        _ parameters: [Parameter],
        limit: Int? = nil
    ) throws(StoreFailure) -> QueryResult {
        precondition(sql.hasPointerRepresentation, "a statement is longer than a character")
        let text = unsafe UnsafeRawPointer(sql.utf8Start).assumingMemoryBound(to: CChar.self)
        return try unsafe execute(text, parameters, limit: limit ?? limits.call + Int(clamping: more))
    }

    private func execute(
        _ sql: UnsafePointer<CChar>,
        _ parameters: [Parameter],
        limit: Int
    ) throws(StoreFailure) -> QueryResult {
        guard !isLost else { throw .unavailable("the connection to the database is lost") }
        let result: QueryResult?
        if let watchdog {
            result = watchdog.watch(milliseconds: limit) { unsafe session.execute(sql, parameters) }
        } else {
            result = unsafe session.execute(sql, parameters)
        }
        if session.isBroken || result?.endsConnection == true {
            isLost = true
            throw .unavailable(
                isFrozen
                    ? "the database does not answer" : "the connection to the database is lost: \(session.message)"
            )
        }
        guard let result else { throw .unavailable(session.message) }
        guard result.isSuccess else { throw ServerError(result).failure }
        return result
    }
}
