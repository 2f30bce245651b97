// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// A peer on its way from what it is to what a file says.
struct PeerDraft: Hashable, Sendable {
    var publicKey: PublicKey?
    var isEnabled = true
    /// nil: the next free ones, given out by the gateway.
    var addresses: [IPAddress]?
    var routed: [IPPrefix] = []
    var endpoint: PeerEndpoint?
    var keepalive: UInt16 = 0
    /// Which no file can say; it is kept or cleared.
    var presharedKey: SealedPresharedKey?
    var comment = ""
    var validity = Validity()

    init() {}

    init(_ record: PeerRecord) {
        publicKey = record.publicKey
        isEnabled = record.isEnabled
        addresses = record.addresses
        routed = record.routed
        endpoint = record.endpoint
        keepalive = record.keepalive
        presharedKey = record.presharedKey
        comment = record.comment
        validity = record.validity
    }

    /// nil without a key, which was complained about then.
    func new(_ name: ObjectName) -> NewPeer? {
        publicKey.map { key in
            NewPeer(
                name: name,
                publicKey: key,
                addresses: addresses ?? [],
                routed: routed,
                endpoint: endpoint,
                keepalive: keepalive,
                comment: comment,
                validity: validity,
                isEnabled: isEnabled,
                hasNoAddresses: addresses?.isEmpty == true
            )
        }
    }

    /// The record as it is to be.
    func changed(_ record: PeerRecord) -> PeerRecord {
        var record = record
        record.publicKey = publicKey ?? record.publicKey
        record.isEnabled = isEnabled
        record.addresses = addresses ?? record.addresses
        record.routed = routed
        record.endpoint = endpoint
        record.keepalive = keepalive
        record.presharedKey = presharedKey
        record.comment = comment
        record.validity = validity
        return record
    }
}

extension CheckedInterface {
    /// What an interface is of which a file says only the name.
    init(_ name: InterfaceName) {
        self.init(
            name: name,
            backend: .automatic,
            mtu: InterfaceRequest.defaultMTU,
            firewallMark: 0,
            dns: [],
            isUp: true,
            driftPolicy: .repair
        )
    }

    init(_ record: InterfaceRecord) {
        self.init(
            name: record.name,
            backend: record.backend,
            mtu: record.mtu,
            listenPort: record.listenPort,
            endpoint: record.endpoint,
            ipv6Pool: record.ipv6Pool,
            ipv4Pool: record.ipv4Pool,
            firewallMark: record.firewallMark,
            dns: record.dns,
            isUp: record.isUp,
            driftPolicy: record.driftPolicy
        )
    }

    /// The record as it is to be; what is fixed stays.
    func changed(_ record: InterfaceRecord) -> InterfaceRecord {
        var record = record
        record.isUp = isUp
        record.mtu = mtu
        record.listenPort = listenPort ?? record.listenPort
        record.endpoint = endpoint
        record.firewallMark = firewallMark
        record.dns = dns
        record.driftPolicy = driftPolicy
        return record
    }
}
