// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// What the store made of a change.
enum Written {
    /// `redirected`: the peers that stay, and for which another endpoint was decided.
    case fresh(Touched, revision: Int64, redirected: [PeerRecord])
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
        var entry = entry
        if case .within(let seconds) = entry.terms.confirmation {
            guard change.isOfObjects else {
                throw .invalid([.init(field: "confirm", rule: "only changes of interfaces and peers can be confirmed")])
            }
            entry.terms.confirmation = .by(Timestamp(milliseconds: clock.now.milliseconds + Int64(seconds) * 1000))
        }
        let committed: Committed
        do throws(StoreFailure) {
            committed = try await store.commit(change, audit: entry, key: key, check: check(entry.terms.session))
        } catch {
            switch error {
            case .unavailable(let reason), .inDoubt(let reason): view.markStale(reason)
            default: break
            }
            throw .store(error)
        }
        switch committed.outcome {
        case .applied(let touched):
            let redirected = view.redirected(by: touched)
            view.apply(touched, revision: committed.revision, at: clock.now)
            switch entry.terms.confirmation {
            case .by(let deadline):
                let revision = committed.revision
                view.setUnconfirmed(Unconfirmed(revision: revision, principal: entry.principal, deadline: deadline))
            case .settles: view.setUnconfirmed(nil)
            case .none, .within: break
            }
            return .fresh(touched, revision: committed.revision, redirected: redirected)
        case .repeated(let reply?):
            var retry = entry
            retry.message = "retry of the call that made revision \(committed.revision)"
            audit.record(retry)
            return .repeated(reply)
        case .repeated(nil): throw .underWay
        }
    }
    /// Refuses what would cut the caller's session, once it is known what the change comes to.
    private func check(_ session: CallerSession?) -> CommitCheck? {
        guard let session else { return nil }
        return { [view, clock] (touched) throws(StoreFailure) in
            let before = view.state
            let now = clock.now
            let way = SessionWay(session, before, at: now)
            guard let words = way.cut(by: SessionWay(session, before.after(touched), at: now)) else { return }
            throw .wouldCutSession(words)
        }
    }
}
