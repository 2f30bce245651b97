// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Glibc

/// Python's protobuf in a process of its own: Fuzz/oracle.py, with classes from proto/.
final class PythonOracle {
    private let process = Process()
    private let requests = Pipe()
    private let replies = Pipe()

    init() throws {
        let fuzz = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-B", fuzz.appending(path: "oracle.py").path]
        process.standardInput = requests
        process.standardOutput = replies
        try process.run()
    }

    deinit {
        // At the end of its input the program ends.
        try? requests.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    enum Verdict: Equatable {
        case refused
        /// The bytes that Python writes after reading.
        case read([UInt8])
        /// Read, but a field came twice that can be there once, and the first was dropped.
        case merged
    }

    func read(_ name: String, _ bytes: [UInt8]) throws -> Verdict {
        let request = Array(name.utf8) + [0x0a] + bytes
        try give(Self.big(UInt32(request.count)) + request)
        let head = try take(5)
        let count = head.dropFirst().reduce(0) { $0 << 8 | Int($1) }
        let written = try take(count)
        return head[0] == 0 ? .refused : head[0] == 1 ? .read(written) : .merged
    }

    private func give(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe write(requests.fileHandleForWriting.fileDescriptor, bytes.baseAddress, bytes.count)
            }
            guard count > 0 || errno == EINTR else { throw Finding(description: "Python has ended") }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    /// libFuzzer's alarm, which looks for inputs that take too long, interrupts what waits; Foundation would call it an error.
    private func take(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let more = unsafe bytes.withUnsafeMutableBytes { bytes in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
                return unsafe Glibc.read(replies.fileHandleForReading.fileDescriptor, rest.baseAddress, rest.count)
            }
            guard more > 0 || more < 0 && errno == EINTR else { throw Finding(description: "Python has ended") }
            done += max(more, 0)
        }
        return bytes
    }

    private static func big(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
}
