// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// When a peer is let in.
struct ValidityOptions: ParsableArguments {
    @Option(
        help: .init("Let the peer in from then on: 2030-01-31T08:00:00Z, +2h from now, or none.", valueName: "when")
    )
    var validFrom: Deadline?

    @Option(
        help: .init("Keep the peer out from then on: 2030-01-31T18:00:00Z, +30d from now, or none.", valueName: "when")
    )
    var validUntil: Deadline?

    /// What was meant otherwise, in all likelihood.
    func warnOfPast() {
        guard let end = validUntil?.milliseconds(now: .now), end > 0, end <= Timestamp.now.milliseconds else { return }
        Console.warn("--valid-until is over already: the peer is kept out")
    }
}

/// `wgmctl peer set`.
struct PeerSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change a peer in place.",
        discussion: """
            What is not named stays as it is; the word none clears. All of it is one revision, and the peer's session goes \
            on where its key stays. New keys: peer rotate-key and rotate-psk.


            """
                + Wgmctl.examples(
                    "wgmctl peer set wg0 anna --keepalive 25s --comment 'new laptop'",
                    "wgmctl peer set wg0 office --allow 192.168.7.0/24 --allow 2001:db8:7::/48",
                    "wgmctl peer set wg0 anna --endpoint none --valid-until +30d",
                    "wgmctl peer set wg0 old-router --preshared-key none"
                )
    )

    @OptionGroup var peer: PeerArguments

    @Option(help: .init("All of the peer's own addresses, or none. May be repeated.", valueName: "address"))
    var address: [String] = []

    @Option(help: .init("All networks behind the peer, or none. May be repeated.", valueName: "prefix"))
    var allow: [String] = []

    @Option(help: .init("How often the peer's way is kept open; 0 or none is off.", valueName: "time"))
    var keepalive: Clearable<TimeSpan>?

    @Option(
        help: .init("Where the peer listens, or none; the kernel keeps what it has heard.", valueName: "host:port")
    )
    var endpoint: Clearable<String>?

    @Option(help: .init("A remark, or none.", valueName: "text"))
    var comment: Clearable<String>?

    @Option(help: .init("Only none: takes the preshared key away.", valueName: "none"))
    var presharedKey: Clearable<String>?

    @OptionGroup var validity: ValidityOptions

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard presharedKey?.value == nil else {
            throw ValidationError("--preshared-key can only be none; wgmctl peer rotate-psk sets a new one")
        }
    }

    private var request: V1.UpdatePeerRequest {
        var request = V1.UpdatePeerRequest()
        (request.interface, request.name) = (peer.interface, peer.name)
        request.addresses = V1.TextList(option: address)
        request.allowedAddresses = V1.TextList(option: allow)
        request.keepaliveS = keepalive.map { $0.value?.seconds ?? 0 }
        request.endpoint = endpoint.map { $0.value ?? "" }
        request.comment = comment.map { $0.value ?? "" }
        if presharedKey != nil { request.presharedKey = [] }
        request.validFromUnixMs = validity.validFrom?.milliseconds(now: .now)
        request.validUntilUnixMs = validity.validUntil?.milliseconds(now: .now)
        return request
    }

    func run() throws {
        // Not in validate(), which comes before an unknown option is named.
        var unchanged = V1.UpdatePeerRequest()
        (unchanged.interface, unchanged.name) = (peer.interface, peer.name)
        guard request != unchanged else { throw ValidationError("say what is to be changed") }
        var session = try Session.authenticated(global)
        let reply = try session.peersUpdate(request)
        Console.note(unless: reply.revision)
        validity.warnOfPast()
        try global.show(PeerDetails(peer: reply.peer ?? V1.Peer(), now: .now))
    }
}
