// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// Text that holds a secret, such as a key in base64 or a configuration file, in locked memory of a fixed capacity.
///
/// A zero byte always follows the text, so that it can be lent to C as a string.
package struct SecretText: ~Copyable, Sendable {
    private let memory: LockedMemory
    package private(set) var byteCount = 0

    package init(capacity: Int) throws(KeyError) {
        memory = try LockedMemory(byteCount: capacity + 1)
    }

    /// The number of bytes that still fit.
    package var room: Int { memory.byteCount - 1 - byteCount }

    /// Adds text that is no secret.
    package mutating func append(_ text: String) throws(KeyError) {
        try unsafe Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(KeyError) in
            try unsafe append(UnsafeRawBufferPointer(bytes))
        }
    }

    package mutating func append(_ text: borrowing SecretText) throws(KeyError) {
        try unsafe text.withUnsafeBytes { (bytes) throws(KeyError) in try unsafe append(bytes) }
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(KeyError) {
        guard bytes.count <= room else { throw .wrongLength(expected: room, actual: bytes.count) }
        let target = unsafe UnsafeMutableRawBufferPointer(start: memory.mutableBytes + byteCount, count: bytes.count)
        unsafe target.copyMemory(from: bytes)
        byteCount += bytes.count
    }

    /// Lends the free part to `body`, for instance to `read`; `body` returns how many bytes it wrote.
    package mutating func fill<Failure>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        let free = unsafe UnsafeMutableRawBufferPointer(start: memory.mutableBytes + byteCount, count: room)
        byteCount += min(max(0, try unsafe body(free)), room)
    }

    /// Lends the text to `body`, which must not keep it.
    package borrowing func withUnsafeBytes<Result: ~Copyable, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(rebasing: memory.buffer[..<byteCount]))
    }
}

extension LockedMemory {
    /// The padded base64 of these bytes, coded in constant time.
    func base64() throws(KeyError) -> SecretText {
        let count = (byteCount + 2) / 3 * 4
        var text = try SecretText(capacity: count)
        let coded = try LockedMemory(byteCount: count + 1)
        unsafe sodium_bin2base64(
            coded.mutableCharacters,
            coded.byteCount,
            bytes,
            byteCount,
            sodium_base64_VARIANT_ORIGINAL
        )
        try unsafe text.append(UnsafeRawBufferPointer(rebasing: coded.buffer[..<count]))
        return text
    }

    private var mutableCharacters: UnsafeMutablePointer<CChar> {
        unsafe UnsafeMutableRawPointer(mutableBytes).assumingMemoryBound(to: CChar.self)
    }
}
