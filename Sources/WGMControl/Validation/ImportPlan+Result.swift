// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension ImportPlan {
    /// What is to be stored, once the keeper has sealed the keys: first those of the link, then those of the boxes.
    func imported(as id: InterfaceID, with secrets: [SealedSecret]) throws(Refusal) -> ImportedInterface {
        guard let own = secrets.first(where: { $0.mark == nil }), own.publicKey == publicKey else {
            throw .invalid([.init(field: "private_key", rule: "a private key that belongs to the public key")])
        }
        let preshared = Dictionary(
            secrets.compactMap { secret in
                secret.mark.map { (secret.publicKey, SealedPresharedKey(key: secret.key, mark: $0)) }
            }
        ) { first, _ in first }
        var made: [NewPeer] = []
        for entry in peers {
            var peer = entry.peer
            if entry.box != nil || entry.mark != nil {
                guard let key = preshared[peer.publicKey] else {
                    throw .invalid([.init(field: "peer \(peer.name)", rule: "a preshared key that is for this peer")])
                }
                peer.presharedKey = key
            }
            made.append(peer)
        }
        let interface = NewInterface(
            id: id,
            name: name,
            backend: link?.backend ?? .automatic,
            isUp: link?.isUp ?? true,
            mtu: mtu,
            listenPort: listenPort,
            publicKey: publicKey,
            sealedKey: own.key,
            ipv6Pool: ipv6Pool,
            ipv4Pool: ipv4Pool,
            endpoint: endpoint,
            firewallMark: firewallMark,
            dns: dns,
            uniqueLocalPrefixIfNone: .randomUniqueLocal()
        )
        return ImportedInterface(interface: interface, addresses: addresses, peers: made, takesLink: link != nil)
    }

    /// What the import leads to; the keys in it are none.
    func report(port: UInt16, addressPool: IPPrefix?) -> ImportReport {
        guard let sealed = SealedKey(bytes: [UInt8](repeating: 0, count: SealedKey.byteCount)) else {
            preconditionFailure("a constant count of bytes is right")
        }
        let none = IPPrefix(host: IPAddress(v6: 0))
        let interface = InterfaceRecord(
            id: InterfaceID(0),
            name: name,
            backend: link?.backend ?? .automatic,
            isUp: link?.isUp ?? true,
            mtu: mtu,
            listenPort: port,
            publicKey: publicKey,
            sealedKey: sealed,
            addresses: addresses,
            ipv6Pool: ipv6Pool ?? addressPool ?? none,
            ipv4Pool: ipv4Pool,
            endpoint: endpoint,
            firewallMark: firewallMark,
            dns: dns,
            revision: 0,
            created: Timestamp(seconds: 0)
        )
        let records = peers.map { record($0, sealed) }
        let drift = link.map { InterfaceDrift(interface: interface, peers: records, actual: $0).items }
        return ImportReport(
            interface: interface,
            peers: records,
            takesLink: link != nil,
            changes: drift ?? [],
            remarks: remarks,
            revision: nil
        )
    }

    private func record(_ entry: Peer, _ sealed: SealedKey) -> PeerRecord {
        let mark = entry.mark ?? (entry.box == nil ? nil : .unknown)
        return PeerRecord(
            id: 0,
            interface: InterfaceID(0),
            name: entry.peer.name,
            publicKey: entry.peer.publicKey,
            isEnabled: true,
            addresses: entry.peer.addresses,
            routed: entry.peer.routed,
            endpoint: entry.peer.endpoint,
            keepalive: entry.peer.keepalive,
            presharedKey: mark.map { SealedPresharedKey(key: sealed, mark: $0) },
            comment: entry.peer.comment,
            revision: 0,
            created: Timestamp(seconds: 0)
        )
    }
}
