// SPDX-License-Identifier: Apache-2.0

internal import CSodium
package import WGMModel

/// A WireGuard private key, in locked memory that is wiped when the value ends.
package struct PrivateKey: ~Copyable, Sendable {
    package static let byteCount = 32
    package let publicKey: PublicKey
    let memory: LockedMemory

    package static func generate() throws(KeyError) -> PrivateKey {
        let memory = try LockedMemory.random(byteCount: byteCount)
        unsafe memory.mutableBytes[0] &= 248
        unsafe memory.mutableBytes[31] = memory.bytes[31] & 127 | 64
        return try PrivateKey(memory)
    }

    /// Reads the 44 characters of `wg genkey`, with or without a line end.
    package init(base64 text: UnsafeRawBufferPointer) throws(KeyError) {
        try unsafe self.init(LockedMemory.decode(base64: text, byteCount: Self.byteCount))
    }

    package init(base64 text: borrowing SecretText) throws(KeyError) {
        self = try unsafe text.withUnsafeBytes { (text) throws(KeyError) in try unsafe PrivateKey(base64: text) }
    }

    /// Takes 32 bytes as WireGuard does, which clears and sets bits that every key has so.
    init(clamping memory: consuming LockedMemory) throws(KeyError) {
        guard !memory.isZero else { throw .malformed }
        unsafe memory.mutableBytes[0] &= 248
        unsafe memory.mutableBytes[31] = memory.bytes[31] & 127 | 64
        try self.init(memory)
    }

    init(_ memory: consuming LockedMemory) throws(KeyError) {
        guard !memory.isZero else { throw .malformed }
        var bytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
        let status = unsafe crypto_scalarmult_base(&bytes, memory.bytes)
        guard status == 0, let publicKey = PublicKey(bytes: bytes) else { throw .malformed }
        self.publicKey = publicKey
        self.memory = memory
    }

    /// Lends the secret bytes to `body`, which must not keep them.
    package borrowing func withUnsafeBytes<Result: ~Copyable, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(memory.buffer)
    }

    package borrowing func base64() throws(KeyError) -> SecretText { try memory.base64() }
}

/// A preshared key of two peers, in locked memory that is wiped when the value ends.
package struct PresharedKey: ~Copyable, Sendable {
    package static let byteCount = 32
    let memory: LockedMemory

    package static func generate() throws(KeyError) -> PresharedKey {
        try PresharedKey(LockedMemory.random(byteCount: byteCount))
    }

    /// Reads the 44 characters of `wg genpsk`, with or without a line end.
    package init(base64 text: UnsafeRawBufferPointer) throws(KeyError) {
        try unsafe self.init(LockedMemory.decode(base64: text, byteCount: Self.byteCount))
    }

    package init(base64 text: borrowing SecretText) throws(KeyError) {
        self = try unsafe text.withUnsafeBytes { (text) throws(KeyError) in try unsafe PresharedKey(base64: text) }
    }

    init(_ memory: consuming LockedMemory) throws(KeyError) {
        guard !memory.isZero else { throw .malformed }
        self.memory = memory
    }

    /// Lends the secret bytes to `body`, which must not keep them.
    package borrowing func withUnsafeBytes<Result: ~Copyable, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(memory.buffer)
    }

    package borrowing func base64() throws(KeyError) -> SecretText { try memory.base64() }
}
