// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeys
internal import WGMModel

/// An open file with a key in it, closed with the value.
struct KeyFile: ~Copyable {
    private let path: String
    private let fileDescriptor: Int32

    /// nil when there is no such file; a symbolic link is an error.
    init?(reading path: String) throws(KeyFolderError) {
        self.path = path
        fileDescriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard fileDescriptor < 0 else { return }
        guard errno == ENOENT else { throw .file(path: path, operation: "open", errno: errno) }
        return nil
    }

    private init(creating path: String) throws(KeyFolderError) {
        self.path = path
        fileDescriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard fileDescriptor >= 0 else { throw .file(path: path, operation: "create", errno: errno) }
    }

    deinit { _ = close(fileDescriptor) }

    func mode() throws(KeyFolderError) -> mode_t {
        var status = stat()
        guard unsafe fstat(fileDescriptor, &status) == 0 else {
            throw .file(path: path, operation: "stat", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .file(path: path, operation: "open", errno: EINVAL) }
        return status.st_mode & 0o7777
    }

    /// Fills what fits.
    func read(into text: inout SecretText) throws(KeyFolderError) {
        while text.room > 0 {
            var count = 0
            unsafe text.fill { buffer in
                count = unsafe Glibc.read(fileDescriptor, buffer.baseAddress, buffer.count)
                return count
            }
            guard count >= 0 else { throw .file(path: path, operation: "read", errno: errno) }
            guard count > 0 else { return }
        }
    }

    /// nil when the file is not one sealed key.
    func readSealed() throws(KeyFolderError) -> SealedKey? {
        _ = try mode()
        var bytes = [UInt8](repeating: 0, count: SealedKey.byteCount + 1)
        let count = unsafe Glibc.read(fileDescriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .file(path: path, operation: "read", errno: errno) }
        return SealedKey(bytes: Array(bytes.prefix(count)))
    }

    /// The file is there whole and on disk, or not at all; one that is there already is never replaced.
    static func write(_ bytes: borrowing SecretText, to path: String) throws(KeyFolderError) {
        let draft = path + ".new"
        guard unsafe unlink(draft) == 0 || errno == ENOENT else {
            throw .file(path: draft, operation: "remove", errno: errno)
        }
        let file = try KeyFile(creating: draft)
        let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file.fileDescriptor, $0.baseAddress, $0.count) }
        guard written == bytes.byteCount, fsync(file.fileDescriptor) == 0 else {
            throw .file(path: draft, operation: "write", errno: written < 0 ? errno : ENOSPC)
        }
        // A link, since a rename would replace a key that another process has put there meanwhile.
        guard unsafe link(draft, path) == 0 else { throw .file(path: path, operation: "create", errno: errno) }
        _ = unsafe unlink(draft)
        try syncFolder(of: path)
    }

    private static func syncFolder(of path: String) throws(KeyFolderError) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let name = slash == path.startIndex ? (path.hasPrefix("/") ? "/" : ".") : String(path[..<slash])
        let folder = unsafe open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .file(path: name, operation: "open", errno: errno) }
        defer { _ = close(folder) }
        guard fsync(folder) == 0 else { throw .file(path: name, operation: "sync", errno: errno) }
    }
}
