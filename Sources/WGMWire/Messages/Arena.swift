// SPDX-License-Identifier: Apache-2.0
package import CWGMProto

/// Memory for the structures of one message that is being packed, given back all at once.
@safe
package struct Arena: ~Copyable {
    private var next: UnsafeMutableRawPointer?
    private var left: Int
    private var chunks: [UnsafeMutableRawPointer] = unsafe []

    /// Starts with memory of the caller's, aligned to 16 bytes.
    package init(_ scratch: UnsafeMutableRawBufferPointer) {
        unsafe next = scratch.baseAddress
        left = scratch.count
    }

    deinit {
        unsafe chunks.forEach { unsafe $0.deallocate() }
    }

    private mutating func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        let rounded = (size + 15) & ~15
        if let start = unsafe next, rounded <= left {
            unsafe next = unsafe start + rounded
            left -= rounded
            return unsafe start
        }
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: max(16_384, rounded), alignment: 16)
        unsafe chunks.append(chunk)
        unsafe next = unsafe chunk + rounded
        left = max(16_384, rounded) - rounded
        return unsafe chunk
    }

    /// Room for values of C, not initialised.
    package mutating func room<T>(for type: T.Type, count: Int = 1) -> UnsafeMutablePointer<T> {
        unsafe allocate(MemoryLayout<T>.stride * count).bindMemory(to: type, capacity: count)
    }

    /// A text for C.
    ///
    /// NUL becomes U+FFFD: cut there, a name would become another name.
    package mutating func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        var text = text
        if let copy = unsafe text.utf8.withContiguousStorageIfAvailable({ unsafe copied($0) }) { return unsafe copy }
        return text.withUTF8 { unsafe copied($0) }
    }

    private mutating func copied(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeMutablePointer<CChar> {
        if unsafe bytes.contains(0) {
            let replaced = unsafe bytes.flatMap { byte in byte == 0 ? [0xEF, 0xBF, 0xBD] : [byte] }
            return unsafe replaced.withUnsafeBufferPointer { unsafe copied($0) }
        }
        let copy = unsafe allocate(bytes.count + 1)
        if let source = bytes.baseAddress { unsafe copy.copyMemory(from: source, byteCount: bytes.count) }
        unsafe copy.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
        return unsafe copy.assumingMemoryBound(to: CChar.self)
    }

    package mutating func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        let copy = unsafe allocate(bytes.count)
        unsafe bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { unsafe copy.copyMemory(from: start, byteCount: source.count) }
        }
        return unsafe ProtobufCBinaryData(len: bytes.count, data: copy.assumingMemoryBound(to: UInt8.self))
    }

    /// An array of C values made one by one; NULL when it is empty.
    package mutating func list<T, U>(_ values: [T], _ make: (inout Arena, T) -> U) -> UnsafeMutablePointer<U>? {
        guard !values.isEmpty else { return nil }
        let copy = unsafe room(for: U.self, count: values.count)
        for (index, value) in values.enumerated() {
            unsafe (copy + index).initialize(to: make(&self, value))
        }
        return unsafe copy
    }
}
