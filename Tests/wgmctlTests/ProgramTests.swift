// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMKeys
import WGMModel
import WGMWire

@testable import wgmctl

/// The built program against a server that answers as a test says.
struct Scene {
    let folder: Folder
    let server: ScriptedServer

    init(
        accepts: @escaping @Sendable (String) -> Bool = { _ in true },
        answer: @escaping @Sendable (ScriptedServer.Call) -> ScriptedServer.Answer
    ) throws {
        folder = try Folder()
        server = try ScriptedServer(in: folder, accepts: accepts, answer: answer)
    }

    func run(_ arguments: String..., input: String = "", environment: [String: String] = [:]) throws -> Run {
        let base = ["XDG_RUNTIME_DIR": folder.path, "WGM_SOCKET": server.path]
        return try Run.program(
            [Here.program()] + arguments,
            input: input,
            environment: base.merging(environment) { $1 }
        )
    }
}

@Suite("Program: identity")
struct IdentityTests {
    private static let interfaces: @Sendable (ScriptedServer.Call) -> ScriptedServer.Answer = { _ in
        .reply(V1.ListInterfacesResponse(interfaces: [Samples.interface]))
    }

    @Test("The first command logs in, the second one uses the token")
    func remembers() throws {
        let scene = try Scene(answer: Self.interfaces)
        for _ in 0..<2 {
            let run = try scene.run("interface", "list")
            #expect(run.status == 0)
            #expect(run.errors.isEmpty)
            #expect(!run.output.contains("token-1"))
        }
        #expect(scene.server.methods == ["Auth/Login", "Interfaces/List", "Interfaces/List"])
        #expect(scene.server.calls.map(\.token) == [nil, "token-1", "token-1"])
    }

    @Test("A token that is no longer accepted is replaced once")
    func replaces() throws {
        let scene = try Scene(accepts: { $0 == "token-2" }, answer: Self.interfaces)
        let first = try scene.run("interface", "list")
        #expect(first.status == ExitStatus.unauthenticated.rawValue)
        #expect(first.errors.contains("the token is no good"))
        #expect(try scene.run("interface", "list").status == 0)
        #expect(scene.server.calls.last?.token == "token-2")
        #expect(try scene.run("interface", "list").status == 0)
        #expect(scene.server.methods.filter { $0 == "Auth/Login" }.count == 2)
    }

    @Test("A remembered token that lacks a right is replaced once, and the call repeated")
    func takesUpNewRights() throws {
        let scene = try Scene { call in
            call.token == "token-1"
                ? .failure(.permissionDenied(verb: "list", resource: "node/gw/interface/*"))
                : .reply(V1.ListInterfacesResponse(interfaces: [Samples.interface]))
        }
        let first = try scene.run("interface", "list")
        #expect(first.status == ExitStatus.permissionDenied.rawValue)
        #expect(scene.server.methods == ["Auth/Login", "Interfaces/List"])
        let second = try scene.run("interface", "list")
        #expect(second.status == 0 && second.errors.isEmpty)
        #expect(scene.server.methods.dropFirst(2) == ["Interfaces/List", "Auth/Login", "Interfaces/List"])
        #expect(scene.server.calls.map(\.token).suffix(3) == ["token-1", nil, "token-2"])
    }

