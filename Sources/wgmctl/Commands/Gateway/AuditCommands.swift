// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl audit`.
struct AuditGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Read the record of every call.",
        subcommands: [AuditListCommand.self]
    )
}

/// `wgmctl audit list`.
struct AuditListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List audit records, newest first.",
        discussion: Wgmctl.examples(
            "wgmctl audit list --since 1h --failures",
            "wgmctl audit list --principal anna --method Peers/Delete",
            "wgmctl audit list --limit 5000 -o json > audit.json"
        )
    )
    /// The most that one call returns.
    private static let pageSize: UInt32 = 1000

    @Option(help: "How many records at most.")
    var limit: UInt32 = 100

    @Option(help: "Only calls of this principal.")
    var principal: String?

    @Option(
        help: .init("Only calls of this method, such as Peers/Create.", valueName: "method"),
        completion: .list(V1.methods.map(\.name))
    )
    var method: String?

    @Flag(help: "Only calls that were refused or failed.")
    var failures = false

    @Option(
        help: .init("Only calls since then: 90s, 1h, 7d, or a time such as 2026-01-31T12:00:00Z.", valueName: "when")
    )
    var since: Since?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be 1 or more") }
    }

    func run() throws {
        var session = try Session.authenticated(global)
        var request = V1.ListAuditRequest()
        request.principal = principal
        request.method = method.map(Self.fullName)
        if failures { request.failuresOnly = true }
        request.sinceUnixMs = since?.timestamp(now: .now).milliseconds
        var records: [V1.AuditRecord] = []
        while records.count < limit {
            let wanted = min(Self.pageSize, limit - UInt32(records.count))
            request.limit = wanted
            let page = try session.auditLogList(request).records
            records += page.prefix(Int(wanted))
            guard page.count >= wanted, let last = page.last?.sequence else { break }
            request.beforeSequence = last
        }
        if records.isEmpty {
            Console.note(
                "no record fits; --method takes names that wgmctl methods shows, --principal those of principal list"
            )
        }
        try global.show(AuditRecords(records: records))
    }

    /// `Peers/Create` is `wgm.v1.Peers/Create`; what is no method of this version stays as it is.
    private static func fullName(_ text: String) -> String {
        V1.methods.first { $0.name == text || $0.name.hasSuffix("." + text) }?.name ?? text
    }
}
