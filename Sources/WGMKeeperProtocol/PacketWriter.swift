// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Puts fields behind one another; the counterpart of `PacketReader`.
struct PacketWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    mutating func append(_ more: some Collection<UInt8>) { bytes.append(contentsOf: more) }

    mutating func append<Integer: FixedWidthInteger>(integer value: Integer) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func append(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    /// Text behind a 2-byte length, cut to `limit` bytes at the end of a character.
    mutating func append(_ text: String, limit: Int) {
        var text = Substring(text)
        while text.utf8.count > min(limit, Int(UInt16.max)) { text.removeLast() }
        append(integer: UInt16(text.utf8.count))
        append(text.utf8)
    }

    mutating func append(_ name: InterfaceName?) {
        let characters = Array(name?.value.utf8 ?? "".utf8)
        append(characters)
        append(repeatElement(0, count: InterfaceNameField.byteCount - characters.count))
    }

    mutating func append(_ key: PublicKey) {
        let words = key.words
        append(integer: words.0)
        append(integer: words.1)
        append(integer: words.2)
        append(integer: words.3)
    }

    mutating func append(_ address: IPAddress) {
        append(integer: address.family.rawValue)
        switch address.family {
        case .v4: append(integer: UInt32(truncatingIfNeeded: address.bits))
        case .v6: append(integer: address.bits)
        }
    }

    mutating func append(_ prefix: IPPrefix) {
        append(prefix.address)
        append(integer: prefix.length)
    }

    mutating func append(_ address: InterfaceAddress) {
        append(address.address)
        append(integer: address.length)
    }

    mutating func append(_ endpoint: Endpoint) {
        append(endpoint.address)
        append(integer: endpoint.port)
        append(integer: endpoint.zone)
    }

    /// Elements behind a 2-byte count; the splitting of changes keeps every list shorter than that.
    mutating func append<Element>(_ list: [Element], _ append: (inout PacketWriter, Element) -> Void) {
        self.append(integer: UInt16(clamping: list.count))
        for element in list.prefix(Int(UInt16.max)) { append(&self, element) }
    }
}
