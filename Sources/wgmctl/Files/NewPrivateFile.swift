// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeys

/// A file of mode 0600 that did not exist before; it goes away again unless it is kept.
///
/// It is made before the daemon is asked for anything, so that no key is lost because the folder cannot be written.
struct NewPrivateFile: ~Copyable {
    let path: String
    private let descriptor: Descriptor
    private var isKept = false

    init(path: String) throws(Failure) {
        self.path = path
        do {
            descriptor = try Descriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        } catch  where error.code == EEXIST {
            throw Failure(.failure, "\(path) exists already", hint: "choose another name; wgmctl overwrites no file")
        } catch {
            throw Failure(.failure, "cannot create \(path): \(error)")
        }
    }

    deinit {
        if !isKept { unsafe unlink(path) }
    }

    /// Replaces what is in the file, on the disk and not only in memory.
    mutating func write(_ text: borrowing SecretText) throws(Failure) {
        do throws(SystemError) {
            try empty()
            try unsafe text.withUnsafeBytes { (bytes) throws(SystemError) in try unsafe descriptor.write(bytes) }
            try descriptor.sync()
        } catch {
            throw Failure(.failure, "cannot write \(path): \(error)")
        }
    }

    mutating func write(_ text: String) throws(Failure) {
        do throws(SystemError) {
            try empty()
            try descriptor.write(text)
            try descriptor.sync()
        } catch {
            throw Failure(.failure, "cannot write \(path): \(error)")
        }
    }

    private func empty() throws(SystemError) {
        guard ftruncate(descriptor.number, 0) == 0, lseek(descriptor.number, 0, SEEK_SET) == 0
        else { throw SystemError.current }
    }

    /// From here on the file stays.
    mutating func keep() { isKept = true }
}
