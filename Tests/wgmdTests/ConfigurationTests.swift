// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Testing
import WGMModel
import WGMRPC
import WGMService

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

    @Test(
        "a key of a table that stands above its line is told where it belongs",
        arguments: [
            ("connections = 256", "`connections` belongs below a line [limits]"),
            ("listen = [\"[::]:1\"]", "`listen` belongs below a line [tls]"),
            ("log_level = debug", "text stands in quotes"),
        ]
    )
    func misplaced(text: String, words: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try parse("# first\n" + text) }
        #expect(error.problems.map(\.line) == [2] && error.problems.first?.message.contains(words) == true, "\(error)")
    }

    @Test(
        "a password in the database's address is seen",
        arguments: [
            ("postgresql://wgm@db/wgm", false), ("postgresql://wgm@[::1]:5432/wgm", false),
            ("postgres://db:5/w", false),
            ("postgresql://wgm:secret@db/wgm", true), ("postgresql://db/wgm?user=a&password=b", true),
        ]
    )
    func password(uri: String, isThere: Bool) throws {
        #expect(try parse("database = \"\(uri)\"").database.hasPassword == isThere)
        #expect(try !parse("").database.hasPassword)
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

    @Test("the TLS port is read")
    func tls() throws {
        let configuration = try parse(
            """
            [tls]
            listen = ["[::]:51821", "192.0.2.1:443"]
            certificate = "/etc/wgm/tls/server.pem"
            key = "/etc/wgm/tls/server.key"
            client_ca = "/etc/wgm/tls/ca.pem"
            client_certificates = "required"
            allow = ["2001:db8::/32", "192.0.2.7"]
            """
        )
        let tls = try #require(configuration.tls)
        #expect(tls.listen.map(\.description) == ["[::]:51821", "192.0.2.1:443"])
        #expect(tls.clientCertificates == .required)
        #expect(tls.allow.map(\.description) == ["2001:db8::/32", "192.0.2.7/32"])
        #expect(tls.clientAuthority == "/etc/wgm/tls/ca.pem")
        #expect(try parse("").tls == nil)
    }

    @Test("without `listen` the port must come from systemd, and a port from systemd needs the table")
    func portFromSystemd() throws {
        let port = InheritedSocket(descriptor: socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0), name: "tls")
        let local = InheritedSocket(descriptor: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0), name: "wgmd.socket")
        defer {
            close(port.descriptor)
            close(local.descriptor)
        }
        let files = "certificate = \"/no/server.pem\"\nkey = \"/no/server.key\"\nclient_certificates = \"off\""
        let table = try #require(try parse("[tls]\n" + files).tls)
        let nowhere = #expect(throws: StartError.self) { try TLSPort.check(table, inheriting: [local]) }
        #expect(nowhere?.code == 78 && nowhere?.description.contains("wgmd-tls.socket") == true)
        let found = #expect(throws: StartError.self) { try TLSPort.check(table, inheriting: [local, port]) }
        #expect(found?.description.contains("/no/server") == true, "it goes on to the files")
        let tableless = #expect(throws: StartError.self) { try TLSPort.check(nil, inheriting: [port]) }
        #expect(tableless?.code == 78 && tableless?.description.contains("no [tls]") == true)
        try TLSPort.check(nil, inheriting: [local])
    }

    @Test(
        "a bad value of the TLS port is refused with its line",
        arguments: [
            ("listen = []", 2), ("listen = \"[::]:1\"", 2), ("listen = [\"[::]\"]", 2), ("listen = [\"host:1\"]", 2),
            ("key = \"server.key\"", 2), ("certificate = 7", 2), ("client_certificates = \"maybe\"", 2),
            ("allow = [\"2001:db8::1/32\"]", 2), ("allow = [7]", 2), ("port = 1", 2),
            ("client_certificates = \"off\"", 1),
        ]
    )
    func badTLS(line: String, number: Int) throws {
        let error = #expect(throws: ConfigurationError.self) { try parse("[tls]\n" + line) }
        #expect(error?.problems.contains { $0.line == number } == true, "\(String(describing: error))")
    }

    @Test(
        "a bad value is refused with its line",
        arguments: [
            ("node = \"a/b\"", "node"), ("node = \"\"", "node"), ("state = \"relative\"", "state"),
            ("state = \"/a/../b\"", "state"), ("socket = 7", "socket"),
            ("socket_group = \"a b\"", "socket_group"), ("database = \"mysql://x\"", "database"),
            ("log_level = \"loud\"", "log_level"), ("tls = 1", "tls"), ("colour = \"red\"", "colour"),
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
            try parse("state = \"x\"\nnode = \"a b\"\nunknown = \"1\"\n")
        }
        #expect(error.problems.map(\.line) == [1, 2, 3])
        #expect(error.description.split(separator: "\n").allSatisfy { $0.hasPrefix("wgmd.toml:") })
    }

    @Test("text that is not TOML is refused with its line")
    func syntax() throws {
        let error = try #require(throws: ConfigurationError.self) { try parse("node = \"gw1\"\n= = =\n") }
        #expect(error.problems.map(\.line) == [2])
    }

    @Test(
        "what cannot be read is told apart",
        arguments: [
            ("/nonexistent/wgmd.toml", "No such file"), ("/etc", "is a folder"),
            ("/usr/bin/env", "is not text in UTF-8"), ("/dev/null", "is not a regular file"),
            ("/dev/zero", "is not a regular file"),
        ]
    )
    func unreadable(path: String, words: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try ConfigurationFile.load(path) }
        #expect(error.problems.count == 1)
        #expect(error.problems[0].message.contains(words))
    }

    @Test("an empty pipe and a socket are refused; they do not stand for an empty configuration, and nobody waits")
    func specialFiles() throws {
        let folder = try temporaryFolder()
        defer { removeTemporary(folder, files: ["pipe", "socket"]) }
        let pipe = folder + "/pipe"
        try #require(unsafe mkfifo(pipe, 0o600) == 0)
        #expect(throws: refusal(pipe, "is a pipe: write the configuration to a regular file")) {
            try ConfigurationFile.load(pipe)
        }
        // With a writer that says nothing there is not even an end of file.
        let writer = unsafe open(pipe, O_RDWR | O_CLOEXEC)
        try #require(writer >= 0)
        defer { close(writer) }
        #expect(throws: refusal(pipe, "is a pipe: write the configuration to a regular file")) {
            try ConfigurationFile.load(pipe)
        }
        let socket = folder + "/socket"
        try #require(unsafe mknod(socket, S_IFSOCK | 0o600, 0) == 0)
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.load(socket) }
    }

    @Test("a file of 1 MiB is read, one of a byte more refused")
    func length() throws {
        let folder = try temporaryFolder()
        defer { removeTemporary(folder, files: ["file"]) }
        let file = folder + "/file"
        try write([UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20), to: file)
        #expect(try ConfigurationFile.load(file).database == .embedded)
        try write([UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20 + 1), to: file)
        #expect(throws: refusal(file, "is longer than 1048576 bytes")) { try ConfigurationFile.load(file) }
    }

    private func refusal(_ path: String, _ message: String) -> ConfigurationError {
        ConfigurationError(path: path, problems: [.init(line: nil, message: message)])
    }

    private func temporaryFolder() throws -> String {
        var template = Array("/tmp/wgmd-configuration-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func removeTemporary(_ folder: String, files: [String]) {
        for file in files { _ = unsafe unlink(folder + "/" + file) }
        _ = unsafe rmdir(folder)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    @Test("a file that was named and is missing is an error")
    func missingFile() {
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.load("/nonexistent/wgmd.toml") }
    }
}
