// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl revision`.
struct RevisionGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revision",
        abstract: "Look at earlier states of interfaces and peers, and go back to one.",
        subcommands: [
            RevisionListCommand.self, RevisionShowCommand.self, RevisionDiffCommand.self, RevisionRollbackCommand.self,
        ]
    )
}

/// `wgmctl revision list`.
struct RevisionListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the revisions that changed interfaces or peers, newest first.",
        discussion: Wgmctl.examples("wgmctl revision list", "wgmctl revision list --interface wg0 --limit 5")
    )

    @Option(help: "How many at most, up to 1000.")
    var limit: UInt32 = 100

    @Option(help: "Only those that changed this interface or its peers.", completion: Completion.interfaces)
    var interface: String?

    @Option(help: .init("Only older ones than this.", valueName: "number"))
    var before: Int64?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        var request = V1.ListRevisionsRequest()
        request.limit = limit
        request.beforeNumber = before
        request.interface = interface
        try global.show(RevisionList(revisions: try session.revisionsList(request).revisions))
    }
}

/// `wgmctl revision show`.
struct RevisionShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one revision with everything that it changed, before and after.",
        discussion: Wgmctl.examples("wgmctl revision show 17")
    )

    @Argument(help: "Its number.")
    var number: Int64

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.revisionsGet(V1.GetRevisionRequest(number: number))
        if reply.truncated == true { Console.note("only the first changes are shown") }
        try global.show(RevisionDetails(revision: reply.revision ?? V1.Revision(), objects: reply.objects))
    }
}

/// `wgmctl revision diff`.
struct RevisionDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what differs between two revisions.",
        discussion: Wgmctl.examples("wgmctl revision diff 17", "wgmctl revision diff 17 20 -o json")
    )

    @Argument(help: "The older one.")
    var from: Int64

    @Argument(help: "The newer one; the newest of all if not said.")
    var to: Int64?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.revisionsDiff(V1.DiffRevisionsRequest(from: from, to: to))
        if reply.truncated == true { Console.note("only the first differences are shown") }
        try global.show(ChangedObjects(objects: reply.objects))
    }
}

/// `wgmctl revision rollback`.
struct RevisionRollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Make interfaces and peers what they were after a revision, as a new revision.",
        discussion: """
            Roles and tokens stay as they are. At a terminal it shows what is to change and asks before it is done; elsewhere it is done at once.


            """
                + Wgmctl.examples(
                    "wgmctl revision rollback 17 --dry-run",
                    "wgmctl revision rollback 17 -m 'the import went wrong'"
                )
    )

    @Argument(help: "Its number.")
    var number: Int64

    @Flag(name: .customLong("dry-run"), help: "Only show what would change.")
    var isDryRun = false

    @Flag(name: [.customShort("y"), .long], help: "Do not ask.")
    var yes = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let questions = yes ? nil : Questions()
        if isDryRun || questions != nil {
            let plan = PlanDetails(plan: try session.rollBackPlan(number), goal: "as after revision \(number)")
            if isDryRun || global.output == .table { try global.show(plan) }
            guard !isDryRun, !plan.isEmpty else { return }
        }
        if let questions, !["y", "yes"].contains(questions.ask("do this? y or n", suggestion: "n").lowercased()) {
            throw Failure(.failure, "nothing was done")
        }
        let reply = try session.revisionsRollBack(V1.RollBackRequest(number: number))
        let sentence =
            reply.revision.map { "interfaces and peers are as after revision \(number); this is revision \($0)" }
            ?? "nothing to change: interfaces and peers are as after revision \(number)"
        try global.show(Outcome(sentence: sentence, revision: reply.revision))
    }
}

extension Session {
    /// What is to be changed so that everything is as it was after a revision.
    fileprivate mutating func rollBackPlan(_ number: Int64) throws -> V1.PlanResponse {
        let newest = try revisionsList(V1.ListRevisionsRequest(limit: 1)).revisions.first?.number ?? number
        let reply = try revisionsDiff(V1.DiffRevisionsRequest(from: newest, to: number))
        if reply.truncated == true { Console.note("only the first changes are shown") }
        func count(_ change: V1.ObjectChange) -> UInt32 {
            UInt32(clamping: reply.objects.count { $0.change == change })
        }
        return V1.PlanResponse(
            objects: reply.objects,
            created: count(.created),
            changed: count(.changed),
            deleted: count(.deleted),
            revision: newest
        )
    }
}
