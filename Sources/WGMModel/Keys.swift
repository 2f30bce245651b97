// SPDX-License-Identifier: Apache-2.0

/// A Curve25519 public key: 32 bytes, which are no secret.
package struct PublicKey: Hashable, Sendable, Comparable {
    package static let byteCount = 32
    package static let rule = "32 bytes as 44 characters of base64, as `wg pubkey` prints them"
    /// Its four numbers, each of eight bytes with the highest first.
    package typealias Words = (UInt64, UInt64, UInt64, UInt64)
    private let word0: UInt64
    private let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64

    package init(words: Words) { (word0, word1, word2, word3) = words }

    /// nil unless there are exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words = SIMD4<UInt64>()
        for (index, byte) in bytes.enumerated() { words[index / 8] |= UInt64(byte) << (56 - 8 * (index % 8)) }
        self.init(words: (words[0], words[1], words[2], words[3]))
    }

    package var words: Words { (word0, word1, word2, word3) }

    package var bytes: [UInt8] {
        [word0, word1, word2, word3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
        }
    }

    /// True for the all-zero key, which stands for "no key" in WireGuard and is never anybody's.
    package var isZero: Bool { word0 | word1 | word2 | word3 == 0 }

    package static func < (left: Self, right: Self) -> Bool { left.words < right.words }
}

extension PublicKey: CustomStringConvertible {
    /// Reads canonical base64 of 32 bytes.
    package init?(base64 text: some StringProtocol) {
        guard let bytes = Base64.decode(text.utf8, variant: .standard) else { return nil }
        self.init(bytes: bytes)
    }

    package var description: String { Base64.encode(bytes, variant: .standard) }
}

/// A private or preshared key, encrypted by the keeper and of no use to anybody else.
///
/// Layout: version (1) · key-encryption-key id (4) · nonce (24) · ciphertext (32) · tag (16).
package struct SealedKey: Hashable, Sendable {
    package static let byteCount = 1 + 4 + 24 + 32 + 16
    package static let sealingKeyIDRange = 1..<5
    package let bytes: [UInt8]

    /// Under which key-encryption key this was sealed.
    package var sealingKeyID: UInt32 { bytes[Self.sealingKeyIDRange].reduce(0) { $0 << 8 | UInt32($1) } }

    /// nil unless there are exactly `byteCount` bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }
}

/// The number that binds sealed keys and kernel links to one interface of the database, never used twice.
package struct InterfaceID: Hashable, Sendable, CustomStringConvertible {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package var description: String { String(value) }
}
