// SPDX-License-Identifier: Apache-2.0

import WGMKeeper
import WGMKeeperProtocol
import WGMKeys
import WGMModel

/// Values that occur in many tests, each with all of its optional parts.
enum Sample {
    static func interface(_ name: String = "wg0") -> InterfaceName {
        guard let name = InterfaceName(name) else { preconditionFailure("not a name") }
        return name
    }

    static let owner = InterfaceID(0x0102_0304_0506_0708)

    static func key(_ byte: UInt8) -> PublicKey {
        guard let key = PublicKey(bytes: [UInt8](repeating: byte, count: 32)) else { preconditionFailure("not a key") }
        return key
    }

    static func key(number: Int) -> PublicKey {
        let bytes = (0..<32).map { $0 < 8 ? UInt8(truncatingIfNeeded: (number + 1) >> (8 * $0)) : 7 }
        guard let key = PublicKey(bytes: bytes) else { preconditionFailure("not a key") }
        return key
    }

    static let sealedKey: SealedKey = {
        guard let key = SealedKey(bytes: (0..<UInt8(SealedKey.byteCount)).map(\.self)) else { preconditionFailure() }
        return key
    }()

    static func prefix(_ text: String) -> IPPrefix {
        guard let prefix = IPPrefix(text) else { preconditionFailure("not a prefix") }
        return prefix
    }

    static func prefixes(_ count: Int) -> [IPPrefix] {
        (0..<count).map { IPPrefix(host: IPAddress(v6: UInt128(0xfd00) << 112 | UInt128($0))) }
    }

    static func address(_ text: String) -> InterfaceAddress {
        guard let address = InterfaceAddress(text) else { preconditionFailure("not an address") }
        return address
    }

    static let fullPeer: PeerChange = {
        var peer = PeerChange(publicKey: key(9))
        peer.updateOnly = true
        peer.presharedKey = .set(sealedKey)
        peer.endpoint = Endpoint(IPAddress(v6: 0xfe80 << 112 | 1), port: 51820, zone: 3)
        peer.keepalive = 25
        peer.replaceAllowedAddresses = true
        peer.addAllowedAddresses = [prefix("10.0.0.0/8"), prefix("fd00::/64"), prefix("0.0.0.0/0"), prefix("::/0")]
        return peer
    }()

    static let clearingPeer: PeerChange = {
        var peer = PeerChange(publicKey: key(8))
        peer.presharedKey = .clear
        peer.keepalive = 0
        return peer
    }()

    static let changes: [KernelChange] = [
        .createLink(backend: .automatic, mtu: 1420),
        .createLink(backend: .userspace, mtu: 65535),
        .deleteLink,
        .setLink(mtu: nil, isUp: nil),
        .setLink(mtu: 1280, isUp: nil),
        .setLink(mtu: 1280, isUp: false),
        .setLink(mtu: nil, isUp: true),
        .takeLink(key(5)),
        .releaseLink,
        .setDevice(privateKey: nil, listenPort: nil, firewallMark: nil),
        .setDevice(privateKey: sealedKey, listenPort: 51820, firewallMark: 0),
        .setDevice(privateKey: nil, listenPort: 0, firewallMark: .max),
        .setPeers([]),
        .setPeers([fullPeer, clearingPeer, PeerChange(publicKey: key(7))]),
        .removePeers([]),
        .removePeers([key(1), key(2)]),
        .addAddresses([address("10.0.0.1/24"), address("fd00::1/64")]),
        .removeAddresses([address("10.0.0.1/24")]),
        .addRoutes([prefix("10.0.0.0/24"), prefix("fd00::/64")]),
        .removeRoutes([prefix("::/0")]),
    ]

    static func box(_ byte: UInt8) -> SecretBox {
        guard let box = SecretBox(bytes: [UInt8](repeating: byte, count: SecretBox.byteCount)) else {
            preconditionFailure("not a box")
        }
        return box
    }

    static let requests: [Request] =
        [
            Request(number: 1, .hello(version: Request.protocolVersion)),
            Request(number: 2, .generateKey(owner)),
            Request(number: 3, .dump(interface("a-name=15+chars"))),
            Request(number: 4, .signToken(Array("a.b".utf8))),
            Request(number: 5, .signToken([UInt8](repeating: 65, count: PacketLimit.signingInput))),
            Request(number: .max, .ownedInterfaces),
            Request(number: 7, .sealSecrets([], owner)),
            Request(number: 7, .linkSecrets(interface(), owner)),
            Request(number: 7, .sealSecrets([box(1), box(2)], owner)),
        ] + changes.map { Request(number: 6, .change($0, interface: interface(), owner: owner)) }

    static func actual(peers: Int, addresses: Int = 2) -> ActualInterface {
        var actual = ActualInterface(name: interface(), owner: owner, backend: .kernel)
        actual.isUp = true
        actual.mtu = 1420
        actual.addresses = [address("10.0.0.1/24"), address("fd00::1/64")]
        actual.routes = [prefix("10.0.0.0/24")]
        actual.unroutedNetworks = [prefix("fd00::/64")]
        actual.publicKey = key(5)
        actual.listenPort = 51820
        actual.firewallMark = 7
        for number in 0..<peers {
            var peer = ActualPeer()
            if number % 2 == 0 { peer.presharedKey = KeyMark(bytes: [UInt8](repeating: 7, count: KeyMark.byteCount)) }
            peer.endpoint = number % 3 == 0 ? nil : Endpoint(IPAddress(v4: 0xc000_0201), port: 1)
            peer.lastHandshake = number % 5 == 0 ? nil : Timestamp(seconds: 1_800_000_000, nanoseconds: 5)
            peer.keepalive = UInt16(number % 100)
            peer.receivedBytes = .max
            peer.sentBytes = UInt64(number)
            peer.allowedAddresses = PrefixSet(prefixes(addresses))
            actual.peers[key(number: number)] = peer
        }
        return actual
    }
}

/// Small, fast and repeatable: a failing run can be run again.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

extension Sample {
    /// What wgmd asks the keeper to sign, for a token that begins `shift` seconds after `now` and lives for `lifetime`.
    static func tokenInput(
        keyID: String,
        at now: Timestamp = .now,
        shift: Int64 = 0,
        lifetime: Int64 = 900
    ) -> [UInt8] {
        let start = now.seconds + shift
        return tokenInput(keyID: keyID, times: #","iat":\#(start),"nbf":\#(start),"exp":\#(start + lifetime)"#)
    }

    static func tokenInput(keyID: String, times: String) -> [UInt8] {
        let claims = Base64.encode(Array((#"{"sub":"a""# + times + "}").utf8), variant: .url)
        return Array("\(TokenHeader.encoded(keyID: keyID)).\(claims)".utf8)
    }
}
