// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A real gateway in namespaces of its own: PostgreSQL, wgmd and the keeper; it ends with this process at the latest.
actor Gateway {
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    let folder: TestFolder
    private let process: Process
    private let commands: FileHandle
    private let replies: FileHandle

    /// One for all tests that leave it as they found it, with wg0 and the peer alice.
    static let shared = Task { try Gateway(furnished: true) }

    /// `units`: keeper and database are programs of their own, as systemd runs them.
    init(furnished: Bool, units: Bool = false) throws {
        folder = try TestFolder()
        let (input, output) = (Pipe(), Pipe())
        process = Process()
        process.executableURL = Place.tree.appending(path: "scripts/test-gateway")
        process.arguments = [folder.path, try Place.programs().path] + (units ? ["units"] : [])
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        commands = input.fileHandleForWriting
        replies = output.fileHandleForReading
        let (code, text) = try Self.reply(from: replies)
        guard code == 0 else { throw Unusable(description: "the gateway did not start:\n\(text)") }
        // The shared gateway ends with the process, when nobody is left to tidy up.
        _ = try Self.send("remove_folder_at_end", commands, replies)
        guard furnished else { return }
        for arguments in Self.furniture {
            let result = try Self.control(arguments, folder)
            guard result.code == 0 else {
                throw Unusable(description: "\(arguments.joined(separator: " ")): \(result.errors)")
            }
        }
    }

    static let aliceKey = "YWxpY2VhbGljZWFsaWNlYWxpY2VhbGljZWFsaWNlYWw="
    private static let furniture = [
        ["login"],
        ["interface", "create", "wg0", "--endpoint", "192.0.2.1", "--ipv4-pool", "10.90.0.0/24"],
        ["peer", "create", "wg0", "alice", "--public-key", aliceKey, "--allow", "10.91.0.0/16"],
    ]

    nonisolated var socket: String { folder.path + "/run/wgmd.sock" }

    /// wgmctl as root.
    nonisolated func control(_ arguments: String...) throws -> CommandResult { try Self.control(arguments, folder) }

    nonisolated func control(_ arguments: [String]) throws -> CommandResult { try Self.control(arguments, folder) }

    private static func control(_ arguments: [String], _ folder: TestFolder) throws -> CommandResult {
        let program = try Place.programs().appending(path: "wgmctl").path
        return try IntegrationTests.run(program, arguments, environment: environment(folder), scratch: folder)
    }

    /// wgmctl as the user daemon, who may open the socket and has no role.
    nonisolated func controlAsDaemon(_ arguments: String...) throws -> CommandResult {
        let program = folder.path + "/wgmctl"
        // The tree may be where only root can read.
        if !FileManager.default.fileExists(atPath: program) {
            try FileManager.default.copyItem(atPath: Place.programs().appending(path: "wgmctl").path, toPath: program)
        }
        var environment = Self.environment(folder)
        environment["XDG_RUNTIME_DIR"] = nil
        let identity = ["--reuid", "daemon", "--regid", "daemon", "--groups", "wgm", program]
        return try IntegrationTests.run(
            "/usr/bin/setpriv",
            identity + arguments,
            environment: environment,
            scratch: folder
        )
    }

    private static func environment(_ folder: TestFolder) -> [String: String] {
        [
            "WGM_SOCKET": folder.path + "/run/wgmd.sock", "XDG_RUNTIME_DIR": folder.path + "/user",
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "NO_COLOR": "1",
        ]
    }

    /// Runs a shell command inside the gateway's namespaces.
    func inside(_ command: String) throws -> (code: Int32, output: String) {
        try Self.send(command, commands, replies)
    }

    private static func send(
        _ command: String,
        _ commands: FileHandle,
        _ replies: FileHandle
    ) throws -> (code: Int32, output: String) {
        try commands.write(contentsOf: Data((command + "\n").utf8))
        return try reply(from: replies)
    }

    /// Reads up to a line `done CODE`.
    private static func reply(from replies: FileHandle) throws -> (code: Int32, output: String) {
        var text = ""
        while true {
            let bytes = replies.availableData
            guard !bytes.isEmpty else { throw Unusable(description: "the gateway ended:\n\(text)") }
            text += String(decoding: bytes, as: UTF8.self)
            guard text.hasSuffix("\n") else { continue }
            let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
            guard let last = lines.last, last.hasPrefix("done "), let code = Int32(last.dropFirst(5)) else { continue }
            return (code, lines.dropLast().joined(separator: "\n"))
        }
    }

    /// Ends everything.
    func stop() {
        try? commands.close()
        process.waitUntilExit()
        folder.remove()
    }
}
