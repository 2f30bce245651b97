// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMKeys
internal import WGMModel
internal import WGMWire

/// `wgmctl import`.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take over interfaces from wg-quick files, or what runs in the kernel.",
        discussion: """
            What would be done is shown first, and done only when it is confirmed, each interface as one revision. An \
            interface that runs already with the file's private key is not touched: its sessions go on, and what the \
            kernel holds counts; the file gives the peers' names, from its comments. PostUp and the like are reported and \
            never run. Keys are encrypted for the keeper here; with --kernel, the keeper reads them itself.

            Two peers whose AllowedIPs overlap are refused, for WireGuard would silently let one of them win. Afterwards \
            run systemctl disable wg-quick@NAME: wgm brings the interface up at boot.


            """
                + Wgmctl.examples(
                    "wgmctl import /etc/wireguard/wg0.conf --dry-run",
                    "wgmctl import /etc/wireguard/*.conf",
                    "wgmctl import --kernel wg0 --yes -m 'from wg-quick'"
                )
    )

    @Argument(
        help: .init("wg-quick files, each named after its interface; - is standard input.", valueName: "file"),
        completion: .file(extensions: ["conf"])
    )
    var files: [String] = []

    @Option(help: .init("Take over what runs under this name in the kernel.", valueName: "interface"))
    var kernel: String?

    @Option(help: .init("What the interface is called, if not as its one file.", valueName: "interface"))
    var name: String?

    @Option(help: .init("Where peers dial, a name or an address.", valueName: "host[:port]"))
    var endpoint: String?

    @Flag(help: "Only show what would be done.")
    var dryRun = false

    @Flag(help: "Do it without a question.")
    var yes = false

    @Flag(help: "Let wgm put routes into the main table although the file's Table says otherwise.")
    var routes = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard files.isEmpty != (kernel == nil) else { throw ValidationError("Give either FILES or --kernel INTERFACE") }
        if kernel != nil, name != nil { throw ValidationError("--name cannot be used together with --kernel") }
        if name != nil, files.count > 1 { throw ValidationError("--name is for one file") }
        if files.filter({ $0 == "-" }).count > 1 { throw ValidationError("Standard input can be read only once") }
        if files.contains("-"), !yes, !dryRun {
            throw ValidationError("When a file comes from standard input, give --yes or --dry-run")
        }
    }

    func run() throws {
        var session = try Session.authenticated(global)
        var drafts: [PreparedImport]
        if let kernel { drafts = [try Self.fromKernel(kernel)] } else { drafts = try fromFiles(&session) }
        for index in drafts.indices { drafts[index].request.endpoint = endpoint }
        let plans = try drafts.map { try session.plan($0, mayRoute: routes) }
        if dryRun { return try global.show(ImportList(imports: plans)) }
        if !yes {
            try Console.write(
                raw: Console.render(ImportList(imports: plans), as: .table, styled: global.console.styled)
            )
            try confirm(plans.count)
        }
        var done: [ImportView] = []
        for draft in drafts {
            do {
                done.append(try session.takeOver(draft))
            } catch {
                if !done.isEmpty { try global.show(ImportList(imports: done)) }
                throw error
            }
        }
        try global.show(ImportList(imports: done))
        for draft in drafts {
            Console.note("systemctl disable wg-quick@\(draft.name), if it is enabled; do not stop it")
        }
    }

    private func confirm(_ count: Int) throws(Failure) {
        let what = count == 1 ? "the interface" : "the \(count) interfaces"
        guard let questions = Questions() else {
            throw Failure(.usage, "nobody is there to confirm it", hint: "--yes does it, --dry-run only shows it")
        }
        guard ["y", "yes"].contains(questions.ask("Take over \(what)? yes or no", suggestion: "no").lowercased()) else {
            throw Failure(.failure, "nothing was imported")
        }
    }

    private static func fromKernel(_ name: String) throws(Failure) -> PreparedImport {
        guard InterfaceName(name) != nil else {
            throw Failure(.usage, "\"\(name)\" is no name of an interface: \(InterfaceName.rule)")
        }
        var request = V1.ImportSource()
        request.fromKernel = true
        return PreparedImport(name: name, source: "the kernel", request: request, draft: nil)
    }

    /// All files are read before anything is asked, so that all their mistakes are told.
    private func fromFiles(_ session: inout Session) throws -> [PreparedImport] {
        let intake = try session.intakeKey()
        var prepared: [PreparedImport] = []
        var failures: [Failure] = []
        for path in files {
            do {
                let source = try ImportSource(path: path, name: name) { Console.warn($0) }
                let draft = try ImportDraft(source, intake: intake)
                try draft.finish()
                let request = draft.request
                prepared.append(
                    PreparedImport(name: source.interface.value, source: source.path, request: request, draft: draft)
                )
            } catch let failure as Failure {
                failures.append(failure)
            }
        }
        guard var failure = failures.first else { return prepared }
        for other in failures.dropFirst() {
            failure.violations.append(.init(field: "also", rule: other.message))
            failure.violations += other.violations
        }
        throw failure
    }
}

