// SPDX-License-Identifier: Apache-2.0

internal import CSodium
package import WGMModel

/// What a secret box holds.
private enum BoxPurpose {
    static let privateKey: UInt8 = 1
    static let presharedKey: UInt8 = 2
}

/// The keeper's key pair for what is encrypted to it, derived from its key-encryption key.
package struct IntakeKeyPair: ~Copyable, Sendable {
    package let publicKey: IntakeKey
    private let memory: LockedMemory

    package init(of sealing: borrowing SealingKey) throws(KeyError) {
        let seed = try sealing.derive("wgm intake key")
        let secret = try LockedMemory(byteCount: Int(crypto_box_SECRETKEYBYTES))
        var bytes = [UInt8](repeating: 0, count: IntakeKey.byteCount)
        let status = unsafe crypto_box_seed_keypair(&bytes, secret.mutableBytes, seed.bytes)
        guard status == 0, let publicKey = IntakeKey(bytes: bytes) else { throw .malformed }
        self.publicKey = publicKey
        memory = secret
    }

    /// Opens the box and seals what is in it for the interface; `doesNotOpen` when it was meant for somebody else.
    package borrowing func reseal(
        _ box: SecretBox,
        of interface: InterfaceID,
        _ sealing: borrowing SealingKey
    ) throws(KeyError) -> SealedSecret {
        let content = try LockedMemory(byteCount: SecretBox.contentByteCount)
        let status = unsafe crypto_box_seal_open(
            content.mutableBytes,
            box.bytes,
            UInt64(box.bytes.count),
            publicKey.bytes,
            memory.bytes
        )
        guard status == 0 else { throw .doesNotOpen }
        let peer = unsafe PublicKey(bytes: Array(content.buffer[1..<33]))
        let secret = unsafe try LockedMemory.copy(
            UnsafeRawBufferPointer(rebasing: content.buffer[33...]),
            byteCount: 32
        )
        switch (unsafe content.bytes[0], peer) {
        case (BoxPurpose.privateKey, let peer?) where peer.isZero:
            let key = try PrivateKey(clamping: secret)
            return SealedSecret(publicKey: key.publicKey, key: try sealing.seal(key, of: interface), mark: nil)
        case (BoxPurpose.presharedKey, let peer?) where !peer.isZero:
            let key = try PresharedKey(secret)
            let mark = unsafe key.withUnsafeBytes { unsafe sealing.marker.mark(of: $0, peer: peer) }
            return SealedSecret(
                publicKey: peer,
                key: try sealing.seal(key, of: interface, peer: peer),
                mark: mark
            )
        default: throw .malformed
        }
    }
}

extension PresharedKey {
    /// For the keeper alone, and for this peer alone.
    package borrowing func boxed(for peer: PublicKey, to intake: IntakeKey) throws(KeyError) -> SecretBox {
        try memory.boxed(BoxPurpose.presharedKey, peer.bytes, to: intake)
    }
}

extension PrivateKey {
    /// For the keeper alone, as the key of an interface.
    package borrowing func boxed(to intake: IntakeKey) throws(KeyError) -> SecretBox {
        let nobody = [UInt8](repeating: 0, count: PublicKey.byteCount)
        return try memory.boxed(BoxPurpose.privateKey, nobody, to: intake)
    }
}

extension LockedMemory {
    fileprivate func boxed(_ purpose: UInt8, _ peer: [UInt8], to intake: IntakeKey) throws(KeyError) -> SecretBox {
        let content = try LockedMemory(byteCount: SecretBox.contentByteCount)
        unsafe content.mutableBytes[0] = purpose
        for (index, byte) in peer.enumerated() { unsafe content.mutableBytes[1 + index] = byte }
        for index in 0..<byteCount { unsafe content.mutableBytes[33 + index] = bytes[index] }
        var box = [UInt8](repeating: 0, count: SecretBox.byteCount)
        let status = unsafe crypto_box_seal(&box, content.bytes, UInt64(content.byteCount), intake.bytes)
        guard status == 0, let box = SecretBox(bytes: box) else { throw .malformed }
        return box
    }
}

/// Makes the marks by which preshared keys are told apart.
package final class KeyMarker: Sendable {
    private let key: LockedMemory

    init(_ key: consuming LockedMemory) { self.key = key }

    /// `secret` is a preshared key of 32 bytes.
    package func mark(of secret: UnsafeRawBufferPointer, peer: PublicKey) -> KeyMark {
        var digest = [UInt8](repeating: 0, count: KeyMark.byteCount)
        unsafe withUnsafeTemporaryAllocation(byteCount: PublicKey.byteCount + secret.count, alignment: 16) { input in
            unsafe input.copyBytes(from: peer.bytes)
            unsafe UnsafeMutableRawBufferPointer(rebasing: input[PublicKey.byteCount...]).copyMemory(from: secret)
            let bytes = unsafe input.assumingMemoryBound(to: UInt8.self).baseAddress
            unsafe crypto_generichash(&digest, digest.count, bytes, UInt64(input.count), key.bytes, key.byteCount)
            unsafe sodium_memzero(input.baseAddress, input.count)
        }
        return KeyMark(bytes: digest) ?? .unknown
    }
}
