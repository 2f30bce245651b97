// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    package func updateInterface(
        _ request: InterfaceUpdateRequest,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<InterfaceReport> {
        let (name, update) = try request.checked()
        return try await lanes.withLock(name) { () async throws(Refusal) in
            try begin(context)
            let present = view.interface(name)
            if isNothing(present, { update.applied(to: $0) }, context) {
                try await confirmNothing(of: name, context)
                return .done(try report(name), revision: 0)
            }
            let undo = present.map { Change.updateInterface(name, update.undone(to: $0)) }
            switch try await commit(.updateInterface(name, update), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                try await settle(name, after: revision, undo: undo, context)
                return .done(try report(name), revision: revision)
            }
        }
    }

    /// When the peer gets a new key, or its time is made to end, this returns only after the kernel was seen without the
    /// old key.
    package func updatePeer(
        _ request: PeerUpdateRequest,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<PeerReport> {
        let checked = try request.checked()
        let (interface, name) = (checked.interface, checked.name)
        return try await lanes.withLock(interface) { () async throws(Refusal) in
            let old = try report(name, of: interface).record
            let update = try await prepared(checked, old, context)
            // An endpoint is sent in any case.
            if update.endpoint == .keep, isNothing(old, { update.applied(to: $0) }, context) {
                try await confirmNothing(of: interface, context)
                return .done(try report(name, of: interface), revision: 0)
            }
            switch try await commit(.updatePeer(interface, name, update), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                let new = update.applied(to: old)
                // Said again as it was: the peer may have roamed meanwhile.
                if update.endpoint != .keep, new.endpoint == old.endpoint { await sendEndpoints(of: [new]) }
                let isOut = old.validity.holds(at: clock.now) && !new.validity.holds(at: clock.now)
                if new.publicKey != old.publicKey || isOut {
                    try await settleRemoval(of: [old.publicKey], from: interface, after: revision, context)
                } else {
                    let undo = Change.updatePeer(interface, name, update.undone(to: old))
                    try await settle(interface, after: revision, undo: undo, context)
                }
                return .done(try report(name, of: interface), revision: revision)
            }
        }
    }

    /// Everything that can be refused before the store is asked; the last look at the caller's rights included.
    private func prepared(
        _ checked: CheckedPeerUpdate,
        _ old: PeerRecord,
        _ context: CallContext
    ) async throws(Refusal) -> PeerUpdate {
        var update = checked.update
        var checker = Checker()
        // A peer's own addresses are routed to it in any case.
        update.routed = update.routed.map { routed in
            routed.filter { prefix in !old.addresses.contains { IPPrefix(host: $0) == prefix } }
        }
        let new = update.applied(to: old)
        let keepsSecret = update.presharedKey == .keep && checked.presharedKey == nil
        if new.publicKey != old.publicKey, old.presharedKey != nil, keepsSecret {
            checker.refuse("preshared_key", "the present one fits the old key only: give a new one, or none")
        }
        checker.refuseEmpty(new.validity, "valid_until_unix_ms")
        try checker.finish()
        if let routed = update.routed {
            let peer = NewPeer(name: checked.name, publicKey: new.publicKey, routed: routed)
            try requireRouteAll(CheckedPeers(interface: checked.interface, peers: [peer]), context)
            try requireRightsBehind(Set(routed).subtracting(old.routed), of: checked.interface, context)
        }
        try begin(context)
        if let box = checked.presharedKey {
            let sealed = try await sealed([box], for: [new.publicKey], of: old.interface) { _ in "" }
            if let key = sealed.first { update.presharedKey = .set(key) }
        }
        return update
    }
}
