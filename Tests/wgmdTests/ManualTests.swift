// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Logging
import Testing

@testable import wgmd

@Suite("The manual")
struct ManualTests {
    private func page(_ name: String) throws -> String {
        let tree = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: tree.appending(path: name), encoding: .utf8)
    }

    @Test("names every key of the configuration", arguments: ["docs/man/wgmd.toml.5.scd", "docs/configuration.md"])
    func keys(_ name: String) throws {
        let text = try page(name)
        for key in ConfigurationFile.keys {
            #expect(text.contains("*\(key)*") || text.contains("`\(key)`"), "\(key) is not in \(name)")
        }
    }

    @Test("names every option of wgmd")
    func options() throws {
        let text = try page("docs/man/wgmd.8.scd")
        let commands: [any ParsableCommand.Type] = [WGMD.self, Run.self, Check.self, Migrate.self, RunDatabase.self]
        let help = commands.map { $0.helpMessage() }.joined(separator: "\n")
        let options = Set(help.matches(of: /--[a-z][a-z-]+/).map { String($0.output) })
        #expect(options.count > 4)
        for option in options { #expect(text.contains("*\(option)*"), "\(option) is not in wgmd.8") }
    }
}

@Suite("A reload")
struct ReloadTests {
    @Test("names every key whose change waits for a restart, and not the one that does not")
    func restart() {
        let old = Configuration(node: "gw1")
        var new = old
        new.logLevel = .debug
        #expect(old.keysNeedingRestart(for: new).isEmpty)
        new.socket = "/run/other.sock"
        new.keeperSocket = "/run/keeper.sock"
        #expect(old.keysNeedingRestart(for: new) == ["socket", "keeper_socket"])
        #expect(Set(new.keysNeedingRestart(for: Configuration(node: "gw2"))) == ["node", "socket", "keeper_socket"])
    }

    @Test("changes the log level, and a bad file changes nothing")
    func level() {
        let level = SharedLogLevel(.info)
        let logger = level.makeLogger()
        var good = Configuration(node: "gw1")
        good.logLevel = .critical
        Reload(running: Configuration(node: "gw1"), level: level, logger: logger) { () throws(ConfigurationError) in
            good
        }
        .run()
        #expect(logger.logLevel == .critical)
        Reload(running: good, level: level, logger: logger) { () throws(ConfigurationError) in
            throw ConfigurationError(path: "wgmd.toml", problems: [.init(line: 3, message: "bad")])
        }
        .run()
        #expect(logger.logLevel == .critical)
    }
}
