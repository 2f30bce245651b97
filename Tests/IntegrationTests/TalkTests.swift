// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("The article \"Talk to wgmd in 20 lines\"")
struct TalkTests {
    /// The first listing of the article.
    private func listing() throws -> [Substring] {
        let path = "Sources/WGMRPC/WGMRPC.docc/TalkToWgmd.md"
        let article = try String(contentsOf: Place.tree.appending(path: path), encoding: .utf8)
        let lines = article.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: "```swift"))
        let end = try #require(lines[start...].firstIndex(of: "```"))
        return Array(lines[(start + 1)..<end])
    }

    @Test("shows the program that is compiled, line for line")
    func isCompiled() throws {
        let source = try String(contentsOf: Place.tree.appending(path: "Tests/talk/Talk.swift"), encoding: .utf8)
        let compiled = source.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().dropLast()
        #expect(try listing() == Array(compiled))
    }

    @Test("needs no more than 20 lines, without imports and brackets")
    func isShort() throws {
        let lines = try listing().map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(lines.filter { !$0.isEmpty && $0 != "}" && !$0.hasPrefix("import ") }.count <= 20)
    }

    @Test("lists the peers of a real gateway and follows its changes")
    func runs() async throws {
        let gateway = try await Gateway.shared.value
        let result = try run(
            Place.programs().appending(path: "wgm-talk").path,
            [gateway.socket],
            environment: ["PATH": "/usr/bin:/bin"],
            scratch: gateway.folder
        )
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("alice ") && $0.contains("10.90.0.") }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("revision ") && $0.contains("[\"alice\"]") }, "\(lines)")
    }
}
