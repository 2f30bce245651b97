// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMWire

extension Reply where Message: WireMessage {
    /// Answers from memory.
    static func answering(_ work: () throws(Refusal) -> Message) -> Reply {
        do throws(Refusal) { return .now(try work()) } catch { return .failed(Status(error)) }
    }

    /// Answers after work that waits.
    static func asking(_ work: @escaping @Sendable () async throws(Refusal) -> Message) -> Reply {
        .later { () async throws(Status) in
            do throws(Refusal) { return try await work() } catch { throw Status(error) }
        }
    }

    /// Answers after a change, and keeps the reply for a retry of the same call.
    static func changing<Value: Sendable>(
        _ gateway: Gateway,
        _ context: CallContext,
        _ work: @escaping @Sendable () async throws(Refusal) -> Outcome<Value>,
        reply: @escaping @Sendable (Value, Int64?) -> Message
    ) -> Reply {
        .later { () async throws(Status) in
            let outcome: Outcome<Value>
            do throws(Refusal) { outcome = try await work() } catch { throw Status(error) }
            switch outcome {
            case .done(let value, let revision):
                // 0 is that of a change that would have changed nothing.
                let message = reply(value, revision == 0 ? nil : revision)
                await gateway.keepReply(message.serialized(), for: context)
                return message
            case .repeated(let bytes):
                do throws(MessageError) { return try Message(serialized: bytes) } catch { throw .malformed(error) }
            }
        }
    }
}
