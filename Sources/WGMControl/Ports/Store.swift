// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Where state and audit records live: PostgreSQL, through WGMStore.
package protocol Store: Sendable {
    /// The whole state, read in one transaction.
    func load() async throws(StoreFailure) -> GatewayState

    /// The newest revision; cheap, and shows that the database answers.
    func currentRevision() async throws(StoreFailure) -> Int64

    /// A number that no database gives out again, random so that links tell whose they are.
    func reserveInterfaceID() async throws(StoreFailure) -> InterfaceID

    /// Writes the change, a new revision, the audit record and the idempotency key in one transaction: all or nothing.
    ///
    /// `check` sees what the change comes to before it is final, and may refuse it.
    func commit(
        _ change: Change,
        audit: AuditEntry,
        key: CallKey?,
        check: CommitCheck?
    ) async throws(StoreFailure) -> Committed

    /// Keeps the reply of a committed call for retries with the same key.
    func keepReply(_ reply: [UInt8], for key: CallKey) async throws(StoreFailure)

    /// Remembers a token until it ends, with the audit record of its issue, in one transaction.
    func recordToken(_ token: TokenRecord, audit: AuditEntry) async throws(StoreFailure)

    /// The tokens that were issued for programs and have not ended, newest first; only that of an id, or of a principal, if said.
    func tokens(id: String?, principal: ObjectName?, limit: Int) async throws(StoreFailure) -> [TokenRecord]

    /// Writes records of calls that changed nothing, in order, in one transaction.
    func append(_ entries: [AuditEntry]) async throws(StoreFailure)

    /// Keeps, for the time after a restart, up to which revision the kernel was seen to follow each interface's changes, and
    /// with which key.
    func keepProgress(_ progress: [InterfaceID: Progress]) async throws(StoreFailure)

    /// What peers of this node were counted to have sent and received.
    func traffic() async throws(StoreFailure) -> [TrafficRecord]

    /// Replaces what there was of these peers.
    func keepTraffic(_ records: [TrafficRecord]) async throws(StoreFailure)

    /// Newest first; only those that changed interfaces or peers.
    func revisions(
        limit: Int,
        before: Int64?,
        interface: InterfaceName?
    ) async throws(StoreFailure) -> [RevisionRecord]

    /// One revision, with what it changed.
    func revision(_ number: Int64) async throws(StoreFailure) -> (RevisionRecord, Differences)

    /// What came after a revision, or the first part of it; `noSuchRevision` when the history does not go back so far.
    func changes(after revision: Int64) async throws(StoreFailure) -> ChangePage

    func differences(from: Int64, to: Int64) async throws(StoreFailure) -> Differences

    func peer(
        _ name: ObjectName,
        of interface: InterfaceName,
        at moment: HistoryPoint
    ) async throws(StoreFailure) -> PastPeer

    /// Who held a prefix with the address, the narrowest first.
    func holders(of address: IPAddress, at moment: HistoryPoint) async throws(StoreFailure) -> [AddressHolder]

    /// Newest first.
    func auditRecords(_ query: AuditQuery) async throws(StoreFailure) -> [AuditRecord]
}

/// A last look at what a change comes to.
package typealias CommitCheck = @Sendable (Touched) throws(StoreFailure) -> Void

/// Who made a call, with the call's idempotency key and what was asked: the same again is a retry.
package struct CallKey: Hashable, Sendable {
    package var principal: String
    /// 16 bytes.
    package var key: [UInt8]
    /// SHA-256 over method and request.
    package var requestHash: [UInt8]

    package init(principal: String, key: [UInt8], requestHash: [UInt8]) {
        self.principal = principal
        self.key = key
        self.requestHash = requestHash
    }
}

/// What a commit did.
package struct Committed: Sendable {
    package enum Outcome: Sendable {
        /// The rows as they are now; what was deleted is gone from them.
        case applied(Touched)
        /// The key was used before, for the same request: the reply that was kept, nil if there is none yet.
        case repeated(reply: [UInt8]?)
    }
    package var revision: Int64
    package var outcome: Outcome

    package init(revision: Int64, outcome: Outcome) {
        self.revision = revision
        self.outcome = outcome
    }
}

/// The rows that a commit wrote or removed.
package struct Touched: Sendable {
    package var interfaces: [InterfaceRecord] = []
    package var deletedInterfaces: [InterfaceName] = []
    package var peers: [PeerRecord] = []
    /// With the interface that they were in.
    package var deletedPeers: [PeerRecord] = []
    /// Interfaces that are gone because the import that took their links over was undone.
    package var givenBack: [InterfaceID] = []
    package var principals: [PrincipalRecord] = []
    package var revokedTokens: [RevokedToken] = []

    package init() {}
}

/// Why the store refused.
///
/// Facts only; the words come at the edge.
package enum StoreFailure: Error, Hashable, Sendable {
    /// The database cannot be reached or stopped answering; nothing was changed.
    case unavailable(String)
    /// The connection broke during COMMIT: whether the change is there is not known; a retry with the same key tells.
    case inDoubt(String)
    case notFound(Subject)
    /// Already used, and by whom: what ("name", "public key", "address fd00::2", "listen port 51820"), owner ("peer alice of wg0").
    case taken(what: String, owner: String)
    /// The prefix overlaps one that somebody has.
    case overlap(IPPrefix, with: IPPrefix, owner: String)
    /// The address lies outside the interface's pools.
    case outsidePools(IPAddress, InterfaceName)
    case poolExhausted(IPPrefix, InterfaceName)
    case hasPeers(InterfaceName, count: Int)
    /// A change waits to be confirmed; until then nothing else is changed.
    case unconfirmed(Unconfirmed)
    /// No change waits to be confirmed, or another one.
    case nothingUnconfirmed
    /// The change would cut the caller's own session; how.
    case wouldCutSession(String)
    /// The step does not fit to where the interface is on its way from one key to the next; why.
    case keyRotation(InterfaceName, String)
    /// At which the next key was to be put in force.
    case momentOver
    case lastAdmin
    /// There is an admin already.
    case notFirst
    /// There is no such revision, or what it left behind was not kept; the first that was.
    case noSuchRevision(Int64, first: Int64)
    /// The idempotency key was used for another request.
    case keyReused
    /// Anything else that the database said: a defect, or a database that somebody changed.
    case other(String)

    /// What was not found.
    package enum Subject: Hashable, Sendable {
        case interface(InterfaceName)
        case peer(ObjectName, InterfaceName)
        case principal(ObjectName)
        case token(String)
    }
}
