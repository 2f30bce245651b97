// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What Tests/terminal/terminal.py says of a program that ran on a terminal.
struct TerminalRun: Decodable {
    let code: Int32?
    let output: String
    let restored: Bool
    /// The step that did not come about.
    let failure: String?

    /// Runs wgmctl as root on a terminal of this size, step by step.
    init(
        _ gateway: Gateway,
        _ arguments: [String],
        size: String = "100x20",
        locale: String = "C.UTF-8",
        steps: String...
    ) throws {
        let driver = Process()
        driver.executableURL = Place.tree.appending(path: "Tests/terminal/terminal.py")
        driver.arguments = [size, try Place.programs().appending(path: "wgmctl").path] + arguments
        driver.environment = [
            "WGM_SOCKET": gateway.socket, "XDG_RUNTIME_DIR": gateway.folder.path + "/user", "TERM": "xterm",
            "LC_ALL": locale, "PATH": "/usr/bin:/bin",
        ]
        let (input, output) = (Pipe(), Pipe())
        driver.standardInput = input
        driver.standardOutput = output
        try driver.run()
        try input.fileHandleForWriting.write(contentsOf: Data(steps.joined(separator: "\n").utf8))
        try input.fileHandleForWriting.close()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        driver.waitUntilExit()
        self = try JSONDecoder().decode(TerminalRun.self, from: said)
    }
}
