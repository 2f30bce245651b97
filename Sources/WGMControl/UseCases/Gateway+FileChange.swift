// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    /// The plan as the store takes it; the keeper makes the keys of new interfaces.
    func fileChange(_ plan: FilePlan) async throws(Refusal) -> FileChange {
        var change = FileChange()
        change.deletedInterfaces = plan.deletedInterfaces.map(\.name).sorted()
        for (name, records) in plan.deletedPeers where !change.deletedInterfaces.contains(name) {
            change.deletedPeers[name] = records.map(\.name).sorted()
        }
        for (_, planned) in plan.interfaces.sorted(by: { $0.key < $1.key }) {
            if let record = planned.record {
                let changed = planned.draft.changed(record)
                if changed != record { change.changedInterfaces.append(changed) }
            } else {
                change.newInterfaces.append(try await withKey(planned.draft))
            }
        }
        for (name, peers) in plan.peers {
            // In the order of the file, which is the order in which addresses are given out.
            for (peer, planned) in peers.sorted(by: { $0.value.place < $1.value.place }) {
                if let record = planned.record {
                    let changed = planned.draft.changed(record)
                    if changed.isOther(than: record) { change.changedPeers[name, default: []].append(changed) }
                } else if let new = planned.draft.new(peer) {
                    change.newPeers[name, default: []].append(new)
                }
            }
        }
        return change
    }

    /// Makes the kernel follow on every interface; records the proof for the keys that are no longer let in.
    func follow(
        _ plan: FilePlan,
        _ revision: Int64,
        undo: Change?,
        _ context: CallContext
    ) async throws(Refusal) {
        let touched = Set(plan.differences.compactMap { InterfaceName($0.interface) }).sorted()
        var proofs: [RemovalProof] = []
        do throws(KernelFailure) {
            for name in touched {
                let actual = try await reconciler.settle(name).actual
                let gone = keysGone(plan, from: name)
                if let key = gone.first(where: { actual?.peers[$0] != nil }) {
                    throw KernelFailure(.other, "the kernel still has the peer with the key \(key)")
                }
                guard !gone.isEmpty else { continue }
                proofs.append(RemovalProof(keys: gone, actual: actual, time: clock.now, revision: revision))
            }
        } catch {
            guard let undo, let first = touched.first else { throw .notFollowed(error, revision: revision) }
            let undone = await self.undo(undo, of: first, revision, error, context)
            for name in touched.dropFirst() { _ = try? await reconciler.settle(name) }
            guard let undone else { throw .notFollowed(error, revision: revision) }
            throw .kernel(error, undoneBy: undone)
        }
        for proof in proofs { audit.record(proof.entry(context)) }
    }

    /// The keys that the interface let in before and does not now.
    private func keysGone(_ plan: FilePlan, from name: InterfaceName) -> [PublicKey] {
        let before = plan.state.interfaces[name].flatMap { plan.state.peers[$0.id] } ?? [:]
        let now = clock.now
        func isIn(_ peer: PeerRecord) -> Bool { peer.isEnabled && peer.validity.holds(at: now) }
        let present = Set(view.peers(of: name).filter(isIn).map(\.publicKey))
        return before.values.filter(isIn).map(\.publicKey).filter { !present.contains($0) }.sorted()
    }
}

extension PeerRecord {
    /// The order of addresses and prefixes means nothing.
    fileprivate func isOther(than record: PeerRecord) -> Bool {
        var (left, right) = (self, record)
        left.addresses.sort()
        right.addresses.sort()
        left.routed.sort()
        right.routed.sort()
        return left != right
    }
}
