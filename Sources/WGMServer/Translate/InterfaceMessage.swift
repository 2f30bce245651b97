// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension V1.Interface {
    init(_ report: InterfaceReport) {
        let record = report.record
        self.init(
            name: record.name.value,
            backend: V1.InterfaceBackend(record.backend),
            up: record.isUp,
            mtu: record.mtu,
            listenPort: UInt32(record.listenPort),
            publicKey: record.publicKey.description,
            addresses: record.addresses.map(\.description),
            ipv6Pool: record.ipv6Pool.description,
            ipv4Pool: record.ipv4Pool?.description,
            endpoint: report.endpoint,
            firewallMark: record.firewallMark == 0 ? nil : record.firewallMark,
            dns: record.dns.map(\.description),
            peerCount: UInt32(clamping: report.peerCount),
            revision: record.revision,
            createdUnixMs: record.created.milliseconds,
            status: report.observation.map { V1.InterfaceStatus($0) },
            driftPolicy: V1.DriftPolicy(record.driftPolicy),
            keyRotation: record.rotation.map { V1.KeyRotation($0, stragglers: report.stragglers.count) }
        )
    }
}

extension V1.KeyRotation {
    init(_ rotation: KeyRotation, stragglers: Int) {
        switch rotation {
        case .announced(let next, let moment):
            self.init(nextPublicKey: next.publicKey.description, switchUnixMs: moment?.milliseconds)
        case .switched(let former, let moment):
            self.init(
                previousPublicKey: former.publicKey.description,
                switchedUnixMs: moment.milliseconds,
                stragglerCount: UInt32(clamping: stragglers)
            )
        }
    }
}

extension KeyRotationRequest.Step {
    init?(_ step: V1.KeyStep) {
        switch step {
        case .announce: self = .announce
        case .switch: self = .switchOver
        case .cancel: self = .cancel
        case .undo: self = .undo
        case .finish: self = .finish
        case .unrecognized: return nil
        }
    }
}

extension V1.ListStragglersResponse {
    private static let most = 1000

    init(_ found: Stragglers) {
        self.init(
            stragglers: found.peers.prefix(Self.most).map { peer in
                V1.Straggler(peer: peer.name.value, lastHandshakeUnixMs: found.lastHandshakes[peer.name]?.milliseconds)
            },
            count: UInt32(clamping: found.peers.count),
            sinceUnixMs: found.since?.milliseconds,
            freshness: V1.Freshness(found.freshness)
        )
    }
}

extension V1.InterfaceStatus {
    init(_ observation: Observation) {
        self.init(
            present: observation.actual != nil,
            up: observation.actual?.isUp,
            backend: observation.actual.map { V1.InterfaceBackend($0.backend) },
            inSync: observation.isInSync,
            error: observation.failure?.message,
            observedUnixMs: observation.time.milliseconds
        )
    }
}

extension V1.InterfaceBackend {
    init(_ backend: Backend) {
        self =
            switch backend {
            case .automatic: .auto
            case .kernel: .kernel
            case .userspace: .userspace
            }
    }
}

extension InterfaceRequest {
    init(_ message: V1.CreateInterfaceRequest) {
        self.init()
        name = message.name
        backend = message.backend.map { UInt32(bitPattern: $0.rawValue) }
        mtu = message.mtu
        listenPort = message.listenPort
        endpoint = message.endpoint
        ipv6Pool = message.ipv6Pool
        ipv4Pool = message.ipv4Pool
        firewallMark = message.firewallMark
        dns = message.dns
        isDown = message.down ?? false
        driftPolicy = message.driftPolicy.map { UInt32(bitPattern: $0.rawValue) }
    }
}

extension InterfaceUpdateRequest {
    init(_ message: V1.UpdateInterfaceRequest) {
        self.init()
        name = message.name
        mtu = message.mtu
        listenPort = message.listenPort
        endpoint = message.endpoint
        firewallMark = message.firewallMark
        dns = message.dns?.items
        isUp = message.up
        driftPolicy = message.driftPolicy.map { UInt32(bitPattern: $0.rawValue) }
    }
}
