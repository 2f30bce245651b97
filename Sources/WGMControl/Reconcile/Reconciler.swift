// SPDX-License-Identifier: Apache-2.0

internal import Logging
package import WGMModel

/// Makes the kernel equal to the wanted state: dump, difference, least changes, dump again, record.
package actor Reconciler {
    /// How often the kernel is told before it counts as unwilling.
    private static let maxRounds = 3
    private let node: ObjectName
    private let view: GatewayView
    private let kernel: any Kernel
    private let audit: AuditQueue
    private let clock: any Clock
    private let logger: Logger
    private let lanes: KeyedLock<InterfaceName>
    private let dumps = KeyedLock<InterfaceName>()
    /// What the timer last complained about, so that it says so once and not every time.
    private var complaints: [InterfaceName: KernelFailure] = [:]

    init(
        node: ObjectName,
        view: GatewayView,
        kernel: any Kernel,
        audit: AuditQueue,
        clock: any Clock,
        logger: Logger,
        lanes: KeyedLock<InterfaceName>
    ) {
        self.node = node
        self.view = view
        self.kernel = kernel
        self.audit = audit
        self.clock = clock
        self.logger = logger
        self.lanes = lanes
    }

    /// What settling an interface found and left.
    struct Settled: Sendable {
        /// What a dump showed afterwards.
        var actual: ActualInterface?
        /// What differed before, in words.
        var differences: [String]
    }

    /// Makes the link of this name what it is to be; returns only when a dump shows that it is.
    ///
    /// The caller holds the interface's lane.
    func settle(_ name: InterfaceName) async throws(KernelFailure) -> Settled {
        var differences: [String] = []
        var actual: ActualInterface?
        do throws(KernelFailure) {
            for _ in 0..<Self.maxRounds {
                let ticket = view.beginObservation()
                actual = try await kernel.dump(name)
                let step = try Step(name, view.wanted(name), actual)
                differences += step.differences
                observe(name, actual, step, nil, ticket)
                guard !step.changes.isEmpty else { return Settled(actual: actual, differences: differences) }
                for change in step.changes { try await kernel.apply(change, to: name, owner: step.owner) }
            }
            throw KernelFailure(.other, "the kernel does not keep what it is told: \(differences.last ?? "")")
        } catch {
            await observeFailure(name, error)
            throw error
        }
    }

    /// Asks the kernel again if the last answer is older than `maxAge` seconds; many readers share one answer.
    package func refresh(_ name: InterfaceName, maxAge: Int64 = 1) async {
        await dumps.withLock(name) {
            if let last = view.observation(name), clock.now.milliseconds - last.time.milliseconds < maxAge * 1000 {
                return
            }
            let ticket = view.beginObservation()
            do throws(KernelFailure) {
                let actual = try await kernel.dump(name)
                let step = try Step(name, view.wanted(name), actual)
                observe(name, actual, step, view.observation(name)?.failure, ticket)
            } catch {
                observe(failure: error, of: name)
            }
        }
    }

    /// Repairs every interface, and removes the links of interfaces that the database does not have.
    ///
    /// Before the database was first read nothing is known, so nothing is done; while it cannot be reached nothing is
    /// removed.
    package func repairAll() async {
        guard view.isLoaded else { return }
        for name in await orphans() { await repair(name) }
        for interface in view.interfaces { await repair(interface.name) }
    }

    private func orphans() async -> [InterfaceName] {
        guard view.freshness.staleReason == nil else { return [] }
        do throws(KernelFailure) {
            let owned = try await kernel.ownedInterfaces()
            return owned.filter { view.interface($0.key)?.id != $0.value }.keys.sorted()
        } catch {
            logger.warning("the keeper does not say which links are ours", metadata: ["reason": "\(error.message)"])
            return []
        }
    }

    private func repair(_ name: InterfaceName) async {
        await lanes.withLock(name) {
            do throws(KernelFailure) {
                let settled = try await settle(name)
                if complaints.removeValue(forKey: name) != nil || !settled.differences.isEmpty {
                    report(name, nil, "repaired: " + settled.differences.joined(separator: "; "))
                }
            } catch {
                guard complaints.updateValue(error, forKey: name) != error else { return }
                report(name, error, "not repaired: " + error.message)
            }
        }
    }

    private func report(_ name: InterfaceName, _ failure: KernelFailure?, _ message: String) {
        let resource = "node/\(node)/interface/\(name)"
        let entry = AuditEntry(
            time: clock.now,
            principal: nil,
            uid: nil,
            tokenID: nil,
            method: "wgmd/reconcile",
            resource: resource,
            code: failure == nil ? 0 : 9,
            message: AuditText.clip(message, to: 1024),
            requestID: ""
        )
        audit.record(entry)
        let level: Logger.Level = failure == nil ? .notice : .error
        logger.log(level: level, "reconciled", metadata: ["interface": "\(name)", "outcome": "\(entry.message)"])
    }

    // MARK: Observations

    private func observe(
        _ name: InterfaceName,
        _ actual: ActualInterface?,
        _ step: Step,
        _ failure: KernelFailure?,
        _ ticket: UInt64
    ) {
        let isInSync = step.changes.isEmpty
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
private struct Step {
    var changes: [KernelChange] = []
    var differences: [String] = []
    var owner: InterfaceID

    /// Refuses to touch a link that is somebody else's.
    init(
        _ name: InterfaceName,
        _ wanted: (interface: InterfaceRecord, peers: [PeerRecord])?,
        _ actual: ActualInterface?
    ) throws(KernelFailure) {
        if let actual, let owner = actual.owner, owner != wanted?.interface.id {
            self.owner = owner
            changes = [.deleteLink]
            differences = ["the link belonged to interface \(owner), which the database does not have"]
            return
        }
        guard let wanted else {
            owner = InterfaceID(0)
            return
        }
        if let actual, actual.owner == nil {
            throw KernelFailure(.notOurs, "there is a link named \(name) that wgm did not make")
        }
        let plan = InterfacePlan(interface: wanted.interface, peers: wanted.peers, actual: actual)
        owner = wanted.interface.id
        changes = plan.changes
        differences = plan.differences
    }
}
