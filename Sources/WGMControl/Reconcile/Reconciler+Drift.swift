// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

extension Reconciler {
    /// Looks at every interface and does what its drift policy says; removes the links of interfaces that the database
    /// does not have.
    ///
    /// Before the database was first read nothing is known, so nothing is done; while it cannot be reached nothing is
    /// removed.
    package func repairAll() async {
        guard view.isLoaded else { return }
        for name in await orphans() { await lanes.withLock(name) { await repair(name) } }
        for interface in view.interfaces {
            await lanes.withLock(interface.name) { await scan(interface.name) }
        }
        await saveProgress()
    }

    /// Does the same for the interfaces that somebody changed.
    func repair(_ changed: ChangedLinks) async {
        guard !changed.isEverything else { return await repairAll() }
        guard view.isLoaded else { return }
        for name in changed.names.sorted() where view.interface(name) != nil {
            await lanes.withLock(name) { await scan(name) }
        }
        await saveProgress()
    }

    private func orphans() async -> [InterfaceName] {
        guard view.freshness.staleReason == nil else { return [] }
        do throws(KernelFailure) {
            let owned = try await kernel.ownedInterfaces()
            let unwanted = owned.filter { view.interface($0.key)?.id != $0.value }
            for (name, id) in unwanted where view.former(id) == nil { complain(name, Step.stranger(name)) }
            return unwanted.filter { view.former($0.value) != nil }.keys.sorted()
        } catch {
            logger.warning("the keeper does not say which links are ours", metadata: ["reason": "\(error.message)"])
            return []
        }
    }

    /// To be called before the kernel is told anything: what a repair leaves that is cut off is not somebody else's doing.
    ///
    /// In the database too, for the time after a restart. Where everything is repaired anyway nobody has to know.
    func noteUnfinished(_ name: InterfaceName) async {
        guard let policy = view.interface(name)?.driftPolicy, policy != .repair, view.unsettle(name) else { return }
        await saveProgress()
    }

    private func saveProgress() async {
        guard view.freshness.staleReason == nil else { return }
        let unsaved = view.takeUnsaved()
        guard !unsaved.isEmpty else { return }
        do throws(StoreFailure) {
            try await committer.store.keepProgress(unsaved)
        } catch {
            // After a restart the interface counts as not finished, and is repaired whatever its policy.
            logger.debug("how far the kernel followed was not kept", metadata: ["reason": "\(error.words)"])
        }
    }

    /// A difference that a change of ours left, because it was cut off or refused, is no drift: it is always repaired.
    private func scan(_ name: InterfaceName) async {
        guard let interface = view.interface(name), view.progress(name)?.isSettled == true else {
            return await repair(name)
        }
        switch interface.driftPolicy {
        case .repair: await repair(name)
        case .report: await look(name, .report) { _ in false }
        case .adopt: await look(name, .adopt) { await self.adopt(name, $0) }
        }
    }

    private func repair(_ name: InterfaceName) async {
        let wasSettled = view.progress(name)?.isSettled == true
        do throws(KernelFailure) {
            let settled = try await settle(name)
            guard complaints.removeValue(forKey: name) != nil || !settled.differences.isEmpty else {
                return close(name)
            }
            let message = "repaired: " + settled.differences.joined(separator: "; ")
            let drift = self.drift(name, settled.items, .repaired)
            if wasSettled, !settled.items.isEmpty { view.setDrift(drift, of: name) }
            report(name, nil, message, drift)
        } catch {
            complain(name, error)
        }
    }

    private func complain(_ name: InterfaceName, _ failure: KernelFailure) {
        guard complaints.updateValue(failure, forKey: name) != failure else { return }
        report(name, failure, "not repaired: " + failure.message, nil)
    }

    /// What a dump shows to differ, for a policy other than repair.
    struct Difference: Sendable {
        let interface: InterfaceRecord
        let peers: [PeerRecord]
        let actual: ActualInterface?
        let step: Step
    }

