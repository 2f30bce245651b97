// SPDX-License-Identifier: Apache-2.0

internal import Logging
package import WGMModel

/// A step on the way of an interface from one key to the next, as a caller asks for it.
package struct KeyRotationRequest: Sendable {
    package enum Step: Sendable { case announce, switchOver, cancel, undo, finish }

    package var name: String?
    package var step: Step
    /// Milliseconds since 1970; of `announce` only.
    package var switchTime: Int64?

    package init(name: String?, step: Step, switchTime: Int64? = nil) {
        self.name = name
        self.step = step
        self.switchTime = switchTime
    }
}

/// Peers that have made no handshake since their interface has its present key.
package struct Stragglers: Sendable {
    /// In the order of their names.
    package var peers: [PeerRecord]
    /// When each was last heard of; the present key was not in force then.
    package var lastHandshakes: [ObjectName: Timestamp]
    /// Since when the present key is in force; nil when no rotation is going on.
    package var since: Timestamp?
    package var freshness: Freshness
}

extension Gateway {
    /// Farther away nobody means it.
    private static let farthestSwitch: Int64 = 3650 * 86_400_000
    /// How late a moment is noticed when somebody sets the clock meanwhile.
    private static let rotationCheck: Duration = .seconds(1)

    /// Announces the next key of an interface, puts it in force, or goes back.
    ///
    /// When the key in force changes, this returns only after the kernel was seen with the new one, and records that.
    package func rotateKey(
        _ request: KeyRotationRequest,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<InterfaceReport> {
        let name = try interfaceName(request.name, "name")
        let moment = try switchMoment(request)
        return try await lanes.withLock(name) { () async throws(Refusal) in
            try begin(context)
            let record = try report(name).record
            let step: KeyStep
            switch request.step {
            case .announce: step = .announce(try await newKey(for: record.id), at: moment)
            case .switchOver: step = .switchOver(try await newKey(for: record.id), now: clock.now)
            case .cancel: step = .cancel
            case .undo: step = .undo
            case .finish: step = .finish
            }
            switch try await commit(.rotateKey(name, step), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                if let present = view.interface(name)?.publicKey, present != record.publicKey {
                    try await settleKey(of: name, from: record.publicKey, after: revision, context)
                }
                return .done(try report(name), revision: revision)
            }
        }
    }

    /// Those that are let in and have not been heard of since the key was switched.
    package func listStragglers(name: String?, _ context: CallContext) async throws(Refusal) -> Stragglers {
        let name = try interfaceName(name, "name")
        try requireLoaded()
        if view.interface(name) != nil { await reconciler.refresh(name) }
        let report = try report(name)
        record(context)
        return Stragglers(
            peers: report.stragglers.sorted { $0.name < $1.name },
            lastHandshakes: Dictionary(
                uniqueKeysWithValues: report.stragglers.compactMap { peer in
                    lastHandshake(of: peer).map { (peer.name, $0) }
                }
            ),
            since: report.record.rotation?.switched,
            freshness: view.freshness
        )
    }

    func stragglers(of interface: InterfaceRecord) -> [PeerRecord] {
        guard let since = interface.rotation?.switched else { return [] }
        let now = clock.now
        return view.peers(of: interface.name).filter { peer in
            peer.isEnabled && peer.validity.holds(at: now) && (lastHandshake(of: peer) ?? .init(seconds: 0)) < since
        }
    }

    private func lastHandshake(of peer: PeerRecord) -> Timestamp? {
        view.ledger.traffic(of: peer.name, in: peer.interface)?.lastHandshake
    }

    private func switchMoment(_ request: KeyRotationRequest) throws(Refusal) -> Timestamp? {
        guard let milliseconds = request.switchTime else { return nil }
        var checker = Checker()
        let now = clock.now.milliseconds
        if case .announce = request.step {
            if milliseconds <= now { checker.refuse("switch_unix_ms", "is over; without one, switch at once") }
            if milliseconds > now + Self.farthestSwitch { checker.refuse("switch_unix_ms", "at most ten years ahead") }
        } else {
            checker.refuse("switch_unix_ms", "goes with announcing a key only")
        }
        try checker.finish()
        return Timestamp(milliseconds: milliseconds)
    }

    /// Refused by the kernel, the key before is put back; the new one stays announced.
    private func settleKey(
        of name: InterfaceName,
        from old: PublicKey,
        after revision: Int64,
        _ context: CallContext
    ) async throws(Refusal) {
        do throws(KernelFailure) {
            recordKey(try await reconciler.settle(name).actual, of: name, from: old, revision, context)
        } catch {
            let undo = Change.rotateKey(name, .undo)
            throw .kernel(error, undoneBy: await self.undo(undo, of: name, revision, error, context))
        }
    }

    private func recordKey(
        _ actual: ActualInterface?,
        of name: InterfaceName,
        from old: PublicKey,
        _ revision: Int64,
        _ context: CallContext
    ) {
        let key = actual?.publicKey.map(\.description) ?? "none"
        var entry = context.entry(message: "the kernel was seen with the key \(key) instead of \(old)")
        entry.method = "wgmd/key-proof"
        entry.time = clock.now
        entry.request =
            #"{"revision":\#(revision),"observed_unix_ms":\#(entry.time.milliseconds),"key":"\#(key)","key_gone":"\#(old)"}"#
        audit.record(entry)
    }

    // MARK: At their moments

    /// Puts announced keys in force at their moments, until cancelled.
    func keepRotations() async {
        while true {
            let next = view.interfaces.compactMap { $0.rotation?.due }.filter { $0 > clock.now }.min()
            let wait = Duration.milliseconds((next?.milliseconds ?? .max / 2) - clock.now.milliseconds + 1)
            guard (try? await Task.sleep(for: min(Self.rotationCheck, wait))) != nil else { return }
            await switchDueKeys()
        }
    }

    /// What cannot be done now is tried again.
    func switchDueKeys() async {
        guard view.isLoaded else { return }
        for interface in view.interfaces where interface.rotation?.due.map({ $0 <= clock.now }) ?? false {
            await lanes.withLock(interface.name) { () async in await switchDueKey(of: interface.name) }
        }
    }

    private func switchDueKey(of name: InterfaceName) async {
        // Somebody may have been faster.
        guard let record = view.interface(name), let due = record.rotation?.due, due <= clock.now else { return }
        let context = CallContext(
            credential: nil,
            uid: nil,
            method: "wgmd/rotate-key",
            resource: "node/\(node)/interface/\(name)",
            requestID: "",
            time: clock.now
        )
        let about: Logger.Metadata = ["interface": "\(name)"]
        do throws(Refusal) {
            let step = KeyStep.switchOver(nil, now: clock.now)
            let entry = context.entry(message: "the announced key is in force from now on")
            guard case .fresh(_, let revision, _) = try await commit(.rotateKey(name, step), entry, key: nil) else {
                return
            }
            logger.notice("the announced key is in force", metadata: about)
            do throws(KernelFailure) {
                recordKey(
                    try await reconciler.settle(name).actual,
                    of: name,
                    from: record.publicKey,
                    revision,
                    context
                )
            } catch { throw .kernel(error, undoneBy: nil) }
        } catch {
            let reason: Logger.Metadata = ["reason": "\(error)"]
            logger.error(
                "an announced key was not put in force, or the kernel did not follow; trying again",
                metadata: about.merging(reason) { $1 }
            )
        }
    }
}

extension KeyRotation {
    /// Since when the present key is in force.
    package var switched: Timestamp? {
        guard case .switched(_, let moment) = self else { return nil }
        return moment
    }
}
