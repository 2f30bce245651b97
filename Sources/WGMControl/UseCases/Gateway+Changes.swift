// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

/// What the store made of a change.
enum Written {
    case fresh(Touched, revision: Int64)
    case repeated([UInt8])
}

extension Gateway {
    /// Writes the change with its audit record, and takes it over into the copy.
    func commit(
        _ change: Change,
        _ entry: AuditEntry,
        key: CallKey?
    ) async throws(Refusal) -> Written {
        guard let age = view.age(at: clock.now), age <= Self.maxAgeForChanges else {
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
    private func undo(
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

    /// Returns once a dump shows that the kernel knows none of the keys any more.
    func settleRemoval(of keys: [PublicKey], from name: InterfaceName) async throws(Refusal) {
        let failure: KernelFailure
        do throws(KernelFailure) {
            let actual = try await reconciler.settle(name).actual
            guard let key = keys.first(where: { actual?.peers[$0] != nil }) else { return }
            failure = KernelFailure(.other, "the kernel still has the peer with the key \(key)")
        } catch {
            failure = error
        }
        // Something else may be wrong with the interface; what counts here is that the peer is out.
        guard await isGone(keys, from: name) else { throw .kernel(failure, undoneBy: nil) }
    }

    private func isGone(_ keys: [PublicKey], from name: InterfaceName) async -> Bool {
        do throws(KernelFailure) {
            let actual = try await kernel.dump(name)
            return keys.allSatisfy { actual?.peers[$0] == nil }
        } catch {
            return false
        }
    }
}
