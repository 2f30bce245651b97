// SPDX-License-Identifier: Apache-2.0

internal import WGMKeys
internal import WGMModel

/// The keys that one answer of the text protocol held, in memory that is wiped when the value ends.
///
/// Records of 64 bytes: the peer's public key, or zeros for the interface itself, and the key.
struct UAPISecrets: ~Copyable {
    private var records = WipedBuffer(capacity: 4096)
    private static let recordByteCount = 2 * PublicKey.byteCount

    init() {}

    mutating func add(_ secret: UnsafeRawBufferPointer, of peer: PublicKey?) {
        records.append(peer?.bytes ?? [UInt8](repeating: 0, count: PublicKey.byteCount))
        for index in secret.indices { records.append(unsafe secret[index]) }
    }

    func sealed(for interface: InterfaceID, keys: borrowing SealingKey) throws(KeyError) -> [SealedSecret] {
        var sealed: [SealedSecret] = []
        let bytes = unsafe records.bytes
        for start in stride(from: 0, to: bytes.count, by: Self.recordByteCount) {
            let middle = start + PublicKey.byteCount
            let secret = unsafe UnsafeRawBufferPointer(rebasing: bytes[middle..<(middle + PublicKey.byteCount)])
            guard let peer = unsafe PublicKey(bytes: bytes[start..<middle]) else { throw .malformed }
            if peer.isZero {
                sealed.append(unsafe try keys.seal(privateKey: secret, of: interface))
            } else {
                sealed.append(unsafe try keys.seal(presharedKey: secret, of: interface, peer: peer))
            }
        }
        return sealed
    }
}