/// An import as it is asked of the daemon.
struct PreparedImport {
    var name: String
    var source: String
    var request: V1.ImportSource
    /// nil when it is from the kernel.
    var draft: ImportDraft?
}

extension V1.ImportInterfaceResponse {
    /// What is put into the main table: beside those of the link that runs, or all of one that does not.
    fileprivate var routes: [String] {
        guard takesLink != true else { return changes.compactMap(\.attribute).filter { $0.hasPrefix("route ") } }
        let onLink = (interface?.addresses ?? []).compactMap { InterfaceAddress($0)?.prefix }
        let prefixes = peers.flatMap(\.allowedAddresses).compactMap { IPPrefix($0) }
        return prefixes.filter { prefix in
            !prefix.isWide && !onLink.contains { $0.length <= prefix.length && $0.contains(prefix.address) }
        }.map { "route \($0)" }
    }
}

extension Session {
    /// The key that secrets are encrypted to.
    mutating func intakeKey() throws -> IntakeKey {
        guard let key = IntakeKey(bytes: try metaIntakeKey(V1.IntakeKeyRequest()).key ?? []) else {
            throw Failure(.failure, "the daemon's reply is not usable: there is no intake key in it")
        }
        return key
    }

    fileprivate mutating func plan(_ prepared: PreparedImport, mayRoute: Bool) throws -> ImportView {
        let view = try ask(prepared) { (session) throws(Status) in
            try session.interfacesPlanImport(V1.PlanImportRequest(name: prepared.name, source: prepared.request))
        }
        let routes = view.reply.routes
        guard let place = prepared.draft?.otherRoutes, !routes.isEmpty, !mayRoute else { return view }
        throw Failure(
            .conflict,
            "\(prepared.source), \(place): Table keeps routes out of the main table, and wgm would put \(routes.count) there",
            violations: routes.prefix(20).map { .init(field: prepared.name, rule: $0) },
            hint: "--routes lets it"
        )
    }

    fileprivate mutating func takeOver(_ prepared: PreparedImport) throws -> ImportView {
        try ask(prepared) { (session) throws(Status) in
            let request = V1.ImportInterfaceRequest(name: prepared.name, source: prepared.request)
            return try session.interfacesImportInterface(request)
        }
    }

    private mutating func ask(
        _ prepared: PreparedImport,
        _ call: (inout Session) throws(Status) -> V1.ImportInterfaceResponse
    ) throws -> ImportView {
        guard prepared.request.serialized().count + 64 <= WireLimits().message else {
            throw Failure(
                .failure,
                "\(prepared.source) has more peers than one call can carry: \(prepared.request.peers.count)",
                hint: "start it with wg-quick and import what runs: wgmctl import --kernel \(prepared.name)"
            )
        }
        do throws(Status) {
            let reply = try call(&self)
            return ImportView(source: prepared.source, reply: reply, remarks: prepared.draft?.remarks ?? [])
        } catch {
            throw Failure(error) { field in prepared.draft?.place(ofField: field) ?? FieldNames.option(field) }
        }
    }
}
