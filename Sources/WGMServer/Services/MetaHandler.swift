// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

/// Facts about the program.
struct MetaHandler: MetaService {
    let gateway: Gateway

    func version(_ request: V1.VersionRequest, _ context: CallContext) -> Reply<V1.VersionResponse> {
        .now(
            V1.VersionResponse(
                version: WGMVersion.current,
                protocolMajor: UInt32(Preface.current.major),
                protocolMinor: UInt32(Preface.current.minor),
                node: gateway.node.value
            )
        )
    }

    func schema(_ request: V1.SchemaRequest, _ context: CallContext) -> Reply<V1.SchemaResponse> {
        gateway.record(context)
        return .now(
            V1.SchemaResponse(fileDescriptorSet: V1.fileDescriptorSet, methods: V1.methods.map { V1.MethodInfo($0) })
        )
    }

    func intakeKey(_ request: V1.IntakeKeyRequest, _ context: CallContext) -> Reply<V1.IntakeKeyResponse> {
        .asking { () async throws(Refusal) in
            V1.IntakeKeyResponse(key: try await gateway.intakeKey(context).bytes)
        }
    }
}

extension V1.MethodInfo {
    init(_ method: MethodDescriptor) {
        self.init(
            name: method.name,
            verb: method.verb,
            resource: method.resource,
            authenticated: method.isAuthenticatedOnly,
            anonymous: method.isAnonymous,
            mutation: method.isMutation,
            maxRequestBytes: UInt32(clamping: method.maxRequestBytes),
            summary: method.summary
        )
    }
}

/// Whether the gateway does its work.
struct HealthHandler: HealthService {
    let gateway: Gateway

    func check(_ request: V1.CheckHealthRequest, _ context: CallContext) -> Reply<V1.CheckHealthResponse> {
        let health = gateway.health()
        let components = health.components.map {
            V1.HealthComponent(name: $0.name, healthy: $0.isHealthy, message: $0.message.isEmpty ? nil : $0.message)
        }
        return .now(V1.CheckHealthResponse(status: health.isServing ? .serving : .degraded, components: components))
    }
}

/// The record of every call.
struct AuditLogHandler: AuditLogService {
    let gateway: Gateway

    func list(_ request: V1.ListAuditRequest, _ context: CallContext) -> Reply<V1.ListAuditResponse> {
        .asking { () async throws(Refusal) in
            let records = try await gateway.listAudit(AuditRequest(request), context)
            return V1.ListAuditResponse(records: records.map { V1.AuditRecord($0) })
        }
    }
}
