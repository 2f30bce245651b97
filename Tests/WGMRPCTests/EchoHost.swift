// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import WGMRPC
import WGMWire

/// A host whose methods show what the engine does with calls.
final class EchoHost: CallHost {
    struct Record {
        var begun = 0
        var cancelled = 0
        var committed = 0
        var finishedAfterCommit = 0
        var refusedCalls: [(method: String?, code: StatusCode)] = []
        var refusedConnections: [GoawayReason] = []
        var violations: [GoawayReason] = []
    }

    private let record = Mutex(Record())

    var seen: Record { record.withLock { $0 } }

    func authenticate(token: String, from peer: ConnectionPeer) -> Authentication<String> {
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        switch token {
        case "good": return .accepted("alice", subject: "alice", expiresUnixMilliseconds: now + 900_000, scopes: ["*"])
        case "brief": return .accepted("bob", subject: "bob", expiresUnixMilliseconds: now + 400, scopes: [])
        case "old": return .accepted("carol", subject: "carol", expiresUnixMilliseconds: now - 1, scopes: [])
        default: return .refused(Status(.unauthenticated, "the token's signature is wrong"))
        }
    }

    func shape(of method: String) -> RequestShape? {
        switch method {
        case "t.Echo/Now": RequestShape(isStream: false, limit: 4 * 1024 * 1024)
        case "t.Echo/Small": RequestShape(isStream: false, limit: 1000)
        case "t.Stream/Upper", "t.Stream/Count", "t.Stream/Deaf": RequestShape(isStream: true, limit: 2 * 1024 * 1024)
        default: nil
        }
    }

    func handle(_ call: IncomingCall<String>) -> Handling {
        record.withLock { $0.begun += 1 }
        switch call.method {
        case "t.Echo/Now": return .reply(CallOutcome(reply: call.message))
        case "t.Echo/Slow":
            usleep(1000)
            return .reply(CallOutcome(reply: call.message))
        case "t.Echo/Later":
            return .task {
                await Task.yield()
                return CallOutcome(reply: call.message)
            }
        case "t.Echo/Who":
            let words = "\(call.credential ?? "nobody") \(call.peer.transport)"
            return .reply(CallOutcome(reply: Array(words.utf8)))
        case "t.Echo/Big":
            return .reply(CallOutcome(reply: Array(repeating: 7, count: 256 * 1024)))
        case "t.Echo/BigLater":
            return .task {
                await Task.yield()
                return CallOutcome(reply: Array(repeating: 7, count: 256 * 1024))
            }
        case "t.Echo/Sleep": return .task { await self.sleep(call) }
        case "t.Echo/Commit": return .task { await self.commit(call) }
        case let method where method.hasPrefix("t.Stream/"):
            return .stream { channel in await StreamHost.answer(method, call.message, channel) }
        default: return .reply(CallOutcome(failure: .unimplemented(method: call.method)))
        }
    }

    private func sleep(_ call: IncomingCall<String>) async -> CallOutcome {
        let milliseconds = call.message.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 10_000
        do {
            try await Task.sleep(for: .milliseconds(milliseconds))
            return CallOutcome(reply: call.message)
        } catch {
            let mayCommit = call.commitPoint.pass()
            record.withLock { $0.cancelled += mayCommit ? 0 : 1 }
            return CallOutcome(failure: Status(.cancelled, "cancelled"))
        }
    }

    private func commit(_ call: IncomingCall<String>) async -> CallOutcome {
        guard call.commitPoint.pass() else { return CallOutcome(failure: Status(.cancelled, "cancelled")) }
        record.withLock { $0.committed += 1 }
        if (try? await Task.sleep(for: .milliseconds(900))) != nil {
            record.withLock { $0.finishedAfterCommit += 1 }
        }
        return CallOutcome(reply: [])
    }

    func callRefused(_ refusal: RefusedCall<String>) {
        record.withLock { $0.refusedCalls.append((refusal.method, refusal.status.code)) }
    }

    func connectionRefused(_ peer: ConnectionPeer, _ fault: ConnectionFault) {
        record.withLock { $0.refusedConnections.append(fault.reason) }
    }

    func violation(by peer: ConnectionPeer, _ fault: ConnectionFault) {
        record.withLock { $0.violations.append(fault.reason) }
    }
}
