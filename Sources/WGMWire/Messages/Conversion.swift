// SPDX-License-Identifier: Apache-2.0
package import CWGMProto

/// A message that has a protobuf-c structure beside it.
package protocol CConvertible: WireMessage {
    associatedtype CValue

    static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> { get }

    /// Copies what protobuf-c has unpacked.
    init(copying c: UnsafePointer<CValue>)

    /// Builds what protobuf-c is to pack; it lives as long as the arena.
    func build(in arena: inout Arena) -> UnsafeMutablePointer<CValue>
}

extension CConvertible {
    /// Checks, unpacks into one block of exactly the size that the check has predicted, and copies.
    @inline(__always)
    package static func read(_ bytes: UnsafeRawBufferPointer, budget: Int) throws(MessageError) -> Self {
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let type = unsafe descriptor
        var check = wgm_check()
        guard unsafe wgm_check_message(type, start, bytes.count, max(budget, 0), &check) else {
            throw MessageError(check)
        }
        let value = unsafe withUnsafeTemporaryAllocation(byteCount: check.memory, alignment: 16) { block -> Self? in
            guard let c = unsafe wgm_unpack(type, start, bytes.count, block.baseAddress, block.count) else {
                return nil
            }
            return unsafe Self(copying: UnsafeRawPointer(c).assumingMemoryBound(to: CValue.self))
        }
        guard let value else { throw MessageError(.refusedByDecoder) }
        return value
    }

    /// Builds the structures in an arena that starts on the stack, and lets protobuf-c write the bytes.
    @inline(__always)
    package func written() -> [UInt8] {
        unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { scratch in
            var arena = unsafe Arena(scratch)
            let c = unsafe UnsafeRawPointer(build(in: &arena)).assumingMemoryBound(to: ProtobufCMessage.self)
            let size = unsafe protobuf_c_message_get_packed_size(c)
            return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                if let start = buffer.baseAddress, size > 0 { count = unsafe protobuf_c_message_pack(c, start) }
            }
        }
    }
}
