// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl profile`.
struct ProfileGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Remember gateways on other machines by name.",
        subcommands: [
            ProfileAddCommand.self, ProfileUseCommand.self, ProfileListCommand.self, ProfileRemoveCommand.self,
        ]
    )
}

/// `wgmctl profile add`.
struct ProfileAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Remember a gateway, its files and, if asked, its key.",
        discussion: """
            What is remembered are addresses and paths, no secret. The first profile is in use at once.


            """
                + Wgmctl.examples(
                    "wgmctl profile add office --server tls://vpn.example.org --ca ca.pem --cert me.pem --key me.key",
                    "wgmctl profile add lab --server tls://[2001:db8::1] --pin --token-file lab.token"
                )
    )

    @Argument(help: "What to call it.")
    var name: String

    @Flag(help: "Trust the key that each server shows now, and no other from now on.")
    var pin = false

    @Flag(help: "Take the place of a profile of that name, all of it.")
    var replace = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        guard Profiles.isName(name) else { throw Failure(.usage, "\(name): a name has \(Profiles.nameRule)") }
        let servers = try global.namedServers()
        let file = try ProfileFile.required()
        var profiles = try file.read()
        guard replace || profiles.profiles[name] == nil else {
            throw Failure(.conflict, "there is a profile \(name) already", hint: "--replace writes all of it anew")
        }
        guard !servers.isEmpty else { throw Failure(.usage, "name a --server: \(ServerAddress.rule)") }
        var profile = Profiles.Profile(servers: servers)
        profile.authority = try Self.path(global.ca)
        profile.certificate = try Self.path(global.cert)
        profile.key = try Self.path(global.key)
        profile.tokenFile = try Self.path(global.tokenFile)
        if pin {
            for server in servers {
                profile.pins.append(try Destination.publicKeyPin(of: server, timeout: .seconds(5)))
            }
        }
        profiles.profiles[name] = profile
        if profiles.current == nil { profiles.current = name }
        try file.write(profiles)
        let pins = profile.pins.isEmpty ? "" : "; pinned key \(profile.pins.joined(separator: ", "))"
        try global.show(Outcome(sentence: "profile \(name) written to \(file.path)\(pins)"))
    }

    /// As it is reached from every folder.
    private static func path(_ path: String?) throws(Failure) -> String? {
        guard let path else { return nil }
        let absolute = path.hasPrefix("/") ? path : Environment.currentFolder + "/" + path
        guard Profiles.isPlain(absolute) else {
            throw Failure(.usage, "\(path): a path in a profile has no quotes, backslashes and control characters")
        }
        return absolute
    }
}

/// `wgmctl profile use`.
struct ProfileUseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "use",
        abstract: "Say which gateway is meant when none is named.",
        discussion: Wgmctl.examples("wgmctl profile use office")
    )

    @Argument(help: "Its name.")
    var name: String

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        let file = try ProfileFile.required()
        var profiles = try file.read()
        guard profiles.profiles[name] != nil else { throw Failure(noProfile: name) }
        profiles.current = name
        try file.write(profiles)
        try global.show(Outcome(sentence: "profile \(name) is in use"))
    }
}

/// `wgmctl profile remove`.
struct ProfileRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Forget a gateway; its files stay.",
        discussion: Wgmctl.examples("wgmctl profile remove office")
    )

    @Argument(help: "Its name.")
    var name: String

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        let file = try ProfileFile.required()
        var profiles = try file.read()
        guard profiles.profiles.removeValue(forKey: name) != nil else { throw Failure(noProfile: name) }
        if profiles.current == name { profiles.current = nil }
        try file.write(profiles)
        try global.show(Outcome(sentence: "profile \(name) is forgotten"))
    }
}

/// `wgmctl profile list`.
struct ProfileListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the gateways that are remembered.",
        discussion: Wgmctl.examples("wgmctl profile list", "wgmctl profile list -o json")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws { try global.show(ProfileList(profiles: try ProfileFile.required().read())) }
}

/// The gateways that are remembered, one per row.
struct ProfileList: Presentable {
    var profiles: Profiles

    var document: Document {
        .list(
            sorted.map { name, profile in
                .object([
                    "name": .text(name), "in_use": .flag(name == profiles.current),
                    "servers": .texts(profile.servers.map(\.description)), "ca": .text(profile.authority),
                    "cert": .text(profile.certificate), "key": .text(profile.key),
                    "token_file": .text(profile.tokenFile), "pins": .texts(profile.pins),
                ])
            }
        )
    }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "NAME"), .init(title: "IN USE"), .init(title: "SERVERS"), .init(title: "TRUST"),
        ])
        for (name, profile) in sorted {
            let trust = profile.pins.isEmpty ? profile.authority ?? "the system's authorities" : "pinned key"
            let servers = profile.servers.map(\.description).joined(separator: ",")
            table.append([name, name == profiles.current ? "yes" : "no", servers, trust])
        }
        return table.rendered(styled: styled)
    }

    private var sorted: [(String, Profiles.Profile)] {
        profiles.profiles.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension Failure {
    init(noProfile name: String) {
        self.init(.notFound, "there is no profile \(name)", hint: "wgmctl profile list shows those there are")
    }
}