    @Test("A refusal that stays is told after one new login, and a token file gets none")
    func staysRefused() throws {
        let denied = Status.permissionDenied(verb: "list", resource: "audit")
        let scene = try Scene { _ in .failure(denied) }
        for _ in 0..<2 { #expect(try scene.run("audit", "list").status == 5) }
        #expect(scene.server.methods.filter { $0 == "Auth/Login" }.count == 2)
        let path = scene.folder.file("token")
        try Data("given\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let given = try scene.run("audit", "list", "--token-file", path)
        #expect(given.status == 5)
        #expect(given.errors.contains("wgmctl token issue --principal NAME --grant 'audit=list'"))
        #expect(scene.server.methods.filter { $0 == "Auth/Login" }.count == 2)
    }

    @Test("A token that says more than the roles of its principal is issued with a warning")
    func beyondRoles() throws {
        let beyond = [V1.Grant(resource: "node/*/interface/wg0/peer/*", verbs: ["create", "delete"])]
        let scene = try Scene { _ in .reply(V1.IssueTokenResponse(token: "abc", tokenId: "id", beyondRoles: beyond)) }
        let run = try scene.run(
            "token",
            "issue",
            "--principal",
            "robot",
            "--grant",
            "node/*/interface/wg0/peer/*=get,create,delete"
        )
        #expect(run.status == 0 && run.output == "abc\n")
        #expect(
            run.errors.hasPrefix(
                "warning: the roles of robot do not allow create,delete on node/*/interface/wg0/peer/*"
            ),
            "\(run.errors)"
        )
    }

    @Test("An option that there is not is named, also where nothing else is to be changed")
    func unknownOption() throws {
        let scene = try Scene { _ in .reply(V1.UpdatePeerResponse()) }
        for line in [
            ["interface", "set", "wg0", "--ipv4-pool", "10.0.0.0/8"], ["peer", "set", "wg0", "a", "--name", "b"],
        ] {
            let run = try Run.program([Here.program(), "--socket", scene.server.path] + line)
            #expect(
                run.status == 64 && run.errors.contains("Unknown option '\(line.dropLast().last ?? "")'"),
                "\(run.errors)"
            )
        }
        let nothing = try scene.run("peer", "set", "wg0", "a")
        #expect(nothing.status == 64 && nothing.errors.contains("say what is to be changed"), "\(nothing.errors)")
        #expect(scene.server.calls.isEmpty)
        let word = try scene.run("peer", "add", "wg0", "a")
        #expect(word.status == 64 && word.errors.hasSuffix("hint: wgmctl peer create --help\n"), "\(word.errors)")
    }

    @Test("Another key than the peer's gets no configuration, and its preshared key stays")
    func foreignKeyForPresharedKey() throws {
        let scene = try Scene { call in
            call.method.hasSuffix("Peers/Get")
                ? .reply(V1.GetPeerResponse(peer: V1.Peer(interface: "wg0", name: "anna", publicKey: Keys.first)))
                : .reply(V1.UpdatePeerResponse())
        }
        let key = scene.folder.path + "/other.key"
        try Data("\(Keys.third)\n".utf8).write(to: URL(filePath: key))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        let file = scene.folder.path + "/anna.conf"
        let run = try scene.run("peer", "rotate-psk", "wg0", "anna", "--private-key", key, "--config", file)
        #expect(run.status == 1, "\(run.errors)")
        #expect(run.errors.contains("that is not the private key of anna"), "\(run.errors)")
        #expect(!scene.server.methods.contains("Peers/Update") && !FileManager.default.fileExists(atPath: file))
    }

    @Test("Tokens of programs are listed, with what each may do in JSON")
    func tokenList() throws {
        let now = Int64(Date.now.timeIntervalSince1970 * 1000)
        let tokens = [
            V1.TokenInfo(
                tokenId: "kB3u0XkQm5y3T0m2v1p9aw",
                principal: "robot",
                issuer: "root",
                issuedUnixMs: now,
                expiresUnixMs: now + 3_600_000,
                uid: 990,
                grants: [V1.Grant(resource: "audit", verbs: ["list"])]
            ),
            V1.TokenInfo(tokenId: "other", principal: "robot", issuer: "root", certificate: "x", isRevoked: true),
        ]
        let scene = try Scene { _ in .reply(V1.ListTokensResponse(tokens: tokens)) }
        let table = try scene.run("token", "list").output.split(separator: "\n")
        #expect(table.count == 3 && table[1].contains("uid 990") && table[2].contains("a certificate"), "\(table)")
        #expect(table[2].hasSuffix("revoked"))
        let json = try scene.run("token", "list", "--principal", "robot", "-o", "json").output
        #expect(json.contains(#""verbs": ["list"]"#) || json.contains(#""list""#), "\(json)")
        let request = try V1.ListTokensRequest(serialized: try #require(scene.server.calls.last).message)
        #expect(request.principal == "robot")
    }

    @Test("Tokens are revoked by name, or all of them when that is said")
    func revoke() throws {
        let scene = try Scene { _ in .reply(V1.RevokeTokenResponse(revision: 7)) }
        for arguments in [["token", "revoke"], ["token", "revoke", ""], ["token", "revoke", "id", "--all"]] {
            let run = try Run.program([Here.program(), "--socket", scene.server.path] + arguments)
            #expect(run.status == 64 && run.errors.contains("--all"), "\(run.errors)")
        }
        #expect(scene.server.methods.isEmpty)
        let one = try scene.run("token", "revoke", "kB3u0")
        #expect(one.status == 0 && one.output.contains("token kB3u0 revoked"))
        #expect(
            try scene.run("token", "revoke", "--all", "--principal", "robot").output.contains("all tokens of robot")
        )
    }

