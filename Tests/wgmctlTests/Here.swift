// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Where the tests find what they need.
enum Here {
    /// The folder of the package.
    static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The program that was built along with the tests.
    static func program() throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("wgmctl").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "there is no wgmctl beside the tests")
        return path
    }
}

/// Public keys that differ.
enum Keys {
    static let first = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
    static let second = "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A="
    static let third = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2A="
}

/// An empty folder that goes away with the value.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("wgmctl-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: file(name))
        return try #require(attributes[.posixPermissions] as? Int)
    }

    func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }
}

/// What a program left behind.
struct Run {
    var status: Int32
    var output: String
    var errors: String

    /// Runs a program of the path, or one with a path of its own, to its end.
    static func program(
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:]
    ) throws -> Run {
        let folder = try Folder()
        try Data(input.utf8).write(to: URL(fileURLWithPath: folder.file("in")))
        for name in ["out", "err"] { try Data().write(to: URL(fileURLWithPath: folder.file(name))) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"].merging(environment) { $1 }
        process.standardInput = FileHandle(forReadingAtPath: folder.file("in"))
        process.standardOutput = FileHandle(forWritingAtPath: folder.file("out"))
        process.standardError = FileHandle(forWritingAtPath: folder.file("err"))
        try process.run()
        process.waitUntilExit()
        return Run(status: process.terminationStatus, output: try folder.text("out"), errors: try folder.text("err"))
    }
}
