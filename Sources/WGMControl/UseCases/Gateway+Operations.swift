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

    /// From memory, since anybody may ask.
    package func health() -> HealthReport {
        let freshness = view.freshness
        let isRead = view.isLoaded && freshness.staleReason == nil
        let databaseWords = freshness.staleReason ?? (view.isLoaded ? "" : "not read yet")
        let keeper = kernel.keeperFailure ?? (keys.current == nil ? Self.noSigningKey : nil)
        let failed = view.interfaces.filter { view.observation($0.name).map { !$0.isInSync } ?? true }.map(\.name.value)
        let drifting = view.interfaces.filter { view.drift($0.name)?.isOpen == true }.count
        let drift = drifting == 0 ? "" : ", \(drifting) of them by drift; wgmctl drift shows what differs"
        let words = failed.isEmpty ? "" : "not in sync: \(failed.count) interfaces\(drift)"
        return HealthReport(components: [
            .init(name: "database", isHealthy: isRead, message: databaseWords),
            .init(name: "keeper", isHealthy: keeper == nil, message: keeper?.message ?? ""),
            .init(name: "reconciler", isHealthy: failed.isEmpty, message: words),
        ])
    }
}
