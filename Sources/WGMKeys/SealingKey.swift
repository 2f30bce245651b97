// SPDX-License-Identifier: Apache-2.0

internal import CSodium
package import WGMModel

/// The key-encryption key of one node: seals private, preshared and signing keys for the database and the disk.
///
/// XChaCha20-Poly1305 with a random nonce. The additional data says what the key is and where it belongs, so that a sealed
/// key which is moved to another row or column does not open.
package struct SealingKey: ~Copyable, Sendable {
    package static let byteCount = 32
    /// Derived from the key; says under which key something was sealed, and nothing about the key.
    package let id: UInt32
    /// Tells preshared keys apart.
    package let marker: KeyMarker
    private let memory: LockedMemory

    package static func generate() throws(KeyError) -> SealingKey {
        try SealingKey(LockedMemory.random(byteCount: byteCount))
    }

    /// Copies 32 raw bytes, as read from a file or handed over by systemd.
    package init(bytes: UnsafeRawBufferPointer) throws(KeyError) {
        try unsafe self.init(LockedMemory.copy(bytes, byteCount: Self.byteCount))
    }

    private init(_ memory: consuming LockedMemory) throws(KeyError) {
        guard !memory.isZero else { throw .malformed }
        let marker = KeyMarker(try Self.derive("wgm preshared key mark", from: memory))
        var digest = [UInt8](repeating: 0, count: Int(crypto_generichash_BYTES_MIN))
        let label = Array("wgm sealing key id".utf8)
        let status = unsafe crypto_generichash(
            &digest,
            digest.count,
            label,
            UInt64(label.count),
            memory.bytes,
            memory.byteCount
        )
        guard status == 0 else { throw .malformed }
        id = digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        self.marker = marker
        self.memory = memory
    }

    /// 32 bytes that follow from this key and say nothing about it.
    borrowing func derive(_ purpose: String) throws(KeyError) -> LockedMemory {
        try Self.derive(purpose, from: memory)
    }

    private static func derive(_ purpose: String, from memory: borrowing LockedMemory) throws(KeyError) -> LockedMemory
    {
        let derived = try LockedMemory(byteCount: 32)
        let label = Array(purpose.utf8)
        let status = unsafe crypto_generichash(
            derived.mutableBytes,
            derived.byteCount,
            label,
            UInt64(label.count),
            memory.bytes,
            memory.byteCount
        )
        guard status == 0 else { throw .malformed }
        return derived
    }

    /// Lends the secret bytes to `body`, which must not keep them.
    package borrowing func withUnsafeBytes<Result: ~Copyable, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(memory.buffer)
    }

    borrowing func seal(_ secret: borrowing LockedMemory, as place: SealedPlace) throws(KeyError) -> SealedKey {
        var sealed = [UInt8](repeating: 0, count: SealedKey.byteCount)
        sealed[0] = SealedLayout.version
        sealed.replaceSubrange(SealedLayout.sealingKeyID, with: bigEndian(id))
        let nonce = randomNonce()
        sealed.replaceSubrange(SealedLayout.nonce, with: nonce)
        let label = place.label(header: sealed[..<SealedLayout.nonce.lowerBound])
        var box = [UInt8](repeating: 0, count: SealedLayout.box.count)
        let status = unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
            &box,
            nil,
            secret.bytes,
            UInt64(secret.byteCount),
            label,
            UInt64(label.count),
            nil,
            nonce,
            memory.bytes
        )
        sealed.replaceSubrange(SealedLayout.box, with: box)
        guard status == 0, let key = SealedKey(bytes: sealed) else { throw .malformed }
        return key
    }

    borrowing func open(_ sealed: SealedKey, as place: SealedPlace) throws(KeyError) -> LockedMemory {
        let bytes = sealed.bytes
        guard bytes[0] == SealedLayout.version else { throw .unknownVersion(bytes[0]) }
        guard sealed.sealingKeyID == id else { throw .otherSealingKey(id: sealed.sealingKeyID) }
        let label = place.label(header: bytes[..<SealedLayout.nonce.lowerBound])
        let secret = try LockedMemory(byteCount: SealedLayout.secretByteCount)
        let status = unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret.mutableBytes,
            nil,
            nil,
            Array(bytes[SealedLayout.box]),
            UInt64(SealedLayout.box.count),
            label,
            UInt64(label.count),
            Array(bytes[SealedLayout.nonce]),
            memory.bytes
        )
        guard status == 0 else { throw .doesNotOpen }
        return secret
    }

    private func randomNonce() -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: SealedLayout.nonce.count)
        unsafe randombytes_buf(&nonce, nonce.count)
        return nonce
    }
}

extension SealingKey {
    package borrowing func seal(
        _ key: borrowing PrivateKey,
        of interface: InterfaceID
    ) throws(KeyError) -> SealedKey {
        try seal(key.memory, as: .privateKey(interface))
    }

    package borrowing func openPrivateKey(
        _ sealed: SealedKey,
        of interface: InterfaceID
    ) throws(KeyError) -> PrivateKey {
        try PrivateKey(open(sealed, as: .privateKey(interface)))
    }

    package borrowing func seal(
        _ key: borrowing PresharedKey,
        of interface: InterfaceID,
        peer: PublicKey
    ) throws(KeyError) -> SealedKey {
        try seal(key.memory, as: .presharedKey(interface, peer))
    }

    package borrowing func openPresharedKey(
        _ sealed: SealedKey,
        of interface: InterfaceID,
        peer: PublicKey
    ) throws(KeyError) -> PresharedKey {
        try PresharedKey(open(sealed, as: .presharedKey(interface, peer)))
    }
}
