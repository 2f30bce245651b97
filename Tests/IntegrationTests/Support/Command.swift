// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a program that has ended said.
struct CommandResult: Sendable {
    let code: Int32
    let output: String
    let errors: String

    /// The output as JSON; nil if it is none.
    func json<Value: Decodable>(_ type: Value.Type) -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(output.utf8))
    }
}

/// Runs a program to its end; output goes through files, so that no pipe can fill up.
func run(
    _ program: String,
    _ arguments: [String],
    environment: [String: String],
    scratch: TestFolder
) throws
    -> CommandResult
{
    let (output, errors) = (scratch.newFile(), scratch.newFile())
    defer { for path in [output, errors] { try? FileManager.default.removeItem(atPath: path) } }
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try emptyFile(output)
    process.standardError = try emptyFile(errors)
    try process.run()
    process.waitUntilExit()
    return CommandResult(
        code: process.terminationStatus,
        output: try String(contentsOfFile: output, encoding: .utf8),
        errors: try String(contentsOfFile: errors, encoding: .utf8)
    )
}

private func emptyFile(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(filePath: path))
    return try FileHandle(forWritingTo: URL(filePath: path))
}
