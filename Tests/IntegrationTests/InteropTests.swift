// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// An implementation of docs/protocol.md, as a program that Tests/interop/CASES.md describes.
enum Implementation: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case swift, python

    var testDescription: String { rawValue }

    func program() throws -> URL {
        switch self {
        case .swift: try Place.programs().appending(path: "wgm-interop")
        case .python: Place.tree.appending(path: "Tests/interop/interop.py")
        }
    }
}

/// A server of the interop service on a socket of its own; it ends with the test.
private final class InteropServer {
    let socket: String
    private let process = Process()

    init(_ implementation: Implementation, in folder: TestFolder) throws {
        socket = folder.newFile()
        let said = Pipe()
        process.executableURL = try implementation.program()
        process.arguments = ["server", socket]
        process.standardOutput = said
        try process.run()
        var line = ""
        while !line.hasSuffix("\n") {
            let more = said.fileHandleForReading.availableData
            try #require(!more.isEmpty, "the server has ended")
            line += String(decoding: more, as: UTF8.self)
        }
        try #require(line == "listening\n")
    }

    /// Its exit code after SIGTERM.
    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit { if process.isRunning { _ = stop() } }
}

/// The names in the table of CASES.md.
private func cases() throws -> [String] {
    let text = try String(contentsOf: Place.tree.appending(path: "Tests/interop/CASES.md"), encoding: .utf8)
    return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst().compactMap { line in
        line.split(separator: "|").first.map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

@Suite("Two implementations of docs/protocol.md understand each other")
struct InteropTests {
    /// What each pairing said about each case.
    private struct Table {
        var columns: [(title: String, verdicts: [String: String])] = []

        func text(_ names: [String]) -> String {
            let width = names.map(\.count).max() ?? 0
            let head = "case".padding(toLength: width, withPad: " ", startingAt: 0)
            let lines = names.map { name in
                let cells = columns.map { column in
                    (column.verdicts[name] ?? "-").padding(toLength: column.title.count, withPad: " ", startingAt: 0)
                }
                return ([name.padding(toLength: width, withPad: " ", startingAt: 0)] + cells).joined(separator: "  ")
            }
            return ([([head] + columns.map(\.title)).joined(separator: "  ")] + lines).joined(separator: "\n")
        }
    }

    @Test("Every case of CASES.md holds in all four pairings")
    func everyCase() throws {
        let names = try cases()
        #expect(names.count >= 19)
        var table = Table()
        for client in Implementation.allCases {
            for server in Implementation.allCases {
                let verdicts = try verdicts(of: client, with: server, names)
                table.columns.append(("\(client) with \(server)", verdicts))
                for name in names {
                    #expect(verdicts[name] == "ok", "\(name), \(client) client, \(server) server")
                }
            }
        }
        print(table.text(names))
    }

    /// What the client's program says about each case, and that both programs end well.
    private func verdicts(
        of client: Implementation,
        with server: Implementation,
        _ names: [String]
    ) throws -> [String: String] {
        let folder = try TestFolder()
        let serving = try InteropServer(server, in: folder)
        let result = try run(
            client.program().path,
            ["client", serving.socket] + names,
            environment: ["PATH": "/usr/bin:/bin"],
            scratch: folder
        )
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        #expect(serving.stop() == 0)
        let lines = result.output.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1) }
        #expect(lines.count == names.count)
        return Dictionary(
            lines.compactMap { $0.count == 2 ? (String($0[1].prefix { $0 != ":" }), String($0[0])) : nil },
            uniquingKeysWith: { $1 }
        )
    }

    @Test(
        "A client from docs/protocol.md alone logs in, lists, makes a peer once however often it asks, and removes it"
    )
    func realGateway() async throws {
        let gateway = try await Gateway.shared.value
        let result = try run(
            Place.tree.appending(path: "Tests/interop/gateway.py").path,
            [gateway.socket],
            environment: ["PATH": "/usr/bin:/bin"],
            scratch: gateway.folder
        )
        #expect(result.output.split(separator: "\n").count { $0.hasPrefix("ok ") } == 10, "\(result.output)")
        #expect(result.code == 0, "\(result.output)\(result.errors)")
    }
}
