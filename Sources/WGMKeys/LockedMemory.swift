// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// Memory between guard pages that is never swapped or dumped, and wiped when the value ends.
///
/// Every secret of this module lives in one of these, so that none can be copied, printed or compared by accident.
@safe struct LockedMemory: ~Copyable, @unchecked Sendable {
    let byteCount: Int
    private let start: UnsafeMutableRawPointer

    /// Zeroed memory, which is locked for certain: `sodium_malloc` alone hides a failed lock.
    init(byteCount: Int) throws(KeyError) {
        guard sodium_init() >= 0 else { throw .libraryUnavailable }
        guard let start = unsafe sodium_malloc(byteCount) else { throw .memoryNotLocked }
        guard unsafe sodium_mlock(start, byteCount) == 0 else {
            unsafe sodium_free(start)
            throw .memoryNotLocked
        }
        unsafe sodium_memzero(start, byteCount)
        self.byteCount = byteCount
        unsafe self.start = start
    }

    deinit { unsafe sodium_free(start) }

    static func copy(_ bytes: UnsafeRawBufferPointer, byteCount: Int) throws(KeyError) -> LockedMemory {
        guard bytes.count == byteCount else { throw .wrongLength(expected: byteCount, actual: bytes.count) }
        let memory = try LockedMemory(byteCount: byteCount)
        unsafe UnsafeMutableRawBufferPointer(start: memory.start, count: byteCount).copyMemory(from: bytes)
        return memory
    }

    /// Bytes from the system's generator.
    static func random(byteCount: Int) throws(KeyError) -> LockedMemory {
        let memory = try LockedMemory(byteCount: byteCount)
        unsafe randombytes_buf(memory.start, byteCount)
        return memory
    }

    var bytes: UnsafePointer<UInt8> { unsafe UnsafePointer(start.assumingMemoryBound(to: UInt8.self)) }
    var mutableBytes: UnsafeMutablePointer<UInt8> { unsafe start.assumingMemoryBound(to: UInt8.self) }
    var buffer: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: start, count: byteCount) }

    /// In constant time.
    var isZero: Bool { unsafe sodium_is_zero(bytes, byteCount) == 1 }
}

extension LockedMemory {
    /// Reads canonical base64 of exactly `byteCount` bytes in constant time, after which one line end may stand.
    static func decode(base64 text: UnsafeRawBufferPointer, byteCount: Int) throws(KeyError) -> LockedMemory {
        let memory = try LockedMemory(byteCount: byteCount)
        var length = text.count
        if length > 0, unsafe text[length - 1] == UInt8(ascii: "\n") { length -= 1 }
        if length > 0, unsafe text[length - 1] == UInt8(ascii: "\r") { length -= 1 }
        var decodedCount = 0
        let status = unsafe sodium_base642bin(
            memory.mutableBytes,
            byteCount,
            text.baseAddress?.assumingMemoryBound(to: CChar.self),
            length,
            nil,
            &decodedCount,
            nil,
            sodium_base64_VARIANT_ORIGINAL
        )
        guard status == 0, decodedCount == byteCount else { throw .malformed }
        return memory
    }
}
