// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

extension Gateway {
    /// Writes the change with its audit record, and takes it over into the copy.
    func commit(
        _ change: Change,
        _ entry: AuditEntry,
        key: CallKey?
    ) async throws(Refusal) -> Written {
        try await committer.commit(change, entry, key: key)
    }

    /// True if the change would leave everything as it is, so that it makes no revision; one on trial makes one anyhow.
    func isNothing<Record: Equatable>(_ present: Record?, _ changed: (Record) -> Record, _ context: CallContext) -> Bool
    {
        guard let present, view.freshness.staleReason == nil, context.terms.confirmation == .none else { return false }
        return changed(present) == present
    }

    /// Of such a change: the record of it, and the kernel follows if it did not.
    func confirmNothing(of name: InterfaceName, _ context: CallContext) async throws(Refusal) {
        try await settle(name, after: view.revision, undo: nil, context)
        record(context)
    }

    /// Makes the kernel follow a change; if it refuses, `undo` is committed, and the caller hears the kernel's reason.
    ///
    /// There is no `undo` for what takes access away: it stays wanted, and the reconciler goes on trying.
    func settle(
        _ name: InterfaceName,
        after revision: Int64,
        undo: Change?,
        _ context: CallContext
    ) async throws(Refusal) {
        do throws(KernelFailure) {
            _ = try await reconciler.settle(name)
        } catch {
            guard let undo else { throw .kernel(error, undoneBy: nil) }
            throw .kernel(error, undoneBy: await self.undo(undo, of: name, revision, error, context))
        }
    }

    /// The revision that put things back; nil if that failed as well.
    func undo(
        _ change: Change,
        of name: InterfaceName,
        _ revision: Int64,
        _ failure: KernelFailure,
        _ context: CallContext
    ) async -> Int64? {
        var entry = context.entry(message: "undoes revision \(revision): \(failure.message)")
        entry.method = "wgmd/undo"
        entry.request = "{}"
        entry.time = clock.now
        entry.terms = CommitTerms()
        if context.terms.confirmation != .none { entry.terms.confirmation = .settles(revision) }
        do throws(Refusal) {
            guard case .fresh(_, let undone) = try await commit(change, entry, key: nil) else { return nil }
            // What is left of it in the kernel is removed now if possible, else by the timer.
            _ = try? await reconciler.settle(name)
            return undone
        } catch {
            logger.error(
                "a change that the kernel refused was not undone",
                metadata: ["interface": "\(name)", "revision": "\(revision)", "reason": "\(error)"]
            )
            return nil
        }
    }

    /// Alone with all interfaces there are, and with these names of interfaces that are to be.
    func withLanes<Value: Sendable>(
        _ names: [InterfaceName] = [],
        _ body: () async throws(Refusal) -> Value
    ) async throws(Refusal) -> Value {
        try await structureLane.withLock(true) { () async throws(Refusal) in
            let all = Set(names).union(view.interfaces.map(\.name)).sorted()
            return try await withLanes(all[...], body)
        }
    }

    /// With the name of an interface that is to be, and with no other such.
    func withLane<Value: Sendable>(
        making name: InterfaceName,
        _ body: () async throws(Refusal) -> Value
    ) async throws(Refusal) -> Value {
        try await structureLane.withLock(true) { () async throws(Refusal) in
            try await lanes.withLock(name) { () async throws(Refusal) in try await body() }
        }
    }

    /// Always in the order of their names, so that no two of these wait for each other.
    private func withLanes<Value: Sendable>(
        _ names: ArraySlice<InterfaceName>,
        _ body: () async throws(Refusal) -> Value
    ) async throws(Refusal) -> Value {
        guard let name = names.first else { return try await body() }
        return try await lanes.withLock(name) { () async throws(Refusal) in
            try await withLanes(names.dropFirst(), body)
        }
    }

    /// Returns once a dump shows that the kernel knows none of the keys any more, and records the proof.
    func settleRemoval(
        of keys: [PublicKey],
        from name: InterfaceName,
        after revision: Int64,
        _ context: CallContext
    ) async throws(Refusal) {
        do throws(KernelFailure) {
            var failure: KernelFailure?
            var actual: ActualInterface?
            do throws(KernelFailure) {
                actual = try await reconciler.settle(name).actual
            } catch {
                // Something else may be wrong with the interface; what counts here is that the peer is out.
                failure = error
                actual = try await kernel.dump(name)
            }
            if let key = keys.first(where: { actual?.peers[$0] != nil }) {
                throw failure ?? KernelFailure(.other, "the kernel still has the peer with the key \(key)")
            }
            let proof = RemovalProof(keys: keys, actual: actual, time: clock.now, revision: revision)
            audit.record(proof.entry(context))
        } catch {
            throw .kernel(error, undoneBy: nil)
        }
    }
}
