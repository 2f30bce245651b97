// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// The interfaces of a node, one per row.
struct InterfaceList: Presentable {
    var interfaces: [V1.Interface]

    var document: Document { .list(interfaces.map(\.document)) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "NAME"), .init(title: "STATE"), .init(title: "BACKEND"),
            .init(title: "PORT", alignment: .right), .init(title: "PEERS", alignment: .right),
            .init(title: "IPV6-POOL"), .init(title: "IPV4-POOL"), .init(title: "ENDPOINT"),
        ])
        for interface in interfaces {
            table.append([
                interface.name ?? "", Words.shortened(interface.state, to: 40),
                (interface.status?.backend ?? interface.backend)?.word ?? "",
                Words.number(interface.listenPort), Words.number(interface.peerCount ?? 0),
                interface.ipv6Pool ?? "", interface.ipv4Pool ?? "", interface.endpoint ?? "",
            ])
        }
        return table.rendered(styled: styled)
    }
}

/// Everything about one interface.
struct InterfaceDetails: Presentable {
    var interface: V1.Interface

    var document: Document { interface.document }

    func text(styled: Bool) -> String {
        Table(details: [
            ("Name", interface.name ?? ""),
            ("State", interface.state),
            ("Public key", interface.publicKey ?? ""),
            ("Next key", interface.keyRotation?.next ?? ""),
            ("Key before", interface.keyRotation?.previous ?? ""),
            ("Addresses", Words.list(interface.addresses)),
            ("IPv6 pool", interface.ipv6Pool ?? ""),
            ("IPv4 pool", interface.ipv4Pool ?? ""),
            ("Endpoint", interface.endpoint ?? ""),
            ("Listen port", Words.number(interface.listenPort)),
            ("MTU", Words.number(interface.mtu)),
            ("DNS", Words.list(interface.dns)),
            ("Firewall mark", Words.number(interface.firewallMark)),
            ("Backend", backend),
            ("Drift policy", interface.driftPolicy?.word ?? ""),
            ("Peers", Words.number(interface.peerCount ?? 0)),
            ("Created", Words.time(interface.createdUnixMs)),
            ("Revision", Words.number(interface.revision)),
        ]).rendered(styled: styled)
    }

    /// `auto (kernel)` when the choice was left to the daemon.
    private var backend: String {
        let wanted = interface.backend?.word ?? ""
        guard let chosen = interface.status?.backend?.word, chosen != wanted else { return wanted }
        return wanted.isEmpty ? chosen : "\(wanted) (\(chosen))"
    }
}

extension V1.Interface {
    /// What is wanted, and how the kernel differs from it.
    var state: String {
        let wanted = up == true ? "up" : "down"
        guard let status else { return "\(wanted), not yet seen" }
        if let error = status.error, !error.isEmpty { return "\(wanted), refused: \(error)" }
        if status.present == false { return "\(wanted), missing" }
        if let actual = status.up, actual != up { return "\(wanted), but is \(actual ? "up" : "down")" }
        return status.inSync == false ? "\(wanted), not in sync" : wanted
    }

    var document: Document {
        .object([
            "name": .text(name), "backend": .text(backend?.word), "up": .flag(up), "mtu": .number(mtu),
            "listen_port": .number(listenPort), "public_key": .text(publicKey), "addresses": .texts(addresses),
            "ipv6_pool": .text(ipv6Pool), "ipv4_pool": .text(ipv4Pool), "endpoint": .text(endpoint),
            "firewall_mark": .number(firewallMark), "dns": .texts(dns), "peer_count": .number(peerCount),
            "revision": .number(revision.nonZero), "created_unix_ms": .number(createdUnixMs.nonZero),
            "status": status?.document ?? .absent, "drift_policy": .text(driftPolicy?.word),
            "key_rotation": keyRotation?.document ?? .absent,
        ])
    }
}

extension V1.KeyRotation {
    /// `KEY, in force from TIME`; nil when none is announced.
    fileprivate var next: String? {
        nextPublicKey.map { key in key + (switchUnixMs.map { ", in force from \(Words.time($0))" } ?? ", announced") }
    }

    fileprivate var previous: String? {
        previousPublicKey.map { key in
            let count = stragglerCount ?? 0
            let rest = count == 1 ? "1 straggler" : "\(count) stragglers"
            return "\(key) until \(Words.time(switchedUnixMs)), \(rest)"
        }
    }

    fileprivate var document: Document {
        .object([
            "next_public_key": .text(nextPublicKey), "switch_unix_ms": .number(switchUnixMs),
            "previous_public_key": .text(previousPublicKey), "switched_unix_ms": .number(switchedUnixMs),
            "straggler_count": .number(stragglerCount),
        ])
    }
}

/// Peers that do not have the new key of their interface, as far as one can see.
struct StragglerList: Presentable {
    var reply: V1.ListStragglersResponse

    var document: Document {
        .object([
            "count": .number(reply.count ?? 0), "since_unix_ms": .number(reply.sinceUnixMs),
            "stragglers": .list(
                reply.stragglers.map {
                    .object(["peer": .text($0.peer), "last_handshake_unix_ms": .number($0.lastHandshakeUnixMs)])
                }
            ),
        ])
    }

    func text(styled: Bool) -> String {
        guard let since = reply.sinceUnixMs else { return "no rotation of the key is going on\n" }
        guard !reply.stragglers.isEmpty else { return "every peer was heard of since \(Words.time(since))\n" }
        var table = Table([.init(title: "PEER"), .init(title: "LAST-HANDSHAKE")])
        for straggler in reply.stragglers {
            let last = straggler.lastHandshakeUnixMs.map { Words.time($0) } ?? "never"
            table.append([straggler.peer ?? "", last])
        }
        let rest = Int(reply.count ?? 0) - reply.stragglers.count
        return table.rendered(styled: styled) + (rest > 0 ? "and \(rest) more\n" : "")
    }
}

extension V1.InterfaceStatus {
    fileprivate var document: Document {
        .object([
            "present": .flag(present), "up": .flag(up), "backend": .text(backend?.word), "in_sync": .flag(inSync),
            "error": .text(error), "observed_unix_ms": .number(observedUnixMs),
        ])
    }
}

extension V1.InterfaceBackend {
    /// As it is typed on the command line.
    var word: String {
        switch self {
        case .auto: "auto"
        case .kernel: "kernel"
        case .userspace: "userspace"
        case .unrecognized(let rawValue): String(rawValue)
        }
    }
}
