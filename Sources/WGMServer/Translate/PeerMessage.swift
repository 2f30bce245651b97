// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension V1.Peer {
    init(_ report: PeerReport) {
        let record = report.record
        self.init(
            interface: report.interface.value,
            name: record.name.value,
            publicKey: record.publicKey.description,
            enabled: record.isEnabled,
            addresses: record.addresses.map(\.description),
            allowedAddresses: record.allowedAddresses.map(\.description),
            endpoint: record.endpoint?.description,
            keepaliveS: record.keepalive == 0 ? nil : UInt32(record.keepalive),
            comment: record.comment.isEmpty ? nil : record.comment,
            revision: record.revision,
            createdUnixMs: record.created.milliseconds,
            status: report.observed.map { V1.PeerStatus(report, observed: $0) },
            hasPresharedKey: record.presharedKey != nil ? true : nil,
            validFromUnixMs: record.validity.from?.milliseconds,
            validUntilUnixMs: record.validity.until?.milliseconds
        )
    }
}

extension V1.PeerStatus {
    init(_ report: PeerReport, observed time: Timestamp) {
        let (actual, traffic) = (report.actual, report.traffic)
        self.init(
            present: actual != nil,
            endpoint: actual?.endpoint?.description,
            lastHandshakeUnixMs: (actual?.lastHandshake ?? traffic?.lastHandshake)?.milliseconds,
            receivedBytes: actual?.receivedBytes,
            sentBytes: actual?.sentBytes,
            observedUnixMs: time.milliseconds,
            state: report.state.map { V1.PeerState($0) },
            totalReceivedBytes: traffic?.received,
            totalSentBytes: traffic?.sent,
            straggler: report.isStraggler,
            nameLookup: report.name.map { V1.NameLookup($0) }
        )
    }
}

extension V1.NameLookup {
    init(_ record: NameRecord) {
        self.init(
            addresses: record.addresses.map(\.description),
            lookedUpUnixMs: record.time.milliseconds,
            failure: record.failure
        )
    }
}

extension V1.PeerState {
    init(_ state: PeerState) {
        self =
            switch state {
            case .never: .never
            case .up: .up
            case .idle: .idle
            case .stale: .stale
            case .down: .down
            }
    }
}

extension V1.GetPeerConfigResponse {
    init(_ configuration: PeerConfiguration) {
        self.init(
            addresses: configuration.addresses.map(\.description),
            dns: configuration.dns.map(\.description),
            mtu: configuration.mtu,
            gatewayPublicKey: configuration.gatewayPublicKey.description,
            gatewayEndpoint: configuration.gatewayEndpoint,
            allowedAddresses: configuration.allowedAddresses.map(\.description),
            keepaliveS: configuration.keepalive == 0 ? nil : UInt32(configuration.keepalive),
            peerPublicKey: configuration.peerPublicKey.description,
            freshness: V1.Freshness(configuration.freshness),
            hasPresharedKey: configuration.hasPresharedKey ? true : nil,
            gatewayNextPublicKey: configuration.gatewayNextKey?.description,
            gatewayKeySwitchUnixMs: configuration.gatewayKeySwitch?.milliseconds
        )
    }
}

extension PeerRequest {
    init(_ message: V1.NewPeer) {
        self.init()
        name = message.name
        publicKey = message.publicKey
        addresses = message.addresses
        allowedAddresses = message.allowedAddresses
        isIPv6Only = message.ipv6Only ?? false
        endpoint = message.endpoint
        keepalive = message.keepaliveS
        comment = message.comment
        isDisabled = message.disabled ?? false
        presharedKey = message.presharedKey
        validFrom = message.validFromUnixMs
        validUntil = message.validUntilUnixMs
    }
}

extension PeerUpdateRequest {
    init(_ message: V1.UpdatePeerRequest) {
        self.init()
        interface = message.interface
        name = message.name
        publicKey = message.publicKey
        addresses = message.addresses?.items
        allowedAddresses = message.allowedAddresses?.items
        endpoint = message.endpoint
        keepalive = message.keepaliveS
        comment = message.comment
        presharedKey = message.presharedKey
        validFrom = message.validFromUnixMs
        validUntil = message.validUntilUnixMs
    }
}

extension V1.Freshness {
    init(_ freshness: Freshness) {
        self.init(
            asOfUnixMs: freshness.asOf?.milliseconds,
            stale: freshness.staleReason != nil,
            reason: freshness.staleReason
        )
    }
}
