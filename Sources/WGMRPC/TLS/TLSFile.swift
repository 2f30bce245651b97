// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What is wrong with a file of certificates or a key.
public struct TLSFileError: Error, Hashable, Sendable, CustomStringConvertible {
    public let path: String
    /// What is wrong, and what to do about it.
    public let words: String

    public var description: String { "\(path): \(words)" }
}

/// A PEM file, read whole, with what tells whether it was replaced since.
struct TLSFile {
    /// What changes when a file is written or replaced.
    struct Stamp: Hashable {
        private let inode: UInt64
        private let size: Int64
        private let seconds: Int64
        private let nanoseconds: Int64

        fileprivate init(_ status: stat) {
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
            seconds = Int64(status.st_mtim.tv_sec)
            nanoseconds = Int64(status.st_mtim.tv_nsec)
        }
    }

    private static let maxBytes = 1 << 20

    let path: String
    let bytes: [UInt8]
    let stamp: Stamp

    /// Reads a file; a secret one must be nobody's but its owner's, and readable by one group at most.
    init(path: String, isSecret: Bool = false) throws(TLSFileError) {
        self.path = path
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw Self.failure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw TLSFileError(path: path, words: "is not a file") }
        if isSecret {
            guard status.st_mode & 0o037 == 0 else {
                let words = "holds a private key, and others may read or change it; chmod 600, or 640 for one group"
                throw TLSFileError(path: path, words: words)
            }
        }
        guard status.st_size <= Self.maxBytes else {
            throw TLSFileError(path: path, words: "is longer than \(Self.maxBytes) bytes")
        }
        stamp = Stamp(status)
        bytes = try Self.readAll(descriptor, path)
    }

    /// nil when the file cannot be looked at.
    static func stamp(of path: String) -> Stamp? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Stamp(status) : nil
    }

    private static func readAll(_ descriptor: Int32, _ path: String) throws(TLSFileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: maxBytes)
        var count = 0
        while count < bytes.count {
            let read = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            guard read >= 0 || errno == EINTR else { throw failure(path) }
            if read == 0 { break }
            count += max(0, read)
        }
        return Array(bytes[..<count])
    }

    private static func failure(_ path: String) -> TLSFileError {
        TLSFileError(path: path, words: "cannot be read: \(unsafe String(cString: strerror(errno)))")
    }
}
