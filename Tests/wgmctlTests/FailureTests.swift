// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMModel
import WGMWire

@testable import wgmctl

@Suite("Failures")
struct FailureTests {
    @Test(
        "Each status code has its exit code",
        arguments: [
            (StatusCode.ok, Int32(0)), (.cancelled, 1), (.unknown, 1), (.invalidArgument, 8), (.deadlineExceeded, 9),
            (.notFound, 3), (.alreadyExists, 4), (.permissionDenied, 5), (.resourceExhausted, 1),
            (.failedPrecondition, 4), (.aborted, 4), (.outOfRange, 8), (.unimplemented, 1), (.internal, 1),
            (.unavailable, 7), (.dataLoss, 1), (.unauthenticated, 6),
        ]
    )
    func exitCodes(code: StatusCode, expected: Int32) {
        #expect(ExitStatus(code).rawValue == expected)
    }

    @Test("Every exit code is in the manual")
    func manual() throws {
        let manual = try String(contentsOfFile: Here.project + "/docs/wgmctl.md", encoding: .utf8)
        for status in ExitStatus.allCases {
            #expect(manual.contains("| \(status.rawValue) | \(status.meaning) |"))
        }
    }

    @Test("Violations are named as they were typed")
    func violations() {
        var status = Status(.invalidArgument, "two", reason: "FIELD_INVALID")
        status.details?.badRequest = V1.BadRequest(fieldViolations: [
            V1.FieldViolation(field: "peers[0].public_key", description: "is not a key"),
            V1.FieldViolation(field: "peers[0].addresses[1]", description: "lies outside the pool"),
        ])
        #expect(
            Failure(status).lines == [
                "wgmctl: 2 values are refused",
                "  --public-key: is not a key",
                "  --address (number 2): lies outside the pool",
            ]
        )
    }

    @Test(
        "Fields are called by their options",
        arguments: [
            ("name", "NAME"), ("interface", "INTERFACE"), ("listen_port", "--listen-port"),
            ("firewall_mark", "--fwmark"),
            ("peers[0].keepalive_s", "--keepalive"), ("grants[2].verbs[0]", "--grant (number 3)"),
            ("something.new", "something.new"), ("", ""), ("peers[", "peers["),
        ]
    )
    func fields(path: String, expected: String) {
        #expect(FieldNames.option(path) == expected)
    }

    @Test("Fields of many peers are called by their lines")
    func lines() throws {
        let text = "# many\n\nanna \(Keys.first)\nphone \(Keys.second)\n"
        let peers = try PeerFile.parse(text, name: "peers.txt")
        #expect(FieldNames.line("peers[1].name", of: peers) == "line 4 (name)")
        #expect(FieldNames.line("peers[0].allowed_addresses[0]", of: peers) == "line 3 (address)")
        #expect(FieldNames.line("peers[0]", of: peers) == "line 3")
        #expect(FieldNames.line("peers[9].name", of: peers) == "NAME")
        #expect(FieldNames.line("interface", of: peers) == "INTERFACE")
    }

    @Test("A refusal has a hint and cannot act on the terminal")
    func hint() {
        let failure = Failure(Status.permissionDenied(verb: "create", resource: "node/\u{1b}c/interface/wg0"))
        #expect(failure.status == .permissionDenied)
        #expect(failure.lines.count == 2)
        #expect(failure.lines[0].contains("create"))
        #expect(failure.lines[0].contains("\\u{1b}c"))
        #expect(failure.lines[1].hasPrefix("hint: the role operator has this right"))
    }

    @Test(
        "A missing permission names the smallest role that has it",
        arguments: [
            ("list", "node/gw/interface/*", "viewer"), ("update", "node/gw/interface/wg0/peer/a", "operator"),
            ("route-all", "node/gw/interface/wg0/peer/a", "admin"), ("list", "audit", "admin"),
            ("grant", "principal/anna", "admin"), ("", "", "admin"),
        ]
    )
    func missingRole(verb: String, resource: String, role: String) {
        let hint = Failure(Status.permissionDenied(verb: verb, resource: resource)).hint
        #expect(hint?.hasPrefix("the role \(role) has this right") == true)
        #expect(hint?.contains("set-roles NAME --role \(role),") == true)
    }

    @Test(
        "What is not there can be looked up",
        arguments: [
            ("principal", "wgmctl principal list"), ("interface", "wgmctl interface list"),
            ("peer", "wgmctl peer list"), ("token", "wgmctl token list"),
        ]
    )
    func lookup(kind: String, command: String) {
        #expect(Failure(Status.notFound(kind, "x")).hint?.hasPrefix(command) == true)
    }

    @Test("What others have already is told for every line")
    func collisions() throws {
        let peers = try PeerFile.parse("anna \(Keys.first)\nbob \(Keys.second)\ncarl \(Keys.third)", name: "x")
        let others = [V1.Peer(name: "bob", publicKey: Keys.first), V1.Peer(name: "carl", publicKey: "other")]
        let found = PeerFile.collisions(of: peers, with: others)
        #expect(found.map(\.field) == ["line 1", "line 2", "line 3"])
        #expect(found.first?.rule == "the key belongs to the peer bob already")
    }

    @Test("Addresses and prefixes that overlap are told for every line, whose they are and where")
    func overlaps() throws {
        let keys = [Keys.first, Keys.second, Keys.third]
        let within =
            "anna \(keys[0]) 10.0.0.2,192.168.0.0/16\nbob \(keys[1]) 192.168.7.0/24\ncarl \(keys[2]) 10.0.0.0/8"
        let error = #expect(throws: Failure.self) { try PeerFile.parse(within, name: "x") }
        #expect(
            error?.violations == [
                .init(field: "line 2", rule: "192.168.7.0/24 overlaps 192.168.0.0/16 of line 1"),
                .init(field: "line 3", rule: "10.0.0.0/8 overlaps 10.0.0.2 of line 1"),
            ]
        )
        let peers = try PeerFile.parse("anna \(keys[0]) 10.0.0.2,fd00::2\nbob \(keys[1]) 192.168.0.0/16", name: "x")
        let others = [
            V1.Peer(name: "ext", allowedAddresses: ["10.0.0.2/32", "192.168.255.0/24", "fd00::3/128"]),
            V1.Peer(name: "far", allowedAddresses: ["::/0", "172.16.0.0/12"]),
        ]
        #expect(
            PeerFile.collisions(of: peers, with: others) == [
                .init(field: "line 1", rule: "10.0.0.2 overlaps 10.0.0.2 of the peer ext"),
                .init(field: "line 1", rule: "fd00::2 overlaps ::/0 of the peer far"),
                .init(field: "line 2", rule: "192.168.0.0/16 overlaps 192.168.255.0/24 of the peer ext"),
            ]
        )
    }

    @Test("Firewall marks are decimal or hexadecimal", arguments: [("16", 16), ("0x10", 16), ("0XCA6C", 51820)])
    func marks(text: String, number: UInt32) {
        #expect(FirewallMark(argument: text)?.number == number)
        #expect(FirewallMark(argument: text + "g") == nil)
        #expect(FirewallMark(argument: "+" + text) == nil)
    }

    @Test("All mistakes of a file are listed with their lines")
    func peerFileMistakes() {
        let text = """
            anna \(Keys.first) fd00::2,10.0.0.2/32,192.168.7.0/24  # fine
            -bad \(Keys.second)
            bob short
            carl \(Keys.third) 192.168.7.1/24,zz
            just-a-name
            anna \(Keys.first)
            dora
            """
        let error = #expect(throws: Failure.self) { try PeerFile.parse(text, name: "peers.txt") }
        #expect(error?.status == .usage)
        #expect(error?.message == "peers.txt has 8 mistakes, nothing was created")
        #expect(
            error?.violations.map(\.field)
                == ["line 2", "line 3", "line 4", "line 4", "line 5", "line 6", "line 6", "line 7"]
        )
        #expect(error?.violations[2].rule.hasSuffix("did you mean 192.168.7.0/24?") == true)
        #expect(error?.violations[6].rule == "the key is the same as in line 1")
    }

    @Test("Addresses are the peer's own, prefixes lie behind it, and lines may end as on Windows")
    func peerFile() throws {
        let text = "anna\t\(Keys.first)   fd00::2,10.0.0.2/32,192.168.7.0/24\r\n\r\nbob \(Keys.second)"
        let peers = try PeerFile.parse(text, name: "peers.txt")
        #expect(peers.map(\.name.value) == ["anna", "bob"])
        #expect(peers[0].addresses.map(\.description) == ["fd00::2", "10.0.0.2"])
        #expect(peers[0].prefixes.map(\.description) == ["192.168.7.0/24"])
        #expect(peers[1].line == 3)
    }

    @Test("A file without peers, and one with too many, is refused")
    func peerFileSize() {
        #expect(throws: Failure.self) { try PeerFile.parse("# nobody\n", name: "x") }
        let many = (0...PeerFile.maxPeers).map { number in
            var bytes = [UInt8](repeating: 1, count: 32)
            bytes[0] = UInt8(number & 255)
            bytes[1] = UInt8(number >> 8)
            return "p\(number) \(PublicKey(bytes: bytes)?.description ?? "")"
        }
        let error = #expect(throws: Failure.self) { try PeerFile.parse(many.joined(separator: "\n"), name: "x") }
        #expect(error?.message.contains("5000 at most") == true)
    }
}
