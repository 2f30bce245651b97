// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMGatewayFile
internal import WGMWire

/// `wgmctl export`.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write interfaces and peers as a gateway file.",
        discussion: """
            The file holds no secret, says the same of the same state, and changes nothing when it is applied. \
            With -o json it is JSON, which wgmctl apply reads as well.


            """ + Wgmctl.examples("wgmctl export > gateway.yaml", "wgmctl export wg0 -o json")
    )

    @Argument(help: "The interface; all if not said.", completion: Completion.interfaces)
    var interface: String?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let file = try session.export(interface)
        if global.output == .json { return try global.show(file) }
        try Console.write(raw: file.yaml)
    }
}

/// What plan and apply have in common.
struct FileArguments: ParsableArguments {
    @Option(
        name: [.customShort("f"), .long],
        help: .init("The gateway file; - is standard input.", valueName: "file"),
        completion: .file()
    )
    var file: String

    @Flag(help: "Delete interfaces, and peers of interfaces that list theirs, when they are not in the file.")
    var prune = false
}

/// `wgmctl plan`.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what applying a gateway file would change.",
        discussion: """
            Exits with 0 when there is nothing to change, with 2 when there is, and with 8 when something is wrong with \
            the file; everything that is wrong is listed.


            """ + Wgmctl.examples("wgmctl plan -f gateway.yaml", "wgmctl plan -f gateway.yaml --prune -o json")
    )

    @OptionGroup var arguments: FileArguments

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        let file = try GatewayFile.read(path: arguments.file)
        var session = try Session.authenticated(global)
        let plan = PlanDetails(plan: try session.plan(file, arguments))
        try global.show(plan)
        guard plan.isEmpty else { throw ExitCode(ExitStatus.unhealthy.rawValue) }
    }
}

/// `wgmctl apply`.
struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Make interfaces and peers what a gateway file says, as one revision.",
        discussion: """
            Shows what is to change, and asks before it is done; where nobody can answer, --yes must be said. What the file does not say is left \
            alone, null clears, and only --prune deletes. When anything is wrong with the file nothing is done, nor when \
            somebody else made a change since the plan was shown.


            """
                + Wgmctl.examples(
                    "wgmctl apply -f gateway.yaml -m 'new branch office'",
                    "wgmctl apply -f gateway.yaml --prune --yes --confirm 2m"
                )
    )

    @OptionGroup var arguments: FileArguments

    @Flag(name: [.customShort("y"), .long], help: "Do not ask.")
    var yes = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        let file = try GatewayFile.read(path: arguments.file)
        var session = try Session.authenticated(global)
        var plan = PlanDetails(plan: try session.plan(file, arguments))
        if global.output == .table { try global.show(plan) }
        guard !plan.isEmpty else {
            if global.output != .table { try global.show(plan) }
            return
        }
        try confirm()
        var request = V1.ApplyRequest(objects: file.objects, digest: plan.plan.digest)
        if arguments.prune { request.prune = true }
        let reply = try session.gatewayFileApply(request)
        plan.revision = reply.revision
        guard global.output == .table else { return try global.show(plan) }
        let sentence = "done; this is revision \(Words.number(reply.revision))"
        try global.show(Outcome(sentence: sentence, revision: reply.revision))
    }

    private func confirm() throws(Failure) {
        guard !yes else { return }
        guard arguments.file != "-", let questions = Questions() else {
            throw Failure(.usage, "nobody is there to confirm it", hint: "--yes does it; wgmctl plan only shows it")
        }
        guard ["y", "yes"].contains(questions.ask("apply this? y or n", suggestion: "n").lowercased()) else {
            throw Failure(.failure, "nothing was done")
        }
    }
}

extension Session {
    fileprivate mutating func plan(_ file: GatewayFile, _ arguments: FileArguments) throws -> V1.PlanResponse {
        guard file.listsInterfaces || !arguments.prune else {
            throw Failure(
                .invalidArgument,
                "the file has no `interfaces:`, so that --prune would delete all of them; nothing is changed",
                hint: "if that is meant, write `interfaces: {}`"
            )
        }
        let request = V1.PlanRequest(objects: file.objects, prune: arguments.prune ? true : nil)
        let size = request.serialized().count
        // Apply's request holds a digest besides.
        guard size <= V1.GatewayFile.plan.maxRequestBytes - 64 else {
            throw Failure(
                .invalidArgument,
                "the file is too large for one request: \(size) bytes, \(V1.GatewayFile.plan.maxRequestBytes) at most",
                hint: "leave out what is the default; split it by interface, and prune none of the parts"
            )
        }
        let plan = try gatewayFilePlan(request)
        let name = arguments.file == "-" ? "standard input" : arguments.file
        if let failure = file.failure(path: name, plan) { throw failure }
        if plan.truncated == true { Console.note("only the first changes are shown") }
        return plan
    }

    /// All pages of one revision.
    fileprivate mutating func export(_ interface: String?) throws -> GatewayFileText {
        for _ in 0..<5 {
            var request = V1.ExportRequest(interface: interface)
            var page = try gatewayFileExport(request)
            var file = GatewayFileText(objects: page.objects, revision: page.revision)
            while let token = page.nextPageToken, page.revision == file.revision {
                request.pageToken = token
                page = try gatewayFileExport(request)
                file.objects += page.objects
            }
            if page.revision == file.revision { return file }
        }
        throw Failure(.conflict, "the gateway changed while it was exported, each time anew", hint: "try again")
    }
}
