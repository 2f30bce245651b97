// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

/// The wanted state as a file says it.
struct GatewayFileHandler: GatewayFileService {
    let gateway: Gateway
    private let budget = FileBudget()

    init(gateway: Gateway) { self.gateway = gateway }

    func plan(_ request: V1.PlanRequest, _ context: CallContext) -> Reply<V1.PlanResponse> {
        let reply = Reply.asking { () async throws(Refusal) in
            let wanted = FileRequest(objects: request.objects.map { FileObject($0) }, prune: request.prune == true)
            return V1.PlanResponse(try gateway.planFile(wanted, context))
        }
        return bounded(reply, request.objects)
    }

    func apply(_ request: V1.ApplyRequest, _ context: CallContext) -> Reply<V1.ApplyResponse> {
        let reply = Reply.changing(gateway, context) { () async throws(Refusal) in
            let wanted = FileRequest(objects: request.objects.map { FileObject($0) }, prune: request.prune == true)
            return try await gateway.applyFile(wanted, digest: request.digest, context)
        } reply: { applied, revision in
            V1.ApplyResponse(
                revision: revision,
                created: UInt32(clamping: applied.counts.created),
                changed: UInt32(clamping: applied.counts.changed),
                deleted: UInt32(clamping: applied.counts.deleted)
            )
        }
        return bounded(reply, request.objects)
    }

    /// The same reply, worked on when there is room for the file.
    private func bounded<Message>(_ reply: Reply<Message>, _ objects: [V1.FileObject]) -> Reply<Message> {
        guard case .later(let work) = reply else { return reply }
        return .later { [budget] () async throws(Status) in try await budget.holding(objects, work) }
    }

    func export(_ request: V1.ExportRequest, _ context: CallContext) -> Reply<V1.ExportResponse> {
        .answering { () throws(Refusal) in
            let page = try gateway.exportFile(interface: request.interface, pageToken: request.pageToken, context)
            return V1.ExportResponse(
                objects: page.objects.map { V1.FileObject($0) },
                nextPageToken: page.nextPageToken,
                revision: page.revision
            )
        }
    }
}
