// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// A piece of a written file: text, or a key that the caller has to put there.
package enum WrittenPiece: Hashable, Sendable {
    case text(String)
    case secret(SecretPlace)
}

extension ConfigurationFile {
    /// The file in one plain form, which read again says the same.
    ///
    /// Without `privateKey` the line of the private key is left out, and a comment says so.
    package func written(withoutPrivateKey remark: String? = nil) -> [WrittenPiece] {
        var writer = ConfigurationWriter()
        writer.write(interface, remark: remark)
        for peer in peers { writer.write(peer) }
        return writer.finished
    }
}

private struct ConfigurationWriter {
    private var pieces: [WrittenPiece] = []
    private var text = ""

    var finished: [WrittenPiece] { text.isEmpty ? pieces : pieces + [.text(text)] }

    private mutating func line(_ name: String, _ value: some CustomStringConvertible) {
        text += "\(name) = \(value)\n"
    }

    private mutating func secret(_ name: String, _ place: SecretPlace) {
        pieces.append(.text(text + "\(name) = "))
        pieces.append(.secret(place))
        text = "\n"
    }

    mutating func write(_ interface: InterfaceSection, remark: String?) {
        text += "[Interface]\n"
        if let remark {
            text += "# \(remark)\n"
        } else if let key = interface.privateKey {
            secret("PrivateKey", key.value)
        }
        for address in interface.addresses { line("Address", address.value) }
        if let port = interface.listenPort { line("ListenPort", port.value) }
        if let mark = interface.firewallMark {
            line("FwMark", mark.value == 0 ? "off" : "0x" + String(mark.value, radix: 16))
        }
        for resolver in interface.resolvers { line("DNS", resolver.value) }
        for domain in interface.searchDomains { line("DNS", domain.value) }
        if let mtu = interface.mtu { line("MTU", mtu.value) }
        if let table = interface.table { line("Table", Self.words(table.value)) }
        for command in interface.commands { line(command.value.phase.rawValue, command.value.command) }
        if let saves = interface.savesConfiguration { line("SaveConfig", saves.value) }
    }

    private static func words(_ table: RouteTable) -> String {
        switch table {
        case .automatic: "auto"
        case .none: "off"
        case .named(let name): name
        }
    }

    mutating func write(_ peer: PeerSection) {
        text += "\n"
        if let name = peer.name { text += "# Name = \(name.value)\n" }
        text += "[Peer]\n"
        if let key = peer.publicKey { line("PublicKey", key.value) }
        if let key = peer.presharedKey { secret("PresharedKey", key.value) }
        if !peer.allowedAddresses.isEmpty {
            line("AllowedIPs", peer.allowedAddresses.map(\.value.description).joined(separator: ", "))
        }
        if let endpoint = peer.endpoint { line("Endpoint", endpoint.value) }
        if let keepalive = peer.keepalive { line("PersistentKeepalive", keepalive.value) }
    }
}
