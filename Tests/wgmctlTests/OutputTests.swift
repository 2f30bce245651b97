// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMWire
import Yams

@testable import wgmctl

@Suite("Output")
struct OutputTests {
    @Test("Peers are an aligned table with ages, sizes and - for what is absent")
    func peerTable() throws {
        let list = PeerList(peers: [Samples.anna, Samples.phone], now: Samples.now)
        let expected = """
            INTERFACE  NAME   STATE     LINK  ADDRESSES                   ENDPOINT         HANDSHAKE  RECEIVED     SENT
            wg0        anna   enabled   up    fd12:3456:789a::2,10.7.0.2  192.0.2.7:40001  1 min ago   1.5 KiB  1.4 GiB
            wg0        phone  disabled  -     fd12:3456:789a::3           -                -                 -        -

            """
        #expect(Console.render(list, as: .table, styled: false) == expected)
    }

    @Test("Only titles and labels are bold, and only when asked for")
    func style() throws {
        let list = PeerList(peers: [Samples.anna], now: Samples.now)
        let lines = Console.render(list, as: .table, styled: true).split(separator: "\n")
        #expect(lines[0].hasPrefix("\u{1b}[1mINTERFACE"))
        #expect(lines[0].hasSuffix("SENT\u{1b}[0m"))
        #expect(!lines[1].contains("\u{1b}"))
        let details = Console.render(
            PeerDetails(peer: Samples.anna, now: Samples.now),
            as: .table,
            styled: true
        )
        #expect(details.hasPrefix("\u{1b}[1mInterface:\u{1b}[0m          wg0\n"))
        for format in [OutputFormat.json, .yaml] {
            #expect(!Console.render(list, as: format, styled: true).contains("\u{1b}"))
        }
    }

    @Test("A peer's details name everything, the key included")
    func peerDetails() throws {
        let expected = """
            Interface:          wg0
            Name:               anna
            State:              enabled
            Link:               up
            Public key:         ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=
            Addresses:          fd12:3456:789a::2, 10.7.0.2
            Allowed addresses:  fd12:3456:789a::2/128, 10.7.0.2/32, 192.168.9.0/24
            Endpoint:           -
            Keepalive:          25 s
            Preshared key:      no
            Comment:            laptop
            Valid from:         -
            Valid until:        -
            Latest handshake:   1 min ago
            Seen at:            192.0.2.7:40001
            Received:           1.5 KiB
            Sent:               1.4 GiB
            Created:            2023-11-14T21:56:40Z
            Revision:           8

            """
        let details = PeerDetails(peer: Samples.anna, now: Samples.now)
        #expect(Console.render(details, as: .table, styled: false) == expected)
    }

    @Test(
        "A straggler is called so where its link is shown, and null says that there is no rotation",
        arguments: [true, false, nil]
    )
    func straggler(_ isStraggler: Bool?) {
        var peer = Samples.anna
        peer.status?.straggler = isStraggler
        let details = PeerDetails(peer: peer, now: Samples.now)
        let word = isStraggler == true ? "up, straggler" : "up"
        #expect(Console.render(details, as: .table, styled: false).contains("Link:               \(word)\n"))
        let list = PeerList(peers: [peer], now: Samples.now)
        #expect(Console.render(list, as: .table, styled: false).contains("enabled  \(word)  "))
        let json = Console.render(details, as: .json, styled: false)
        #expect(json.contains("\"straggler\": \(isStraggler.map { "\($0)" } ?? "null")"), "\(json)")
    }

