// SPDX-License-Identifier: Apache-2.0

package import WGMModel

private enum PeerFlag {
    static let presharedKey: UInt8 = 1
    static let endpoint: UInt8 = 2
    static let handshake: UInt8 = 4
}

extension ActualInterface {
    package func encoded() -> [UInt8] {
        // As much as peers with two prefixes and an endpoint take.
        var writer = PacketWriter(capacity: 256 + peers.count * 140 + routes.count * 18)
        writer.append(name)
        writer.append(owner != nil)
        writer.append(integer: owner?.value ?? 0)
        writer.append(integer: backend.rawValue)
        writer.append(isUp)
        writer.append(integer: mtu)
        writer.append(publicKey != nil)
        if let publicKey { writer.append(publicKey.bytes) }
        writer.append(integer: listenPort)
        writer.append(integer: firewallMark)
        writer.appendLong(addresses) { $0.append($1) }
        writer.appendLong(routes) { $0.append($1) }
        writer.appendLong(unroutedNetworks) { $0.append($1) }
        writer.appendLong(peers) { $0.append($1.key, $1.value) }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(PacketError) {
        var reader = PacketReader(bytes)
        guard let name = try reader.interfaceName() else { throw .invalidField }
        let hasOwner = try reader.bool()
        let owner = InterfaceID(try reader.integer())
        guard let backend = Backend(rawValue: try reader.integer()) else { throw .invalidField }
        self.init(name: name, owner: hasOwner ? owner : nil, backend: backend)
        isUp = try reader.bool()
        mtu = try reader.integer()
        if try reader.bool() { publicKey = try reader.publicKey() }
        listenPort = try reader.integer()
        firewallMark = try reader.integer()
        addresses = Set(try reader.longList(6) { (reader) throws(PacketError) in try reader.interfaceAddress() })
        routes = Set(try reader.longList(6) { (reader) throws(PacketError) in try reader.prefix() })
        unroutedNetworks = Set(try reader.longList(6) { (reader) throws(PacketError) in try reader.prefix() })
        let count = try reader.count(UInt32.self, elementSize: 55)
        peers.reserveCapacity(count)
        for _ in 0..<count {
            let (key, peer) = try reader.actualPeer()
            guard peers.updateValue(peer, forKey: key) == nil else { throw .invalidField }
        }
        try reader.end()
    }
}

extension PacketWriter {
    fileprivate mutating func appendLong<Elements: Collection>(
        _ list: Elements,
        _ append: (inout PacketWriter, Elements.Element) -> Void
    ) {
        self.append(integer: UInt32(clamping: list.count))
        for element in list { append(&self, element) }
    }

    /// Key (32) · flags (1) · mark of the preshared key (16) · endpoint · keepalive (2) · handshake (12) · received (8) · sent (8) · addresses (4 + …).
    fileprivate mutating func append(_ key: PublicKey, _ peer: ActualPeer) {
        append(key)
        append(
            integer: (peer.presharedKey == nil ? 0 : PeerFlag.presharedKey)
                | (peer.endpoint == nil ? 0 : PeerFlag.endpoint)
                | (peer.lastHandshake == nil ? 0 : PeerFlag.handshake)
        )
        if let mark = peer.presharedKey { append(mark.bytes) }
        if let endpoint = peer.endpoint { append(endpoint) }
        append(integer: peer.keepalive)
        if let handshake = peer.lastHandshake {
            append(integer: handshake.seconds)
            append(integer: handshake.nanoseconds)
        }
        append(integer: peer.receivedBytes)
        append(integer: peer.sentBytes)
        appendLong(peer.allowedAddresses) { $0.append($1) }
    }
}

extension PacketReader {
    fileprivate mutating func longList<Element>(
        _ elementSize: Int,
        _ element: (inout PacketReader) throws(PacketError) -> Element
    ) throws(PacketError) -> [Element] {
        try list(count: try count(UInt32.self, elementSize: elementSize), element)
    }

    fileprivate mutating func actualPeer() throws(PacketError) -> (PublicKey, ActualPeer) {
        let key = try anyPublicKey()
        var peer = ActualPeer()
        let flags = try flags(known: PeerFlag.presharedKey | PeerFlag.endpoint | PeerFlag.handshake)
        if flags & PeerFlag.presharedKey != 0 { peer.presharedKey = try keyMark() }
        if flags & PeerFlag.endpoint != 0 { peer.endpoint = try endpoint() }
        peer.keepalive = try integer()
        if flags & PeerFlag.handshake != 0 {
            let moment = Timestamp(seconds: try integer(), nanoseconds: try integer())
            guard moment.nanoseconds < 1_000_000_000 else { throw .invalidField }
            peer.lastHandshake = moment
        }
        peer.receivedBytes = try integer()
        peer.sentBytes = try integer()
        peer.allowedAddresses = PrefixSet(try longList(6) { (reader) throws(PacketError) in try reader.prefix() })
        return (key, peer)
    }
}

/// The list of links that carry an owner's mark.
package enum OwnedInterfaces {
    package static func encoded(_ owners: [InterfaceName: InterfaceID]) -> [UInt8] {
        var writer = PacketWriter()
        writer.appendLong(owners.prefix(maximumCount)) {
            $0.append($1.key)
            $0.append(integer: $1.value.value)
        }
        return writer.bytes
    }

    package static func decode(_ payload: [UInt8]) throws(PacketError) -> [InterfaceName: InterfaceID] {
        var reader = PacketReader(payload)
        var owners: [InterfaceName: InterfaceID] = [:]
        for _ in 0..<(try reader.count(UInt32.self, elementSize: 24)) {
            guard let name = try reader.interfaceName() else { throw .invalidField }
            owners[name] = InterfaceID(try reader.integer())
        }
        try reader.end()
        return owners
    }

    /// As many as fit one packet.
    package static let maximumCount = 2500
}
