// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl token`.
struct TokenGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Issue, list and revoke tokens for programs.",
        subcommands: [TokenIssueCommand.self, TokenListCommand.self, TokenRevokeCommand.self]
    )
}

/// `wgmctl token issue`.
struct TokenIssueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Issue a token of narrower rights or longer life, for a program.",
        discussion: """
            The token goes to standard output, or to a new file of mode 0600. Nobody can issue rights that he does \
            not have.


            """
                + Wgmctl.examples(
                    "wgmctl principal set-roles robot --role viewer",
                    "wgmctl token issue --principal robot --bind-uid 990 --lifetime 24h --output-file robot.token",
                    "wgmctl token issue --principal robot --bind-certificate robot.pem",
                    "wgmctl token issue --grant 'node/*/interface/wg0/peer/*=get,list'"
                )
    )

    @Option(help: "Whose token; your own if not said.")
    var principal: String?

    @Option(help: .init("How long it is good, 1m to 24h; 1h if not said.", valueName: "time"))
    var lifetime: TimeSpan?

    @Option(help: .init("The user id that may use it; the principal's own if not said.", valueName: "uid"))
    var bindUID: UInt32?

    @Option(
        help: .init("The client certificate that may use it over TLS: a PEM file, or its SHA-256.", valueName: "file"),
        completion: .file()
    )
    var bindCertificate: String?

    @Option(
        help: .init(
            "What it may do, such as 'node/*/interface/wg0/peer/*=get,list'; everything that the principal may if not said.",
            valueName: "resource=verb,..."
        )
    )
    var grant: [GrantText] = []

    @Option(help: .init("Write the token to this new file.", valueName: "file"), completion: .file())
    var outputFile: String?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        if let lifetime, !(60...86_400).contains(lifetime.seconds) { throw ValidationError("--lifetime is 1m to 24h") }
        let certificate = try bindCertificate.map { (file) throws(Failure) in try CertificateFile.digest(file) }
        if principal == nil, grant.isEmpty, bindCertificate != nil || bindUID != nil {
            Console.note("it may do everything that you may, in your name; --principal and --grant give less")
        }
        var session = try Session.authenticated(global)
        let request = V1.IssueTokenRequest(
            principal: principal,
            lifetimeS: lifetime?.seconds,
            bindUid: bindUID,
            grants: grant.map { V1.Grant(resource: $0.resource, verbs: $0.verbs) },
            bindCertificate: certificate
        )
        guard let outputFile else {
            let reply = try session.authIssueToken(request)
            try global.show(IssuedToken(reply: reply, showsToken: true, now: .now))
            return warn(of: reply.beyondRoles)
        }
        var file = try NewPrivateFile(path: outputFile)
        let reply = try session.authIssueToken(request)
        try file.write((reply.token ?? "") + "\n")
        file.keep()
        try global.show(IssuedToken(reply: reply, showsToken: false, now: .now))
        warn(of: reply.beyondRoles)
    }

    private func warn(of grants: [V1.Grant]) {
        for grant in grants {
            let rights = "\(grant.verbs.joined(separator: ",")) on \(grant.resource ?? "")"
            Console.warn(
                "\(principal.map { "the roles of \($0)" } ?? "your roles") do not allow \(rights): see wgmctl principal set-roles --help"
            )
        }
    }
}

/// `wgmctl token list`.
struct TokenListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the tokens that were issued for programs and have not ended.",
        discussion: """
            Tokens of a login are not among them: they end after a quarter of an hour. What each may do is in -o json.


            """
                + Wgmctl.examples("wgmctl token list", "wgmctl token list --principal nightly-export -o json")
    )

    @Option(help: "Only those of this principal.")
    var principal: String?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.authListTokens(V1.ListTokensRequest(principal: principal))
        try global.show(TokenList(tokens: reply.tokens, now: .now))
    }
}

/// `wgmctl token revoke`.
struct TokenRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Make one token, or all tokens of a principal, worthless at once.",
        discussion: """
            Whose a token is that was issued for a program is known by its id. Of the token of a login, the principal must be \
            said, unless it is the one in use.


            """
                + Wgmctl.examples(
                    "wgmctl token revoke kB3u0XkQm5y3T0m2v1p9aw",
                    "wgmctl token revoke --all --principal nightly-export"
                )
    )

    @Argument(help: "The token's id, as token list, whoami and audit list -o json show it.")
    var tokenID: String?

    @Flag(help: "All tokens of the principal.")
    var all = false

    @Option(help: "Whose token it is; with --all your own if not said.")
    var principal: String?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        // An empty name is what a variable that is not set makes of it.
        guard (tokenID?.isEmpty == false) != all else {
            throw ValidationError("say the id of a token, or --all for all of the principal's")
        }
    }

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.authRevokeToken(
            V1.RevokeTokenRequest(principal: principal, tokenId: all ? nil : tokenID)
        )
        let whole = principal.map { "all tokens of \($0) revoked" } ?? "all your tokens revoked"
        let sentence = all ? whole : "token \(tokenID ?? "") revoked"
        try global.show(Outcome(sentence: sentence, revision: reply.revision))
    }
}
