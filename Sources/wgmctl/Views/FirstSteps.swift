// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// What there is after `wgmctl init`, and what comes next.
struct FirstSteps: Presentable {
    var login: V1.LoginResponse
    var interfaces: [V1.Interface]

    private var becameFirstAdmin: Bool { login.becameFirstAdmin ?? false }

    var document: Document {
        .object([
            "principal": .text(login.principal), "roles": .texts(login.roles),
            "became_first_admin": .flag(becameFirstAdmin),
            "interfaces": .list(
                interfaces.map {
                    .object([
                        "name": .text($0.name), "endpoint": .text($0.endpoint), "ipv6_pool": .text($0.ipv6Pool),
                        "ipv4_pool": .text($0.ipv4Pool), "listen_port": .number($0.listenPort),
                    ])
                }
            ),
        ])
    }

    func text(styled: Bool) -> String {
        var lines = [
            "\(login.principal ?? "root") is " + (becameFirstAdmin ? "now the first admin" : "an admin already")
        ]
        lines.append("the key-encryption key and the token key are there, the database works")
        for interface in interfaces {
            let pools = [interface.ipv6Pool, interface.ipv4Pool].compactMap { $0.flatMap { $0.isEmpty ? nil : $0 } }
            let prefixes = pools.joined(separator: ", ")
            lines.append("interface \(interface.name ?? ""): peers get addresses from \(prefixes)")
        }
        let next = interfaces.first.map { "peer create \($0.name ?? "wg0") NAME --config NAME.conf" }
        lines.append("next: wgmctl \(next ?? "interface create wg0 --endpoint HOST")")
        return lines.map { $0.printable + "\n" }.joined()
    }
}
