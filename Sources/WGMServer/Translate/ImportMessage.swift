// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension ImportRequest {
    init(_ name: String?, _ source: V1.ImportSource?) {
        self.init()
        self.name = name
        guard let message = source else { return }
        isFromKernel = message.fromKernel ?? false
        publicKey = message.publicKey
        privateKey = message.privateKey
        listenPort = message.listenPort
        firewallMark = message.firewallMark
        mtu = message.mtu
        addresses = message.addresses
        dns = message.dns
        endpoint = message.endpoint
        peers = message.peers.map { PeerRequest($0) }
    }
}

extension V1.ImportInterfaceResponse {
    private static let longest = 1000

    init(_ report: ImportReport) {
        var message = V1.Interface(report.interfaceReport)
        // A pool that is not chosen yet.
        if report.interface.ipv6Pool.isHost { message.ipv6Pool = nil }
        self.init(
            interface: message,
            peers: report.peerReports(limit: Self.longest).map { V1.Peer($0) },
            takesLink: report.takesLink,
            changes: report.changes.prefix(Self.longest).map {
                V1.DriftItem(attribute: $0.attribute, database: $0.wanted, kernel: $0.found, peer: $0.peer)
            },
            remarks: Array(report.remarks.prefix(Self.longest)),
            revision: report.revision
        )
    }
}
