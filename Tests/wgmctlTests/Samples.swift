// SPDX-License-Identifier: Apache-2.0

import WGMWire

@testable import wgmctl

/// Replies of a daemon, as the tests of output want them.
enum Samples {
    static let now = Timestamp(milliseconds: 1_700_000_000_000)

    static let interface = V1.Interface(
        name: "wg0",
        backend: .auto,
        up: true,
        mtu: 1420,
        listenPort: 51820,
        publicKey: "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
        addresses: ["fd12:3456:789a::1/64", "10.7.0.1/24"],
        ipv6Pool: "fd12:3456:789a::/64",
        ipv4Pool: "10.7.0.0/24",
        endpoint: "vpn.example.org:51820",
        dns: ["10.7.0.1"],
        peerCount: 2,
        revision: 7,
        createdUnixMs: 1_699_990_000_000,
        status: V1.InterfaceStatus(present: true, up: true, backend: .kernel, inSync: true)
    )

    static let anna = V1.Peer(
        interface: "wg0",
        name: "anna",
        publicKey: "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=",
        enabled: true,
        addresses: ["fd12:3456:789a::2", "10.7.0.2"],
        allowedAddresses: ["fd12:3456:789a::2/128", "10.7.0.2/32", "192.168.9.0/24"],
        keepaliveS: 25,
        comment: "laptop",
        revision: 8,
        createdUnixMs: 1_699_999_000_000,
        status: V1.PeerStatus(
            present: true,
            endpoint: "192.0.2.7:40001",
            lastHandshakeUnixMs: 1_699_999_940_000,
            receivedBytes: 1536,
            sentBytes: 1_503_238_553,
            observedUnixMs: 1_700_000_000_000,
            state: .up
        )
    )

    static let phone = V1.Peer(
        interface: "wg0",
        name: "phone",
        publicKey: "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2A=",
        enabled: false,
        addresses: ["fd12:3456:789a::3"],
        allowedAddresses: ["fd12:3456:789a::3/128"]
    )

    static func configuration(publicKey: String) -> V1.GetPeerConfigResponse {
        V1.GetPeerConfigResponse(
            addresses: ["fd12:3456:789a::2/128", "10.7.0.2/32"],
            dns: ["10.7.0.1"],
            mtu: 1420,
            gatewayPublicKey: "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
            gatewayEndpoint: "192.0.2.1:51820",
            allowedAddresses: ["fd12:3456:789a::/64", "10.7.0.0/24"],
            keepaliveS: 25,
            peerPublicKey: publicKey
        )
    }
}
