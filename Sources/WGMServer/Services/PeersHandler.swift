// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMWire

/// Peers of an interface.
struct PeersHandler: PeersService {
    let gateway: Gateway

    func create(_ request: V1.CreatePeersRequest, _ context: CallContext) -> Reply<V1.CreatePeersResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            let peers = PeersRequest(interface: request.interface, peers: request.peers.map { PeerRequest($0) })
            return try await gateway.createPeers(peers, context)
        } reply: { reports, revision in
            V1.CreatePeersResponse(peers: reports.map { V1.Peer($0) }, revision: revision)
        }
    }

    func list(_ request: V1.ListPeersRequest, _ context: CallContext) -> Reply<V1.ListPeersResponse> {
        .asking { () async throws(Refusal) in
            let page = try await gateway.listPeers(
                interface: request.interface,
                pageSize: request.pageSize,
                pageToken: request.pageToken,
                context
            )
            return V1.ListPeersResponse(
                peers: page.peers.map { V1.Peer($0) },
                freshness: V1.Freshness(page.freshness),
                nextPageToken: page.nextPageToken
            )
        }
    }

    func get(_ request: V1.GetPeerRequest, _ context: CallContext) -> Reply<V1.GetPeerResponse> {
        do throws(Refusal) {
            if let (report, freshness) = try gateway.knownPeer(
                interface: request.interface,
                name: request.name,
                context
            ) {
                return .now(V1.GetPeerResponse(peer: V1.Peer(report), freshness: V1.Freshness(freshness)))
            }
        } catch { return .failed(Status(error)) }
        return .asking { () async throws(Refusal) in
            let (report, freshness) = try await gateway.getPeer(
                interface: request.interface,
                name: request.name,
                context
            )
            return V1.GetPeerResponse(peer: V1.Peer(report), freshness: V1.Freshness(freshness))
        }
    }

    func setEnabled(_ request: V1.SetPeerEnabledRequest, _ context: CallContext) -> Reply<V1.SetPeerEnabledResponse> {
        guard let isEnabled = request.enabled else {
            return .failed(.invalidArgument(field: "enabled", rule: "true or false, and not left out"))
        }
        return .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.setPeerEnabled(
                interface: request.interface,
                name: request.name,
                isEnabled: isEnabled,
                context
            )
        } reply: { report, revision in
            V1.SetPeerEnabledResponse(peer: V1.Peer(report), revision: revision)
        }
    }

    func update(_ request: V1.UpdatePeerRequest, _ context: CallContext) -> Reply<V1.UpdatePeerResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.updatePeer(PeerUpdateRequest(request), context)
        } reply: { report, revision in
            V1.UpdatePeerResponse(peer: V1.Peer(report), revision: revision)
        }
    }

    func delete(_ request: V1.DeletePeerRequest, _ context: CallContext) -> Reply<V1.DeletePeerResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.deletePeer(interface: request.interface, name: request.name, context)
        } reply: { _, revision in
            V1.DeletePeerResponse(revision: revision)
        }
    }

    func getConfig(_ request: V1.GetPeerConfigRequest, _ context: CallContext) -> Reply<V1.GetPeerConfigResponse> {
        .answering { () throws(Refusal) in
            V1.GetPeerConfigResponse(
                try gateway.peerConfig(interface: request.interface, name: request.name, context)
            )
        }
    }
}
