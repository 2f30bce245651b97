// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMKeys
import WGMModel

@testable import WGMKernel

extension PublicKey {
    /// A key that is nobody's: its number in every eighth byte.
    static func sample(_ number: Int) throws -> PublicKey {
        let bytes = (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4)) | 1 << 4 & $0) }
        return try #require(PublicKey(bytes: [UInt8(7)] + bytes.dropFirst()))
    }
}

func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }
func address(_ text: String) throws -> InterfaceAddress { try #require(InterfaceAddress(text)) }
func name(_ text: String) throws -> InterfaceName { try #require(InterfaceName(text)) }

extension OwnedLink {
    /// A link as if it had been read from the kernel.
    static func sample(_ owner: InterfaceID = InterfaceID(7)) throws -> OwnedLink {
        var message = Array<UInt8>(repeating: 0, count: 16)
        message[4] = 3
        var link = try message.withSpan { (span) throws(KernelFailure) in try Link(span) }
        link.name = "wg0"
        link.kind = LinkKind.wireGuard
        link.alias = OwnerMark.alias(owner)
        return try OwnedLink(link, owner: owner)
    }
}

extension [UInt8] {
    func withSpan<Result, Failure>(_ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result {
        try unsafe body(span.bytes)
    }

    /// One attribute with its header and padding.
    static func attribute(_ type: some NetlinkAttribute, _ value: [UInt8]) -> [UInt8] {
        let length = UInt16(value.count + 4)
        let header = [UInt8(truncatingIfNeeded: length), UInt8(length >> 8)]
        let kind = [UInt8(truncatingIfNeeded: type.type), UInt8(type.type >> 8)]
        return header + kind + value + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }

    /// The bytes of a number in this machine's order.
    static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        unsafe Swift.withUnsafeBytes(of: value) { unsafe Array($0) }
    }

    /// A netlink message with header.
    static func message(
        type: UInt16,
        flags: UInt16 = 0,
        sequence: UInt32 = 1,
        port: UInt32 = 9,
        _ payload: [UInt8]
    ) -> [UInt8] {
        let header = number(UInt32(16 + payload.count)) + number(type) + number(flags) + number(sequence) + number(port)
        return header + payload + [UInt8](repeating: 0, count: (4 - payload.count % 4) % 4)
    }
}
