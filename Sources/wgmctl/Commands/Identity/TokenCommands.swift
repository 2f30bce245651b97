// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl token`.
struct TokenGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Issue and revoke tokens for programs.",
        subcommands: [TokenIssueCommand.self, TokenRevokeCommand.self]
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
                    "wgmctl token issue --principal nightly-export --lifetime 24h --output-file export.token",
                    "wgmctl token issue --grant 'node/*/interface/wg0/peer/*=get,list'",
                    "wgmctl token issue --bind-certificate robot.pem --output-file robot.token"
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
        help: .init("What it may do; everything that the principal may if not said.", valueName: "resource=verb,...")
    )
    var grant: [GrantText] = []

    @Option(help: .init("Write the token to this new file.", valueName: "file"), completion: .file())
    var outputFile: String?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        let certificate = try bindCertificate.map { (file) throws(Failure) in try CertificateFile.digest(file) }
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
            return try global.show(IssuedToken(reply: reply, showsToken: true, now: .now))
        }
        var file = try NewPrivateFile(path: outputFile)
        let reply = try session.authIssueToken(request)
        try file.write((reply.token ?? "") + "\n")
        file.keep()
        try global.show(IssuedToken(reply: reply, showsToken: false, now: .now))
    }
}

/// `wgmctl token revoke`.
struct TokenRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Make one token, or all tokens of a principal, worthless at once.",
        discussion: Wgmctl.examples(
            "wgmctl token revoke kB3u0XkQm5y3T0m2v1p9aw",
            "wgmctl token revoke --principal nightly-export"
        )
    )

    @Argument(help: "The token's id, as whoami and audit list show it; all tokens of the principal if not said.")
    var tokenID: String?

    @Option(help: "Whose token; your own if not said.")
    var principal: String?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.authRevokeToken(V1.RevokeTokenRequest(principal: principal, tokenId: tokenID))
        let all = principal.map { "all tokens of \($0) revoked" } ?? "all your tokens revoked"
        let sentence = tokenID.map { "token \($0) revoked" } ?? all
        try global.show(Outcome(sentence: sentence, revision: reply.revision))
    }
}
