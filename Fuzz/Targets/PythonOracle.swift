// SPDX-License-Identifier: Apache-2.0
internal import Foundation

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
        try requests.fileHandleForWriting.write(contentsOf: Data(Self.big(UInt32(request.count)) + request))
        let head = try take(5)
        let count = head.dropFirst().reduce(0) { $0 << 8 | Int($1) }
        let written = try take(count)
        return head[0] == 0 ? .refused : head[0] == 1 ? .read(written) : .merged
    }

    private func take(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let more = try replies.fileHandleForReading.read(upToCount: count - bytes.count), !more.isEmpty else {
                throw Finding(description: "Python has ended")
            }
            bytes += more
        }
        return bytes
    }

    private static func big(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
}
