// SPDX-License-Identifier: Apache-2.0

package import Logging
package import WGMModel

/// The rules of one gateway: what every method of the wire does, without the wire.
///
/// Every function here records its own success: a change within its transaction, everything else through the audit queue.
/// What it throws, the server records with `recordRefusal` before it replies. That the caller may call the method at all
/// the server has asked `authorise` before; what depends on more than the resource's path is checked here.
package final class Gateway: Sendable {
    /// How often it is looked for what somebody else changed in the kernel.
    private static let scanInterval: Duration = .seconds(5)
    package let node: ObjectName
    package let view = GatewayView()
    /// The daemon puts the keeper's signing key in here.
    package let keys: TokenKeys
    /// And in here what it hears of changes in the kernel.
    package let hints: LinkHints
    package let audit: AuditQueue
    package let reconciler: Reconciler
    let endpoints: EndpointKeeper
    let committer: Committer
    let recentChanges: RecentChanges
    let store: any Store
    let kernel: WatchedKernel
    let clock: any Clock
    let logger: Logger
    let verifier: TokenVerifier
    let issuer: TokenIssuer
    /// Changes of one interface go one after the other, each with its reconciliation.
    let lanes = KeyedLock<InterfaceName>()
    /// Whatever makes interfaces or goes over all of them is alone with that; taken before any lane.
    let structureLane = KeyedLock<Bool>()
    /// So do changes of principals.
    let identityLane = KeyedLock<Bool>()

    package init(
        node: ObjectName,
        store: any Store,
        kernel: any Kernel,
        clock: any Clock,
        lookup: any NameLookup,
        logger: Logger = Logger(label: "wgmd"),
        keys: TokenKeys = TokenKeys(),
        hints: LinkHints = LinkHints()
    ) {
        self.node = node
        self.keys = keys
        self.hints = hints
        self.store = store
        self.kernel = WatchedKernel(kernel)
        self.clock = clock
        self.logger = logger
        verifier = TokenVerifier(node: node, keys: keys)
        issuer = TokenIssuer(keys: keys, kernel: self.kernel)
        audit = AuditQueue(store: store, clock: clock)
        recentChanges = RecentChanges(store: store, view: view)
        committer = Committer(store: store, view: view, audit: audit, clock: clock)
        reconciler = Reconciler(
            node: node,
            view: view,
            kernel: self.kernel,
            audit: audit,
            clock: clock,
            logger: logger,
            lanes: lanes,
            committer: committer
        )
        endpoints = EndpointKeeper(
            node: node,
            view: view,
            kernel: self.kernel,
            lookup: lookup,
            clock: clock,
            lanes: lanes,
            reconciler: reconciler,
            audit: audit,
            logger: logger
        )
    }

    /// Reads the state and makes the kernel equal to it; to be called once, before listening.
    ///
    /// When the database cannot be reached it changes nothing; `run` goes on trying.
    package func start() async {
        guard await refresh() else { return }
        // What was not confirmed in time does not come back first.
        await restoreOverdue()
        await enforceValidityNow()
        await switchDueKeys()
        await reconciler.repairAll()
    }

    /// Keeps copy, kernel and audit log up to date until cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: Self.scanInterval)) != nil {
                    _ = await self.refresh()
                    await self.reconciler.repairAll()
                }
            }
            group.addTask { await self.followHints() }
            group.addTask { await self.audit.run() }
            group.addTask { await self.watchConfirmations() }
            group.addTask { await self.keepValidity() }
            group.addTask { await self.keepRotations() }
            group.addTask { await self.endpoints.run() }
            group.addTask {
                while (try? await Task.sleep(for: Self.trafficInterval)) != nil { await self.saveTraffic() }
            }
            group.addTask { await self.keepWatchersAwake() }
        }
    }

    /// Looks at interfaces as soon as the kernel says that somebody changed them; what it says nothing of, the timer finds.
    func followHints() async {
        var pace = HintPace()
        for await _ in hints.bell {
            guard (try? await Task.sleep(for: pace.pause(at: .now))) != nil else { return }
            await reconciler.repair(hints.take())
        }
    }

    /// Reads the state again if the database has a newer one; true if it had.
    package func refresh() async -> Bool {
        let refresher = StateRefresher(store: store, view: view, clock: clock, logger: logger)
        let isNew = await refresher.refresh()
        await loadTraffic()
        return isNew
    }

    // MARK: Records of calls

    /// Records a call that went well and that no use case here recorded.
    package func record(_ context: CallContext) { audit.record(context.entry()) }

    /// Records a refusal or failure; when this throws, the record waits in memory until the database is back.
    package func recordRefusal(_ context: CallContext, code: UInt32, message: String) async throws(StoreFailure) {
        try await audit.recordNow(context.entry(code: code, message: message))
    }

    /// Keeps the encoded reply of a call that changed state, or of its failure, for retries with the same key.
    ///
    /// If that fails a retry learns only that the call was made.
    package func keepReply(_ reply: [UInt8], for context: CallContext) async {
        guard let key = context.key else { return }
        do throws(StoreFailure) {
            try await store.keepReply(reply, for: key)
        } catch {
            logger.warning("a reply was not kept", metadata: ["request": "\(context.requestID)", "reason": "\(error)"])
        }
    }
}
