// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMControl
internal import WGMModel
internal import WGMRPC
internal import WGMWire

/// Reads of single peers with one token: may it, on that very peer, and the record of each call.
///
/// The gateway is asked for each peer, and again when a principal, a role or a revocation has changed; nothing is decided
/// here. Connections that show the same token share this.
final class TokenReads: Sendable {
    /// Of all tokens together.
    static let mostBytes = 4 * 1024 * 1024

    private struct Mark {
        /// The identities' epoch at which this peer was found to be allowed.
        var allowed = UInt64.max
        /// The record that counts reads of this peer at present; 0 is none.
        var record: UInt64 = 0
    }

    private struct Content {
        var credential: Credential
        /// For each entry of `reads`, while its state is that of `era`.
        var marks: [Mark] = []
        var era = UInt64.max
        /// What the realtime clock said at the moment.
        var moment = Moment.never
        var time = Timestamp(seconds: 0)
    }

    private let reads: PeerReads
    private let clock: any Clock
    private let total: SharedCount
    private let expires: Timestamp
    private let content: Mutex<Content>

    init(_ credential: Credential, reads: PeerReads, clock: any Clock, total: SharedCount) {
        self.reads = reads
        self.clock = clock
        self.total = total
        expires = credential.expires
        content = Mutex(Content(credential: credential))
    }

    deinit { total.add(-content.withLock { $0.marks.count } * MemoryLayout<Mark>.stride) }

    /// The payload of END for a call with this message; nil when it is for the dispatch.
    func answer(
        _ message: UnsafeRawBufferPointer,
        _ call: PlainCall,
        _ peer: ConnectionPeer,
        _ now: Moment
    ) -> [UInt8]? {
        content.withLock { content -> [UInt8]? in
            if content.moment != now {
                content.time = clock.now
                content.moment = now
            }
            let epoch = reads.gateway.view.identityEpoch
            guard content.time < expires, let found = unsafe reads.find(message, at: content.time),
                found.end.count <= call.mostReply, makeRoom(for: found, &content), isAllowed(found, epoch, &content),
                count(found, peer, call.stream, &content)
            else { return nil }
            return found.end
        }
    }

    private func makeRoom(for found: PeerReads.Found, _ content: inout Content) -> Bool {
        if content.era != found.era {
            resize(to: 0, &content)
            content.era = found.era
        }
        guard found.index >= content.marks.count else { return true }
        let count = max(16, (found.index + 1) * 2)
        guard total.value + count * MemoryLayout<Mark>.stride <= Self.mostBytes else { return false }
        resize(to: count, &content)
        return true
    }

    private func resize(to count: Int, _ content: inout Content) {
        total.add((count - content.marks.count) * MemoryLayout<Mark>.stride)
        if count == 0 { return content.marks = [] }
        content.marks += Array(repeating: Mark(), count: count - content.marks.count)
    }

    /// A caller who may not is refused by those who refuse everything else, with a record.
    private func isAllowed(_ found: PeerReads.Found, _ epoch: UInt64, _ content: inout Content) -> Bool {
        guard content.marks[found.index].allowed != epoch else { return true }
        guard let names = reads.names(of: found), let resource = ResourcePattern(names.resource),
            let verb = PeerReads.method.verb
        else { return false }
        do throws(Refusal) {
            content.credential = try reads.gateway.authorise(content.credential, verb: verb, resources: [resource])
        } catch { return false }
        content.marks[found.index].allowed = epoch
        return true
    }

    private func count(
        _ found: PeerReads.Found,
        _ peer: ConnectionPeer,
        _ stream: UInt32,
        _ content: inout Content
    ) -> Bool {
        let audit = reads.gateway.audit
        let record = content.marks[found.index].record
        if record != 0, audit.recordAgain(record, at: content.time) { return true }
        guard let names = reads.names(of: found) else { return false }
        let context = CallContext(
            credential: content.credential,
            uid: peer.uid,
            method: PeerReads.method.name,
            resource: names.resource,
            requestJSON: names.request,
            requestID: peer.mark(RequestID(connection: peer.id, stream: stream)),
            time: content.time
        )
        content.marks[found.index].record = audit.record(context.entry()) ?? 0
        return true
    }
}

/// One connection's use of a token.
final class ConnectionReads: AnswerSource {
    private static let method = Array(PeerReads.method.name.utf8)
    private let token: TokenReads
    private let peer: ConnectionPeer

    init(_ token: TokenReads, _ peer: ConnectionPeer) {
        self.token = token
        self.peer = peer
    }

    func answer(_ call: PlainCall, in payload: Span<UInt8>, now: Moment) -> [UInt8]? {
        unsafe payload.withUnsafeBytes { bytes in
            guard unsafe isEqual(UnsafeRawBufferPointer(rebasing: bytes[call.method]), Self.method) else { return nil }
            return unsafe token.answer(UnsafeRawBufferPointer(rebasing: bytes[call.message]), call, peer, now)
        }
    }
}

/// The reads of each token that is in use, by whom.
final class AllTokenReads: Sendable {
    private struct Weak {
        weak var reads: TokenReads?
    }
    /// The table is looked through for the dead when it has grown by so many.
    private static let tidyStep = 256

    private struct Key: Hashable {
        let claims: TokenClaims
        let scopes: [Grant]
        let caller: String
    }

    private struct Content {
        var table: [Key: Weak] = [:]
        var tidyAt = AllTokenReads.tidyStep
    }
    private let reads: PeerReads
    private let clock: any Clock
    private let content = Mutex(Content())
    private let total = SharedCount()

    init(gateway: Gateway, clock: any Clock) {
        reads = PeerReads(gateway: gateway)
        self.clock = clock
    }

    func reads(for credential: Credential, of peer: ConnectionPeer) -> ConnectionReads {
        // Of the network an address is one caller, whatever its certificate says.
        let key = Key(claims: credential.claims, scopes: credential.scopes, caller: peer.mark(peer.uid ?? 0))
        let token = content.withLock { content -> TokenReads in
            if let reads = content.table[key]?.reads { return reads }
            if content.table.count >= content.tidyAt {
                content.table = content.table.filter { $0.value.reads != nil }
                content.tidyAt = content.table.count + Self.tidyStep
            }
            let reads = TokenReads(credential, reads: reads, clock: clock, total: total)
            content.table[key] = Weak(reads: reads)
            return reads
        }
        return ConnectionReads(token, peer)
    }
}

/// A number that several objects change.
final class SharedCount: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }
    func add(_ change: Int) { count.add(change, ordering: .relaxed) }
}
