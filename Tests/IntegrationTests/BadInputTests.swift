// SPDX-License-Identifier: Apache-2.0

import Testing

/// A command line with one value that the daemon must refuse.
struct BadInput: CustomTestStringConvertible, Sendable {
    let arguments: [String]
    /// How wgmctl calls the field.
    let field: String
    /// A part of the rule.
    let rule: String

    init(_ line: String, names field: String, rule: String) {
        arguments = line.split(separator: " ").map(String.init)
        self.field = field
        self.rule = rule
    }

    var testDescription: String { arguments.joined(separator: " ") }
}

private let key = "Ym9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm8="

@Suite("Bad input is refused in the field's name")
struct BadInputTests {
    static let interfaces = [
        BadInput("interface create lo", names: "NAME", rule: "1 to 15 characters"),
        BadInput("interface create sixteen-letters-", names: "NAME", rule: "1 to 15 characters"),
        BadInput("interface create a/b", names: "NAME", rule: "1 to 15 characters"),
        BadInput("interface create wg1 --mtu 1279", names: "--mtu", rule: "1280"),
        BadInput("interface create wg1 --mtu 65536", names: "--mtu", rule: "65535"),
        BadInput("interface create wg1 --listen-port 0", names: "--listen-port", rule: "65535"),
        BadInput("interface create wg1 --listen-port 65536", names: "--listen-port", rule: "65535"),
        BadInput("interface create wg1 --ipv6-pool fd00::1/64", names: "--ipv6-pool", rule: "fd00::/64"),
        BadInput("interface create wg1 --ipv6-pool 10.0.0.0/24", names: "--ipv6-pool", rule: "IPv6"),
        BadInput("interface create wg1 --ipv4-pool 10.0.0.0/31", names: "--ipv4-pool", rule: "/30"),
        BadInput("interface create wg1 --ipv4-pool 10.0.0.0/33", names: "--ipv4-pool", rule: "prefix"),
        BadInput("interface create wg1 --endpoint vpn_!", names: "--endpoint", rule: "host name or address"),
        BadInput("interface create wg1 --dns nameserver", names: "--dns", rule: "address"),
    ]
    static let peers = [
        BadInput("peer create wg0 ../bob --public-key \(key)", names: "NAME", rule: "letter or digit"),
        BadInput("peer create wg0 bob --public-key short", names: "--public-key", rule: "44"),
        BadInput(
            "peer create wg0 bob --public-key \(String(repeating: "A", count: 43))=",
            names: "--public-key",
            rule: "zeros"
        ),
        BadInput("peer create wg0 bob --public-key \(key) --address 10.90.0.300", names: "--address", rule: "address"),
        BadInput("peer create wg0 bob --public-key \(key) --address 127.0.0.1", names: "--address", rule: "loopback"),
        BadInput(
            "peer create wg0 bob --public-key \(key) --allow 10.92.0.1/16",
            names: "--allow",
            rule: "10.92.0.0/16"
        ),
        BadInput("peer create wg0 bob --public-key \(key) --allow ff02::/16", names: "--allow", rule: "multicast"),
        BadInput("peer create wg0 bob --public-key \(key) --endpoint nowhere", names: "--endpoint", rule: "port"),
        BadInput("peer create wg0 bob --public-key \(key) --keepalive 65536", names: "--keepalive", rule: "65535"),
    ]

    @Test("Names, keys, prefixes, ports and MTUs out of range say which rule they break", arguments: interfaces + peers)
    func isRefused(input: BadInput) async throws {
        let gateway = try await Gateway.shared.value
        let result = try gateway.control(input.arguments)
        #expect(result.code == 8, "\(result.errors)")
        #expect(result.errors.contains(input.field + ":"), "\(result.errors)")
        #expect(result.errors.contains(input.rule), "\(result.errors)")
    }

    @Test(
        "What is used already is refused in the owner's name",
        arguments: [
            BadInput("interface create wg0", names: "wg0", rule: "wg0"),
            BadInput("peer create wg0 alice --public-key \(key)", names: "alice", rule: "name"),
            BadInput("peer create wg0 bob --public-key \(Gateway.aliceKey)", names: "alice", rule: "key"),
            BadInput("peer create wg0 bob --public-key \(key) --address 10.90.0.2", names: "alice", rule: "10.90.0.2"),
            BadInput(
                "peer create wg0 bob --public-key \(key) --allow 10.91.7.0/24",
                names: "alice",
                rule: "10.91.0.0/16"
            ),
        ]
    )
    func isTaken(input: BadInput) async throws {
        let gateway = try await Gateway.shared.value
        let result = try gateway.control(input.arguments)
        #expect(result.code == 4, "\(result.errors)")
        #expect(result.errors.contains(input.field), "\(result.errors)")
        #expect(result.errors.contains(input.rule), "\(result.errors)")
    }

    @Test(
        "What is not there is not found",
        arguments: [
            "interface show wg9", "interface up wg9", "interface delete wg9", "peer show wg0 nobody",
            "peer disable wg0 nobody", "peer delete wg0 nobody", "peer create wg9 bob --public-key \(key)",
        ]
    )
    func isNotFound(line: String) async throws {
        let gateway = try await Gateway.shared.value
        let result = try gateway.control(line.split(separator: " ").map(String.init))
        #expect(result.code == 3, "\(result.errors)")
    }

    @Test("An interface with peers is not deleted by accident")
    func interfaceWithPeersStays() async throws {
        let gateway = try await Gateway.shared.value
        let result = try gateway.control("interface", "delete", "wg0")
        #expect(result.code == 4)
        #expect(result.errors.contains("--with-peers"))
        #expect(try gateway.control("interface", "show", "wg0").code == 0)
    }
}
