// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension KernelChange {
    /// Kinds and changes map one to one, but that adding and removing share a kind.
    var kind: RequestKind {
        switch self {
        case .createLink: .createLink
        case .deleteLink: .deleteLink
        case .setLink, .takeLink, .releaseLink: .setLink
        case .setDevice: .setDevice
        case .setPeers, .removePeers: .setPeers
        case .addAddresses, .removeAddresses, .addRoutes, .removeRoutes: .setPrefixes
        }
    }
}

/// What a list of peers or prefixes is for: the byte before its count.
private enum ListPurpose: UInt8 {
    case setPeers = 1
    case removePeers = 2
    case addAddresses = 3
    case removeAddresses = 4
    case addRoutes = 5
    case removeRoutes = 6
}

/// Which optional fields follow; those not there are left out.
private enum Flag {
    static let mtu: UInt8 = 1
    static let isUp: UInt8 = 2
    /// These two stand alone.
    static let takes: UInt8 = 4
    static let releases: UInt8 = 8
    static let privateKey: UInt8 = 1
    static let listenPort: UInt8 = 2
    static let firewallMark: UInt8 = 4
    static let updateOnly: UInt8 = 1
    static let replaceAllowedAddresses: UInt8 = 2
    static let endpoint: UInt8 = 4
    static let keepalive: UInt8 = 8
    static let clearPresharedKey: UInt8 = 16
    static let setPresharedKey: UInt8 = 32
}

extension PacketWriter {
    mutating func append(_ change: KernelChange) {
        switch change {
        case .createLink(let backend, let mtu):
            append(integer: backend.rawValue)
            append(integer: mtu)
        case .deleteLink:
            break
        case .setLink(let mtu, let isUp):
            append(integer: (mtu == nil ? 0 : Flag.mtu) | (isUp == nil ? 0 : Flag.isUp))
            if let mtu { append(integer: mtu) }
            if let isUp { append(isUp) }
        case .takeLink(let key):
            append(integer: Flag.takes)
            append(key.bytes)
        case .releaseLink: append(integer: Flag.releases)
        case .setDevice(let privateKey, let listenPort, let firewallMark):
            append(
                integer: (privateKey == nil ? 0 : Flag.privateKey) | (listenPort == nil ? 0 : Flag.listenPort)
                    | (firewallMark == nil ? 0 : Flag.firewallMark)
            )
            if let privateKey { append(privateKey.bytes) }
            if let listenPort { append(integer: listenPort) }
            if let firewallMark { append(integer: firewallMark) }
        case .setPeers(let peers): append(.setPeers, peers) { $0.append($1) }
        case .removePeers(let keys): append(.removePeers, keys) { $0.append($1.bytes) }
        case .addAddresses(let addresses): append(.addAddresses, addresses) { $0.append($1) }
        case .removeAddresses(let addresses): append(.removeAddresses, addresses) { $0.append($1) }
        case .addRoutes(let routes): append(.addRoutes, routes) { $0.append($1) }
        case .removeRoutes(let routes): append(.removeRoutes, routes) { $0.append($1) }
        }
    }

    private mutating func append<Element>(
        _ purpose: ListPurpose,
        _ list: [Element],
        _ append: (inout PacketWriter, Element) -> Void
    ) {
        self.append(integer: purpose.rawValue)
        self.append(list, append)
    }

    /// Key (32) · flags (1) · sealed preshared key · endpoint · keepalive (2) · addresses (2 + …).
    mutating func append(_ peer: PeerChange) {
        append(peer.publicKey.bytes)
        append(integer: peer.flags)
        if case .set(let key) = peer.presharedKey { append(key.bytes) }
        if let endpoint = peer.endpoint { append(endpoint) }
        if let keepalive = peer.keepalive { append(integer: keepalive) }
        append(peer.addAllowedAddresses) { $0.append($1) }
    }
}

extension PeerChange {
    fileprivate var flags: UInt8 {
        var flags = updateOnly ? Flag.updateOnly : 0
        if replaceAllowedAddresses { flags |= Flag.replaceAllowedAddresses }
        if endpoint != nil { flags |= Flag.endpoint }
        if keepalive != nil { flags |= Flag.keepalive }
        switch presharedKey {
        case .keep: break
        case .clear: flags |= Flag.clearPresharedKey
        case .set: flags |= Flag.setPresharedKey
        }
        return flags
    }
}

