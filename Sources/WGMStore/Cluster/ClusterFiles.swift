// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The few file operations that the cluster needs; none follows a symbolic link at the end of its path.
enum ClusterFiles {
    /// Makes a folder, or takes the one that is there, with exactly this mode and owner.
    static func makeFolder(_ path: String, mode: mode_t, owner: uid_t, group: gid_t) throws(ClusterFailure) {
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
            throw .system("create", path: path, errno: errno)
        }
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path: path, errno: errno) }
        defer { close(descriptor) }
        var information = stat()
        guard unsafe fstat(descriptor, &information) == 0 else { throw .system("look at", path: path, errno: errno) }
        // Not without need: a sandbox may forbid it.
        if information.st_uid != owner || information.st_gid != group, fchown(descriptor, owner, group) != 0 {
            throw .system("give \(path) to user \(owner) and group \(group):", path: "owner", errno: errno)
        }
        guard fchmod(descriptor, mode) == 0 else { throw .system("set the mode of", path: path, errno: errno) }
    }

    /// Gives a plain file to somebody; nothing happens when there is none.
    ///
    /// One with a second name is left alone: whoever owns the folder may have made that name for another's file.
    static func give(_ path: String, to owner: uid_t, group: gid_t) throws(ClusterFailure) {
        guard let descriptor = openPlainFile(path, O_RDONLY) else { return }
        defer { close(descriptor) }
        var information = stat()
        guard unsafe fstat(descriptor, &information) == 0, information.st_nlink == 1 else { return }
        guard fchown(descriptor, owner, group) == 0 else { throw .system("give away", path: path, errno: errno) }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Replaces a file by one that everybody may read.
    static func write(_ text: String, to path: String) throws(ClusterFailure) {
        let temporary = path + ".new"
        unsafe unlink(temporary)
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system("create", path: temporary, errno: errno) }
        defer { close(descriptor) }
        try write(Array(text.utf8), to: descriptor, path: temporary)
        guard fchmod(descriptor, 0o644) == 0, fsync(descriptor) == 0, unsafe rename(temporary, path) == 0 else {
            throw .system("write", path: path, errno: errno)
        }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(ClusterFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw .system("write", path: path, errno: errno) }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    /// At most `limit` bytes from `offset`; nil when it is no plain file, or cannot be read.
    static func read(_ path: String, from offset: Int = 0, limit: Int = 65_536) -> String? {
        guard let descriptor = openPlainFile(path, O_RDONLY) else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, offset) }
        return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// nil with `errno` when the file cannot be opened; a pipe that waits for its other end is not waited for, but refused.
    static func openPlainFile(_ path: String, _ flags: Int32, mode: mode_t = 0) -> Int32? {
        let descriptor = unsafe open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode)
        guard descriptor >= 0 else { return nil }
        var information = stat()
        guard unsafe fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            errno = ENOTSUP
            return nil
        }
        return descriptor
    }

    /// Makes a rename in a folder last.
    static func sync(folder path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
