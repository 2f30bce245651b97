// SPDX-License-Identifier: Apache-2.0

internal import Logging
package import WGMModel

/// Makes the kernel equal to the wanted state: dump, difference, least changes, dump again, record.
package actor Reconciler {
    /// How often the kernel is told before it counts as unwilling.
    private static let maxRounds = 3
    let node: ObjectName
    let view: GatewayView
    let kernel: any Kernel
    let audit: AuditQueue
    let clock: any Clock
    let logger: Logger
    let lanes: KeyedLock<InterfaceName>
    let committer: Committer
    private let dumps = KeyedLock<InterfaceName>()
    /// What the timer last complained about, so that it says so once and not every time.
    var complaints: [InterfaceName: KernelFailure] = [:]

    init(
        node: ObjectName,
        view: GatewayView,
        kernel: any Kernel,
        audit: AuditQueue,
        clock: any Clock,
        logger: Logger,
        lanes: KeyedLock<InterfaceName>,
        committer: Committer
    ) {
        self.node = node
        self.view = view
        self.kernel = kernel
        self.audit = audit
        self.clock = clock
        self.logger = logger
        self.lanes = lanes
        self.committer = committer
    }

    /// What settling an interface found and left.
    struct Settled: Sendable {
        /// What a dump showed afterwards.
        var actual: ActualInterface?
        /// What differed before, in words.
        var differences: [String]
        /// The same, attribute by attribute.
        var items: [DriftItem]
    }

    /// Makes the link of this name what it is to be; returns only when a dump shows that it is.
    ///
    /// The caller holds the interface's lane.
    func settle(_ name: InterfaceName) async throws(KernelFailure) -> Settled {
        var differences: [String] = []
        var items: [DriftItem]?
        var actual: ActualInterface?
        let changed = view.progress(name)?.changed ?? 0
        let began = ContinuousClock.now
        do throws(KernelFailure) {
            for _ in 0..<Self.maxRounds {
                let ticket = view.beginObservation()
                actual = try await kernel.dump(name)
                let step = try Step(name, view.wanted(name, at: clock.now), actual, former: view.former)
                differences += step.differences
                if items == nil { items = step.items }
                observe(name, actual, step, nil, ticket)
                guard !step.changes.isEmpty else {
                    view.settle(name, at: changed)
                    note(name, changes: differences.count, since: began)
                    return Settled(actual: actual, differences: differences, items: items ?? [])
                }
                await noteUnfinished(name)
                for change in step.changes { try await kernel.apply(change, to: name, owner: step.owner) }
            }
            throw KernelFailure(.other, "the kernel does not keep what it is told: \(differences.last ?? "")")
        } catch {
            await observeFailure(name, error)
            throw error
        }
    }

    /// From the first question to the keeper to the dump that shows no difference: what benchmarks measure.
    private func note(_ name: InterfaceName, changes: Int, since began: ContinuousClock.Instant) {
        let took = Int(began.duration(to: .now) / .microseconds(1))
        logger.debug(
            "settled",
            metadata: ["interface": "\(name)", "changes": "\(changes)", "microseconds": "\(took)"]
        )
    }

    /// Milliseconds for which readers are told what the kernel was last seen to hold.
    static let observationLasts: Int64 = 1000

    /// Asks the kernel again if the last answer is older than that; many readers share one answer.
    package func refresh(_ name: InterfaceName) async {
        await dumps.withLock(name) {
            if let last = view.observation(name),
                clock.now.milliseconds - last.time.milliseconds < Self.observationLasts
            {
                return
            }
            let ticket = view.beginObservation()
            do throws(KernelFailure) {
                let actual = try await kernel.dump(name)
                let step = try Step(name, view.wanted(name, at: clock.now), actual, former: view.former)
                observe(name, actual, step, view.observation(name)?.failure, ticket)
            } catch {
                observe(failure: error, of: name)
            }
        }
    }

    // MARK: Observations

    func observe(
        _ name: InterfaceName,
        _ actual: ActualInterface?,
        _ step: Step,
        _ failure: KernelFailure?,
        _ ticket: UInt64
    ) {
        let isInSync = step.changes.isEmpty
        view.count(name, actual, at: clock.now, steady: clock.steady, ticket: ticket)
        view.record(
            Observation(
                actual: actual,
                isInSync: isInSync,
                failure: isInSync ? nil : failure,
                time: clock.now,
                ticket: ticket
            ),
            of: name
        )
    }

    /// After a refusal: what the kernel holds now, if it says, beside the refusal.
    private func observeFailure(_ name: InterfaceName, _ failure: KernelFailure) async {
        guard failure.reason != .keeperGone else { return observe(failure: failure, of: name) }
        let ticket = view.beginObservation()
        do throws(KernelFailure) {
            let actual = try await kernel.dump(name)
            view.count(name, actual, at: clock.now, steady: clock.steady, ticket: ticket)
            let observation = Observation(
                actual: actual?.owner == nil ? nil : actual,
                isInSync: false,
                failure: failure,
                time: clock.now,
                ticket: ticket
            )
            view.record(observation, of: name)
        } catch {
            observe(failure: failure, of: name)
        }
    }

    /// Keeps what was last seen, with its time.
    private func observe(failure: KernelFailure, of name: InterfaceName) {
        let blank = Observation(actual: nil, isInSync: false, failure: nil, time: Timestamp(seconds: 0), ticket: 0)
        var observation = view.observation(name) ?? blank
        observation.isInSync = false
        observation.failure = failure
        view.record(observation, of: name)
    }
}