extension PacketReader {
    /// `kind` is one of the six that change something.
    mutating func change(_ kind: RequestKind) throws(PacketError) -> KernelChange {
        switch kind {
        case .createLink:
            guard let backend = Backend(rawValue: try integer()) else { throw .invalidField }
            return .createLink(backend: backend, mtu: try mtu())
        case .deleteLink: return .deleteLink
        case .setLink: return try setLink()
        case .setDevice: return try setDevice()
        case .setPeers, .setPrefixes: return try listChange(kind)
        case .hello, .generateKey, .dump, .signToken, .ownedInterfaces, .sealSecrets:
            throw .unknownKind(kind.rawValue)
        }
    }

    /// From what RFC 791 asks for to the largest that Linux gives a WireGuard link.
    private mutating func mtu() throws(PacketError) -> UInt32 {
        let mtu = try integer(UInt32.self)
        guard (68...65535).contains(mtu) else { throw .invalidField }
        return mtu
    }

    private mutating func setLink() throws(PacketError) -> KernelChange {
        let flags = try flags(known: Flag.mtu | Flag.isUp | Flag.takes | Flag.releases)
        if flags == Flag.takes { return .takeLink(try publicKey()) }
        if flags == Flag.releases { return .releaseLink }
        guard flags & (Flag.takes | Flag.releases) == 0 else { throw .invalidField }
        return .setLink(
            mtu: flags & Flag.mtu == 0 ? nil : try mtu(),
            isUp: flags & Flag.isUp == 0 ? nil : try bool()
        )
    }

    private mutating func setDevice() throws(PacketError) -> KernelChange {
        let flags = try flags(known: Flag.privateKey | Flag.listenPort | Flag.firewallMark)
        return .setDevice(
            privateKey: flags & Flag.privateKey == 0 ? nil : try sealedKey(),
            listenPort: flags & Flag.listenPort == 0 ? nil : try integer(),
            firewallMark: flags & Flag.firewallMark == 0 ? nil : try integer()
        )
    }

    private mutating func listChange(_ kind: RequestKind) throws(PacketError) -> KernelChange {
        guard let purpose = ListPurpose(rawValue: try integer()) else { throw .invalidField }
        switch (kind, purpose) {
        case (.setPeers, .setPeers):
            return .setPeers(try list(35) { (reader) throws(PacketError) in try reader.peerChange() })
        case (.setPeers, .removePeers):
            return .removePeers(try list(32) { (reader) throws(PacketError) in try reader.publicKey() })
        case (.setPrefixes, .addAddresses):
            return .addAddresses(try list(6) { (reader) throws(PacketError) in try reader.interfaceAddress() })
        case (.setPrefixes, .removeAddresses):
            return .removeAddresses(try list(6) { (reader) throws(PacketError) in try reader.interfaceAddress() })
        case (.setPrefixes, .addRoutes):
            return .addRoutes(try list(6) { (reader) throws(PacketError) in try reader.prefix() })
        case (.setPrefixes, .removeRoutes):
            return .removeRoutes(try list(6) { (reader) throws(PacketError) in try reader.prefix() })
        default: throw .invalidField
        }
    }

    private mutating func peerChange() throws(PacketError) -> PeerChange {
        var peer = PeerChange(publicKey: try publicKey())
        let flags = try flags(known: 63)
        peer.updateOnly = flags & Flag.updateOnly != 0
        peer.replaceAllowedAddresses = flags & Flag.replaceAllowedAddresses != 0
        switch flags & (Flag.clearPresharedKey | Flag.setPresharedKey) {
        case 0: peer.presharedKey = .keep
        case Flag.clearPresharedKey: peer.presharedKey = .clear
        case Flag.setPresharedKey: peer.presharedKey = .set(try sealedKey())
        default: throw .invalidField
        }
        if flags & Flag.endpoint != 0 {
            let endpoint = try endpoint()
            guard endpoint.port > 0 else { throw .invalidField }
            peer.endpoint = endpoint
        }
        if flags & Flag.keepalive != 0 { peer.keepalive = try integer() }
        peer.addAllowedAddresses = try list(6) { (reader) throws(PacketError) in try reader.prefix() }
        return peer
    }

    /// A 2-byte count and as many elements, each of at least `elementSize` bytes.
    private mutating func list<Element>(
        _ elementSize: Int,
        _ element: (inout PacketReader) throws(PacketError) -> Element
    ) throws(PacketError) -> [Element] {
        try list(count: try count(UInt16.self, elementSize: elementSize), element)
    }
}