    @Test("A file in the place of the socket is told from a wgmd that has stopped")
    func notASocket() throws {
        let run = try Run.program([Here.program(), "--socket", "/etc/passwd", "status"])
        #expect(run.status == 64)
        #expect(run.errors.hasPrefix("wgmctl: /etc/passwd is not wgmd's socket"))
    }

    @Test("A token file is used as it is, without a login")
    func tokenFile() throws {
        let scene = try Scene(accepts: { $0 == "given" }, answer: Self.interfaces)
        let path = scene.folder.file("token")
        try Data("given\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let run = try scene.run("interface", "list", environment: ["WGM_TOKEN_FILE": path])
        #expect(run.status == 0)
        #expect(run.errors.isEmpty)
        try Data("stale\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let refused = try scene.run("interface", "list", "--token-file", path)
        #expect(refused.status == ExitStatus.unauthenticated.rawValue)
        #expect(refused.errors.contains("can be read by others"))
        #expect(!refused.errors.contains("stale"))
        #expect(!scene.server.methods.contains("Auth/Login"))
    }

    @Test("login says who you are and never the token", arguments: OutputFormat.allCases)
    func login(format: OutputFormat) throws {
        let scene = try Scene(answer: Self.interfaces)
        let run = try scene.run("login", "-o", format.rawValue)
        #expect(run.status == 0)
        #expect(run.output.contains("tester") && run.output.contains("operator"))
        #expect(!run.output.contains("token-1") && !run.errors.contains("token-1"))
    }

    @Test("An issued token goes to standard output alone, or to a new file of mode 0600")
    func issue() throws {
        let scene = try Scene { _ in
            .reply(V1.IssueTokenResponse(token: "ISSUED", tokenId: "id-1", expiresUnixMs: 1_700_000_000_000))
        }
        let shown = try scene.run("token", "issue", "--lifetime", "2h", "--grant", "node/*=get", "--bind-uid", "1000")
        #expect(shown.output == "ISSUED\n")
        let request = try V1.IssueTokenRequest(serialized: #require(scene.server.calls.last).message)
        #expect(
            request
                == V1.IssueTokenRequest(
                    lifetimeS: 7200,
                    bindUid: 1000,
                    grants: [V1.Grant(resource: "node/*", verbs: ["get"])]
                )
        )
        let path = scene.folder.file("robot.token")
        let written = try scene.run("token", "issue", "--output-file", path)
        #expect(written.status == 0)
        #expect(!written.output.contains("ISSUED") && written.output.contains("id-1"))
        #expect(try scene.folder.text("robot.token") == "ISSUED\n")
        #expect(try scene.folder.mode("robot.token") == 0o600)
        #expect(try scene.run("token", "issue", "--output-file", path).status == 1)
    }

    @Test("set-roles fills in the user id of a local user, and calls everybody else a robot")
    func setRoles() throws {
        let scene = try Scene { call in
            guard let request = try? V1.SetRolesRequest(serialized: call.message) else { return .hangUp }
            return .reply(
                V1.SetRolesResponse(
                    principal: V1.Principal(name: request.name, uid: request.uid, roles: request.roles)
                )
            )
        }
        let person = try scene.run("principal", "set-roles", "root", "--role", "admin", "--role", "viewer")
        #expect(person.output == "Name:     root\nUser id:  0\nRoles:    admin, viewer\nCreated:  -\n")
        #expect(person.errors.isEmpty)
        #expect(try scene.run("principal", "set-roles", "no-such-user-here", "--no-roles").errors.isEmpty)
        let robot = try scene.run("principal", "set-roles", "no-such-user-here", "--role", "viewer")
        #expect(robot.status == 0 && robot.errors.contains("--bind-certificate FILE"))
        #expect(robot.errors.hasPrefix("note: no local user is called no-such-user-here"))
        let forgotten = try scene.run("principal", "set-roles", "root")
        #expect(forgotten.status == 64 && forgotten.errors.contains("or --no-roles to take all away"))
        #expect(try scene.run("principal", "set-roles", "root", "--no-roles", "--role", "viewer").status == 64)
    }
}

@Suite("Program: failures")
struct ProgramFailureTests {
    @Test(
        "A refusal is one line, a hint, and its exit code",
        arguments: [
            (Status.notFound("peer", "anna"), 3),
            (.alreadyExists("the name anna is taken", reason: "NAME_TAKEN", owner: "anna"), 4),
            (.permissionDenied(verb: "get", resource: "node/x"), 5), (Status(.unauthenticated, "who?"), 6),
            (Status(.unavailable, "the database cannot be reached"), 7),
            (.invalidArgument(field: "name", rule: "no"), 8),
            (Status(.deadlineExceeded, "too slow"), 9), (Status(.internal, "broken"), 1),
        ]
    )
    func exitCodes(status: Status, code: Int) throws {
        let scene = try Scene { _ in .failure(status) }
        for format in OutputFormat.allCases {
            let run = try scene.run("peer", "show", "wg0", "anna", "-o", format.rawValue)
            #expect(Int(run.status) == code)
            #expect(run.output.isEmpty)
            #expect(run.errors.hasPrefix("wgmctl: "))
        }
    }

    @Test("A daemon that is not there is told apart, and version works without it")
    func unreachable() throws {
        let folder = try Folder()
        let socket = folder.file("nothing")
        let program = try Here.program()
        let list = try Run.program([program, "--socket", socket, "peer", "list"])
        #expect(list.status == 7)
        #expect(list.errors.contains("hint: start wgmd"))
        let version = try Run.program([program, "version", "--socket", socket, "-o", "json"])
        #expect(version.status == 0)
        #expect(version.output == "{\n  \"client\": \"\(WGMVersion.current)\",\n  \"server\": null\n}\n")
        #expect(version.errors.hasPrefix("note: wgmd is not reached"))
        let long = try Run.program([program, "status", "--socket", String(repeating: "x", count: 200)])
        #expect(long.status == 64)
    }

    @Test("status exits with 2 when the gateway does not serve")
    func status() throws {
        let parts = [V1.HealthComponent(name: "database", healthy: false, message: "gone")]
        let scene = try Scene { _ in .reply(V1.CheckHealthResponse(status: .degraded, components: parts)) }
        let run = try scene.run("status")
        #expect(run.status == 2)
        #expect(run.output.contains("database   no       gone"))
        #expect(scene.server.calls.map(\.token) == [nil])
    }

    @Test(
        "A wrong command line is 64 and reaches nobody",
        arguments: [
            ["peer", "create", "wg0"], ["peer", "create", "wg0", "a", "--from", "b"],
            ["peer", "create", "wg0", "a", "-o", "json"], ["peer", "create", "wg0", "a", "--qr", "--public-key", "k"],
            ["peer", "create", "wg0", "--from", "f", "--allow", "::/0"], ["peer", "config", "wg0", "a", "--qr"],
            ["peer", "config", "wg0", "a", "-o", "json", "--config", "f"], ["interface", "create"], ["nonsense"],
            ["audit", "list", "--since", "yesterday"], ["token", "issue", "--grant", "x"],
            ["peer", "list", "--timeout", "0"],
            ["peer", "create", "wg0", "--from", "/nonexistent"], ["peer", "create", "wg0", "a", "--config", "-"],
            ["interface", "rotate-key"], ["interface", "rotate-key", "wg0", "--now", "--undo"],
            ["interface", "rotate-key", "wg0", "--now", "--at", "+1h"],
            ["interface", "rotate-key", "wg0", "--at", "none"],
            ["interface", "rotate-key", "wg0", "--at", "tomorrow"], ["interface", "stragglers"],
        ]
    )
    func usage(arguments: [String]) throws {
        let scene = try Scene { _ in .hangUp }
        let run = try Run.program([Here.program()] + arguments, environment: ["WGM_SOCKET": scene.server.path])
        #expect(run.status == 64)
        #expect(run.errors.hasPrefix("wgmctl: "))
        #expect(run.output.isEmpty)
        #expect(scene.server.calls.isEmpty)
    }

    @Test("A stale read is noted on standard error")
    func stale() throws {
        let freshness = V1.Freshness(asOfUnixMs: 1000, stale: true, reason: "the database is gone")
        let scene = try Scene { _ in .reply(V1.ListPeersResponse(peers: [Samples.phone], freshness: freshness)) }
        let run = try scene.run("peer", "list", "wg0", "-o", "json")
        #expect(run.status == 0)
        #expect(run.errors.hasPrefix("note: state as of "))
        #expect(run.errors.hasSuffix(" ago: the database is gone\n"))
        #expect(run.output.hasPrefix("["))
    }

    @Test("All pages of a list are read")
    func pages() throws {
        let scene = try Scene { call in
            guard let request = try? V1.ListPeersRequest(serialized: call.message) else { return .hangUp }
            guard request.pageToken == "2" else {
                return .reply(V1.ListPeersResponse(peers: [Samples.anna], nextPageToken: "2"))
            }
            return .reply(V1.ListPeersResponse(peers: [Samples.phone]))
        }
        let run = try scene.run("peer", "list")
        #expect(run.output.split(separator: "\n").count == 3)
    }

    @Test("A full disk is a failure")
    func fullDisk() throws {
        let scene = try Scene { _ in .reply(V1.ListPeersResponse(peers: [Samples.phone])) }
        let run = try Run.program(
            ["sh", "-c", "\"$0\" peer list > /dev/full", Here.program()],
            environment: ["XDG_RUNTIME_DIR": scene.folder.path, "WGM_SOCKET": scene.server.path]
        )
        #expect(run.status == 1)
        #expect(run.errors.contains("No space left"))
    }

    @Test("Completion scripts are made, and names come from the daemon")
    func completion() throws {
        let scene = try Scene { call in
            call.method == V1.Peers.list.name
                ? .reply(V1.ListPeersResponse(peers: [Samples.anna, Samples.phone]))
                : .reply(V1.ListInterfacesResponse(interfaces: [Samples.interface]))
        }
        for shell in ["bash", "zsh", "fish"] {
            let run = try scene.run("--generate-completion-script", shell)
            #expect(run.status == 0)
            #expect(run.output.contains("ipv6-pool"))
        }
        let script = try scene.run("--generate-completion-script", "bash").output
        #expect(try Run.program(["bash", "-n"], input: script).status == 0)
        let complete = """
            \(script)
            PATH="${PROGRAM%/*}:$PATH"
            COMP_WORDS=(wgmctl peer show wg0 "") COMP_CWORD=4 COMP_LINE="wgmctl peer show wg0 " COMP_POINT=21
            _wgmctl wgmctl "" wg0
            echo "${COMPREPLY[@]}"
            """
        let names = try Run.program(
            ["bash"],
            input: complete,
            environment: [
                "XDG_RUNTIME_DIR": scene.folder.path, "WGM_SOCKET": scene.server.path, "PROGRAM": Here.program(),
            ]
        )
        #expect(names.output.contains("anna") && names.output.contains("phone"), "\(names)")
    }
}
