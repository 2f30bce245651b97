// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Keys that the kernel holds already, on their way into the database.
extension SealingKey {
    /// Seals the private key of a link as that of the interface; `malformed` for the key of zeros.
    package borrowing func seal(
        privateKey bytes: UnsafeRawBufferPointer,
        of interface: InterfaceID
    ) throws(KeyError) -> SealedSecret {
        let key = try PrivateKey(clamping: unsafe LockedMemory.copy(bytes, byteCount: PrivateKey.byteCount))
        return SealedSecret(publicKey: key.publicKey, key: try seal(key, of: interface), mark: nil)
    }

    /// Seals the preshared key of a peer of a link as that of the interface's peer; `malformed` for the key of zeros.
    package borrowing func seal(
        presharedKey bytes: UnsafeRawBufferPointer,
        of interface: InterfaceID,
        peer: PublicKey
    ) throws(KeyError) -> SealedSecret {
        let key = try PresharedKey(unsafe LockedMemory.copy(bytes, byteCount: PresharedKey.byteCount))
        let mark = unsafe marker.mark(of: bytes, peer: peer)
        return SealedSecret(publicKey: peer, key: try seal(key, of: interface, peer: peer), mark: mark)
    }
}
