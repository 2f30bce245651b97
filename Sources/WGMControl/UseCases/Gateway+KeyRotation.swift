// SPDX-License-Identifier: Apache-2.0

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

    /// Announces the next key of an interface, puts it in force, or goes back.
    ///
    /// When the key in force changes, this returns only after the kernel was seen with the new one, and records that.
    package func rotateKey(
        _ request: KeyRotationRequest,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<InterfaceReport> {
        let name = try interfaceName(request.name, "name")
        let moment = try switchMoment(request)
        if let moment { try refuseTrial(over: moment, of: name, context) }
        return try await lanes.withLock(name) { () async throws(Refusal) in
            try begin(context)
            let record = try report(name).record
            let step: KeyStep
            switch request.step {
            case .announce: step = .announce(try await newKey(for: record.id), at: moment, now: clock.now)
            case .switchOver: step = .switchOver(try await newKey(for: record.id), now: clock.now)
            case .cancel: step = .cancel
            case .undo: step = .undo
            case .finish: step = .finish
            }
            let isSettled = view.progress(name)?.isSettled == true
            switch try await commit(.rotateKey(name, step), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                if let present = view.interface(name)?.publicKey, present != record.publicKey {
                    try await settleKey(record, after: revision, context)
                } else if isSettled {
                    // There is nothing that the kernel would have to follow.
                    view.settle(name, at: revision)
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
        guard interface.rotation?.switched != nil else { return [] }
        let now = clock.now
        return view.reports(view.peers(of: interface.name), of: interface.name)
            .filter { $0.isStraggler(at: now) == true }.map(\.record)
    }

    private func lastHandshake(of peer: PeerRecord) -> Timestamp? {
        view.ledger.traffic(of: peer.name, in: peer.interface)?.lastHandshake
    }

    /// That it is not over is checked behind the idempotency key: a retry may come after it.
    private func switchMoment(_ request: KeyRotationRequest) throws(Refusal) -> Timestamp? {
        guard let milliseconds = request.switchTime else { return nil }
        var checker = Checker()
        let now = clock.now.milliseconds
        if case .announce = request.step {
            if milliseconds > now + Self.farthestSwitch { checker.refuse("switch_unix_ms", "at most ten years ahead") }
        } else {
            checker.refuse("switch_unix_ms", "goes with announcing a key only")
        }
        try checker.finish()
        return Timestamp(milliseconds: milliseconds)
    }

    /// Refused by the kernel, the keys are what they were before, announced moment and all.
    private func settleKey(
        _ before: InterfaceRecord,
        after revision: Int64,
        _ context: CallContext
    ) async throws(Refusal) {
        do throws(KernelFailure) {
            try await proveKey(of: before.name, insteadOf: before.publicKey, after: revision, context)
        } catch {
            let undo = Change.rotateKey(before.name, .putBack(before.key, before.rotation))
            guard let undone = await self.undo(undo, of: before.name, revision, error, context) else {
                throw .notFollowed(error, revision: revision)
            }
            throw .kernel(error, undoneBy: undone)
        }
    }

    /// Returns once a dump shows the present key in force, and records that.
    func proveKey(
        of name: InterfaceName,
        insteadOf old: PublicKey,
        after revision: Int64,
        _ context: CallContext
    ) async throws(KernelFailure) {
        let actual = try await reconciler.settle(name).actual
        let key = actual?.publicKey.map(\.description) ?? "none"
        var entry = context.entry(message: "the kernel was seen with the key \(key) instead of \(old)")
        entry.method = "wgmd/key-proof"
        entry.time = clock.now
        entry.request =
            #"{"revision":\#(revision),"observed_unix_ms":\#(entry.time.milliseconds),"key":"\#(key)","key_gone":"\#(old)"}"#
        audit.record(entry)
    }
}
