// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
public import WGMWire

/// A call that passed the protocol's checks: the method may not exist and nothing is decided yet.
public struct IncomingCall<Credential: Sendable>: Sendable {
    /// `package.Service/Method`.
    public let method: String
    /// The serialized request; nil when the call carries none.
    public let message: [UInt8]?
    /// On the monotonic clock, `Moment.now()`.
    public let deadline: Moment
    /// 16 bytes.
    public let idempotencyKey: [UInt8]?
    public let metadata: [(key: String, value: [UInt8])]
    /// W3C trace context, version 00.
    public let traceparent: String?
    /// Narrows what the credential allows, for this call.
    public let scope: String?
    public let peer: ConnectionPeer
    /// What `CallHost.authenticate` made of the token in the call's slot; nil for slot 0, a call without token.
    public let credential: Credential?
    public let requestID: RequestID
    /// To be passed before the call's effects become final.
    public let commitPoint: CommitPoint

    init(_ call: ReceivedCall, peer: ConnectionPeer, credential: Credential?) {
        method = call.method
        message = call.message
        deadline = call.deadline
        idempotencyKey = call.idempotencyKey
        metadata = call.metadata
        traceparent = call.traceparent
        scope = call.scope
        self.peer = peer
        self.credential = credential
        requestID = RequestID(connection: peer.id, stream: call.stream)
        commitPoint = CommitPoint()
    }
}

/// The moment after which a call finishes, whoever gives it up.
///
/// A cancelled task may find half of its work refused by functions that honour cancellation. So a handler passes this point
/// right before it makes its effects final: either the call was given up before, or nothing will cancel its task any more.
public final class CommitPoint: Sendable {
    private enum State { case open, passed, abandoned }
    private let state = Mutex(State.open)

    init() {}

    /// False when the caller has given the call up, or its deadline has passed: then nothing may be made final.
    public func pass() -> Bool {
        state.withLock { state in
            if state == .open { state = .passed }
            return state == .passed
        }
    }

    /// False when the handler is past the point: then its task must not be cancelled.
    func abandon() -> Bool {
        state.withLock { state in
            if state == .open { state = .abandoned }
            return state == .abandoned
        }
    }
}
