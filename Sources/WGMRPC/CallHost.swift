// SPDX-License-Identifier: Apache-2.0
public import WGMWire

/// What stands behind a server: who callers are and what calls do.
///
/// Every function is called on an event loop that serves other connections too, and must not wait.
public protocol CallHost: Sendable {
    /// What a token has been found to say.
    associatedtype Credential: Sendable

    /// Judges a token, once for each AUTH.
    func authenticate(token: String, from peer: ConnectionPeer) -> Authentication<Credential>

    /// What can answer calls with this credential from their bytes; asked once for each AUTH that was accepted.
    func answers(for credential: Credential, of peer: ConnectionPeer) -> (any AnswerSource)?

    /// Answers a call, or says what work will.
    ///
    /// Everything that is not the protocol's is decided here: whether the method exists, whether it may be called without
    /// a token, whether it needs an idempotency key, how large its request may be.
    func handle(_ call: IncomingCall<Credential>) -> Handling

    /// How a method takes its request, for a call whose messages come after it; nil for a method that there is not.
    func shape(of method: String) -> RequestShape?

    /// A call was answered with a failure by the engine. For the record.
    func callRefused(_ refusal: RefusedCall<Credential>)

    /// A connection was refused as a whole. For the record.
    func connectionRefused(_ peer: ConnectionPeer, _ fault: ConnectionFault)

    /// A connection was ended because its peer broke a rule or a limit. For the record.
    func violation(by peer: ConnectionPeer, _ fault: ConnectionFault)
}

extension CallHost {
    /// Nothing: each call is handled.
    public func answers(for credential: Credential, of peer: ConnectionPeer) -> (any AnswerSource)? { nil }
}

/// Answers calls from their bytes, where that is possible at once and without making values of them.
public protocol AnswerSource: AnyObject, Sendable {
    /// The payload of an END with a reply for the CALL with this payload; nil when it must be handled like others.
    ///
    /// It must not be longer than the call's `mostReply`.
    ///
    /// What the host owes each call it does here too: whether the credential is still good and covers what is asked for,
    /// and the record.
    func answer(_ call: PlainCall, in payload: Span<UInt8>, now: Moment) -> [UInt8]?
}

/// The verdict on a token.
public enum Authentication<Credential: Sendable>: Sendable {
    case accepted(Credential, subject: String, expiresUnixMilliseconds: Int64, scopes: [String])
    case refused(Status)
}

/// How a call is answered.
public enum Handling: Sendable {
    /// At once.
    case reply(CallOutcome)
    /// By work that waits; it is cancelled when the caller gives up before the commit point.
    case task(@Sendable () async -> CallOutcome)
    /// By work that takes messages as they come, or sends some before the outcome; it is cancelled likewise.
    case stream(@Sendable (any MessageChannel) async -> CallOutcome)
}

/// How a method takes its request.
public struct RequestShape: Sendable {
    /// One message after the other; else exactly one.
    public var isStream: Bool
    /// The largest message, in bytes.
    public var limit: Int

    public init(isStream: Bool, limit: Int) {
        self.isStream = isStream
        self.limit = limit
    }
}

/// A call that never reached the host.
public struct RefusedCall<Credential: Sendable>: Sendable {
    public let peer: ConnectionPeer
    public let requestID: RequestID
    /// nil when the call could not even be read.
    public let method: String?
    /// nil for slot 0 or a slot without valid token.
    public let credential: Credential?
    public let status: Status
}
