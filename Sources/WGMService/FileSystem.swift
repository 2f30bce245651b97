// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What wgmd asks of C structures.
///
/// It stands here because a release build of wgmd, which is compiled as a whole and knows Foundation, takes Glibc's
/// structures for Foundation's.
package enum FileSystem {
    /// Whether there is a folder at this very path, no link, and whose it is; nil with `errno` set if that is not known.
    package static func folder(at path: String) -> (isFolder: Bool, owner: UInt32)? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return (status.st_mode & S_IFMT == S_IFDIR, status.st_uid)
    }
}

/// The realtime clock of this machine.
package enum RealtimeClock {
    /// Since 1970.
    package static func now() -> (seconds: Int64, nanoseconds: UInt32) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), UInt32(clamping: time.tv_nsec))
    }
}
