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
        discussion: "Roles and tokens stay as they are. wgmctl revision diff NUMBER shows what would be undone.\n\n"
            + Wgmctl.examples("wgmctl revision rollback 17 -m 'the import went wrong'")
    )

    @Argument(help: "Its number.")
    var number: Int64

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.revisionsRollBack(V1.RollBackRequest(number: number))
        let sentence = "interfaces and peers are as after revision \(number); this is revision \(reply.revision ?? 0)"
        try global.show(Outcome(sentence: sentence, revision: reply.revision))
    }
}
