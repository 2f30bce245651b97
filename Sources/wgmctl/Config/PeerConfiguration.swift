// SPDX-License-Identifier: Apache-2.0

internal import WGMKeys
internal import WGMModel
internal import WGMWire

/// What a peer's own end must be told, every value parsed: none can smuggle a line such as `PostUp` into the file.
struct PeerConfiguration: Hashable, Sendable {
    var interface: String
    var peer: String
    var addresses: [InterfaceAddress]
    var dns: [String]
    var mtu: UInt32?
    var gatewayKey: PublicKey
    /// What comes after it, and when if that was said.
    var gatewayNextKey: PublicKey?
    var gatewayKeySwitch: Timestamp?
    /// Host name or address, and port; nil when the gateway does not know how it is reached.
    var gatewayEndpoint: String?
    var allowedAddresses: [IPPrefix]
    var keepalive: UInt32?
    var peerKey: PublicKey
    var hasPresharedKey: Bool

    init(_ reply: V1.GetPeerConfigResponse, interface: String, peer: String) throws(Failure) {
        self.interface = interface
        self.peer = peer
        addresses = try Self.parse(reply.addresses, "addresses") { InterfaceAddress($0) }
        dns = try Self.parse(reply.dns, "dns") { Self.isHost($0) ? $0 : nil }
        mtu = reply.mtu.flatMap { $0 == 0 ? nil : $0 }
        gatewayKey = try Self.parse(reply.gatewayPublicKey, "gateway_public_key") { PublicKey(base64: $0) }
        if let next = reply.gatewayNextPublicKey {
            gatewayNextKey = try Self.parse(next, "gateway_next_public_key") { PublicKey(base64: $0) }
        }
        gatewayKeySwitch = reply.gatewayKeySwitchUnixMs.map { Timestamp(milliseconds: $0) }
        let endpoint = reply.gatewayEndpoint.flatMap { $0.isEmpty ? nil : [$0] } ?? []
        gatewayEndpoint = try Self.parse(endpoint, "gateway_endpoint") { Self.isEndpoint($0) ? $0 : nil }.first
        allowedAddresses = try Self.parse(reply.allowedAddresses, "allowed_addresses") { IPPrefix($0) }
        keepalive = reply.keepaliveS.flatMap { $0 == 0 ? nil : $0 }
        peerKey = try Self.parse(reply.peerPublicKey, "peer_public_key") { PublicKey(base64: $0) }
        hasPresharedKey = reply.hasPresharedKey ?? false
    }

    private static func parse<Value>(
        _ texts: [String],
        _ field: String,
        _ parse: (String) -> Value?
    ) throws(Failure) -> [Value] {
        var values: [Value] = []
        for text in texts { values.append(try self.parse(text, field, parse)) }
        return values
    }

    private static func parse<Value>(
        _ text: String?,
        _ field: String,
        _ parse: (String) -> Value?
    ) throws(Failure) -> Value {
        guard let value = parse(text ?? "") else {
            throw Failure(.failure, "the daemon's reply is not usable: \(field) is \"\(text ?? "")\"")
        }
        return value
    }

    /// An address or a host name.
    private static func isHost(_ text: String) -> Bool {
        if IPAddress(text) != nil { return true }
        guard (1...253).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func isEndpoint(_ text: String) -> Bool {
        if Endpoint(text) != nil { return true }
        guard let colon = text.lastIndex(of: ":") else { return false }
        let port = text[text.index(after: colon)...]
        guard port.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt16(port), number > 0
        else { return false }
        return isHost(String(text[..<colon]))
    }
}
