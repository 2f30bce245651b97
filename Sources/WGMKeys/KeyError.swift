// SPDX-License-Identifier: Apache-2.0

/// Why a key could not be made, read, sealed or opened.
package enum KeyError: Error, Hashable, Sendable {
    /// libsodium could not start.
    case libraryUnavailable
    /// There is no memory that stays out of swap: `RLIMIT_MEMLOCK` is used up.
    case memoryNotLocked
    /// The text is not the canonical base64 of 32 bytes, or stands for the all-zero "no key".
    case malformed
    /// A buffer of the caller's has the wrong number of bytes.
    case wrongLength(expected: Int, actual: Int)
    /// The sealed key has a layout that this version does not know.
    case unknownVersion(UInt8)
    /// The key was sealed under another key-encryption key.
    case otherSealingKey(id: UInt32)
    /// The sealed key was changed, or belongs to another row.
    case doesNotOpen
}
