// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// An open file or folder, closed when the value ends.
struct Descriptor: ~Copyable {
    let number: CInt

    init(number: CInt) { self.number = number }

    /// Opens without following a symbolic link at the end of the path and without becoming a controlling terminal.
    init(path: String, flags: CInt, mode: mode_t = 0) throws(SystemError) {
        number = unsafe Glibc.open(path, flags | O_CLOEXEC | O_NOCTTY, mode)
        guard number >= 0 else { throw SystemError.current }
    }

    /// Opens a name inside this folder; never through a symbolic link.
    borrowing func open(_ name: String, flags: CInt, mode: mode_t = 0) throws(SystemError) -> Descriptor {
        let opened = unsafe openat(number, name, flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, mode)
        guard opened >= 0 else { throw SystemError.current }
        return Descriptor(number: opened)
    }

    deinit { close(number) }

    borrowing func status() throws(SystemError) -> stat {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw SystemError.current }
        return status
    }

    /// Everything up to `limit` bytes; nil when there is more.
    borrowing func readAll(limit: Int) throws(SystemError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let read = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(number, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            guard read >= 0 || errno == EINTR else { throw SystemError.current }
            if read == 0 { break }
            count += max(0, read)
        }
        return count > limit ? nil : Array(bytes[..<count])
    }

    /// The same for a limit so high that memory is taken only as there is something to read.
    borrowing func readChunks(limit: Int) throws(SystemError) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw SystemError.current }
            if count == 0 { return bytes }
            bytes += chunk.prefix(Swift.max(0, count))
        }
        return nil
    }

    borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = unsafe Glibc.write(number, rest.baseAddress, rest.count)
            guard count >= 0 || errno == EINTR else { throw SystemError.current }
            if count > 0 { unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        }
    }

    borrowing func write(_ text: String) throws(SystemError) {
        try unsafe Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(SystemError) in
            try unsafe write(UnsafeRawBufferPointer(bytes))
        }
    }

    borrowing func sync() throws(SystemError) {
        guard fsync(number) == 0 else { throw SystemError.current }
    }
}

extension stat {
    var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
    var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
    var isOwnedByMe: Bool { st_uid == geteuid() }
    /// True when group or others have any right to it.
    var isOpenToOthers: Bool { st_mode & 0o077 != 0 }
}
