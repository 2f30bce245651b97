// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

extension Gateway {
    /// What `importInterface` would do with the same request now; nothing is changed.
    package func planImport(_ request: ImportRequest, _ context: CallContext) async throws(Refusal) -> ImportReport {
        let plan = try await importPlan(request, context)
        record(context)
        return plan.report(port: plan.listenPort ?? freePort, addressPool: nil)
    }

    /// Makes an interface of what a file says or the kernel holds, in one revision.
    ///
    /// A link that is there already is not touched but for wgm's mark: sessions go on. Its keys are read by the keeper.
    package func importInterface(
        _ request: ImportRequest,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<ImportReport> {
        let name = try interfaceName(request.name, "name")
        return try await withLane(making: name) { () async throws(Refusal) in
            let plan = try await importPlan(request, context)
            try begin(context)
            let imported = try await withSecrets(plan)
            switch try await commit(.importInterface(imported), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(let touched, let revision, _):
                try await follow(plan, imported.interface.id, revision, context)
                guard let record = touched.interfaces.first else { throw .store(.notFound(.interface(name))) }
                let report = ImportReport(
                    interface: record,
                    peers: touched.peers,
                    takesLink: plan.link != nil,
                    changes: plan.report(port: record.listenPort, addressPool: record.ipv6Pool).changes,
                    remarks: plan.remarks,
                    revision: revision
                )
                return .done(report, revision: revision)
            }
        }
    }

    private func importPlan(_ request: ImportRequest, _ context: CallContext) async throws(Refusal) -> ImportPlan {
        let name = try interfaceName(request.name, "name")
        try requireLoaded()
        guard view.interface(name) == nil else { throw .store(.taken(what: "name", owner: "interface \(name)")) }
        let link: ActualInterface?
        do throws(KernelFailure) { link = try await kernel.dump(name) } catch { throw .kernel(error, undoneBy: nil) }
        let plan = try ImportPlan(request, name: name, link: link)
        try requireRights(for: plan, context)
        try requireFree(plan)
        return plan
    }

    /// What the store would refuse, so that a plan says it as well.
    private func requireFree(_ plan: ImportPlan) throws(Refusal) {
        let pools = [plan.ipv6Pool, plan.ipv4Pool].compactMap(\.self)
        for other in view.interfaces {
            let owner = "interface \(other.name)"
            if other.publicKey == plan.publicKey { throw .store(.taken(what: "public key", owner: owner)) }
            if let port = plan.listenPort, other.listenPort == port {
                throw .store(.taken(what: "listen port \(port)", owner: owner))
            }
            for taken in [other.ipv6Pool, other.ipv4Pool].compactMap(\.self) {
                guard let pool = pools.first(where: { $0.overlaps(taken) }) else { continue }
                throw .store(.overlap(pool, with: taken, owner: owner))
            }
        }
    }

    /// It takes the rights for everything that is made, besides the one to import.
    private func requireRights(for plan: ImportPlan, _ context: CallContext) throws(Refusal) {
        let path = "node/\(node)/interface/\(plan.name)"
        let rights = try rights(context)
        guard let interface = ResourcePattern(path), let peers = ResourcePattern(path + "/peer/*")
        else { throw .permissionMissing(verb: Verb.create.rawValue, resource: path) }
        try rights.require(.create, on: interface)
        if !plan.peers.isEmpty { try rights.require(.create, on: peers) }
        let added = plan.peers.flatMap(\.peer.routed)
        let present = view.interfaces.flatMap { view.peers(of: $0.name) }.flatMap(\.routed)
        let areWide = Set(added.map(\.family)).contains { family in
            IPPrefix.areWide((present + added).filter { $0.family == family })
        }
        if added.contains(where: \.isWide) || areWide { try rights.require(.routeAll, on: peers) }
        try requireRightsBehind(added, of: plan.name, context)
    }

    private var freePort: UInt16 {
        let taken = Set(view.interfaces.map(\.listenPort))
        return (51820...65535).first { !taken.contains($0) } ?? 0
    }

    private func withSecrets(_ plan: ImportPlan) async throws(Refusal) -> ImportedInterface {
        // As for an interface that is made: one key-encryption key for all of a database.
        if let failure = otherSealingKey { throw .kernel(failure, undoneBy: nil) }
        let id: InterfaceID
        do throws(StoreFailure) { id = try await store.reserveInterfaceID() } catch { throw .store(error) }
        var secrets: [SealedSecret] = []
        do throws(KernelFailure) {
            if plan.link != nil { secrets = try await kernel.secrets(of: plan.name, for: id) }
            if !plan.boxes.isEmpty { secrets += try await kernel.seal(plan.boxes, for: id) }
        } catch {
            guard error.reason == .invalidArgument else { throw .kernel(error, undoneBy: nil) }
            throw .invalid([.init(field: "private_key", rule: error.message)])
        }
        return try plan.imported(as: id, with: secrets)
    }

    /// What the kernel refuses is undone; a link that was there before is given back as it was.
    private func follow(
        _ plan: ImportPlan,
        _ id: InterfaceID,
        _ revision: Int64,
        _ context: CallContext
    ) async throws(Refusal) {
        do throws(KernelFailure) {
            _ = try await reconciler.settle(plan.name)
        } catch {
            if plan.link != nil {
                do throws(KernelFailure) {
                    try await kernel.apply(.releaseLink, to: plan.name, owner: id)
                } catch let second {
                    // With the mark on it the link would be deleted: it stays wanted, and the reconciler goes on trying.
                    logger.error("a link was not given back", metadata: ["reason": "\(second.message)"])
                    throw .notFollowed(error, revision: revision)
                }
            }
            let undo = Change.deleteInterface(plan.name, withPeers: true)
            guard let undone = await self.undo(undo, of: plan.name, revision, error, context) else {
                throw .notFollowed(error, revision: revision)
            }
            throw .kernel(error, undoneBy: undone)
        }
    }
}
