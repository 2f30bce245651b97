// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// What a sealed key is and where it belongs: the additional data of the encryption.
enum SealedPlace {
    case privateKey(InterfaceID)
    case presharedKey(InterfaceID, PublicKey)
    case signingKey

    /// Fixed length, so that no two places have the same label: text · header · purpose (1) · interface (8) · peer (32).
    func label(header: ArraySlice<UInt8>) -> [UInt8] {
        let noPeer = [UInt8](repeating: 0, count: PublicKey.byteCount)
        let start = Array("wgm sealed key\0".utf8) + header
        return switch self {
        case .privateKey(let interface): start + [1] + bigEndian(interface.value) + noPeer
        case .presharedKey(let interface, let peer): start + [2] + bigEndian(interface.value) + peer.bytes
        case .signingKey: start + [3] + bigEndian(UInt64(0)) + noPeer
        }
    }
}

/// The parts of a `SealedKey`.
enum SealedLayout {
    static let version: UInt8 = 1
    static let secretByteCount = 32
    static let sealingKeyID = SealedKey.sealingKeyIDRange
    static let nonce = 5..<29
    static let box = 29..<SealedKey.byteCount
}

func bigEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    stride(from: Integer.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
}
