// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import WGMModel

// sched.h shows it with _GNU_SOURCE only, which Swift's Glibc module does without.
@_silgen_name("unshare") private func unshare(_ flags: Int32) -> Int32

/// A thread with a network namespace and mounts of its own, in which a test may do as it likes.
enum Sandbox {
    private static let newNamespaces: Int32 = 0x4000_0000 | 0x0002_0000  // CLONE_NEWNET | CLONE_NEWNS

    struct Failure: Error { let step: String, errno: Int32 }

    /// Runs the body in a sandbox; the processes it leaves end with their links, which are deleted behind it.
    static func run(_ body: @escaping () throws -> Void) throws {
        let work = Work(body)
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(work).toOpaque()
        let result = unsafe pthread_create(&thread, nil, threadMain, argument)
        guard result == 0 else { throw Failure(step: "pthread_create", errno: result) }
        pthread_join(thread, nil)
        try work.outcome.get()
    }

    private final class Work {
        let body: () throws -> Void
        var outcome: Result<Void, any Error> = .success(())
        init(_ body: @escaping () throws -> Void) { self.body = body }
    }

    private static let threadMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument = unsafe argument else { return nil }
        let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        work.outcome = Result {
            try enter()
            defer { _ = try? shell("for l in $(ls /sys/class/net); do ip link delete $l 2>/dev/null; done") }
            try work.body()
        }
        return nil
    }

    private static func enter() throws {
        try check("unshare", unshare(newNamespaces))
        try check("private mounts", unsafe mount("none", "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil))
        try check("sysfs", unsafe mount("sys", "/sys", "sysfs", 0, nil))
        try check("tmpfs on /run", unsafe mount("tmpfs", "/run", "tmpfs", 0, nil))
        try check("mkdir", unsafe mkdir("/run/wireguard", 0o755))
        _ = try shell("ip link set lo up")
    }

    private static func check(_ step: String, _ result: Int32) throws {
        guard result == 0 else { throw Failure(step: step, errno: errno) }
    }

    /// What a command prints, in the namespace of this thread; throws when it fails.
    @discardableResult
    static func shell(_ command: String) throws -> String {
        guard let pipe = unsafe popen(command, "r") else { throw Failure(step: command, errno: errno) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, pipe)
            guard count > 0 else { break }
            output += buffer[..<count]
        }
        let status = unsafe pclose(pipe)
        guard status == 0 else { throw Failure(step: command, errno: status) }
        return String(decoding: output, as: UTF8.self)
    }
}

func shell(_ command: String) throws -> String { try Sandbox.shell(command) }
