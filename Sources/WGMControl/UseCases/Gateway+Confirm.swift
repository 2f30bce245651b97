// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

extension Gateway {
    /// How often it is looked whether a confirmation is overdue.
    static let confirmationInterval: Duration = .seconds(1)

    /// The change that waits to be confirmed; nil when there is none.
    package func unconfirmed(_ context: CallContext) throws(Refusal) -> Unconfirmed? {
        try requireLoaded()
        guard try !rights(context).areNone else {
            throw .permissionMissing(verb: Verb.get.rawValue, resource: "node/\(node)/revision")
        }
        record(context)
        return view.unconfirmed
    }

    /// Keeps the change that waits, or undoes it now; for its author, and for who may change everything.
    ///
    /// `revision` is the one that is meant; nil is the one that there is.
    package func confirm(
        revision: Int64?,
        undo: Bool,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<Unconfirmed> {
        try requireLoaded()
        return try await withLanes { () async throws(Refusal) in
            guard let pending = view.unconfirmed, revision ?? pending.revision == pending.revision else {
                throw .store(.nothingUnconfirmed)
            }
            try await requireConfirm(pending, context)
            try begin(context)
            guard !undo else { return try await restore(pending, context) }
            switch try await commit(.confirm(pending.revision), settling(pending, context), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _): return .done(pending, revision: revision)
            }
        }
    }

    /// The author must still have the rights that the change took.
    private func requireConfirm(_ pending: Unconfirmed, _ context: CallContext) async throws(Refusal) {
        let path = "node/\(node)/interface/**"
        guard let credential = context.credential, let resource = ResourcePattern(path) else {
            throw .permissionMissing(verb: Verb.update.rawValue, resource: path)
        }
        let current = try recheck(credential)
        guard !current.rights.allow(.update, on: resource) else { return }
        guard pending.principal == current.principal.value else {
            return try current.rights.require(.update, on: resource)
        }
        let made: Differences
        do throws(StoreFailure) {
            made = try await store.differences(from: pending.revision - 1, to: pending.revision)
        } catch { throw .store(error) }
        guard !made.isTruncated else { return try current.rights.require(.update, on: resource) }
        for object in made.objects {
            let path = "node/\(node)/interface/\(object.interface)" + (object.peer.map { "/peer/\($0)" } ?? "")
            guard let resource = ResourcePattern(path) else { continue }
            try current.rights.require(object.kind.verb, on: resource)
        }
    }

    private func settling(_ pending: Unconfirmed, _ context: CallContext, _ message: String = "") -> AuditEntry {
        var entry = context.entry(message: message)
        entry.terms.confirmation = .settles(pending.revision)
        return entry
    }

    /// Makes interfaces and peers what they were before; the caller holds all lanes.
    private func restore(_ pending: Unconfirmed, _ context: CallContext) async throws(Refusal) -> Outcome<Unconfirmed> {
        let names = view.interfaces.map(\.name)
        let entry = settling(pending, context, "undoes revision \(pending.revision), which was not confirmed")
        switch try await commit(.rollBack(to: pending.revision - 1), entry, key: context.key) {
        case .repeated(let reply): return .repeated(reply)
        case .fresh(let touched, let revision, _):
            try await follow(touched, revision, before: names, context)
            return .done(pending, revision: revision)
        }
    }

    // MARK: Time

    /// Undoes what should have been confirmed by now; without the database it is tried again.
    func restoreOverdue() async {
        guard let pending = view.unconfirmed, clock.now >= pending.deadline else { return }
        let context = CallContext(
            credential: nil,
            uid: nil,
            method: "wgmd/restore",
            resource: "node/\(node)",
            requestID: "",
            time: clock.now
        )
        do throws(Refusal) {
            _ = try await withLanes { () async throws(Refusal) in
                guard view.unconfirmed == pending else { return }
                _ = try await restore(pending, context)
                logger.warning(
                    "a change was not confirmed and is undone",
                    metadata: ["revision": "\(pending.revision)"]
                )
            }
        } catch {
            logger.error(
                "a change that was not confirmed is not undone yet",
                metadata: ["revision": "\(pending.revision)", "reason": "\(error)"]
            )
        }
    }

    /// Looks after confirmations until cancelled.
    func watchConfirmations() async {
        while (try? await Task.sleep(for: Self.confirmationInterval)) != nil { await restoreOverdue() }
    }
}

extension ObjectDifference.Kind {
    /// What it takes to do this.
    fileprivate var verb: Verb {
        switch self {
        case .created: .create
        case .changed: .update
        case .deleted: .delete
        }
    }
}
