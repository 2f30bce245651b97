// SPDX-License-Identifier: Apache-2.0
import CWGMProto
import Testing

@Suite("A recursive type cannot exhaust the stack")
struct MessagesDepthTests {
    /// The check of nested messages of a type that the schema may not have: a message that contains itself.
    private func check(levels: Int) -> (passed: Bool, reason: wgm_check_reason) {
        var bytes: [UInt8] = []
        for _ in 0..<levels {
            let inner = bytes
            var length: [UInt8] = []
            var rest = inner.count
            repeat {
                length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
                rest >>= 7
            } while rest > 0
            bytes = [0x0A] + length + inner
        }
        let type = UnsafeMutablePointer<ProtobufCMessageDescriptor>.allocate(capacity: 1)
        let field = UnsafeMutablePointer<ProtobufCFieldDescriptor>.allocate(capacity: 1)
        defer {
            unsafe type.deallocate()
            unsafe field.deallocate()
        }
        unsafe field.initialize(to: ProtobufCFieldDescriptor())
        unsafe field.pointee.id = 1
        unsafe field.pointee.label = PROTOBUF_C_LABEL_OPTIONAL
        unsafe field.pointee.type = PROTOBUF_C_TYPE_MESSAGE
        unsafe field.pointee.descriptor = UnsafeRawPointer(type)
        unsafe type.initialize(to: ProtobufCMessageDescriptor())
        unsafe type.pointee.sizeof_message = MemoryLayout<ProtobufCMessage>.size
        unsafe type.pointee.n_fields = 1
        unsafe type.pointee.fields = UnsafePointer(field)
        var result = wgm_check()
        let passed = unsafe wgm_check_message(type, bytes, bytes.count, .max, &result)
        return (passed, result.reason)
    }

    @Test("sixteen levels pass, more are refused")
    func levels() {
        #expect(check(levels: 15).passed)
        for levels in [16, 17, 600, 5000] {
            #expect(check(levels: levels).passed == false)
            #expect(check(levels: levels).reason == WGM_CHECK_TOO_DEEP)
        }
    }
}
