// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Memory for what may hold a key: zeroed when the value ends, and when it moves to grow.
@safe struct WipedBuffer: ~Copyable {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        unsafe start = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        unsafe explicit_bzero(start, capacity)
        unsafe start.deallocate()
    }

    /// What was written so far.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: start, count: count) }

    /// Forgets what was written.
    mutating func wipe() {
        unsafe explicit_bzero(start, count)
        count = 0
    }

    mutating func append(_ byte: UInt8) {
        if count == capacity { grow() }
        unsafe start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    mutating func append(_ text: some Collection<UInt8>) {
        for byte in text { append(byte) }
    }

    mutating func append(_ bytes: RawSpan) {
        unsafe append(count: bytes.byteCount) { target in
            unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
    }

    /// Appends so many bytes, all of which `body` writes.
    mutating func append(count more: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        while capacity - count < more { grow() }
        unsafe body(UnsafeMutableRawBufferPointer(start: start + count, count: more))
        count += more
    }

    /// Replaces what was written by what `body` writes, which returns how many bytes that is, or -1.
    mutating func fill(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        wipe()
        let written = unsafe body(UnsafeMutableRawBufferPointer(start: start, count: capacity))
        precondition(written <= capacity)
        count = max(written, 0)
        return written
    }

    private mutating func grow() {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: 2 * capacity, alignment: 16)
        unsafe larger.copyMemory(from: start, byteCount: count)
        unsafe explicit_bzero(start, capacity)
        unsafe start.deallocate()
        unsafe start = larger
        capacity *= 2
    }
}
