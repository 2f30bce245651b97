// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMWire

/// The lines of a file descriptor as they come, without waiting for them.
struct InputLines {
    struct Line {
        let number: Int
        let text: String
    }

    private static let chunk = 65536

    let descriptor: CInt
    /// The longest line, in bytes.
    let limit: Int
    private var buffer: [UInt8] = []
    /// So much of the buffer has no line end.
    private var searched = 0
    private var isOver = false
    private var count = 0

    init(descriptor: CInt, limit: Int) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// The next line that is not blank.
    ///
    /// - Throws: a `Failure` for a line that is too long or not UTF-8, and when reading fails.
    mutating func next() throws -> NextRequest<Line> {
        while true {
            if let bytes = try takeLine() {
                count += 1
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw Failure(.usage, "line \(count) of standard input is not UTF-8")
                }
                if text.allSatisfy(\.isWhitespace) { continue }
                return .message(Line(number: count, text: text))
            }
            if isOver { return .end }
            guard try readSome() else { return .notYet }
        }
    }

    private mutating func takeLine() throws -> ArraySlice<UInt8>? {
        if let end = buffer[searched...].firstIndex(of: 10) {
            let line = buffer[..<end]
            buffer.removeSubrange(...end)
            searched = 0
            return line
        }
        searched = buffer.count
        guard buffer.count <= limit else {
            throw Failure(.usage, "line \(count + 1) of standard input has more than \(Words.bytes(UInt64(limit)))")
        }
        guard isOver, !buffer.isEmpty else { return nil }
        defer { (buffer, searched) = ([], 0) }
        return buffer[...]
    }

    /// False when there is nothing to read at present.
    private mutating func readSome() throws -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe Glibc.poll(&poll, 1, 0) > 0 else { return false }
        var bytes = [UInt8](repeating: 0, count: Self.chunk)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return false }
        guard count >= 0 else { throw Failure(.failure, "cannot read standard input: \(SystemError.current)") }
        isOver = count == 0
        buffer += bytes.prefix(count)
        return true
    }
}
