// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Where the tree and its programs are, and folders for tests.
enum Place {
    static let tree = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The folder of the built programs: the one that the test bundle runs from.
    static func programs() throws -> URL {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: own).deletingLastPathComponent()
    }
}

/// A folder with a short name, since a Unix socket's path has room for 107 bytes; removed when the test is over.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = "/tmp/wgm-\(UInt32.random(in: 0 ... .max))"
        // Others must reach the socket in it.
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        // wgmctl keeps its token there, and demands that nobody else can look.
        try FileManager.default.createDirectory(atPath: path + "/user", withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path + "/user")
    }

    /// A name in the folder that nothing has yet.
    func newFile() -> String { "\(path)/\(UInt32.random(in: 0 ... .max))" }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    deinit { remove() }
}
