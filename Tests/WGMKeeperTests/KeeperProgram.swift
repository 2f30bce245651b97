// SPDX-License-Identifier: Apache-2.0

import CWGMSystem
import Foundation
import Glibc
import Testing
import WGMKeeperProtocol
import WGMModel

/// The built `wgmd-keeper`, started as in production: as root, over one end of a socket pair.
final class KeeperProgram {
    /// A user that every Debian has, and that owns nothing.
    static let user = "daemon"
    let process: pid_t
    private(set) var socket: Int32
    private let errors = Pipe()
    private var status: Int32?

    /// `wrapper` is a command with arguments that ends in executing what follows it.
    init(_ arguments: [String], wrapper: [String] = []) throws {
        var ends: (Int32, Int32) = (-1, -1)
        try #require(unsafe wgm_packet_socket_pair(&ends.0, &ends.1) == 0)
        defer { close(ends.1) }
        // Another test's child must not hold this end open.
        for end in [errors.fileHandleForReading, errors.fileHandleForWriting] {
            _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        let line = wrapper + [try Self.path(), "--socket-fd", "3"] + arguments
        process = try Self.spawn(line, socket: ends.1, errors: errors.fileHandleForWriting.fileDescriptor)
        socket = ends.0
        try errors.fileHandleForWriting.close()
    }

    /// As systemd does it: descriptor 3 is the listening socket, and the environment says so.
    init(listener: Int32, _ arguments: [String], notify: String, more: [String] = []) throws {
        socket = -1
        let script = #"LISTEN_PID=$$ LISTEN_FDS=1 NOTIFY_SOCKET=$0 exec env "$@""#
        let line = ["sh", "-c", script, notify] + more + [try Self.path()] + arguments
        process = try Self.spawn(line, socket: listener, errors: errors.fileHandleForWriting.fileDescriptor)
        try errors.fileHandleForWriting.close()
    }

    convenience init(state: String, _ more: [String] = [], wrapper: [String] = []) throws {
        try self.init(["--state", state, "--user", Self.user] + more, wrapper: wrapper)
    }

    deinit {
        if socket >= 0 { close(socket) }
        guard status == nil else { return }
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    /// The executable lies in the same build folder as the tests.
    static func path() throws -> String {
        var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appending(path: "wgmd-keeper").path
            if unsafe access(candidate, X_OK) == 0, !isFolder(candidate) { return candidate }
        }
        throw NotBuilt()
    }

    struct NotBuilt: Error, CustomStringConvertible {
        let description = "wgmd-keeper is not beside the tests: run swift build"
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        _ = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        return isFolder.boolValue
    }

    private static func spawn(_ line: [String], socket: Int32, errors: Int32) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, 3)
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe line.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        var variables: [UnsafeMutablePointer<CChar>?] = unsafe environment.map { unsafe strdup($0) }
        unsafe variables.append(nil)
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        var process: pid_t = 0
        let failure = unsafe posix_spawnp(&process, line[0], &actions, nil, &arguments, &variables)
        try #require(failure == 0, "\(line[0]): errno \(failure)")
        return process
    }

    private static var environment: [String] {
        let libraries = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? ""
        return ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH=" + libraries]
    }

    /// Hands the socket over to a client.
    func client() -> KeeperClient {
        defer { socket = -1 }
        return KeeperClient(fileDescriptor: socket)
    }

    /// Hands the socket over.
    func packets() -> PacketSocket {
        defer { socket = -1 }
        let packets = PacketSocket(owning: socket)
        packets.setTimeouts(seconds: 10)
        return packets
    }

    /// The exit code; -1 after a signal.
    func wait() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        unsafe waitpid(process, &raw, 0)
        let code = raw & 0x7f == 0 ? raw >> 8 & 0xff : -1
        status = code
        return code
    }

    /// All that was said on standard error; waits for the end.
    func complaint() -> String {
        String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    /// A line of `/proc/PID/status`.
    func status(_ field: String) throws -> String {
        let text = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(field + ":") })
        return line.dropFirst(field.count + 1).trimmingCharacters(in: .whitespaces)
    }
}

/// A state folder that the keeper's user can reach and does not own yet.
final class StateFolderFixture {
    let folder: TemporaryFolder
    var path: String { folder.path + "/keeper" }

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
    }
}
