// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("What happens, as it happens", .serialized)
struct WatchTests {
    private struct Event: Decodable {
        struct Change: Decodable {
            struct Revision: Decodable {
                let number: Int
                let principal: String?
                let reason: String?
                let summary: String?
            }
            struct Object: Decodable {
                let interface: String
                let peer: String?
                let change: String
            }
            let revision: Revision
            let objects: [Object]
        }
        struct Drift: Decodable {
            struct Item: Decodable { let attribute: String }
            let items: [Item]
            let outcome: String
        }
        struct State: Decodable {
            let peer: String
            let before: String
            let after: String
        }
        struct Sample: Decodable {
            struct Peer: Decodable {
                let name: String
                let totalReceivedBytes: Int?
            }
            let peers: [Peer]
        }
        let event: String
        let revision: Int
        let change: Change?
        let drift: Drift?
        let state: State?
        let sample: Sample?
    }

    private func events(_ output: String) throws -> [Event] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try output.split(separator: "\n").map { try decoder.decode(Event.self, from: Data($0.utf8)) }
    }

    /// Runs `body` while wgmctl watches.
    private func watching(
        _ gateway: Gateway,
        _ arguments: String...,
        body: () async throws -> Void
    ) async throws -> CommandResult {
        let watch = Task.detached { try gateway.control(["watch"] + arguments) }
        try await Task.sleep(for: .seconds(1))
        try await body()
        return try await watch.value
    }

    @Test("Changes, drift and a peer that is heard come with author, reason and revision, and samples count its bytes")
    func everything() async throws {
        let gateway = try Gateway(furnished: true)
        let key = gateway.folder.newFile()
        let made = try await gateway.inside("wg genkey >\(key) && wg pubkey <\(key)")
        #expect(made.code == 0)
        let result = try await watching(gateway, "--json", "--for", "18s", "--interval", "2s") {
            let create = [
                "peer", "create", "wg0", "bob", "--public-key", made.output.trimmingCharacters(in: .newlines),
            ]
            #expect(try gateway.control(create + ["-m", "starts today"]).code == 0)
            let join = """
                WG_PROCESS_FOREGROUND=1 wireguard-go wgc >/dev/null 2>&1 & within 10 ip link show wgc >/dev/null && \
                wg set wgc private-key \(key) peer $(wg show wg0 public-key) endpoint 127.0.0.1:$(wg show wg0 listen-port) \
                allowed-ips 10.99.0.1/32 persistent-keepalive 1 && ip link set wgc up
                """
            let joined = try await gateway.inside(join)
            #expect(joined.code == 0, "\(joined.output)")
            #expect(try await gateway.inside("ip link set wg0 mtu 1300").code == 0)
        }
        #expect(result.code == 0, "\(result.errors)")
        let events = try events(result.output)
        let change = try #require(events.compactMap(\.change).first)
        #expect(change.objects.map(\.peer) == ["bob"] && change.objects.first?.change == "created")
        #expect(change.revision.principal == "root" && change.revision.reason == "starts today")
        let drift = events.compactMap(\.drift).filter { $0.items.map(\.attribute) == ["mtu"] }
        #expect(drift.map(\.outcome) == ["repaired"])
        let states = events.compactMap(\.state)
        #expect(states.map(\.peer) == ["bob"] && states.first?.before == "never" && states.first?.after == "up")
        let samples = events.compactMap(\.sample)
        #expect((6...10).contains(samples.count), "\(samples.count) samples")
        #expect(samples.last?.peers.map(\.name) == ["alice", "bob"])
        #expect((samples.last?.peers.last?.totalReceivedBytes ?? 0) > 0)
        let records = try gateway.control("audit", "list", "--method", "Events/Watch", "-o", "json")
        #expect(records.json([AuditDocument].self)?.count == 1, "\(records.output)")
        await gateway.stop()
    }

    @Test("A watcher goes on after a restart of wgmd, and has every change once")
    func restart() async throws {
        let gateway = try Gateway(furnished: true)
        let result = try await watching(gateway, "--json", "--kind", "change", "--for", "14s") {
            #expect(try gateway.control("peer", "disable", "wg0", "alice").code == 0)
            let restart = try await gateway.inside("stop_wgmd && restart_wgmd")
            #expect(restart.code == 0, "\(restart.output)")
            #expect(try gateway.control("peer", "enable", "wg0", "alice").code == 0)
            #expect(try gateway.control("peer", "disable", "wg0", "alice").code == 0)
        }
        #expect(result.code == 0, "\(result.errors)")
        #expect(
            result.errors.contains("shutting down") && result.errors.contains("connected again"),
            "\(result.errors)"
        )
        let numbers = try events(result.output).compactMap(\.change?.revision.number)
        let listed = try gateway.control("revision", "list", "--limit", "3", "-o", "json")
        #expect(numbers.count == 3 && numbers == numbers.sorted(), "\(numbers) \(listed.output)")
        let first = try #require(numbers.first)
        let again = try gateway.control("watch", "--json", "--since", "\(first)", "--count", "2")
        #expect(try events(again.output).map(\.revision) == Array(numbers.dropFirst()))
        let text = try gateway.control("watch", "--since", "0", "--count", "1").output
        #expect(text.contains("wg0  created  (revision"), "\(text)")
        #expect(try gateway.control("watch", "--since", "1000000").code == 3)
        #expect(try gateway.control("watch", "wg7").code == 3)
        await gateway.stop()
    }

    @Test("call --stream prints what comes, one object of protobuf's JSON a line")
    func callStream() async throws {
        let gateway = try await Gateway.shared.value
        let request = "'{\"kinds\": [\"EVENT_KIND_CHANGE\"], \"since\": \"0\"}'"
        let call = "wgmctl --socket \(gateway.socket) call Events/Watch --stream \(request)"
        // Other signals may be blocked here.
        let ended = "{ \(call) & } >/run/gateway/stream; sleep 3; kill -KILL $!; cat /run/gateway/stream"
        let (code, output) = try await gateway.inside(ended)
        #expect(code == 0, "it goes on until it is ended")
        let objects = try output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        let changes = objects.compactMap { $0["change"] as? [String: Any] }
        #expect(changes.count >= 2, "\(output)")
        let peers = changes.flatMap { $0["objects"] as? [[String: Any]] ?? [] }.compactMap { $0["peer"] as? String }
        #expect(peers.contains("alice"), "\(output)")
        #expect(changes.allSatisfy { ($0["revision"] as? [String: Any])?["number"] is String }, "64 bits are texts")
        let wrong = try gateway.control("call", "Events/Watch", "--stream", "{\"since\": \"1000000\"}")
        #expect(wrong.code == 3, "\(wrong.errors)")
    }

    @Test("A token shows only what it may read, and its revocation ends the watch in words")
    func rights() async throws {
        let gateway = try Gateway(furnished: true)
        let file = gateway.folder.newFile()
        let grant = "node/*/interface/wg0/peer/alice=get"
        #expect(try gateway.control("token", "issue", "--output-file", file, "--grant", grant).code == 0)
        let identity = try gateway.control("whoami", "--token-file", file, "-o", "json").json(IdentityDocument.self)
        let token = try #require(identity?.tokenId)
        let result = try await watching(gateway, "--json", "--token-file", file, "--for", "30s") {
            let bob = "Ym9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm9iYm8="
            #expect(try gateway.control("peer", "create", "wg0", "bob", "--public-key", bob).code == 0)
            #expect(try gateway.control("peer", "disable", "wg0", "alice", "-m", "a secret reason").code == 0)
            #expect(try gateway.control("interface", "set", "wg0", "--mtu", "1380").code == 0)
            try await Task.sleep(for: .seconds(1))
            #expect(try gateway.control("token", "revoke", token).code == 0)
        }
        #expect(result.code == 6, "\(result.errors)")
        #expect(result.errors.contains("revoked"), "\(result.errors)")
        let events = try events(result.output)
        #expect(events.compactMap(\.change).flatMap(\.objects).map(\.peer) == ["alice"], "\(result.output)")
        #expect(!result.output.contains("bob"))
        let stranger = try gateway.controlAsDaemon("watch")
        #expect(stranger.code == 5 && stranger.errors.contains("get"), "\(stranger.errors)")
        await gateway.stop()
    }

    @Test("The live screen shows peers, follows keys and the size of the terminal, and gives the terminal back")
    func screen() async throws {
        let gateway = try await Gateway.shared.value
        let run = try TerminalRun(
            gateway,
            ["top", "--interval", "1s"],
            steps: "wait wg0/alice",
            "type n",
            "wait by name",
            "type /zz",
            "wait with \"zz\"",
            "type \\x1b",
            "wait wg0/alice",
            "size 60x8",
            "wait q quit",
            "pause 1.5",
            "type q"
        )
        #expect(run.failure == nil && run.code == 0 && run.restored, "\(run)")
        #expect(run.output.contains("\u{1b}[?1049h") && run.output.hasSuffix("\u{1b}[?1049l"))
        // The last frames are for the smaller terminal.
        let frame = try #require(
            run.output.components(separatedBy: "\u{1b}[H").last?.components(separatedBy: "\u{1b}[J").first
        )
        let lines = frame.replacingOccurrences(of: "\u{1b}[K", with: "").components(separatedBy: "\r\n")
        #expect(lines.count == 8 && lines.allSatisfy { $0.count <= 60 }, "\(lines)")
    }

    @Test(
        "Whatever ends the live screen, the terminal is as it was",
        arguments: [("type \\x03", 130), ("signal TERM", 143), ("signal HUP", 129), ("type \\x1c", 131)]
    )
    func signals(step: String, code: Int32) async throws {
        let gateway = try await Gateway.shared.value
        let run = try TerminalRun(gateway, ["top"], steps: "wait wg0/alice", step)
        #expect(run.failure == nil && run.code == code && run.restored, "\(run)")
        #expect(run.output.contains("\u{1b}[?1049l"))
    }

    @Test(
        "Ctrl-Z gives the terminal back, and the screen is there again when it goes on, which it does at once without a shell"
    )
    func stopped() async throws {
        let gateway = try await Gateway.shared.value
        let run = try TerminalRun(
            gateway,
            ["top"],
            steps: "wait wg0/alice",
            "type \\x1a",
            "wait \u{1b}[?1049l",
            "wait \u{1b}[?1049h",
            "wait wg0/alice",
            "signal STOP",
            "signal CONT",
            "wait \u{1b}[?1049h",
            "wait wg0/alice",
            "type q"
        )
        #expect(run.failure == nil && run.code == 0 && run.restored, "\(run)")
    }

    @Test("Without a terminal top says what to use instead; once and json need none, and hold no control codes")
    func withoutTerminal() async throws {
        let gateway = try await Gateway.shared.value
        let refused = try gateway.control("top")
        #expect(refused.code == 64 && refused.errors.contains("--once"), "\(refused.errors)")
        let once = try gateway.control("top", "--once", "--interval", "1s")
        #expect(once.code == 0 && once.output.contains("wg0/alice") && once.output.contains("RECEIVING"))
        #expect(!once.output.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
        let samples = try gateway.control("top", "--json", "--count", "2", "--interval", "1s")
        #expect(try events(samples.output).map { $0.sample?.peers.first?.name } == ["alice", "alice"])
    }
}
