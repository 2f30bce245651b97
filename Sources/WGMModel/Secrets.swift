// SPDX-License-Identifier: Apache-2.0

/// The keeper's public key that secrets from outside are encrypted to: 32 bytes, no secret.
///
/// So nobody between a caller and the keeper can read them, wgmd included.
package struct IntakeKey: Hashable, Sendable {
    package static let byteCount = 32
    package let bytes: [UInt8]

    /// nil unless there are exactly 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }
}

/// A private or preshared key that only the keeper can read, on its way there.
///
/// Layout inside libsodium's sealed box (48 bytes more): what it is (1) · the peer's public key, zeros for an interface (32)
/// · the key (32).
package struct SecretBox: Hashable, Sendable {
    package static let contentByteCount = 1 + 32 + 32
    package static let byteCount = 48 + contentByteCount
    package static let rule = "\(byteCount) bytes: a key encrypted to the key that Meta/IntakeKey returns"
    package let bytes: [UInt8]

    /// nil unless there are exactly `byteCount` bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }
}

/// By which two preshared keys of a peer are told apart by those who may not know them.
///
/// A keyed hash of the preshared key and the peer's public key, under a key that only the keeper has.
package struct KeyMark: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 16
    /// There is a key, and a sealed keeper cannot say which.
    package static let unknown = KeyMark(bits: 0)
    private let high: UInt64
    private let low: UInt64

    private init(bits: UInt128) {
        high = UInt64(truncatingIfNeeded: bits >> 64)
        low = UInt64(truncatingIfNeeded: bits)
    }

    private var bits: UInt128 { UInt128(high) << 64 | UInt128(low) }

    /// nil unless there are exactly 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(bits: bytes.reduce(0) { $0 << 8 | UInt128($1) })
    }

    package var bytes: [UInt8] { (0..<Self.byteCount).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) } }

    /// The first eight digits, enough for people.
    package var description: String {
        let digits = String(bits >> 96, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

/// A peer's preshared key as the database holds it.
package struct SealedPresharedKey: Hashable, Sendable {
    package static let byteCount = SealedKey.byteCount + KeyMark.byteCount
    package let key: SealedKey
    package let mark: KeyMark

    package init(key: SealedKey, mark: KeyMark) {
        self.key = key
        self.mark = mark
    }

    /// nil unless there are exactly `byteCount` bytes.
    package init?(bytes: [UInt8]) {
        guard let key = SealedKey(bytes: Array(bytes.prefix(SealedKey.byteCount))),
            let mark = KeyMark(bytes: bytes.dropFirst(SealedKey.byteCount))
        else { return nil }
        self.init(key: key, mark: mark)
    }

    package var bytes: [UInt8] { key.bytes + mark.bytes }
}

/// What the keeper made of a secret box.
package struct SealedSecret: Hashable, Sendable {
    /// Of a private key its other half, of a preshared key the peer that it is for.
    package let publicKey: PublicKey
    package let key: SealedKey
    /// nil for a private key.
    package let mark: KeyMark?

    package init(publicKey: PublicKey, key: SealedKey, mark: KeyMark?) {
        self.publicKey = publicKey
        self.key = key
        self.mark = mark
    }
}
