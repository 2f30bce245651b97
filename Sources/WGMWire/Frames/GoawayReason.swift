// SPDX-License-Identifier: Apache-2.0

/// Why a connection ends: the code of a GOAWAY.
public enum GoawayReason: UInt32, Sendable, CaseIterable {
    /// The sender stops; calls up to `last_stream` are still answered.
    case shutdown = 0
    /// The major version is not spoken; `majors` lists those that are.
    case version = 1
    /// The first bytes are no preface.
    case preface = 2
    /// A rule of the protocol was broken.
    case protocolError = 3
    /// A payload is longer than the limit of its type and phase.
    case tooLarge = 4
    /// A control message cannot be parsed.
    case malformed = 5
    /// The limit of connections is reached, in total or for this caller.
    case tooManyConnections = 6
    /// Too many bytes, frames or tokens before one token was accepted.
    case handshakeLimit = 7
    /// Something did not arrive in time: the preface, a token, the rest of a frame.
    case timeout = 8
    /// PING, CANCEL, AUTH or a CALL that cannot be begun more often than allowed.
    case calm = 9
    /// Nothing was read for too long.
    case notReading = 10
    /// No call for too long.
    case idle = 11
    /// The kernel does not say who is calling.
    case unknownCaller = 12
    /// A fault of the sender.
    case internalError = 13

    public var name: String {
        switch self {
        case .shutdown: "SHUTDOWN"
        case .version: "VERSION"
        case .preface: "PREFACE"
        case .protocolError: "PROTOCOL"
        case .tooLarge: "TOO_LARGE"
        case .malformed: "MALFORMED"
        case .tooManyConnections: "TOO_MANY_CONNECTIONS"
        case .handshakeLimit: "HANDSHAKE_LIMIT"
        case .timeout: "TIMEOUT"
        case .calm: "CALM"
        case .notReading: "NOT_READING"
        case .idle: "IDLE"
        case .unknownCaller: "UNKNOWN_CALLER"
        case .internalError: "INTERNAL"
        }
    }
}

/// What ends a connection: the reason and, for people, the words that go with it.
public struct ConnectionFault: Error, Hashable, Sendable {
    public let reason: GoawayReason
    public let words: String

    public init(_ reason: GoawayReason, _ words: String) {
        self.reason = reason
        self.words = words
    }
}
