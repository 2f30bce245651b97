// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("The manual")
struct ManualTests {
    private func run(_ program: String, _ arguments: [String]) throws -> (code: Int32, output: Data) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, data)
    }

    @Test("has a page for each group of commands, which names every option")
    func pages() throws {
        let tree = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let program = try Here.program()
        let folder = FileManager.default.temporaryDirectory.appending(path: "wgm-man-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let programs = URL(filePath: program).deletingLastPathComponent().path
        #expect(try run(tree.appending(path: "scripts/render-man").path, [folder.path, programs]).code == 0)
        for page in ["man5/wgmd.toml.5", "man5/wgm-gateway.yaml.5", "man7/wgm-protocol.7", "man8/wgmd.8"] {
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: page).path), "\(page)")
        }
        let help = try JSONDecoder().decode(Help.self, from: try run(program, ["--experimental-dump-help"]).output)
        let main = try String(contentsOf: folder.appending(path: "man1/wgmctl.1"), encoding: .utf8).replacing(
            "\\",
            with: ""
        )
        for group in help.command.subcommands ?? [] where group.shouldDisplay ?? true {
            guard let commands = group.subcommands, group.commandName != "help" else { continue }
            let page = folder.appending(path: "man1/wgmctl-\(group.commandName).1")
            let text = try String(contentsOf: page, encoding: .utf8).replacing("\\", with: "")
            for option in commands.flatMap(\.options) { #expect(text.contains(option), "\(option) in \(page.path)") }
            #expect(main.contains("wgmctl-\(group.commandName)"), "\(group.commandName) in wgmctl(1)")
        }
    }

    @Test("Examples that go over several lines keep their backslashes in the pages")
    func continuations() throws {
        let tree = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let program = try Here.program()
        let folder = FileManager.default.temporaryDirectory.appending(path: "wgm-man-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let programs = URL(filePath: program).deletingLastPathComponent().path
        #expect(try run(tree.appending(path: "scripts/render-man").path, [folder.path, programs]).code == 0)
        let pages = try FileManager.default.contentsOfDirectory(
            at: folder.appending(path: "man1"),
            includingPropertiesForKeys: nil
        )
        let lines = try pages.flatMap { try String(contentsOf: $0, encoding: .utf8).split(separator: "\n") }
        #expect(lines.contains { $0.hasSuffix(" \\\\") })
        for line in lines { #expect(!line.hasSuffix(" "), "\(line)") }
    }

    @Test("Examples of --help can be pasted: no line is wider than what help is broken to")
    func examples() throws {
        let program = try Here.program()
        let help = try JSONDecoder().decode(Help.self, from: try run(program, ["--experimental-dump-help"]).output)
        let groups = (help.command.subcommands ?? []).filter { $0.commandName != "help" }
        let commands =
            [[]]
            + groups.flatMap { group in
                [[group.commandName]] + (group.subcommands ?? []).map { [group.commandName, $0.commandName] }
            }
        var count = 0
        for command in commands {
            let text = String(decoding: try run(program, command + ["--help"]).output, as: UTF8.self)
            let own = text.range(of: "\nOPTIONS:\n")?.lowerBound
            let common = text.range(of: "\nOPTIONS OF EVERY COMMAND:\n")?.lowerBound
            if let own, let common { #expect(own < common, "\(command)") }
            guard let start = text.firstRange(of: "EXAMPLES:\n")?.upperBound else { continue }
            var isContinued = false
            for line in text[start...].split(separator: "\n", omittingEmptySubsequences: false).prefix(while: {
                !$0.isEmpty
            }) {
                let isCommand = ["  wgmctl ", "  sudo wgmctl ", "  jq "].contains { line.hasPrefix($0) }
                #expect(isCommand || (isContinued && line.hasPrefix("      -")), "\(command): \(line)")
                isContinued = line.hasSuffix(" \\")
                count += 1
            }
        }
        #expect(count > 60)
    }

    /// What ArgumentParser says about a program.
    private struct Help: Decodable { let command: Command }

    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                let kind: String
                let name: String
            }
            let names: [Name]?
            let shouldDisplay: Bool?
        }
        let commandName: String
        let shouldDisplay: Bool?
        let arguments: [Argument]?
        let subcommands: [Command]?

        /// Those of its own; the options of every command are in wgmctl(1).
        var options: [String] {
            let shared: Set = ["socket", "output", "timeout", "token-file", "confirm", "force", "help", "version"]
            let names = (arguments ?? []).filter { $0.shouldDisplay ?? true }.flatMap { $0.names ?? [] }
            return names.filter { $0.kind == "long" && !shared.contains($0.name) }.map { "--" + $0.name }
        }
    }
}
