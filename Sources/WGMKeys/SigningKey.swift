// SPDX-License-Identifier: Apache-2.0

internal import CSodium
package import WGMModel

/// The Ed25519 key that signs this node's tokens, in locked memory that is wiped when the value ends.
package struct SigningKey: ~Copyable, Sendable {
    package static let publicKeyByteCount = 32
    package static let signatureByteCount = 64
    package let publicKey: [UInt8]
    /// Names the public key in a token's `kid`: 16 characters of base64url, the start of the key's BLAKE2b hash.
    package let keyID: String
    let seed: LockedMemory
    private let secretKey: LockedMemory

    package static func generate() throws(KeyError) -> SigningKey {
        try SigningKey(seed: LockedMemory.random(byteCount: Int(crypto_sign_SEEDBYTES)))
    }

    init(seed: consuming LockedMemory) throws(KeyError) {
        let secretKey = try LockedMemory(byteCount: Int(crypto_sign_SECRETKEYBYTES))
        var publicKey = [UInt8](repeating: 0, count: Self.publicKeyByteCount)
        let status = unsafe crypto_sign_seed_keypair(&publicKey, secretKey.mutableBytes, seed.bytes)
        var digest = [UInt8](repeating: 0, count: 32)
        let hashed = unsafe crypto_generichash(&digest, digest.count, publicKey, UInt64(publicKey.count), nil, 0)
        guard status == 0, hashed == 0 else { throw .malformed }
        self.publicKey = publicKey
        keyID = Base64.encode(digest.prefix(12), variant: .url)
        self.seed = seed
        self.secretKey = secretKey
    }

    /// The signature, 64 bytes.
    package borrowing func sign(_ message: [UInt8]) throws(KeyError) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Self.signatureByteCount)
        let status = unsafe crypto_sign_detached(&signature, nil, message, UInt64(message.count), secretKey.bytes)
        guard status == 0 else { throw .malformed }
        return signature
    }
}

extension SealingKey {
    package borrowing func seal(_ key: borrowing SigningKey) throws(KeyError) -> SealedKey {
        try seal(key.seed, as: .signingKey)
    }

    package borrowing func openSigningKey(_ sealed: SealedKey) throws(KeyError) -> SigningKey {
        try SigningKey(seed: open(sealed, as: .signingKey))
    }
}
