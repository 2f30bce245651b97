// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// An implementation of docs/protocol.md, as a program that Tests/interop/CASES.md describes.
enum Implementation: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case python

    var testDescription: String { rawValue }

    func program() -> URL {
        switch self {
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
        process.executableURL = implementation.program()
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
    @Test("Every case of CASES.md", arguments: Implementation.allCases, Implementation.allCases)
    func everyCase(client: Implementation, server: Implementation) throws {
        let folder = try TestFolder()
        let serving = try InteropServer(server, in: folder)
        let names = try cases()
        #expect(names.count >= 19)
        let result = try run(
            client.program().path,
            ["client", serving.socket] + names,
            environment: ["PATH": "/usr/bin:/bin"],
            scratch: folder
        )
        #expect(result.output.split(separator: "\n").map(String.init) == names.map { "ok \($0)" }, "\(result.errors)")
        #expect(result.code == 0)
        #expect(serving.stop() == 0)
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
