// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    /// Newest first.
    package func listAudit(_ request: AuditRequest, _ context: CallContext) async throws(Refusal) -> [AuditRecord] {
        var checker = Checker()
        let limit = checker.number(request.limit, in: 1...1000, else: 100, "limit")
        if let before = request.beforeSequence, before < 1 { checker.refuse("before_sequence", "1 or more") }
        try checker.finish()
        let query = AuditQuery(
            limit: Int(limit),
            beforeSequence: request.beforeSequence,
            principal: request.principal.flatMap { $0.isEmpty ? nil : $0 },
            method: request.method.flatMap { $0.isEmpty ? nil : $0 },
            failuresOnly: request.failuresOnly,
            since: request.sinceMilliseconds.map { Timestamp(milliseconds: $0) }
        )
        do throws(StoreFailure) {
            // What was refused or read just now is to be seen as well.
            try await audit.flush()
            let records = try await store.auditRecords(query)
            record(context)
            return records
        } catch { throw .store(error) }
    }

    /// Without a key to sign tokens with nobody can log in, whatever else works.
    static let noSigningKey = KernelFailure(
        .keeperGone,
        "no signing key: the keeper was not reached yet, or is sealed because its key-encryption key is missing or another"
    )

    /// nil unless there are interfaces whose keys the keeper's key-encryption key did not seal.
    ///
    /// Their tunnels stay up, but cannot be made again after a restart of the host.
    var otherSealingKey: KernelFailure? {
        guard let present = keys.sealingKeyID else { return nil }
        let lost = view.interfaces.filter { $0.sealedKey.sealingKeyID != present }.map(\.name.value)
        guard let first = lost.first else { return nil }
        let words = lost.count == 1 ? "interface \(first) was" : "interfaces \(lost.joined(separator: ", ")) were"
        return KernelFailure(
            .sealed,
            """
            the key of \(words) sealed with another key-encryption key than the keeper holds: put the earlier one back \
            (`kek` in the keeper's folder, or the credential wgm-kek), or delete and make anew what it sealed
            """
        )
    }

    /// From memory, since anybody may ask.
    package func health() -> HealthReport {
        let freshness = view.freshness
        let isRead = view.isLoaded && freshness.staleReason == nil
        let databaseWords = freshness.staleReason ?? (view.isLoaded ? "" : "not read yet")
        let keeper = kernel.keeperFailure ?? (keys.current == nil ? Self.noSigningKey : nil) ?? otherSealingKey
        let failed = view.interfaces.filter { view.observation($0.name).map { !$0.isInSync } ?? true }.map(\.name.value)
        let drifting = view.interfaces.filter { view.drift($0.name)?.isOpen == true }.count
        let drift = drifting == 0 ? "" : ", \(drifting) of them by drift; wgmctl drift shows what differs"
        let words =
            failed.isEmpty
            ? "" : "not in sync: \(failed.count) \(failed.count == 1 ? "interface" : "interfaces")\(drift)"
        return HealthReport(components: [
            .init(name: "database", isHealthy: isRead, message: databaseWords),
            .init(name: "keeper", isHealthy: keeper == nil, message: keeper?.message ?? ""),
            .init(name: "reconciler", isHealthy: failed.isEmpty, message: words),
            // What a peer does is no fault of the gateway.
            .init(name: "peers", isHealthy: true, message: peerWords),
        ])
    }
}
