// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// What imports would do, or have done.
struct ImportList: Presentable {
    var imports: [ImportView]

    var document: Document { .list(imports.map(\.document)) }

    func text(styled: Bool) -> String { imports.map { $0.text(styled: styled) }.joined(separator: "\n") }
}

/// One interface that is taken over.
struct ImportView: Presentable {
    private static let shownPeers = 50
    var source: String
    var reply: V1.ImportInterfaceResponse
    /// What of the file is not taken, and what was made of it.
    var remarks: [String]

    private var interface: V1.Interface { reply.interface ?? V1.Interface() }

    var document: Document {
        .object([
            "source": .text(source),
            "interface": interface.document,
            "takes_link": .flag(reply.takesLink ?? false),
            "changes": .list(reply.changes.map(\.document)),
            "remarks": .texts(reply.remarks + remarks),
            "peers": .list(reply.peers.map { $0.document(now: .now) }),
            "revision": .number(reply.revision),
        ])
    }

    func text(styled: Bool) -> String {
        let link = reply.takesLink == true ? "is there; it stays as it is and its sessions go on" : "is made"
        var output = Table(details: [
            ("Interface", "\(interface.name ?? "") from \(source)"),
            ("Link", link),
            ("Public key", interface.publicKey ?? ""),
            ("Listen port", Words.number(interface.listenPort)),
            ("MTU", Words.number(interface.mtu)),
            ("Firewall mark", Words.number(interface.firewallMark)),
            ("Addresses", Words.list(interface.addresses)),
            ("IPv6 pool", interface.ipv6Pool ?? "a random private /64, of which the gateway takes no address"),
            ("IPv4 pool", interface.ipv4Pool ?? "none"),
            ("Peers", Words.number(interface.peerCount)),
            ("Revision", Words.number(reply.revision)),
        ]).rendered(styled: styled)
        output += peers(styled)
        output += section(
            "The kernel is told besides",
            reply.changes.map { "\($0.place): \($0.kernel ?? "") becomes \($0.database ?? "")" }
        )
        return output + section("Remarks", reply.remarks + remarks)
    }

    private func peers(_ styled: Bool) -> String {
        guard !reply.peers.isEmpty else { return "" }
        var table = Table([.init(title: "PEER"), .init(title: "ALLOWED ADDRESSES"), .init(title: "PRESHARED KEY")])
        for peer in reply.peers.prefix(Self.shownPeers) {
            table.append([
                peer.name ?? "", Words.list(peer.allowedAddresses), peer.hasPresharedKey == true ? "yes" : "no",
            ])
        }
        let rest = Int(interface.peerCount ?? 0) - min(reply.peers.count, Self.shownPeers)
        return "\n" + table.rendered(styled: styled) + (rest > 0 ? "and \(rest) more\n" : "")
    }

    private func section(_ title: String, _ lines: [String]) -> String {
        lines.isEmpty ? "" : "\n\(title):\n" + lines.map { "  \($0.printable)\n" }.joined()
    }
}
