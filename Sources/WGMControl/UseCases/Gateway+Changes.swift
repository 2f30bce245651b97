// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

extension Gateway {
    /// Writes the change with its audit record, takes it over into the copy, and sends on what the reconciler leaves alone.
    func commit(
        _ change: Change,
        _ entry: AuditEntry,
        key: CallKey?
    ) async throws(Refusal) -> Written {
        let written = try await committer.commit(change, entry, key: key)
        if case .fresh(_, _, let redirected) = written { await sendEndpoints(of: redirected) }
        return written
    }

    /// The reconciler leaves an endpoint alone that the kernel has, since the peer may have roamed; here somebody decided.
    ///
    /// WireGuard cannot forget an endpoint, only a peer: to clear it the peer goes and comes back.
    func sendEndpoints(of peers: [PeerRecord]) async {
        for (id, peers) in Dictionary(grouping: peers, by: \.interface) {
            guard let name = view.interfaces.first(where: { $0.id == id })?.name else { continue }
            let present = peers.filter { $0.isEnabled && $0.validity.holds(at: clock.now) }
            let cleared = present.filter { $0.endpoint == nil }.map(\.publicKey)
            let moved = present.filter { $0.endpoint?.address != nil }.map { peer in
                var change = PeerChange(publicKey: peer.publicKey)
                change.updateOnly = true
                change.endpoint = peer.endpoint?.address
                return change
            }
            endpoints.decide(peers.filter { $0.endpoint?.name != nil })
            // What goes wrong here goes wrong again when the interface is settled.
            if !cleared.isEmpty { try? await kernel.apply(.removePeers(cleared), to: name, owner: id) }
            if !moved.isEmpty { try? await kernel.apply(.setPeers(moved), to: name, owner: id) }
        }
    }

    /// True if the change would leave everything as it is, so that it makes no revision; one on trial makes one anyhow.
    func isNothing<Record: Equatable>(_ present: Record?, _ changed: (Record) -> Record, _ context: CallContext) -> Bool
    {
        guard let present, view.freshness.staleReason == nil, context.terms.confirmation == .none else { return false }
        return changed(present) == present
    }

    /// Of such a change: the record of it, and the kernel follows if it did not.
    func confirmNothing(of name: InterfaceName, _ context: CallContext) async throws(Refusal) {
        do throws(KernelFailure) { _ = try await reconciler.settle(name) } catch { throw .kernel(error, undoneBy: nil) }
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
            guard let undo, let undone = await self.undo(undo, of: name, revision, error, context) else {
                throw .notFollowed(error, revision: revision)
            }
            throw .kernel(error, undoneBy: undone)
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
        entry.undoes = revision
        entry.terms = CommitTerms()
        if context.terms.confirmation != .none { entry.terms.confirmation = .settles(revision) }
        do throws(Refusal) {
            guard case .fresh(_, let undone, _) = try await commit(change, entry, key: nil) else { return nil }
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
            throw .notFollowed(error, revision: revision)
        }
    }
}
