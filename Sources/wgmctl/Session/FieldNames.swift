// SPDX-License-Identifier: Apache-2.0

/// How fields of requests are called on the command line.
enum FieldNames {
    private static let names = [
        "name": "NAME", "interface": "INTERFACE", "token_id": "TOKEN-ID",
        "public_key": "--public-key", "preshared_key": "--preshared-key-file",
        "addresses": "--address", "address": "--address", "allowed_addresses": "--allow",
        "ipv6_only": "--ipv6-only", "keepalive_s": "--keepalive", "endpoint": "--endpoint", "comment": "--comment",
        "disabled": "--disabled", "valid_from_unix_ms": "--valid-from", "valid_until_unix_ms": "--valid-until",
        "backend": "--backend", "mtu": "--mtu", "listen_port": "--listen-port",
        "ipv6_pool": "--ipv6-pool", "ipv4_pool": "--ipv4-pool", "firewall_mark": "--fwmark", "dns": "--dns",
        "down": "--down", "with_peers": "--with-peers", "principal": "--principal", "lifetime_s": "--lifetime",
        "bind_uid": "--bind-uid", "bind_certificate": "--bind-certificate", "grants": "--grant", "roles": "--role",
        "uid": "--uid", "limit": "--limit", "switch_unix_ms": "--at", "session": "SSH_CONNECTION",
        "confirm": "--confirm",
        "method": "--method", "failures_only": "--failures", "since_unix_ms": "--since", "time_unix_ms": "--at",
    ]

    /// `peers[0].public_key` is `--public-key`; what has no option keeps its name.
    static func option(_ path: String) -> String {
        let fields = split(path)
        // In `grants[1].verbs` the option is named by the outer field.
        for field in fields.reversed() {
            guard let name = names[field.name] else { continue }
            return field.index.map { $0 > 0 ? "\(name) (number \($0 + 1))" : name } ?? name
        }
        return path
    }

    /// The same for a request made from a file: `peers[3].name` is `line 7 (name)`.
    static func line(_ path: String, of peers: [ListedPeer]) -> String {
        let fields = split(path)
        guard let first = fields.first, first.name == "peers", let index = first.index, peers.indices.contains(index)
        else { return option(path) }
        let word: String? =
            switch fields.count > 1 ? fields[1].name : nil {
            case "name": "name"
            case "public_key": "public key"
            case "addresses", "allowed_addresses": "address"
            case let other?: option(other)
            case nil: nil
            }
        return word.map { "line \(peers[index].line) (\($0))" } ?? "line \(peers[index].line)"
    }

    private static func split(_ path: String) -> [(name: String, index: Int?)] {
        path.split(separator: ".").map { part in
            guard let bracket = part.firstIndex(of: "["), part.last == "]" else { return (String(part), nil) }
            return (String(part[..<bracket]), Int(part[part.index(after: bracket)...].dropLast()))
        }
    }
}
