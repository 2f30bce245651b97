// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

/// The wanted state as a file says it.
struct GatewayFileHandler: GatewayFileService {
    let gateway: Gateway

    func plan(_ request: V1.PlanRequest, _ context: CallContext) -> Reply<V1.PlanResponse> {
        .asking { () async throws(Refusal) in
            let wanted = FileRequest(objects: request.objects.map { FileObject($0) }, prune: request.prune == true)
            return V1.PlanResponse(try gateway.planFile(wanted, context))
        }
    }

    func apply(_ request: V1.ApplyRequest, _ context: CallContext) -> Reply<V1.ApplyResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
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
