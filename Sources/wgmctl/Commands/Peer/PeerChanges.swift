// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl peer enable`.
struct PeerEnableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Let a peer in.",
        discussion: Wgmctl.examples("wgmctl peer enable wg0 anna")
    )

    @OptionGroup var peer: PeerArguments

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws { try global.set(peer, enabled: true) }
}

/// `wgmctl peer disable`.
struct PeerDisableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Keep a peer out without forgetting it.",
        discussion: Wgmctl.examples("wgmctl peer disable wg0 anna")
    )

    @OptionGroup var peer: PeerArguments

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws { try global.set(peer, enabled: false) }
}

extension GlobalOptions {
    fileprivate func set(_ peer: PeerArguments, enabled: Bool) throws {
        var session = try Session.authenticated(self)
        let request = V1.SetPeerEnabledRequest(interface: peer.interface, name: peer.name, enabled: enabled)
        let reply = try session.peersSetEnabled(request)
        Console.note(unless: reply.revision)
        let shown = reply.peer ?? V1.Peer(interface: peer.interface, name: peer.name, enabled: enabled)
        try show(PeerDetails(peer: shown, now: .now))
    }
}

/// `wgmctl peer delete`.
struct PeerDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a peer.",
        discussion: Wgmctl.examples("wgmctl peer delete wg0 anna")
    )

    @OptionGroup var peer: PeerArguments

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.peersDelete(V1.DeletePeerRequest(interface: peer.interface, name: peer.name))
        let sentence = "peer \(peer.name) of \(peer.interface) deleted"
        try global.show(Outcome(sentence: sentence, revision: reply.revision))
    }
}
