// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

/// The history of interfaces and peers.
struct RevisionsHandler: RevisionsService {
    let gateway: Gateway

    func list(_ request: V1.ListRevisionsRequest, _ context: CallContext) -> Reply<V1.ListRevisionsResponse> {
        .asking { () async throws(Refusal) in
            let records = try await gateway.listRevisions(
                limit: request.limit,
                before: request.beforeNumber,
                interface: request.interface,
                context
            )
            return V1.ListRevisionsResponse(revisions: records.map { V1.Revision($0) })
        }
    }

    func get(_ request: V1.GetRevisionRequest, _ context: CallContext) -> Reply<V1.GetRevisionResponse> {
        guard let number = request.number else { return .failed(.missing("number")) }
        return .asking { () async throws(Refusal) in
            let (record, differences) = try await gateway.getRevision(number, context)
            return V1.GetRevisionResponse(
                revision: V1.Revision(record),
                objects: differences.objects.map { V1.ChangedObject($0) },
                truncated: differences.isTruncated ? true : nil
            )
        }
    }

    func diff(_ request: V1.DiffRevisionsRequest, _ context: CallContext) -> Reply<V1.DiffRevisionsResponse> {
        guard let from = request.from else { return .failed(.missing("from")) }
        return .asking { () async throws(Refusal) in
            let differences = try await gateway.differences(from: from, to: request.to, context)
            return V1.DiffRevisionsResponse(
                objects: differences.objects.map { V1.ChangedObject($0) },
                truncated: differences.isTruncated ? true : nil
            )
        }
    }

    func rollBack(_ request: V1.RollBackRequest, _ context: CallContext) -> Reply<V1.RollBackResponse> {
        guard let number = request.number else { return .failed(.missing("number")) }
        return .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.rollBack(to: number, context)
        } reply: { _, revision in
            V1.RollBackResponse(revision: revision)
        }
    }

    func confirm(_ request: V1.ConfirmRequest, _ context: CallContext) -> Reply<V1.ConfirmResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.confirm(revision: request.number, undo: request.undo == true, context)
        } reply: { change, revision in
            V1.ConfirmResponse(number: change.revision, revision: revision)
        }
    }

    func getUnconfirmed(
        _ request: V1.GetUnconfirmedRequest,
        _ context: CallContext
    ) -> Reply<V1.GetUnconfirmedResponse> {
        .answering { () throws(Refusal) in
            let change = try gateway.unconfirmed(context)
            return V1.GetUnconfirmedResponse(
                number: change?.revision,
                principal: change?.principal,
                deadlineUnixMs: change?.deadline.milliseconds
            )
        }
    }

    func getPeer(_ request: V1.GetPastPeerRequest, _ context: CallContext) -> Reply<V1.GetPastPeerResponse> {
        .asking { () async throws(Refusal) in
            let peer = try await gateway.pastPeer(
                interface: request.interface,
                name: request.name,
                at: HistoryPoint(revision: request.revision, milliseconds: request.timeUnixMs),
                context
            )
            return V1.GetPastPeerResponse(
                peer: V1.Peer(peer, named: request.name, of: request.interface),
                momentUnixMs: peer.moment.milliseconds
            )
        }
    }

    func findAddress(_ request: V1.FindAddressRequest, _ context: CallContext) -> Reply<V1.FindAddressResponse> {
        .asking { () async throws(Refusal) in
            let moment = HistoryPoint(revision: request.revision, milliseconds: request.timeUnixMs)
            let holders = try await gateway.holders(of: request.address, at: moment, context)
            return V1.FindAddressResponse(holders: holders.map { V1.AddressHolder($0) })
        }
    }
}

extension Status {
    fileprivate static func missing(_ field: String) -> Status {
        .invalidArgument(field: field, rule: "the number of a revision, and not left out")
    }
}
