// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// Verification of Ed25519 signatures (RFC 8032); small-order keys and signatures that are not canonical are refused.
package enum Signature {
    package static let byteCount = 64
    package static let publicKeyByteCount = 32

    package static func isValid(_ signature: [UInt8], of message: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard signature.count == byteCount, publicKey.count == publicKeyByteCount else { return false }
        guard sodium_init() >= 0 else { return false }
        return unsafe crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
    }
}
