// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    package func createInterface(
        _ request: InterfaceRequest,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<InterfaceReport> {
        let interface = try request.checked()
        return try await withLane(making: interface.name) { () async throws(Refusal) in
            try begin(context)
            let change = Change.createInterface(try await withKey(interface))
            switch try await commit(change, context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                let undo = Change.deleteInterface(interface.name, withPeers: true)
                if interface.listenPort == nil { try await skipBusyPorts(interface.name, context) }
                try await settle(interface.name, after: revision, undo: undo, context)
                return .done(try report(interface.name), revision: revision)
            }
        }
    }

    /// Ports that other programs hold the store does not know; each that is skipped leaves a revision that says so.
    private func skipBusyPorts(_ name: InterfaceName, _ context: CallContext) async throws(Refusal) {
        for _ in 0..<Self.maxBusyPorts {
            do throws(KernelFailure) {
                _ = try await reconciler.settle(name)
                return
            } catch {
                guard error.reason == .inUse, let port = view.interface(name)?.listenPort else { return }
                let taken = Set(view.interfaces.map(\.listenPort))
                guard let next = (port...UInt16.max).first(where: { !taken.contains($0) }) else { return }
                var update = InterfaceUpdate()
                update.listenPort = next
                var entry = context.entry(message: "another program holds the UDP port \(port)")
                entry.method = "wgmd/next-port"
                entry.request = "{}"
                _ = try await commit(.updateInterface(name, update), entry, key: nil)
            }
        }
    }

    /// How many ports that other programs hold are skipped.
    private static let maxBusyPorts = 16

    func withKey(_ interface: CheckedInterface) async throws(Refusal) -> NewInterface {
        let id: InterfaceID
        do throws(StoreFailure) { id = try await store.reserveInterfaceID() } catch { throw .store(error) }
        let key = try await newKey(for: id)
        return interface.new(id: id, publicKey: key.publicKey, sealedKey: key.sealed)
    }

    func newKey(for id: InterfaceID) async throws(Refusal) -> InterfaceKey {
        // Else half of the keys would need one key-encryption key, and half another.
        if let failure = otherSealingKey { throw .kernel(failure, undoneBy: nil) }
        do throws(KernelFailure) {
            let key = try await kernel.generateKey(for: id)
            return InterfaceKey(publicKey: key.publicKey, sealed: key.sealed)
        } catch { throw .kernel(error, undoneBy: nil) }
    }

    package func setInterfaceUp(
        name: String?,
        isUp: Bool,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<InterfaceReport> {
        let name = try interfaceName(name, "name")
        return try await lanes.withLock(name) { () async throws(Refusal) in
            try begin(context)
            let wasUp = view.interface(name)?.isUp
            if isNothing(wasUp, { _ in isUp }, context) {
                try await confirmNothing(of: name, context)
                return .done(try report(name), revision: 0)
            }
            switch try await commit(.setInterfaceUp(name, isUp), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                let undo = isUp && wasUp == false ? Change.setInterfaceUp(name, false) : nil
                try await settle(name, after: revision, undo: undo, context)
                return .done(try report(name), revision: revision)
            }
        }
    }

    /// The interface, its key and, when asked for, its peers; a refusal of the kernel does not bring it back.
    package func deleteInterface(
        name: String?,
        withPeers: Bool,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<Void> {
        let name = try interfaceName(name, "name")
        return try await lanes.withLock(name) { () async throws(Refusal) in
            try begin(context)
            let change = Change.deleteInterface(name, withPeers: withPeers)
            switch try await commit(change, context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                try await settle(name, after: revision, undo: nil, context)
                return .done((), revision: revision)
            }
        }
    }

    package func getInterface(
        name: String?,
        _ context: CallContext
    ) async throws(Refusal) -> (InterfaceReport, Freshness) {
        let name = try interfaceName(name, "name")
        try requireLoaded()
        if view.interface(name) != nil { await reconciler.refresh(name) }
        let report = try report(name)
        record(context)
        return (report, view.freshness)
    }

    package func listInterfaces(_ context: CallContext) async throws(Refusal) -> ([InterfaceReport], Freshness) {
        try requireLoaded()
        for interface in view.interfaces { await reconciler.refresh(interface.name) }
        record(context)
        return (view.interfaces.map(report), view.freshness)
    }

    // MARK: Parts

    func interfaceName(_ text: String?, _ field: String) throws(Refusal) -> InterfaceName {
        var checker = Checker()
        let name = checker.interfaceName(text, field)
        try checker.finish()
        guard let name else { throw .invalid([]) }
        return name
    }

    /// Before the database was read for the first time there is nothing to answer from.
    func requireLoaded() throws(Refusal) {
        guard view.isLoaded else {
            throw .store(.unavailable(view.freshness.staleReason ?? "the database has not been read yet"))
        }
    }

    func report(_ name: InterfaceName) throws(Refusal) -> InterfaceReport {
        guard let record = view.interface(name) else { throw .store(.notFound(.interface(name))) }
        return report(record)
    }

    private func report(_ record: InterfaceRecord) -> InterfaceReport {
        InterfaceReport(
            record: record,
            peerCount: view.peerCount(of: record.id),
            observation: view.observation(record.name),
            stragglers: stragglers(of: record)
        )
    }
}
