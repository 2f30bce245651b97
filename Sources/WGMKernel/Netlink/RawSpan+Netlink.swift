// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMModel

extension KernelFailure {
    static var malformed: KernelFailure {
        KernelFailure(.other, errno: EBADMSG, "the kernel's answer is not well-formed")
    }
}

/// Reading of what came from outside: every length is checked before a byte is touched.
extension RawSpan {
    /// The value at `offset` in this machine's byte order; nil when the bytes end before it does.
    func load<Value: BitwiseCopyable>(_ type: Value.Type, at offset: Int = 0) -> Value? {
        guard offset >= 0, offset <= byteCount, byteCount - offset >= MemoryLayout<Value>.size else { return nil }
        return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    }

    /// The attribute's value; throws when it is shorter than the type.
    func value<Value: BitwiseCopyable>(_ type: Value.Type) throws(KernelFailure) -> Value {
        guard let value = load(type) else { throw .malformed }
        return value
    }

    /// The text up to the first zero byte or the end.
    var text: String { String(decoding: array.prefix { $0 != 0 }, as: UTF8.self) }

    var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

    /// Lends each attribute behind the first `offset` bytes to `body`: its type without flags, and its value.
    func forEachAttribute(
        from offset: Int = 0,
        _ body: (UInt16, RawSpan) throws(KernelFailure) -> Void
    ) throws(KernelFailure) {
        guard offset <= byteCount else { throw .malformed }
        var position = offset
        while byteCount - position >= MemoryLayout<nlattr>.size {
            guard let header = load(nlattr.self, at: position) else { throw .malformed }
            let length = Int(header.nla_len)
            guard length >= MemoryLayout<nlattr>.size, length <= byteCount - position else { throw .malformed }
            let value = extracting((position + MemoryLayout<nlattr>.size)..<(position + length))
            try body(header.nla_type & 0x3fff, value)
            position += (length + 3) & ~3
        }
    }

    /// Lends each netlink message of a datagram to `body`: its header, and what follows it.
    func forEachMessage(_ body: (nlmsghdr, RawSpan) throws(KernelFailure) -> Void) throws(KernelFailure) {
        var position = 0
        while byteCount - position >= MemoryLayout<nlmsghdr>.size {
            guard let header = load(nlmsghdr.self, at: position) else { throw .malformed }
            guard let length = Int(exactly: header.nlmsg_len) else { throw .malformed }
            guard length >= MemoryLayout<nlmsghdr>.size, length <= byteCount - position else { throw .malformed }
            try body(header, extracting((position + MemoryLayout<nlmsghdr>.size)..<(position + length)))
            position += (length + 3) & ~3
        }
    }
}
