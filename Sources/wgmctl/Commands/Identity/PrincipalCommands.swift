// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import WGMWire

/// `wgmctl principal`.
struct PrincipalGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "principal",
        abstract: "Say which persons and robots may do what.",
        subcommands: [PrincipalListCommand.self, PrincipalSetRolesCommand.self]
    )
}

/// `wgmctl principal list`.
struct PrincipalListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List persons and robots with their roles.",
        discussion: Wgmctl.examples("wgmctl principal list")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.principalsList(V1.ListPrincipalsRequest())
        Console.note(reply.freshness)
        try global.show(PrincipalList(principals: reply.principals))
    }
}

/// `wgmctl principal set-roles`.
struct PrincipalSetRolesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-roles",
        abstract: "Give a principal exactly these roles, and make the principal if there is none.",
        discussion: """
            The roles are viewer, operator and admin; --no-roles takes every right away. A principal with a user id is a \
            person, who can log in; one without is a robot, which needs tokens.


            """
                + Wgmctl.examples(
                    "wgmctl principal set-roles anna --role operator",
                    "wgmctl principal set-roles nightly-export --role viewer",
                    "wgmctl principal set-roles anna --no-roles"
                )
    )

    @Argument(help: "The name of the principal.")
    var name: String

    @Option(help: "A role; may be repeated.", completion: .list(["viewer", "operator", "admin"]))
    var role: [String] = []

    @Flag(help: "Take all roles away.")
    var noRoles = false

    @Option(help: "The Unix user who logs in as this principal; the local user of that name if not said.")
    var uid: UInt32?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard role.isEmpty == noRoles else {
            throw ValidationError(
                noRoles
                    ? "--no-roles cannot be used together with --role" : "give --role, or --no-roles to take all away"
            )
        }
    }

    func run() throws {
        var session = try Session.authenticated(global)
        let uid = uid ?? Self.localUser(named: name)
        let reply = try session.principalsSetRoles(V1.SetRolesRequest(name: name, uid: uid, roles: role))
        let principal = reply.principal ?? V1.Principal(name: name, roles: role)
        if principal.uid == nil, !role.isEmpty {
            Console.note(
                "no local user is called \(name), so this is a robot: wgmctl token issue --principal \(name) makes a token for it, "
                    + "with --bind-uid UID or, for TLS, --bind-certificate FILE"
            )
        }
        try global.show(PrincipalDetails(principal: principal))
    }

    private static func localUser(named name: String) -> UInt32? {
        guard let user = unsafe getpwnam(name) else { return nil }
        return unsafe user.pointee.pw_uid
    }
}
