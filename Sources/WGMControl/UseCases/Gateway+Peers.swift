// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    package func createPeers(
        _ request: PeersRequest,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<[PeerReport]> {
        let checked = try request.checked { view.interface($0) }
        let name = checked.interface
        return try await lanes.withLock(name) { () async throws(Refusal) in
            try requireRouteAll(checked, context)
            try requireRightsBehind(checked.peers.flatMap(\.routed), of: name, context)
            try begin(context)
            let change = Change.createPeers(name, try await withPresharedKeys(checked))
            switch try await commit(change, context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                let undo = Change.deletePeers(name, checked.peers.map(\.name))
                try await settle(name, after: revision, undo: undo, context)
                let records = checked.peers.compactMap { view.peer($0.name, of: name) }
                return .done(reports(records, of: name), revision: revision)
            }
        }
    }

    /// Whoever makes a peer the way to everywhere needs a right of its own for that.
    func requireRouteAll(_ request: CheckedPeers, _ context: CallContext) throws(Refusal) {
        for peer in request.peers where peer.routed.contains(where: \.isWide) {
            let path = "node/\(node)/interface/\(request.interface)/peer/\(peer.name)"
            let resource = ResourcePattern(path) ?? .everything
            guard let credential = context.credential else {
                throw .permissionMissing(verb: Verb.routeAll.rawValue, resource: path)
            }
            try credential.rights.require(.routeAll, on: resource)
        }
        try requireRouteAllTogether(request, context)
    }

    /// Many prefixes that are not wide by themselves can be as good as a default route together.
    private func requireRouteAllTogether(_ request: CheckedPeers, _ context: CallContext) throws(Refusal) {
        let added = request.peers.flatMap(\.routed)
        guard !added.isEmpty else { return }
        let names = Set(request.peers.map(\.name))
        let present = view.interfaces.flatMap { interface in
            view.peers(of: interface.name).filter { interface.name != request.interface || !names.contains($0.name) }
        }.flatMap(\.routed)
        for family in Set(added.map(\.family)) where IPPrefix.areWide((present + added).filter { $0.family == family })
        {
            let path = "node/\(node)/interface/\(request.interface)/peer/*"
            guard let credential = context.credential, let resource = ResourcePattern(path) else {
                throw .permissionMissing(verb: Verb.routeAll.rawValue, resource: path)
            }
            try credential.rights.require(.routeAll, on: resource)
        }
    }

    /// When a peer is switched off, this returns only after the kernel was seen without its key.
    package func setPeerEnabled(
        interface: String?,
        name: String?,
        isEnabled: Bool,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<PeerReport> {
        let (interface, name) = try peerName(interface, name)
        return try await lanes.withLock(interface) { () async throws(Refusal) in
            try begin(context)
            let wasEnabled = view.peer(name, of: interface)?.isEnabled
            if isNothing(wasEnabled, { _ in isEnabled }, context) {
                try await confirmNothing(of: interface, context)
                return .done(try report(name, of: interface), revision: 0)
            }
            let change = Change.setPeersEnabled(interface, [name], isEnabled)
            switch try await commit(change, context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(let touched, let revision, _):
                if isEnabled {
                    let undo = wasEnabled == false ? Change.setPeersEnabled(interface, [name], false) : nil
                    try await settle(interface, after: revision, undo: undo, context)
                } else {
                    let keys = touched.peers.map(\.publicKey)
                    try await settleRemoval(of: keys, from: interface, after: revision, context)
                }
                return .done(try report(name, of: interface), revision: revision)
            }
        }
    }

    /// Returns only after the kernel was seen without the peer's key.
    package func deletePeer(
        interface: String?,
        name: String?,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<Void> {
        let (interface, name) = try peerName(interface, name)
        return try await lanes.withLock(interface) { () async throws(Refusal) in
            try begin(context)
            switch try await commit(.deletePeers(interface, [name]), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(let touched, let revision, _):
                let keys = touched.deletedPeers.map(\.publicKey)
                try await settleRemoval(of: keys, from: interface, after: revision, context)
                return .done((), revision: revision)
            }
        }
    }

    /// What `getPeer` returns; nil when the kernel has to be asked first.
    package func knownPeer(
        interface: String?,
        name: String?,
        _ context: CallContext
    ) throws(Refusal) -> (PeerReport, Freshness)? {
        let (interface, name) = try peerName(interface, name)
        try requireLoaded()
        guard view.interface(interface) != nil else { throw .store(.notFound(.interface(interface))) }
        guard let observed = view.observation(interface)?.time else { return nil }
        let age = context.time.milliseconds - observed.milliseconds
        guard (0..<Self.observationLasts).contains(age) else { return nil }
        let report = try report(name, of: interface)
        record(context)
        return (report, view.freshness)
    }

    /// Milliseconds for which reads are told what the kernel was last seen to hold.
    package static var observationLasts: Int64 { Reconciler.observationLasts }

    package func getPeer(
        interface: String?,
        name: String?,
        _ context: CallContext
    ) async throws(Refusal) -> (PeerReport, Freshness) {
        let (interface, name) = try peerName(interface, name)
        try requireLoaded()
        if view.interface(interface) != nil { await reconciler.refresh(interface) }
        let report = try report(name, of: interface)
        record(context)
        return (report, view.freshness)
    }

    package func peerConfig(
        interface: String?,
        name: String?,
        _ context: CallContext
    ) throws(Refusal) -> PeerConfiguration {
        let (interface, name) = try peerName(interface, name)
        try requireLoaded()
        let gateway = try report(interface)
        let peer = try report(name, of: interface).record
        record(context)
        return PeerConfiguration(
            addresses: peer.addresses.compactMap { InterfaceAddress($0, length: $0.family.bitCount) },
            dns: gateway.record.dns,
            mtu: gateway.record.mtu,
            gatewayPublicKey: gateway.record.publicKey,
            gatewayNextKey: gateway.record.rotation?.next,
            gatewayKeySwitch: gateway.record.rotation?.due,
            gatewayEndpoint: gateway.endpoint,
            allowedAddresses: pools(of: gateway.record, for: peer),
            keepalive: peer.keepalive,
            peerPublicKey: peer.publicKey,
            hasPresharedKey: peer.presharedKey != nil,
            freshness: view.freshness
        )
    }

    /// The pools of the families in which the peer has an address.
    private func pools(of interface: InterfaceRecord, for peer: PeerRecord) -> [IPPrefix] {
        let pools = [interface.ipv6Pool, interface.ipv4Pool].compactMap { $0 }
        return pools.filter { pool in peer.addresses.contains { $0.family == pool.family } }
    }

    // MARK: Parts

    private func peerName(_ interface: String?, _ name: String?) throws(Refusal) -> (InterfaceName, ObjectName) {
        var checker = Checker()
        let checkedInterface = checker.interfaceName(interface, "interface")
        let checkedName = checker.objectName(name, "name")
        try checker.finish()
        guard let checkedInterface, let checkedName else { throw .invalid([]) }
        return (checkedInterface, checkedName)
    }

    func report(_ name: ObjectName, of interface: InterfaceName) throws(Refusal) -> PeerReport {
        guard view.interface(interface) != nil else { throw .store(.notFound(.interface(interface))) }
        guard let record = view.peer(name, of: interface) else { throw .store(.notFound(.peer(name, interface))) }
        return reports([record], of: interface)[0]
    }

    func reports(_ records: some Sequence<PeerRecord>, of interface: InterfaceName) -> [PeerReport] {
        view.reports(records, of: interface)
    }
}