    /// Asks the kernel; `act` says whether it did away with the difference.
    private func look(_ name: InterfaceName, _ policy: DriftPolicy, act: (Difference) async -> Bool) async {
        do throws(KernelFailure) {
            let ticket = view.beginObservation()
            let actual = try await kernel.dump(name)
            guard let wanted = view.wanted(name, at: clock.now) else { return }
            if let owner = actual?.owner, owner != wanted.interface.id { return await repair(name) }
            let step = try Step(name, wanted, actual, former: view.former)
            observe(name, actual, step, nil, ticket)
            complaints[name] = nil
            guard !step.changes.isEmpty else { return close(name) }
            let difference = Difference(interface: wanted.interface, peers: wanted.peers, actual: actual, step: step)
            guard await !act(difference) else { return }
            let reason = policy == .report ? "left as it is" : "waits for the database or a confirmation"
            let drift = self.drift(name, step.items, .open(reason))
            let isNew = view.drift(name).map { !$0.isOpen || $0.items != drift.items } ?? true
            view.setDrift(drift, of: name)
            if isNew { report(name, nil, "drift, \(reason): " + step.differences.joined(separator: "; "), drift) }
        } catch {
            complain(name, error)
        }
    }

    /// True unless the database is away: what it refuses is repaired.
    private func adopt(_ name: InterfaceName, _ difference: Difference) async -> Bool {
        let (interface, peers) = (difference.interface, difference.peers)
        let adoption = Adoption(interface: interface, peers: peers, actual: difference.actual)
        guard !adoption.isEmpty else {
            await repair(name)
            return true
        }
        let found = drift(name, difference.step.items, .repaired)
        let words = "adopted: \(adoption.summary)"
        do throws(Refusal) {
            let record = entry(name, nil, words, found, method: "wgmd/adopt")
            guard case .fresh(_, let revision, _) = try await committer.commit(.adopt(name, adoption), record, key: nil)
            else { return true }
            logger.notice("drift adopted", metadata: ["interface": "\(name)", "revision": "\(revision)"])
            let rest = left(of: name, difference.actual)
            let items = found.items.map { item in
                var item = item
                item.wasRepaired = rest.contains([item.peer, item.attribute])
                return item
            }
            await repair(name)
            view.setDrift(drift(name, items, .adopted(revision: revision)), of: name)
            return true
        } catch {
            switch error {
            case .store(.unavailable), .store(.inDoubt), .store(.unconfirmed): return false
            case .store(let failure): report(name, nil, "not adopted, so repaired: \(failure.words)", found)
            default: report(name, nil, "not adopted, so repaired", found)
            }
            await repair(name)
            return true
        }
    }

    /// The attributes that differ still after an adoption.
    private func left(of name: InterfaceName, _ actual: ActualInterface?) -> Set<[String?]> {
        guard let wanted = view.wanted(name, at: clock.now) else { return [] }
        let drift = InterfaceDrift(interface: wanted.interface, peers: wanted.peers, actual: actual)
        return Set(drift.items.map { [$0.peer, $0.attribute] })
    }

    /// The kernel agrees; if it did not before, that is over.
    private func close(_ name: InterfaceName) {
        guard var drift = view.drift(name), drift.isOpen else { return }
        drift.outcome = .ended
        drift.time = clock.now
        view.setDrift(drift, of: name)
        report(name, nil, "drift ended: the kernel holds again what the database says", drift)
    }

    private func drift(_ name: InterfaceName, _ items: [DriftItem], _ outcome: Drift.Outcome) -> Drift {
        let before = view.drift(name)
        let since = before?.isOpen == true ? before?.since : nil
        return Drift(
            policy: view.interface(name)?.driftPolicy ?? .repair,
            items: items,
            since: since ?? clock.now,
            outcome: outcome,
            time: clock.now
        )
    }

    private func report(_ name: InterfaceName, _ failure: KernelFailure?, _ message: String, _ drift: Drift?) {
        let entry = entry(name, failure, message, drift, method: "wgmd/reconcile")
        audit.record(entry)
        let level: Logger.Level = failure == nil ? .notice : .error
        logger.log(level: level, "reconciled", metadata: ["interface": "\(name)", "outcome": "\(entry.message)"])
    }

    private func entry(
        _ name: InterfaceName,
        _ failure: KernelFailure?,
        _ message: String,
        _ drift: Drift?,
        method: String
    ) -> AuditEntry {
        AuditEntry(
            time: clock.now,
            principal: nil,
            uid: nil,
            tokenID: nil,
            method: method,
            resource: "node/\(node)/interface/\(name)",
            code: failure == nil ? 0 : 9,
            message: AuditText.clip(message, to: 1024),
            request: drift.map(\.json) ?? "{}",
            requestID: ""
        )
    }
}
