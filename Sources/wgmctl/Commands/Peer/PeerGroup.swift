// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl peer`.
struct PeerGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer",
        abstract: "Manage the peers of an interface.",
        subcommands: [
            PeerCreateCommand.self, PeerListCommand.self, PeerShowCommand.self, PeerEnableCommand.self,
            PeerDisableCommand.self, PeerSetCommand.self, PeerRotateKeyCommand.self,
            PeerRotatePresharedKeyCommand.self, PeerDeleteCommand.self, PeerConfigCommand.self,
        ]
    )
}

/// The two words that name one peer.
struct PeerArguments: ParsableArguments {
    @Argument(help: "The interface.", completion: Completion.interfaces)
    var interface: String

    @Argument(help: "The peer.", completion: Completion.peers)
    var name: String
}

/// `wgmctl peer list`.
struct PeerListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List peers, of one interface or of all.",
        discussion: Wgmctl.examples(
            "wgmctl peer list",
            "wgmctl peer list wg0 -o json | jq -r '.[] | select(.enabled) | .name'"
        )
    )

    @Argument(help: "The interface; all if not said.", completion: Completion.interfaces)
    var interface: String?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        let reply = try session.allPeers(of: interface)
        Console.note(reply.freshness)
        try global.show(PeerList(peers: reply.peers, now: .now))
    }
}

/// `wgmctl peer show`.
struct PeerShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one peer.",
        discussion: Wgmctl.examples(
            "wgmctl peer show wg0 anna",
            "wgmctl peer show wg0 anna -o yaml",
            "wgmctl peer show wg0 anna --at 2h"
        )
    )

    @OptionGroup var peer: PeerArguments

    @Option(help: PastMoment.help)
    var at: PastMoment?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var session = try Session.authenticated(global)
        if let at {
            var request = V1.GetPastPeerRequest(interface: peer.interface, name: peer.name)
            (request.revision, request.timeUnixMs) = (at.revision, at.milliseconds(now: .now))
            let reply: V1.GetPastPeerResponse
            do throws(Status) { reply = try session.revisionsGetPeer(request) } catch {
                guard error.code == .notFound, error.fact("kind") == "peer" else { throw error }
                throw Failure(.notFound, "\(error.message) then", hint: "wgmctl revision list shows what came when")
            }
            // What it was then, not what its times mean today.
            let then = reply.momentUnixMs.map { Timestamp(milliseconds: $0) }
            return try global.show(PeerDetails(peer: reply.peer ?? V1.Peer(), now: then ?? .now))
        }
        let reply = try session.peersGet(V1.GetPeerRequest(interface: peer.interface, name: peer.name))
        Console.note(reply.freshness)
        try global.show(PeerDetails(peer: reply.peer ?? V1.Peer(), now: .now))
    }
}

extension Session {
    /// All pages in one, as old as the oldest of them.
    mutating func allPeers(of interface: String?) throws(Status) -> V1.ListPeersResponse {
        var request = V1.ListPeersRequest(interface: interface)
        var all = try peersList(request)
        while let token = all.nextPageToken, !token.isEmpty, token != request.pageToken {
            request.pageToken = token
            let page = try peersList(request)
            all.peers += page.peers
            all.nextPageToken = page.nextPageToken
            if all.freshness?.stale != true { all.freshness = page.freshness }
        }
        return all
    }
}
