// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

extension Gateway {
    /// How late a moment is noticed when somebody sets the clock meanwhile.
    private static let clockCheck: Duration = .seconds(1)

    /// Lets peers in and keeps them out at their moments, until cancelled.
    func keepValidity() async {
        var last = clock.now
        var unfinished: Set<InterfaceName> = []
        var known = (revision: Int64(-1), peers: [InterfaceName: [PeerRecord]]())
        while true {
            if view.isLoaded, known.revision != view.revision {
                let isFirst = known.revision < 0
                known = (view.revision, view.timedPeers)
                if isFirst { unfinished.formUnion(known.peers.keys) }
            }
            guard (try? await Task.sleep(for: pause(known.peers.values.flatMap(\.self)))) != nil else { return }
            let then = clock.now
            for (name, peers) in known.peers
            where unfinished.contains(name) || peers.contains(where: { $0.turns(from: last, to: then) }) {
                let since = unfinished.contains(name) ? nil : last
                if await enforceValidity(of: name, since: since) {
                    unfinished.remove(name)
                } else {
                    unfinished.insert(name)
                }
            }
            last = then
        }
    }

    private func pause(_ peers: [PeerRecord]) -> Duration {
        let now = clock.now
        let next = peers.flatMap { [$0.validity.from, $0.validity.until] }.compactMap(\.self).filter { $0 > now }.min()
        return min(Self.clockCheck, .milliseconds((next?.milliseconds ?? .max / 2) - now.milliseconds + 1))
    }

    /// After a restart: what began or ended meanwhile.
    func enforceValidityNow() async {
        for name in view.timedPeers.keys.sorted() { _ = await enforceValidity(of: name, since: nil) }
    }

    /// False when the kernel did not follow, and it is to be tried again.
    ///
    /// `since` is when this was last looked at; nil when what the kernel holds is to say what has changed.
    private func enforceValidity(of name: InterfaceName, since: Timestamp?) async -> Bool {
        await lanes.withLock(name) { () async -> Bool in
            do throws(KernelFailure) {
                let now = clock.now
                let peers = view.timedPeers[name] ?? []
                let turned: [PeerRecord]
                if let since {
                    turned = peers.filter { $0.turns(from: since, to: now) }
                } else {
                    let held = try await kernel.dump(name)?.peers ?? [:]
                    turned = peers.filter { $0.isEnabled && $0.validity.holds(at: now) == (held[$0.publicKey] == nil) }
                }
                guard !turned.isEmpty else { return true }
                let actual = try await reconciler.settle(name).actual
                recordTurns(turned, of: name, actual, at: now)
                return true
            } catch {
                logger.error(
                    "a peer's time began or ended, and the kernel did not follow; trying again",
                    metadata: ["interface": "\(name)", "reason": "\(error.message)"]
                )
                return false
            }
        }
    }

    private func recordTurns(
        _ peers: [PeerRecord],
        of name: InterfaceName,
        _ actual: ActualInterface?,
        at now: Timestamp
    ) {
        for peer in peers {
            let begins = peer.validity.holds(at: now)
            let context = CallContext(
                credential: nil,
                uid: nil,
                method: begins ? "wgmd/valid" : "wgmd/expired",
                resource: "node/\(node)/interface/\(name)/peer/\(peer.name)",
                requestID: "",
                time: clock.now
            )
            var entry = context.entry(message: "the peer's time has begun")
            if !begins {
                let proof = RemovalProof(
                    keys: [peer.publicKey],
                    actual: actual,
                    time: clock.now,
                    revision: view.revision
                )
                entry = proof.entry(context)
                entry.method = context.method
                entry.message = "the peer's time is over: " + entry.message
            }
            audit.record(entry)
            logger.notice(
                "a peer's time has come",
                metadata: [
                    "interface": "\(name)", "peer": "\(peer.name)", "outcome": "\(begins ? "let in" : "kept out")",
                ]
            )
        }
    }
}

extension GatewayView {
    /// Those that are let in for a time only; interfaces without any are left out.
    fileprivate var timedPeers: [InterfaceName: [PeerRecord]] {
        var found: [InterfaceName: [PeerRecord]] = [:]
        for interface in interfaces {
            let peers = peers(of: interface.name) { $0.validity != Validity() }
            if !peers.isEmpty { found[interface.name] = peers }
        }
        return found
    }
}

extension PeerRecord {
    /// True when it is let in at one of the two moments and not at the other.
    fileprivate func turns(from: Timestamp, to: Timestamp) -> Bool {
        isEnabled && validity.holds(at: from) != validity.holds(at: to)
    }
}
