// SPDX-License-Identifier: Apache-2.0

/// What a handler answers: at once, or after work that waits.
public enum Reply<Message: Sendable>: Sendable {
    case now(Message)
    case failed(Status)
    case later(@Sendable () async throws(Status) -> Message)
    /// By work that takes or sends many messages; what it returns, if anything, is the last.
    case stream(@Sendable (any MessageChannel) async throws(Status) -> Message?)
}

extension Reply where Message: WireMessage {
    /// The same reply, its message as bytes.
    public var serialized: Reply<[UInt8]> {
        switch self {
        case .now(let message):
            return .now(message.serialized())
        case .failed(let status):
            return .failed(status)
        case .later(let work):
            return .later { () async throws(Status) -> [UInt8] in try await work().serialized() }
        case .stream(let work):
            return .stream { (channel) async throws(Status) -> [UInt8]? in try await work(channel)?.serialized() }
        }
    }
}
