// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl interface rotate-key`.
struct InterfaceRotateKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-key",
        abstract: "Give an interface a new key, announced ahead.",
        discussion: """
            Makes the next key and shows its public half, so that peers can be told; nothing else changes until --now, or \
            until the moment of --at. The private half never leaves the keeper. From the switch on only peers that have the \
            new key get through: WireGuard has one key per interface at a time. wgmctl interface stragglers shows who was not \
            heard of since, and --undo puts the key before in force again until --finish, or the next rotation, forgets it.


            """
                + Wgmctl.examples(
                    "wgmctl interface rotate-key wg0 --at +7d -m 'yearly rotation'",
                    "wgmctl peer config wg0 anna      # names the next key, too",
                    "wgmctl interface rotate-key wg0 --now",
                    "wgmctl interface stragglers wg0",
                    "wgmctl interface rotate-key wg0 --finish"
                )
    )

    enum Step: EnumerableFlag {
        case now, cancel, undo, finish

        static func help(for value: Step) -> ArgumentHelp? {
            switch value {
            case .now: "Put the next key in force, or a new one when none is announced."
            case .cancel: "Forget the next key."
            case .undo: "Put the key before in force again."
            case .finish: "Forget the key before."
            }
        }

        fileprivate var message: V1.KeyStep {
            switch self {
            case .now: .switch
            case .cancel: .cancel
            case .undo: .undo
            case .finish: .finish
            }
        }
    }

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var name: String

    @Flag(exclusivity: .exclusive) var step: Step?

    @Option(
        help: .init(
            "When the next key is put in force: +12h, +7d, or a time such as 2026-12-31T23:00:00Z.",
            valueName: "time"
        )
    )
    var at: Deadline?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        if at == .never { throw ValidationError("--at needs a time; without it the next key waits for --now") }
        if at != nil, step != nil { throw ValidationError("--at goes with announcing a key, not with another step") }
    }

    func run() throws {
        var session = try Session.authenticated(global)
        let request = V1.RotateKeyRequest(
            name: name,
            step: step?.message ?? .announce,
            switchUnixMs: at?.milliseconds(now: .now)
        )
        let reply = try session.interfacesRotateKey(request)
        try global.show(InterfaceDetails(interface: reply.interface ?? V1.Interface(name: name)))
    }
}

/// `wgmctl interface stragglers`.
struct InterfaceStragglersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stragglers",
        abstract: "List the peers without a handshake since the interface has a new key.",
        discussion: "Peers that are disabled, or not valid now, are left out.\n\n"
            + Wgmctl.examples("wgmctl interface stragglers wg0", "wgmctl interface stragglers wg0 -o json | jq .count")
    )

    @Argument(help: "The interface.", completion: Completion.interfaces)
    var name: String

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.interfacesListStragglers(V1.ListStragglersRequest(name: name))
        Console.note(reply.freshness)
        try global.show(StragglerList(reply: reply))
    }
}
