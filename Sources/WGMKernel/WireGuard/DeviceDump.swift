// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
package import WGMKeys
package import WGMModel

/// What a WireGuard device holds, put together from the messages of a dump.
///
/// Of a private key only whether it is there is kept, of a preshared key its mark.
package struct DeviceDump: Hashable, Sendable {
    package var publicKey: PublicKey?
    var listenPort: UInt16 = 0
    var firewallMark: UInt32 = 0
    package var peers: [PublicKey: ActualPeer] = [:]

    package init() {}

    /// Reads one message of generic netlink; a peer whose allowed addresses fill several messages is put together again.
    package mutating func read(_ message: RawSpan, marking: KeyMarker? = nil) throws(KernelFailure) {
        var dump = self
        self = DeviceDump()
        defer { self = dump }
        try message.forEachAttribute(from: MemoryLayout<genlmsghdr>.size) { (type, value) throws(KernelFailure) in
            switch type {
            case WGDEVICE_A_PUBLIC_KEY.type: dump.publicKey = try value.publicKey()
            case WGDEVICE_A_LISTEN_PORT.type: dump.listenPort = try value.value(UInt16.self)
            case WGDEVICE_A_FWMARK.type: dump.firewallMark = try value.value(UInt32.self)
            case WGDEVICE_A_PEERS.type:
                try value.forEachAttribute { (_, peer) throws(KernelFailure) in try dump.add(peer, marking) }
            default: break
            }
        }
    }

    private mutating func add(_ attributes: RawSpan, _ marking: KeyMarker?) throws(KernelFailure) {
        var key: PublicKey?
        try attributes.forEachAttribute { (type, value) throws(KernelFailure) in
            if type == WGPEER_A_PUBLIC_KEY.type { key = try value.publicKey() }
        }
        guard let key else { throw .malformed }
        try peers[key, default: ActualPeer()].read(attributes, of: key, marking)
    }
}

extension ActualPeer {
    fileprivate mutating func read(
        _ attributes: RawSpan,
        of key: PublicKey,
        _ marking: KeyMarker?
    ) throws(KernelFailure) {
        var peer = self
        self = ActualPeer()
        defer { self = peer }
        try attributes.forEachAttribute { (type, value) throws(KernelFailure) in
            switch type {
            case WGPEER_A_PRESHARED_KEY.type: peer.presharedKey = value.mark(of: key, marking)
            case WGPEER_A_ENDPOINT.type: peer.endpoint = Endpoint(socketAddress: value)
            case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL.type: peer.keepalive = try value.value(UInt16.self)
            case WGPEER_A_LAST_HANDSHAKE_TIME.type: peer.lastHandshake = try value.timestamp()
            case WGPEER_A_RX_BYTES.type: peer.receivedBytes = try value.value(UInt64.self)
            case WGPEER_A_TX_BYTES.type: peer.sentBytes = try value.value(UInt64.self)
            case WGPEER_A_ALLOWEDIPS.type:
                var prefixes: [IPPrefix] = []
                try value.forEachAttribute { (_, address) throws(KernelFailure) in
                    prefixes.append(try address.allowedAddress())
                }
                peer.allowedAddresses = peer.allowedAddresses.union(prefixes)
            default: break
            }
        }
    }
}

extension RawSpan {
    /// In constant time.
    var isAllZero: Bool { unsafe withUnsafeBytes { bytes in unsafe bytes.reduce(0) { $0 | $1 } == 0 } }

    /// The mark of a preshared key; nil for the key of zeros, which stands for none.
    func mark(of peer: PublicKey, _ marking: KeyMarker?) -> KeyMark? {
        guard !isAllZero else { return nil }
        guard let marking else { return .unknown }
        return unsafe withUnsafeBytes { unsafe marking.mark(of: $0, peer: peer) }
    }

    /// nil for the key of zeros, which stands for none.
    func publicKey() throws(KernelFailure) -> PublicKey? {
        guard byteCount == PublicKey.byteCount, let word0 = load(UInt64.self), let word1 = load(UInt64.self, at: 8),
            let word2 = load(UInt64.self, at: 16), let word3 = load(UInt64.self, at: 24)
        else { throw .malformed }
        let key = PublicKey(words: (word0.bigEndian, word1.bigEndian, word2.bigEndian, word3.bigEndian))
        return key.isZero ? nil : key
    }

    /// `__kernel_timespec`; nil for zero, which stands for never.
    fileprivate func timestamp() throws(KernelFailure) -> Timestamp? {
        guard let seconds = load(Int64.self), let nanoseconds = load(Int64.self, at: 8) else { throw .malformed }
        guard let nanoseconds = UInt32(exactly: nanoseconds), nanoseconds < 1_000_000_000 else { throw .malformed }
        return seconds == 0 && nanoseconds == 0 ? nil : Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// In network byte order; nil for neither 4 bytes nor 16.
    private var address: IPAddress? {
        switch byteCount {
        case 4: load(UInt32.self).map { IPAddress(v4: UInt32(bigEndian: $0)) }
        case 16: load(UInt128.self).map { IPAddress(v6: UInt128(bigEndian: $0)) }
        default: nil
        }
    }

    fileprivate func allowedAddress() throws(KernelFailure) -> IPPrefix {
        var address: IPAddress?
        var length: UInt8?
        try forEachAttribute { (type, value) throws(KernelFailure) in
            if type == WGALLOWEDIP_A_IPADDR.type { address = value.address }
            if type == WGALLOWEDIP_A_CIDR_MASK.type { length = try value.value(UInt8.self) }
        }
        guard let address, let length, let prefix = IPPrefix(masking: address, length: Int(length)) else {
            throw .malformed
        }
        return prefix
    }
}

extension Endpoint {
    /// Reads `sockaddr_in` or `sockaddr_in6`; nil for anything else.
    init?(socketAddress: RawSpan) {
        guard let number = socketAddress.load(sa_family_t.self) else { return nil }
        switch AddressFamily(number: number) {
        case .v4:
            guard let address = socketAddress.load(sockaddr_in.self) else { return nil }
            self.init(
                IPAddress(v4: UInt32(bigEndian: address.sin_addr.s_addr)),
                port: UInt16(bigEndian: address.sin_port)
            )
        case .v6:
            // Family (2 bytes), port (2), flow information (4), address (16), zone (4).
            guard let port = socketAddress.load(UInt16.self, at: 2), let zone = socketAddress.load(UInt32.self, at: 24),
                let bits = socketAddress.load(UInt128.self, at: 8)
            else { return nil }
            self.init(IPAddress(v6: UInt128(bigEndian: bits)), port: UInt16(bigEndian: port), zone: zone)
        case nil: return nil
        }
    }

    /// `sockaddr_in` or `sockaddr_in6`.
    var socketAddress: [UInt8] {
        switch address.family {
        case .v4:
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.bits).bigEndian
            return unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
        case .v6:
            var value = sockaddr_in6()
            value.sin6_family = sa_family_t(AF_INET6)
            value.sin6_port = port.bigEndian
            value.sin6_scope_id = zone
            var bytes = unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
            bytes.replaceSubrange(8..<24, with: address.bytes)
            return bytes
        }
    }
}
