// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Why a packet is not one of this protocol.
///
/// There is no answer to such a packet: the connection ends.
package enum PacketError: Error, Hashable, Sendable {
    case truncated
    case trailingBytes
    case tooLarge
    case unknownKind(UInt8)
    /// A field has a value that cannot occur, or a bit that has no meaning.
    case invalidField
}

/// Sizes that both ends check before they spend memory.
package enum PacketLimit {
    /// Bytes of one packet.
    package static let packet = 64 * 1024
    /// Bytes of a token's signing input.
    package static let signingInput = 4096
    /// Bytes of the message in a failure.
    package static let message = 500
    /// Bytes of a dump, all its packets together.
    package static let dump = 32 * 1024 * 1024
    /// The payload of one packet of a dump.
    package static let dumpPart = 60 * 1024
}

/// Takes fields off the front of a packet; integers are big-endian.
struct PacketReader {
    private let packet: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { packet = bytes }

    var remainingCount: Int { packet.count - position }

    mutating func bytes(_ count: Int) throws(PacketError) -> ArraySlice<UInt8> {
        guard count <= remainingCount else { throw .truncated }
        defer { position += count }
        return packet[position..<position + count]
    }

    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _: Integer.Type = Integer.self
    ) throws(PacketError) -> Integer {
        let size = MemoryLayout<Integer>.size
        guard size <= remainingCount else { throw .truncated }
        defer { position += size }
        return unsafe packet.withUnsafeBytes { bytes in
            unsafe Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Integer.self))
        }
    }

    mutating func bool() throws(PacketError) -> Bool {
        switch try integer(UInt8.self) {
        case 0: false
        case 1: true
        default: throw .invalidField
        }
    }

    /// Flags of which only the bits of `known` have a meaning.
    mutating func flags(known: UInt8) throws(PacketError) -> UInt8 {
        let flags = try integer(UInt8.self)
        guard flags & ~known == 0 else { throw .invalidField }
        return flags
    }

    /// A count of elements that can still be in the packet, each being at least `elementSize` bytes long.
    mutating func count<Integer: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _: Integer.Type,
        elementSize: Int
    ) throws(PacketError) -> Int {
        let count = Int(try integer(Integer.self))
        guard count <= remainingCount / elementSize else { throw .truncated }
        return count
    }

    /// Text behind a 2-byte length.
    mutating func text(limit: Int) throws(PacketError) -> String {
        let count = try integer(UInt16.self)
        guard count <= limit else { throw .tooLarge }
        guard let text = String(validating: try bytes(Int(count)), as: UTF8.self) else { throw .invalidField }
        return text
    }

    func end() throws(PacketError) {
        guard remainingCount == 0 else { throw .trailingBytes }
    }
}

extension PacketReader {
    /// 16 bytes, padded with zeros; nil when all are zero.
    mutating func interfaceName() throws(PacketError) -> InterfaceName? {
        let field = try bytes(InterfaceNameField.byteCount)
        let characters = field.prefix { $0 != 0 }
        guard field.dropFirst(characters.count).allSatisfy({ $0 == 0 }) else { throw .invalidField }
        guard !characters.isEmpty else { return nil }
        let text = String(validating: characters, as: UTF8.self)
        guard let text, let name = InterfaceName(text) else { throw .invalidField }
        return name
    }

    mutating func publicKey() throws(PacketError) -> PublicKey {
        let key = try anyPublicKey()
        guard !key.isZero else { throw .invalidField }
        return key
    }

    /// As the kernel may have one: anybody can put a peer there.
    mutating func anyPublicKey() throws(PacketError) -> PublicKey {
        PublicKey(words: (try integer(), try integer(), try integer(), try integer()))
    }

    mutating func sealedKey() throws(PacketError) -> SealedKey {
        guard let key = SealedKey(bytes: Array(try bytes(SealedKey.byteCount))) else { throw .truncated }
        return key
    }

    mutating func keyMark() throws(PacketError) -> KeyMark {
        guard let mark = KeyMark(bytes: try bytes(KeyMark.byteCount)) else { throw .truncated }
        return mark
    }

    mutating func secretBox() throws(PacketError) -> SecretBox {
        guard let box = SecretBox(bytes: Array(try bytes(SecretBox.byteCount))) else { throw .truncated }
        return box
    }

    /// Family (4 or 6) · 4 or 16 bytes.
    mutating func address() throws(PacketError) -> IPAddress {
        guard let family = AddressFamily(rawValue: try integer()) else { throw .invalidField }
        // Any address: what callers may say is judged elsewhere, and what the kernel has must be told and taken away.
        return switch family {
        case .v4: IPAddress(v4: try integer())
        case .v6: IPAddress(v6: try integer())
        }
    }

    /// Address · length, without host bits.
    mutating func prefix() throws(PacketError) -> IPPrefix {
        let address = try address()
        guard let prefix = IPPrefix(address, length: Int(try integer(UInt8.self))) else { throw .invalidField }
        return prefix
    }

    /// Address · length of the on-link prefix.
    mutating func interfaceAddress() throws(PacketError) -> InterfaceAddress {
        let address = try address()
        let length = Int(try integer(UInt8.self))
        guard let result = InterfaceAddress(address, length: length) else { throw .invalidField }
        return result
    }

    /// Address · port · zone.
    mutating func endpoint() throws(PacketError) -> Endpoint {
        Endpoint(try address(), port: try integer(), zone: try integer())
    }

    mutating func list<Element>(
        count: Int,
        _ element: (inout PacketReader) throws(PacketError) -> Element
    ) throws(PacketError) -> [Element] {
        var list: [Element] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(try element(&self)) }
        return list
    }
}

/// The field that holds an interface name: as long as the kernel's.
enum InterfaceNameField {
    static let byteCount = 16
}
