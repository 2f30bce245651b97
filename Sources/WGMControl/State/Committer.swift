// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// What the store made of a change.
enum Written {
    case fresh(Touched, revision: Int64)
    case repeated([UInt8])
}

/// Writes changes with their audit records, and takes them over into the copy.
struct Committer: Sendable {
    /// Seconds after which a copy of the state that the database does not confirm is too old to allow changes by it.
    private static let maxAge: Int64 = 60
    let store: any Store
    let view: GatewayView
    let audit: AuditQueue
    let clock: any Clock

    func commit(_ change: Change, _ entry: AuditEntry, key: CallKey?) async throws(Refusal) -> Written {
        guard let age = view.age(at: clock.now), age <= Self.maxAge else {
            throw .store(
                .unavailable(view.freshness.staleReason ?? "the database has not confirmed the state for a minute")
            )
        }
        let committed: Committed
        do throws(StoreFailure) {
            committed = try await store.commit(change, audit: entry, key: key)
        } catch {
            switch error {
            case .unavailable(let reason), .inDoubt(let reason): view.markStale(reason)
            default: break
            }
            throw .store(error)
        }
        switch committed.outcome {
        case .applied(let touched):
            view.apply(touched, revision: committed.revision, at: clock.now)
            return .fresh(touched, revision: committed.revision)
        case .repeated(let reply?):
            var retry = entry
            retry.message = "retry of the call that made revision \(committed.revision)"
            audit.record(retry)
            return .repeated(reply)
        case .repeated(nil): throw .underWay
        }
    }
}
