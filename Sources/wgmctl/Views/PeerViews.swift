// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// Peers, one per row.
struct PeerList: Presentable {
    var peers: [V1.Peer]
    var now: Timestamp

    var document: Document { .list(peers.map { $0.document(now: now) }) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "INTERFACE"), .init(title: "NAME"), .init(title: "STATE"), .init(title: "LINK"),
            .init(title: "ADDRESSES"),
            .init(title: "ENDPOINT"), .init(title: "HANDSHAKE"), .init(title: "RECEIVED", alignment: .right),
            .init(title: "SENT", alignment: .right),
        ])
        for peer in peers {
            table.append([
                peer.interface ?? "", peer.name ?? "", peer.state(now: now), peer.status?.link ?? "",
                peer.addresses.joined(separator: ","),
                peer.shownEndpoint, peer.handshake(now: now) ?? "",
                Words.bytes(peer.status?.received), Words.bytes(peer.status?.sent),
            ])
        }
        return table.rendered(styled: styled)
    }
}

/// Everything about one peer.
struct PeerDetails: Presentable {
    var peer: V1.Peer
    var now: Timestamp

    var document: Document { peer.document(now: now) }

    func text(styled: Bool) -> String {
        let lookup = peer.status?.nameLookup.map { [("Looked up", $0.words(now: now))] } ?? []
        return Table(
            details: [
                ("Interface", peer.interface ?? ""),
                ("Name", peer.name ?? ""),
                ("State", peer.state(now: now)),
                ("Link", peer.status?.link ?? ""),
                ("Public key", peer.publicKey ?? ""),
                ("Addresses", Words.list(peer.addresses)),
                ("Allowed addresses", Words.list(peer.allowedAddresses)),
                ("Endpoint", peer.endpoint ?? ""),
            ] + lookup + [
                ("Keepalive", peer.keepaliveS.map { $0 == 0 ? "off" : "\($0) s" } ?? "off"),
                ("Preshared key", peer.hasPresharedKey == true ? "yes" : "no"),
                ("Comment", peer.comment ?? ""),
                ("Valid from", Words.time(peer.validFromUnixMs)),
                ("Valid until", Words.time(peer.validUntilUnixMs)),
                ("Latest handshake", peer.handshake(now: now) ?? "never"),
                // Before a handshake it is where the peer is to be sent, and nobody was seen there.
                ("Seen at", peer.status?.lastHandshakeUnixMs == nil ? "" : peer.status?.endpoint ?? ""),
                ("Received", Words.bytes(peer.status?.received)),
                ("Sent", Words.bytes(peer.status?.sent)),
                ("Created", Words.time(peer.createdUnixMs)),
                ("Revision", Words.number(peer.revision)),
            ]
        ).rendered(styled: styled)
    }
}

extension V1.Peer {
    /// What is wanted, and how the kernel differs from it.
    fileprivate func state(now: Timestamp) -> String {
        if enabled == true, let begin = validFromUnixMs, begin > now.milliseconds { return "enabled, not yet valid" }
        if enabled == true, let end = validUntilUnixMs, end <= now.milliseconds {
            return status?.present == true ? "expired, still there" : "expired"
        }
        let wanted = enabled == true
        guard let present = status?.present, present != wanted else { return wanted ? "enabled" : "disabled" }
        return wanted ? "enabled, missing" : "disabled, still there"
    }

    /// Where it is, else where it is to be sent, and whether that can be done.
    fileprivate var shownEndpoint: String {
        if let present = status?.endpoint { return present }
        guard let endpoint else { return "" }
        let isLost = status?.nameLookup.map { $0.addresses.isEmpty && $0.failure != nil } ?? false
        return isLost ? "\(endpoint) (not found)" : endpoint
    }

    fileprivate func handshake(now: Timestamp) -> String? {
        guard let milliseconds = status?.lastHandshakeUnixMs, milliseconds > 0 else { return nil }
        return Words.age(of: Timestamp(milliseconds: milliseconds), now: now)
    }

    func document(now: Timestamp) -> Document {
        .object([
            "interface": .text(interface), "name": .text(name), "public_key": .text(publicKey),
            "enabled": .flag(enabled), "state": .text(state(now: now)), "addresses": .texts(addresses),
            "allowed_addresses": .texts(allowedAddresses),
            "endpoint": .text(endpoint), "keepalive_s": .number(keepaliveS),
            "has_preshared_key": .flag(hasPresharedKey ?? false), "comment": .text(comment),
            "valid_from_unix_ms": .number(validFromUnixMs), "valid_until_unix_ms": .number(validUntilUnixMs),
            "revision": .number(revision.nonZero), "created_unix_ms": .number(createdUnixMs.nonZero),
            "status": status?.document ?? .absent,
        ])
    }
}

extension Int64? {
    /// nil for the zero of what is only planned.
    var nonZero: Int64? { self == 0 ? nil : self }
}

extension V1.PeerState {
    /// As it is shown.
    var word: String {
        switch self {
        case .never: "never"
        case .up: "up"
        case .idle: "idle"
        case .stale: "stale"
        case .down: "down"
        case .unrecognized(let rawValue): String(rawValue)
        }
    }
}

extension V1.PeerStatus {
    /// In all the peer's life; of a daemon that does not count, as long as the kernel has the peer.
    fileprivate var received: UInt64? { totalReceivedBytes ?? receivedBytes }
    fileprivate var sent: UInt64? { totalSentBytes ?? sentBytes }

    fileprivate var document: Document {
        .object([
            "present": .flag(present), "endpoint": .text(endpoint),
            "last_handshake_unix_ms": .number(lastHandshakeUnixMs), "received_bytes": .number(receivedBytes),
            "sent_bytes": .number(sentBytes), "observed_unix_ms": .number(observedUnixMs),
            "state": .text(state?.word), "total_received_bytes": .number(totalReceivedBytes),
            "total_sent_bytes": .number(totalSentBytes), "straggler": .flag(straggler),
            "name_lookup": nameLookup?.document ?? .absent,
        ])
    }

    /// `down, straggler` for one that does not have the new key of the interface, as far as one can see.
    fileprivate var link: String? {
        let words = [state?.word, straggler == true ? "straggler" : nil].compactMap(\.self)
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }
}

extension V1.NameLookup {
    fileprivate var document: Document {
        .object([
            "addresses": .texts(addresses), "looked_up_unix_ms": .number(lookedUpUnixMs),
            "failure": .text(failure),
        ])
    }

    /// `2001:db8::7, 192.0.2.7 (8 s ago)`, or why not.
    fileprivate func words(now: Timestamp) -> String {
        let age = lookedUpUnixMs.map { " (\(Words.age(of: Timestamp(milliseconds: $0), now: now)))" } ?? ""
        guard let failure else { return Words.list(addresses) + age }
        return "failed: \(failure)\(age)" + (addresses.isEmpty ? "" : "; before: " + Words.list(addresses))
    }
}
