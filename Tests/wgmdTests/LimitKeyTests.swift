// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMWire

@testable import wgmd

@Suite("The table [limits]")
struct LimitKeyTests {
    private func parse(_ lines: String) throws(ConfigurationError) -> Configuration {
        try ConfigurationFile.parse("# first line\n[limits]\n" + lines, path: "wgmd.toml", hostName: "gw1")
    }

    /// The same file with everything in the way moved aside.
    private func alone(_ key: LimitKey, _ value: Int) -> String {
        let makesRoom = [
            "connections": 16384, "connections_per_user": 1, "connections_from_network": 0,
            "connections_per_address": 1, "calls_per_caller": 1, "calls": 65536, "default_timeout_ms": 100,
            "longest_timeout_ms": 3_600_000, "max_message_bytes": 64 << 10,
            "assembly_bytes": key.name == "assembly_total_bytes" ? 64 << 10 : 16 << 20,
            "assembly_total_bytes": 1 << 34, "initial_window_bytes": 16 << 10, "connection_window_bytes": 64 << 20,
            "output_low_bytes": 16 << 10, "output_high_bytes": 64 << 20, "handshake_bytes": 1 << 20,
            "token_bytes": 1024,
        ]
        // What is asked about stands in the third line.
        let others = makesRoom.filter { $0.key != key.name }.map { "\($0.key) = \($0.value)" }.sorted()
        return (["\(key.name) = \(value)"] + others).joined(separator: "\n")
    }

    @Test("without the table the defaults hold, which are within their ranges")
    func defaults() throws {
        #expect(try ConfigurationFile.parse("", path: "x", hostName: "gw1").limits == WireLimits())
        #expect(try parse("").limits == WireLimits())
        for key in LimitKey.all { #expect(key.range.contains(key.value(in: WireLimits())), "\(key.name)") }
        #expect(Set(LimitKey.all.map(\.name)).count == LimitKey.all.count)
    }

    @Test("both ends of every key's range are taken and change that limit", arguments: LimitKey.all)
    func range(key: LimitKey) throws {
        for value in [key.range.lowerBound, key.range.upperBound] {
            let limits = try parse(alone(key, value)).limits
            #expect(key.value(in: limits) == value)
        }
        let other = key.value(in: WireLimits()) == key.range.lowerBound ? key.range.upperBound : key.range.lowerBound
        var changed = WireLimits()
        key.set(other, in: &changed)
        #expect(changed != WireLimits(), "\(key.name) sets nothing")
    }

    @Test("beyond its range, in quotes or with a fraction a key is refused with its line", arguments: LimitKey.all)
    func beyond(key: LimitKey) throws {
        for value in ["\(key.range.lowerBound - 1)", "\(key.range.upperBound + 1)", "\"1000\"", "1000.5", "true"] {
            let error = try #require(throws: ConfigurationError.self) { try parse("\(key.name) = \(value)") }
            #expect(error.problems.map(\.line) == [3], "\(value): \(error)")
            #expect(error.problems.first?.message == "`\(key.name)` must be \(key.rule)")
        }
    }

    @Test(
        "keys that do not go together are refused, at the one that the file has",
        arguments: [
            ("connections_per_user = 300", 3, "must not be above `connections` (256)"),
            ("streams = 9\nconnections = 10", 4, "one user could not have so many"),
            ("calls = 100", 3, "`calls_per_caller` (128) must not be above `calls` (100)"),
            ("default_timeout_ms = 700_000", 3, "longest_timeout_ms"),
            ("max_message_bytes = 2_000_000\nassembly_bytes = 1_000_000", 3, "could not be completed"),
            ("connection_window_bytes = 100_000", 3, "initial_window_bytes"),
            ("output_high_bytes = 100_000", 3, "output_low_bytes"),
            ("handshake_bytes = 6000", 3, "could not be presented"),
            ("colour = 3", 3, "unknown key `colour` in [limits]; the keys are connections, "),
        ]
    )
    func together(lines: String, line: Int, words: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try parse(lines) }
        #expect(error.problems.contains { $0.line == line && $0.message.contains(words) }, "\(error)")
    }

    @Test("a key is not taken for another that begins like it")
    func line() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try parse("connections_per_user = 1\nconnections = 0")
        }
        #expect(error.problems.first?.line == 4)
    }

    @Test("what is no table is refused, and a changed limit waits for a restart")
    func table() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.parse("limits = 7", path: "x", hostName: "gw1")
        }
        #expect(error?.problems.first?.message.contains("[limits]") == true)
        let new = try ConfigurationFile.parse("[limits]\nstreams = 7", path: "x", hostName: "gw1")
        #expect(Configuration(node: "gw1").keysNeedingRestart(for: new) == ["limits"])
    }

    @Test("the manual, the guide and the protocol name every key; the guide with default and range")
    func documents() throws {
        let tree = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        func text(_ path: String) throws -> String {
            try String(contentsOf: tree.appending(path: path), encoding: .utf8)
        }
        let guide = try text("docs/configuration.md")
        let manual = try text("docs/man/wgmd.toml.5.scd")
        let wire = try text("docs/protocol.md")
        for key in LimitKey.all {
            let range = "\(key.range.lowerBound) to \(key.range.upperBound)"
            let value = key.value(in: WireLimits())
            #expect(guide.contains("| `\(key.name)` | \(value) | \(range) |"), "\(key.name)")
            #expect(manual.contains("*\(key.name)*\n"), "\(key.name)")
            #expect(manual.contains(": \(range). Default: \(value)."), "\(key.name)")
            let suffix = key.name.split(separator: "_").last.map { "`_\($0)`" } ?? ""
            let isGrouped = key.name.hasPrefix("handshake_") && wire.contains(suffix)
            #expect(wire.contains("`\(key.name)`") || isGrouped, "\(key.name)")
        }
    }
}
