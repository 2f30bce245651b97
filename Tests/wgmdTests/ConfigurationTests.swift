// SPDX-License-Identifier: Apache-2.0

import Logging
import Testing

@testable import wgmd

@Suite struct ConfigurationTests {
    private func parse(_ text: String) throws(ConfigurationError) -> Configuration {
        try ConfigurationFile.parse(text, path: "wgmd.toml", hostName: "gw1")
    }

    @Test("an empty file is a good one")
    func empty() throws {
        #expect(try parse("") == Configuration(node: "gw1"))
        #expect(try parse("# nothing\n").database == .embedded)
    }

    @Test("every key is read")
    func everyKey() throws {
        let configuration = try parse(
            """
            node = "edge-7"
            state = "/srv/wgm"
            socket = "/run/edge/wgmd.sock"
            socket_group = "net"
            database = "postgresql://wgm@db.example.net/wgm?sslmode=verify-full"
            user = "gw"
            keeper_user = "gw-keeper"
            postgres_user = "gw-postgres"
            userspace_program = ""
            keeper_program = "/opt/wgm/wgmd-keeper"
            log_level = "debug"
            """
        )
        var wanted = Configuration(node: "edge-7")
        wanted.state = "/srv/wgm"
        wanted.socket = "/run/edge/wgmd.sock"
        wanted.socketGroup = "net"
        wanted.database = .external(uri: "postgresql://wgm@db.example.net/wgm?sslmode=verify-full")
        wanted.user = "gw"
        wanted.keeperUser = "gw-keeper"
        wanted.postgresUser = "gw-postgres"
        wanted.userspaceProgram = nil
        wanted.keeperProgram = "/opt/wgm/wgmd-keeper"
        wanted.logLevel = .debug
        #expect(configuration == wanted)
        #expect(configuration.runFolder == "/run/edge")
    }

    @Test(
        "a bad value is refused with its line",
        arguments: [
            ("node = \"a/b\"", "node"), ("node = \"\"", "node"), ("state = \"relative\"", "state"),
            ("state = \"/a/../b\"", "state"), ("socket = 7", "socket"),
            ("socket_group = \"a b\"", "socket_group"), ("database = \"mysql://x\"", "database"),
            ("log_level = \"loud\"", "log_level"), ("[tls]\nport = 1", "tls"), ("colour = \"red\"", "colour"),
            ("socket = \"/\(String(repeating: "x", count: 120))\"", "socket"),
        ]
    )
    func badValue(text: String, key: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try parse("# first line\n" + text) }
        #expect(error.problems.count == 1)
        #expect(error.problems[0].line == 2)
        #expect(error.problems[0].message.contains(key))
    }

    @Test("all problems are listed, not the first only")
    func allProblems() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try parse("node = \"a b\"\nstate = \"x\"\nunknown = \"1\"\n")
        }
        #expect(Set(error.problems.map(\.line)) == [1, 2, 3])
        #expect(error.description.split(separator: "\n").allSatisfy { $0.hasPrefix("wgmd.toml:") })
    }

    @Test("text that is not TOML is refused with its line")
    func syntax() throws {
        let error = try #require(throws: ConfigurationError.self) { try parse("node = \"gw1\"\n= = =\n") }
        #expect(error.problems.map(\.line) == [2])
    }

    @Test("a file that was named and is missing is an error")
    func missingFile() {
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.load("/nonexistent/wgmd.toml") }
    }
}