/// What is to be done next with the link of one name.
struct Step {
    var changes: [KernelChange] = []
    var differences: [String] = []
    var items: [DriftItem] = []
    var owner: InterfaceID

    /// Refuses to touch a link that is somebody else's.
    init(
        _ name: InterfaceName,
        _ wanted: (interface: InterfaceRecord, peers: [PeerRecord])?,
        _ actual: ActualInterface?,
        former: (InterfaceID) -> FormerInterface?
    ) throws(KernelFailure) {
        if let actual, let owner = actual.owner, owner != wanted?.interface.id {
            guard let kind = former(owner) else { throw Self.stranger(name) }
            self.owner = owner
            switch kind {
            case .deleted:
                changes = [.deleteLink]
                differences = ["the link belonged to interface \(owner), which was deleted"]
                items = [DriftItem("link", wanted: "absent", found: "of interface \(owner)")]
            case .givenBack:
                // Routes are all that was added to it, and a dump shows no others.
                changes = (actual.routes.isEmpty ? [] : [.removeRoutes(actual.routes.sorted())]) + [.releaseLink]
                differences = ["the link was taken over by an import that was undone"]
                items = [DriftItem("mark", wanted: "none", found: "wgm:\(owner)")]
            }
            return
        }
        guard let wanted else {
            owner = InterfaceID(0)
            return
        }
        if let actual, actual.owner == nil {
            // Whoever made a link with the interface's own private key made it for the interface: wg-quick, as before the
            // import, or a start that was cut short before the mark.
            if actual.publicKey == wanted.interface.publicKey {
                owner = wanted.interface.id
                changes = [.takeLink(wanted.interface.publicKey)]
                differences = ["the link was made by somebody else with the same private key"]
                items = [DriftItem("mark", wanted: "wgm:\(owner)", found: "none")]
                return
            }
            throw KernelFailure(.notOurs, "there is a link named \(name) that wgm did not make")
        }
        let plan = InterfacePlan(interface: wanted.interface, peers: wanted.peers, actual: actual)
        owner = wanted.interface.id
        changes = plan.changes
        differences = plan.differences
        guard !changes.isEmpty else { return }
        items = InterfaceDrift(interface: wanted.interface, peers: wanted.peers, actual: actual).items
    }

    /// Another database, or another node's name, made it: an operator decides, not wgm.
    static func stranger(_ name: InterfaceName) -> KernelFailure {
        KernelFailure(
            .notOurs,
            "the link \(name) was made by wgm with another database or node name; it is left alone: "
                + "bring that database back, or delete the link with `ip link delete \(name)`"
        )
    }
}
