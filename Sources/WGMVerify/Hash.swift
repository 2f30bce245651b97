// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// Hashes of data that is no secret.
package enum Hash {
    package static let byteCount = 32

    package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        unsafe crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
        return digest
    }

    /// BLAKE2b with 32 bytes of output.
    package static func blake2b(_ bytes: [UInt8]) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe blake2b($0, key: []) }
    }

    /// BLAKE2b with 32 bytes of output, which without the key (at most 64 bytes) tells nothing about guessable bytes.
    package static func blake2b(_ bytes: UnsafeRawBufferPointer, key: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let status = unsafe crypto_generichash(&digest, byteCount, start, UInt64(bytes.count), key, key.count)
        precondition(status == 0, "BLAKE2b fails for a wrong length of key or output only")
        return digest
    }
}

/// Bytes from the system's cryptographic generator, for token ids, nonces and address prefixes; keys are made in WGMKeys.
package enum RandomBytes {
    package static func make(_ count: Int) -> [UInt8] {
        precondition(sodium_init() >= 0, "libsodium finds no source of randomness")
        var bytes = [UInt8](repeating: 0, count: count)
        unsafe randombytes_buf(&bytes, count)
        return bytes
    }
}

/// Comparison whose duration depends on the lengths only.
package enum ConstantTime {
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe sodium_memcmp(left, right, left.count) == 0
    }
}
