// SPDX-License-Identifier: Apache-2.0
package import CWGMProto

/// Copies of what protobuf-c has unpacked and the check has passed.
package enum Copy {
    package static func string(_ text: UnsafePointer<CChar>?) -> String? {
        unsafe text.map { unsafe String(cString: $0) }
    }

    package static func bytes(_ bytes: ProtobufCBinaryData) -> [UInt8] {
        unsafe [UInt8](UnsafeBufferPointer(start: bytes.data, count: bytes.len))
    }

    /// The elements of a repeated field, each through `copy`.
    @inline(__always)
    package static func list<T, U>(_ elements: UnsafePointer<T>?, _ count: Int, _ copy: (T) -> U) -> [U] {
        unsafe UnsafeBufferPointer(start: elements, count: count).map(copy)
    }

    package static func strings(
        _ elements: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
        _ count: Int
    ) -> [String] {
        unsafe list(elements, count) { unsafe string($0) ?? "" }
    }

    @inline(__always)
    package static func message<M: CConvertible>(_ c: UnsafeMutablePointer<M.CValue>?) -> M? {
        unsafe c.map { unsafe M(copying: $0) }
    }

    @inline(__always)
    package static func messages<M: CConvertible>(
        _ elements: UnsafeMutablePointer<UnsafeMutablePointer<M.CValue>?>?,
        _ count: Int
    ) -> [M] {
        unsafe UnsafeBufferPointer(start: elements, count: count).compactMap { unsafe message($0) }
    }
}
