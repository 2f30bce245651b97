// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The two calls that a full or failing disk fails, so that a test can fail them; each returns 0 or an `errno`.
package struct Disk {
    package var append: ([UInt8], Int32) -> Int32
    package var sync: (Int32) -> Int32

    package init(append: @escaping ([UInt8], Int32) -> Int32, sync: @escaping (Int32) -> Int32) {
        self.append = append
        self.sync = sync
    }

    package static var real: Disk {
        Disk(append: writeAll) { fdatasync($0) == 0 ? 0 : errno }
    }
}

private func writeAll(_ bytes: [UInt8], to fileDescriptor: Int32) -> Int32 {
    var written = 0
    while written < bytes.count {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
            return unsafe write(fileDescriptor, rest.baseAddress, rest.count)
        }
        if count > 0 {
            written += count
        } else if count == 0 || errno != EINTR {
            return count == 0 ? EIO : errno
        }
    }
    return 0
}

/// The open journal file, closed with the value.
struct JournalFile: ~Copyable {
    let fileDescriptor: Int32
    /// Up to here the file is known to be good.
    var byteCount: Int

    init(path: String) throws(JournalError) {
        let flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC
        fileDescriptor = unsafe open(path, flags, 0o600)
        byteCount = 0
        guard fileDescriptor >= 0 else { throw .file(errno: errno, operation: "open") }
    }

    deinit { _ = close(fileDescriptor) }

    /// The whole file; afterwards `byteCount` is the length of its whole records.
    mutating func read(limit: Int) throws(JournalError) -> [UInt8] {
        var status = stat()
        guard unsafe fstat(fileDescriptor, &status) == 0 else { throw .file(errno: errno, operation: "fstat") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .file(errno: EINVAL, operation: "open") }
        guard status.st_size <= limit else { throw .tooLarge }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                return unsafe pread(fileDescriptor, rest.baseAddress, rest.count, off_t(filled))
            }
            guard count > 0 else { throw .file(errno: count == 0 ? EIO : errno, operation: "read") }
            filled += count
        }
        byteCount = filled - filled % JournalRecord.byteCount
        return bytes
    }

    /// Cuts off what a failed or interrupted write has left behind the good records.
    func truncate() throws(JournalError) {
        guard ftruncate(fileDescriptor, off_t(byteCount)) == 0 else {
            throw .file(errno: errno, operation: "ftruncate")
        }
    }

    /// Fails when the path no longer leads to this file, or the file has another length than was written.
    func requireInPlace(_ path: String) throws(JournalError) {
        var here = stat()
        var there = stat()
        guard unsafe fstat(fileDescriptor, &here) == 0 else { throw .file(errno: errno, operation: "fstat") }
        guard unsafe lstat(path, &there) == 0 else { throw .unlinked }
        let isSame = here.st_dev == there.st_dev && here.st_ino == there.st_ino
        guard isSame, here.st_size == byteCount else { throw .unlinked }
    }
}
