// SPDX-License-Identifier: Apache-2.0

internal import WGMKeys
internal import WGMModel
internal import WGMWire

extension PeerConfiguration {
    static let placeholder = "<paste the peer's private key here>"
    static let presharedPlaceholder = "<paste the preshared key here>"

    /// The file for wg-quick.
    ///
    /// With `commented` false only what a phone needs, for a smaller QR code.
    func text(
        _ keyLine: borrowing KeyLine,
        _ presharedLine: borrowing PresharedLine,
        commented: Bool = true
    ) throws(Failure) -> SecretText {
        let head = commented ? heading + "[Interface]\n" : "[Interface]\n"
        let middle = interfaceLines + "\n[Peer]\nPublicKey = \(gatewayKey)\n" + (commented ? nextKeyLine : "")
        let tail = peerLines(commented: commented)
        do {
            // The longest thing between them is the comment on an omitted key.
            var text = try SecretText(capacity: head.utf8.count + middle.utf8.count + tail.utf8.count + 1024)
            try text.append(head)
            switch keyLine {
            case .key(let key):
                try text.append("PrivateKey = ")
                try text.append(key.base64())
                try text.append("\n")
            case .placeholder:
                try text.append("# The private key of \(peerKey); it never left the peer.\n")
                try text.append("PrivateKey = \(Self.placeholder)\n")
            case .omitted:
                try text.append("# The peer brings the private key of \(peerKey).\n")
            }
            try text.append(middle)
            switch presharedLine {
            case .key(let key): try text.append(presharedKey: key)
            case .placeholder:
                try text.append("# The preshared key; the gateway does not tell it.\n")
                try text.append("PresharedKey = \(Self.presharedPlaceholder)\n")
            case .absent: break
            }
            try text.append(tail)
            return text
        } catch {
            throw Failure(error)
        }
    }

    /// The part of a configuration that must not be lost: it is on the disk before the daemon knows the peer.
    static func keysOnly(
        _ keyLine: borrowing KeyLine,
        _ presharedLine: borrowing PresharedLine,
        interface: String,
        peer: String
    ) throws(Failure) -> SecretText {
        do {
            var text = try SecretText(capacity: 1024)
            try text.append("# Peer \(peer.printable) of \(interface.printable): keys only, not yet confirmed.\n")
            switch keyLine {
            case .key(let key):
                try text.append("[Interface]\nPrivateKey = ")
                try text.append(key.base64())
                try text.append("\n")
            default: break
            }
            switch presharedLine {
            case .key(let key):
                try text.append("[Peer]\n")
                try text.append(presharedKey: key)
            default: break
            }
            return text
        } catch {
            throw Failure(error)
        }
    }

    private var heading: String {
        "# Peer \(peer.printable) of \(interface.printable), written by wgmctl \(WGMVersion.current)\n"
    }

    private var nextKeyLine: String {
        guard let gatewayNextKey else { return "" }
        let moment = gatewayKeySwitch.map { "From \($0) on" } ?? "Announced as the next one"
        return "# \(moment): PublicKey = \(gatewayNextKey)\n"
    }

    private var interfaceLines: String {
        var lines = ""
        if !addresses.isEmpty { lines += "Address = \(Words.list(addresses.map(\.description)))\n" }
        if !dns.isEmpty { lines += "DNS = \(Words.list(dns))\n" }
        if let mtu { lines += "MTU = \(mtu)\n" }
        return lines
    }

    private func peerLines(commented: Bool) -> String {
        var lines = ""
        if let gatewayEndpoint {
            lines += "Endpoint = \(gatewayEndpoint)\n"
        } else if commented {
            lines += "# The interface has no endpoint that peers could dial; put it here:\n# Endpoint = HOST:PORT\n"
        }
        if !allowedAddresses.isEmpty { lines += "AllowedIPs = \(Words.list(allowedAddresses.map(\.description)))\n" }
        if let keepalive { lines += "PersistentKeepalive = \(keepalive)\n" }
        return lines
    }
}

extension SecretText {
    fileprivate mutating func append(presharedKey key: borrowing PresharedKey) throws(KeyError) {
        try append("PresharedKey = ")
        try append(key.base64())
        try append("\n")
    }
}

extension Failure {
    init(_ error: KeyError) {
        switch error {
        case .memoryNotLocked:
            self.init(
                .failure,
                "no memory can be locked for the key",
                hint: "raise the limit: ulimit -l 1024"
            )
        case .libraryUnavailable:
            self.init(.failure, "libsodium could not start")
        case .malformed:
            self.init(.failure, "that is no key: \(KeyFile.rule)")
        case .wrongLength, .unknownVersion, .otherSealingKey, .doesNotOpen:
            self.init(.failure, "the key could not be handled: \(error)")
        }
    }
}