    @Test("An interface shows both keys of a rotation, with moment and stragglers; null when there is none")
    func keyRotation() {
        func shown(_ rotation: V1.KeyRotation?, _ format: OutputFormat = .table) -> String {
            let interface = V1.Interface(name: "wg0", publicKey: "PRESENT", keyRotation: rotation)
            return Console.render(InterfaceDetails(interface: interface), as: format, styled: false)
        }
        let moment = 1_700_000_000_000 as Int64
        #expect(shown(nil, .json).contains("\"key_rotation\": null"))
        #expect(shown(V1.KeyRotation(nextPublicKey: "NEXT")).contains("Next key:       NEXT, announced\n"))
        #expect(
            shown(V1.KeyRotation(nextPublicKey: "NEXT", switchUnixMs: moment))
                .contains("NEXT, in force from 2023-11-14T22:13:20Z\n")
        )
        let switched = V1.KeyRotation(previousPublicKey: "OLD", switchedUnixMs: moment, stragglerCount: 1)
        #expect(shown(switched).contains("Key before:     OLD until 2023-11-14T22:13:20Z, 1 straggler\n"))
        #expect(shown(switched, .json).contains("\"straggler_count\": 1"))
    }

    @Test("Stragglers are listed with their last handshake, and it is said when there are none")
    func stragglers() {
        func shown(_ reply: V1.ListStragglersResponse) -> String {
            Console.render(StragglerList(reply: reply), as: .table, styled: false)
        }
        let moment = 1_700_000_000_000 as Int64
        #expect(shown(V1.ListStragglersResponse()) == "no rotation of the key is going on\n")
        #expect(
            shown(V1.ListStragglersResponse(count: 0, sinceUnixMs: moment))
                == "every peer was heard of since 2023-11-14T22:13:20Z\n"
        )
        let some = [V1.Straggler(peer: "anna", lastHandshakeUnixMs: moment), V1.Straggler(peer: "bob")]
        let expected = """
            PEER  LAST-HANDSHAKE
            anna  2023-11-14T22:13:20Z
            bob   never
            and 3 more

            """
        #expect(shown(V1.ListStragglersResponse(stragglers: some, count: 5, sinceUnixMs: moment)) == expected)
    }

    @Test("A peer whose endpoint is a name shows what was found out about it, hostile words and all")
    func names() {
        func shown(_ lookup: V1.NameLookup?) -> String {
            var peer = Samples.anna
            peer.endpoint = "far.example.org:51820"
            peer.status?.nameLookup = lookup
            return Console.render(PeerDetails(peer: peer, now: Samples.now), as: .table, styled: false)
        }
        let time = Samples.now.milliseconds - 8000
        #expect(!shown(nil).contains("Looked up"))
        let found = shown(V1.NameLookup(addresses: ["2001:db8::7", "192.0.2.7"], lookedUpUnixMs: time))
        #expect(found.contains("Looked up:          2001:db8::7, 192.0.2.7 (8 s ago)\n"), "\(found)")
        let failed = shown(
            V1.NameLookup(addresses: ["192.0.2.7"], lookedUpUnixMs: time, failure: "no such\u{1b}[2J name")
        )
        #expect(failed.contains("failed: no such"), "\(failed)")
        #expect(failed.contains("(8 s ago); before: 192.0.2.7\n") && !failed.contains("\u{1b}"), "\(failed)")
    }

    @Test("JSON has the schema's field names, sorted, and null for what is absent")
    func peerJSON() throws {
        let expected = """
            [
              {
                "addresses": [
                  "fd12:3456:789a::3"
                ],
                "allowed_addresses": [
                  "fd12:3456:789a::3/128"
                ],
                "comment": null,
                "created_unix_ms": null,
                "enabled": false,
                "endpoint": null,
                "has_preshared_key": false,
                "interface": "wg0",
                "keepalive_s": null,
                "name": "phone",
                "public_key": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2A=",
                "revision": null,
                "state": "disabled",
                "status": null,
                "valid_from_unix_ms": null,
                "valid_until_unix_ms": null
              }
            ]

            """
        let list = PeerList(peers: [Samples.phone], now: Samples.now)
        #expect(Console.render(list, as: .json, styled: false) == expected)
    }

    @Test("YAML says the same, and text that looks like a number stays text")
    func peerYAML() throws {
        var peer = Samples.phone
        peer.name = "0123"
        peer.comment = "yes"
        let expected = """
            - addresses:
              - "fd12:3456:789a::3"
              allowed_addresses:
              - "fd12:3456:789a::3/128"
              comment: "yes"
              created_unix_ms: null
              enabled: false
              endpoint: null
              has_preshared_key: false
              interface: wg0
              keepalive_s: null
              name: "0123"
              public_key: "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2A="
              revision: null
              state: disabled
              status: null
              valid_from_unix_ms: null
              valid_until_unix_ms: null

            """
        let list = PeerList(peers: [peer], now: Samples.now)
        #expect(Console.render(list, as: .yaml, styled: false) == expected)
    }

    @Test("Another program's YAML reader understands every document", arguments: Documents.all)
    func yamlWitness(document: Document) throws {
        let read = try #require(try Yams.compose(yaml: document.yaml))
        #expect(Documents.of(read) == document)
    }

    @Test("Another program's JSON reader understands every document", arguments: Documents.all)
    func jsonWitness(document: Document) throws {
        #expect(try Documents.of(json: document.json) == document)
    }

    @Test("No rows are a header in a table and an empty list elsewhere")
    func empty() throws {
        let list = InterfaceList(interfaces: [])
        let header = "NAME  STATE  BACKEND  PORT  PEERS  IPV6-POOL  IPV4-POOL  ENDPOINT\n"
        #expect(Console.render(list, as: .table, styled: false) == header)
        #expect(Console.render(list, as: .json, styled: false) == "[]\n")
        #expect(Console.render(list, as: .yaml, styled: false) == "[]\n")
    }

    @Test("An interface shows what was wanted and what AUTO became")
    func interface() throws {
        let list = """
            NAME  STATE  BACKEND   PORT  PEERS  IPV6-POOL            IPV4-POOL    ENDPOINT
            wg0   up     kernel   51820      2  fd12:3456:789a::/64  10.7.0.0/24  vpn.example.org:51820

            """
        #expect(Console.render(InterfaceList(interfaces: [Samples.interface]), as: .table, styled: false) == list)
        let details = Console.render(InterfaceDetails(interface: Samples.interface), as: .table, styled: false)
        #expect(details.contains("Backend:        auto (kernel)\n"))
        #expect(details.contains("Addresses:      fd12:3456:789a::1/64, 10.7.0.1/24\n"))
    }

    @Test(
        "The state of an interface says how the kernel differs",
        arguments: [
            (V1.InterfaceStatus(present: false), "up, missing"),
            (V1.InterfaceStatus(present: true, up: false), "up, but is down"),
            (V1.InterfaceStatus(present: true, up: true, inSync: false), "up, not in sync"),
            (V1.InterfaceStatus(present: true, up: true, inSync: true), "up"),
            (V1.InterfaceStatus(error: "No such device"), "up, refused: No such device"),
        ]
    )
    func interfaceState(status: V1.InterfaceStatus, expected: String) {
        var interface = Samples.interface
        interface.status = status
        #expect(interface.state == expected)
    }

    @Test("Audit records have a person or a user id, and the code's name")
    func audit() throws {
        let records = AuditRecords(records: [
            V1.AuditRecord(
                sequence: 12,
                timeUnixMs: 1_700_000_000_000,
                principal: "anna",
                uid: 1000,
                method: "wgm.v1.Peers/Create",
                resource: "node/gw/interface/wg0/peer/phone",
                code: 0
            ),
            V1.AuditRecord(sequence: 9, timeUnixMs: 1_699_999_999_999, uid: 1001, method: "x", code: 7, message: "no"),
            V1.AuditRecord(
                sequence: 8,
                timeUnixMs: 1_699_999_999_000,
                method: "wgm.v1.Peers/Get",
                code: 0,
                count: 3000,
                lastTimeUnixMs: 1_700_000_000_000
            ),
            V1.AuditRecord(sequence: 7, timeUnixMs: 1_699_999_999_000, method: "wgmd/adopt", code: 0),
        ])
        let expected = """
            NUMBER  TIME                  WHO       METHOD               RESOURCE                          RESULT             MESSAGE
                12  2023-11-14T22:13:20Z  anna      wgm.v1.Peers/Create  node/gw/interface/wg0/peer/phone  OK                 -
                 9  2023-11-14T22:13:19Z  uid 1001  x                    -                                 PERMISSION_DENIED  no
                 8  2023-11-14T22:13:19Z  -         wgm.v1.Peers/Get     -                                 OK                 3000 times, last at 2023-11-14T22:13:20Z
                 7  2023-11-14T22:13:19Z  wgmd      wgmd/adopt           -                                 OK                 -

            """
        #expect(Console.render(records, as: .table, styled: false) == expected)
    }

    @Test("A gateway serves only if it says so")
    func health() throws {
        let parts = [V1.HealthComponent(name: "database", healthy: false, message: "connection refused")]
        let degraded = Health(reply: V1.CheckHealthResponse(status: .degraded, components: parts))
        let expected = """
            COMPONENT  HEALTHY  MESSAGE
            gateway    no       degraded
            database   no       connection refused

            """
        #expect(Console.render(degraded, as: .table, styled: false) == expected)
        #expect(!degraded.isServing)
        #expect(!Health(reply: V1.CheckHealthResponse()).isServing)
        #expect(Health(reply: V1.CheckHealthResponse(status: .serving)).isServing)
    }

    @Test("Neither a login nor a token in a file shows the token")
    func tokensStayHidden() throws {
        let login = LoginResult(
            reply: V1.LoginResponse(token: "SECRET", principal: "root", roles: ["admin"], becameFirstAdmin: true),
            now: Samples.now
        )
        let issued = IssuedToken(
            reply: V1.IssueTokenResponse(token: "SECRET", tokenId: "id"),
            showsToken: false,
            now: Samples.now
        )
        for format in OutputFormat.allCases {
            #expect(!Console.render(login, as: format, styled: false).contains("SECRET"))
            #expect(!Console.render(issued, as: format, styled: false).contains("SECRET"))
        }
        #expect(Console.render(login, as: .table, styled: false).hasSuffix("first admin of this gateway.\n"))
    }
}
