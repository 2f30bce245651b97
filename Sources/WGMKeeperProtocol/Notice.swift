// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What the keeper says unasked: interfaces of ours were changed by somebody else.
///
/// Layout: number (4; 0, which no request has) · kind (1; 0) · everything (1) · count (2) · names (16 each, zero-padded). After one
/// the keeper says nothing unasked until the next request.
package struct Notice: Hashable, Sendable {
    package var changed: ChangedLinks

    package init(_ changed: ChangedLinks) { self.changed = changed }

    package func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.append(integer: UInt32(0))
        writer.append(integer: UInt8(0))
        writer.append(changed.isEverything)
        writer.append(integer: UInt16(clamping: changed.names.count))
        for name in changed.names.sorted() { writer.append(name) }
        return writer.bytes
    }

    /// nil for a packet that is a reply.
    package init?(decoding packet: [UInt8]) throws(PacketError) {
        var reader = PacketReader(packet)
        guard try reader.integer(UInt32.self) == 0, try reader.integer(UInt8.self) == 0 else { return nil }
        changed = ChangedLinks(everything: try reader.bool())
        let count = try reader.count(UInt16.self, elementSize: InterfaceNameField.byteCount)
        guard count <= ChangedLinks.maximumCount else { throw .tooLarge }
        for _ in 0..<count {
            guard let name = try reader.interfaceName() else { throw .invalidField }
            changed.insert(name)
        }
        try reader.end()
    }
}
