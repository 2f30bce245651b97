// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    /// Newest first; only those that changed interfaces or peers.
    package func listRevisions(
        limit: UInt32?,
        before: Int64?,
        interface: String?,
        _ context: CallContext
    ) async throws(Refusal) -> [RevisionRecord] {
        var checker = Checker()
        let count = checker.number(limit, in: 1...1000, else: 100, "limit")
        let wanted = interface.flatMap { $0.isEmpty ? nil : $0 }
        let name = wanted.flatMap { checker.interfaceName($0, "interface") }
        try checker.finish()
        return try await reading(context) { () async throws(StoreFailure) in
            try await store.revisions(limit: Int(count), before: before, interface: name)
        }
    }

    package func getRevision(
        _ number: Int64,
        _ context: CallContext
    ) async throws(Refusal) -> (RevisionRecord, Differences) {
        try await reading(context) { () async throws(StoreFailure) in try await store.revision(number) }
    }

    /// What one would have to change after revision `from` to come to `to`; nil is the newest.
    package func differences(
        from: Int64,
        to: Int64?,
        _ context: CallContext
    ) async throws(Refusal) -> Differences {
        try await reading(context) { () async throws(StoreFailure) in
            try await store.differences(from: from, to: to ?? view.revision)
        }
    }

    package func pastPeer(
        interface: String?,
        name: String?,
        at moment: HistoryPoint,
        _ context: CallContext
    ) async throws(Refusal) -> PastPeer {
        var checker = Checker()
        let checkedInterface = checker.interfaceName(interface, "interface")
        let checkedName = checker.objectName(name, "name")
        if isToCome(moment) { checker.refuse("time_unix_ms", "is in the future") }
        try checker.finish()
        guard let checkedInterface, let checkedName else { throw .invalid([]) }
        return try await reading(context) { () async throws(StoreFailure) in
            try await store.peer(checkedName, of: checkedInterface, at: moment)
        }
    }

    package func holders(
        of address: String?,
        at moment: HistoryPoint,
        _ context: CallContext
    ) async throws(Refusal) -> [AddressHolder] {
        guard let address = address.flatMap({ IPAddress($0) }) else {
            throw .invalid([.init(field: "address", rule: "an IPv4 or IPv6 address, without length")])
        }
        guard !isToCome(moment) else { throw .invalid([.init(field: "time_unix_ms", rule: "is in the future")]) }
        return try await reading(context) { () async throws(StoreFailure) in
            try await store.holders(of: address, at: moment)
        }
    }

    // What will be is not what is. A caller's clock may go a little ahead of ours.
    private func isToCome(_ moment: HistoryPoint) -> Bool {
        if case .time(let time) = moment { time.milliseconds > clock.now.milliseconds + 60_000 } else { false }
    }

    private func reading<Value>(
        _ context: CallContext,
        _ body: () async throws(StoreFailure) -> Value
    ) async throws(Refusal) -> Value {
        do throws(StoreFailure) {
            let value = try await body()
            record(context)
            return value
        } catch { throw .store(error) }
    }

    // MARK: Rolling back

    /// Makes interfaces and peers what they were after a revision, as a new one.
    ///
    /// Returns when the kernel was seen to follow, and without the keys that went. A refusal of the kernel does not bring
    /// back what was: the reconciler goes on trying. Where nothing differs no revision is made.
    package func rollBack(to number: Int64, _ context: CallContext) async throws(Refusal) -> Outcome<Void> {
        try requireLoaded()
        try requireRollBack(context)
        return try await withLanes { () async throws(Refusal) in
            let names = view.interfaces.map(\.name)
            let differences: Differences
            do throws(StoreFailure) {
                // Held against the database: what is in memory may be behind it.
                differences = try await store.differences(from: store.currentRevision(), to: number)
            } catch { throw .store(error) }
            try requireWideRoutes(differences, context)
            try begin(context)
            if differences.objects.isEmpty, context.terms.confirmation == .none {
                for name in names { try await settle(name, after: view.revision, undo: nil, context) }
                record(context)
                return .done((), revision: 0)
            }
            switch try await commit(.rollBack(to: number), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(let touched, let revision, _):
                try await follow(touched, revision, before: names, context)
                return .done((), revision: revision)
            }
        }
    }

    /// What was may have been deleted and made since: it takes the rights for both.
    private func requireRollBack(_ context: CallContext) throws(Refusal) {
        let path = "node/\(node)/interface/**"
        guard let credential = context.credential, let resource = ResourcePattern(path) else {
            throw .permissionMissing(verb: Verb.update.rawValue, resource: path)
        }
        for verb in [Verb.create, .update, .delete] { try credential.rights.require(verb, on: resource) }
    }

    /// Whoever makes a peer the way to everywhere needs a right of its own for that, also when it was one before.
    private func requireWideRoutes(_ differences: Differences, _ context: CallContext) throws(Refusal) {
        guard !differences.isTruncated else { return try requireRouteAll("*", "*", context) }
        var all = view.interfaces.flatMap { view.peers(of: $0.name) }.flatMap(\.routed)
        let present = all.count
        for object in differences.objects {
            guard let peer = object.peer else { continue }
            let routed = object.attributes.first { $0.name == "allowed_addresses" }?.after ?? ""
            let prefixes = routed.split(separator: "\"").compactMap { IPPrefix($0) }
            if prefixes.contains(where: \.isWide) { try requireRouteAll(object.interface, peer, context) }
            all += prefixes
        }
        guard all.count > present else { return }
        // Many that are not wide by themselves can be so together.
        for family in Set(all.map(\.family)) where IPPrefix.areWide(all.filter { $0.family == family }) {
            try requireRouteAll("*", "*", context)
        }
    }

    func requireRouteAll(_ interface: String, _ peer: String, _ context: CallContext) throws(Refusal) {
        let path = "node/\(node)/interface/\(interface)/peer/\(peer)"
        guard let credential = context.credential else {
            throw .permissionMissing(verb: Verb.routeAll.rawValue, resource: path)
        }
        try credential.rights.require(.routeAll, on: ResourcePattern(path) ?? .everything)
    }

    func follow(
        _ touched: Touched,
        _ revision: Int64,
        before: [InterfaceName],
        _ context: CallContext
    ) async throws(Refusal) {
        let kept = view.interfaces
        let ids = Dictionary(kept.map { ($0.id, $0.name) }) { first, _ in first }
        for name in Set(before).union(kept.map(\.name)).sorted() {
            let present = Set(view.wanted(name, at: clock.now)?.peers.filter(\.isEnabled).map(\.publicKey) ?? [])
            let gone = (touched.deletedPeers + touched.peers.filter { !$0.isEnabled })
                .filter { ids[$0.interface] == name }.map(\.publicKey).filter { !present.contains($0) }
            if gone.isEmpty {
                try await settle(name, after: revision, undo: nil, context)
            } else {
                try await settleRemoval(of: gone, from: name, after: revision, context)
            }
        }
    }
}
