// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The file that takes what the server says, which is at most as fast as somebody can make it say things.
struct ServerLog {
    /// Bytes, twice what wgmd puts aside when it starts the server.
    private static let limit: off_t = 16 << 20
    /// Bytes of its end that are kept then.
    private static let kept = 1 << 20

    /// Open to read and to append: the only way to the file that this process has.
    let descriptor: Int32

    /// Keeps the end of a log that has grown too long.
    ///
    /// A line that the server says in this very moment may be lost.
    func shorten() {
        var information = stat()
        guard unsafe fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
            information.st_size > Self.limit
        else { return }
        var end = [UInt8](repeating: 0, count: Self.kept)
        let offset = information.st_size - off_t(Self.kept)
        let count = unsafe end.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, offset) }
        guard count > 0, ftruncate(descriptor, 0) == 0 else { return }
        say("this log had \(information.st_size) bytes; only its end is kept")
        // Whole lines, where there are any.
        let lines = end[..<count].drop { $0 != UInt8(ascii: "\n") }.dropFirst()
        _ = unsafe lines.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }
}
