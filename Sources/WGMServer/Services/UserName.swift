// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The name of a Unix user; nil when the system knows none.
func userName(of uid: UInt32) -> String? {
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16_384)
    guard unsafe getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil else { return nil }
    return unsafe entry.pw_name.map { unsafe String(cString: $0) }
}
