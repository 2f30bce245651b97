// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// A query whose parts are known to be good.
struct CheckedWatch {
    var interface: InterfaceName?
    var kinds: Set<WatchKind>
    /// Milliseconds; 0 for no samples.
    var interval: Int64
}

extension Gateway {
    /// The time by the gateway's clock.
    package var now: Timestamp { clock.now }

    /// How often watchers look at clocks: for samples, expired tokens and silence.
    static let watchTick: Duration = .milliseconds(250)
    /// Milliseconds between samples.
    static let sampleIntervals: ClosedRange<UInt32> = 1000...3_600_000

    /// Begins to tell a caller what happens, as far as they may read it.
    ///
    /// The call is recorded here, once, whatever comes of it later.
    package func watch(_ query: WatchQuery, _ context: CallContext) async throws(Refusal) -> Watcher {
        let checked = try check(query)
        guard let credential = context.credential else {
            throw .permissionMissing(verb: Verb.get.rawValue, resource: interfacePath(checked.interface))
        }
        try requireAnything(of: checked.interface, credential)
        try requireLoaded()
        if let name = checked.interface, query.since == nil, view.interface(name) == nil {
            throw .store(.notFound(.interface(name)))
        }
        let start = view.revision
        if let since = query.since, checked.kinds.contains(.change) {
            // Says at once when the history does not go back so far.
            do throws(StoreFailure) { _ = try await recentChanges.changes(after: since) } catch { throw .store(error) }
        }
        let mailbox = try view.events.open(credential.principal, interface: checked.interface, kinds: checked.kinds)
        let watcher = Watcher(self, mailbox, checked, credential, from: query.since ?? start)
        if checked.kinds.contains(.state) { view.compareStates() }
        var recorded = context
        recorded.resource = interfacePath(checked.interface)
        record(recorded)
        return watcher
    }

    private func check(_ query: WatchQuery) throws(Refusal) -> CheckedWatch {
        var checker = Checker()
        var kinds = query.kinds
        if kinds.isEmpty { kinds = query.interval == nil ? [.change, .drift, .state] : Set(WatchKind.allCases) }
        var checked = CheckedWatch(interface: nil, kinds: kinds, interval: 0)
        if let name = query.interface, !name.isEmpty { checked.interface = checker.interfaceName(name, "interface") }
        if kinds.contains(.sample) {
            let range = Self.sampleIntervals
            checked.interval = Int64(checker.number(query.interval, in: range, else: 2000, "interval_ms"))
        } else if query.interval != nil {
            checker.refuse("interval_ms", "only with the kind sample")
        }
        if let since = query.since {
            if since < 0 { checker.refuse("since", "the number of a revision") }
            if !kinds.contains(.change) { checker.refuse("since", "only with the kind change") }
        }
        try checker.finish()
        return checked
    }

    /// Refuses a caller for whom there is nothing to tell, whatever happens.
    func requireAnything(of interface: InterfaceName?, _ credential: Credential) throws(Refusal) {
        guard Readable(node: node, rights: credential.rights).anything(of: interface?.value) else {
            throw .permissionMissing(verb: Verb.get.rawValue, resource: interfacePath(interface))
        }
    }

    private func interfacePath(_ interface: InterfaceName?) -> String {
        "node/\(node)/interface/\(interface?.value ?? "*")"
    }

    /// Lets watchers look at clocks until cancelled.
    func keepWatchersAwake() async {
        while (try? await Task.sleep(for: Self.watchTick)) != nil { view.events.wake() }
    }
}
