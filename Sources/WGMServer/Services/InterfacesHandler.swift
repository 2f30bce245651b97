// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMWire

/// WireGuard interfaces of this node.
struct InterfacesHandler: InterfacesService {
    let gateway: Gateway

    func create(_ request: V1.CreateInterfaceRequest, _ context: CallContext) -> Reply<V1.CreateInterfaceResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.createInterface(InterfaceRequest(request), context)
        } reply: { report, revision in
            V1.CreateInterfaceResponse(interface: V1.Interface(report), revision: revision)
        }
    }

    func planImport(_ request: V1.PlanImportRequest, _ context: CallContext) -> Reply<V1.ImportInterfaceResponse> {
        .asking { () async throws(Refusal) in
            V1.ImportInterfaceResponse(
                try await gateway.planImport(ImportRequest(request.name, request.source), context)
            )
        }
    }

    func importInterface(
        _ request: V1.ImportInterfaceRequest,
        _ context: CallContext
    ) -> Reply<V1.ImportInterfaceResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.importInterface(ImportRequest(request.name, request.source), context)
        } reply: { report, _ in
            V1.ImportInterfaceResponse(report)
        }
    }

    func list(_ request: V1.ListInterfacesRequest, _ context: CallContext) -> Reply<V1.ListInterfacesResponse> {
        .asking { () async throws(Refusal) in
            let (reports, freshness) = try await gateway.listInterfaces(context)
            return V1.ListInterfacesResponse(
                interfaces: reports.map { V1.Interface($0) },
                freshness: V1.Freshness(freshness)
            )
        }
    }

    func get(_ request: V1.GetInterfaceRequest, _ context: CallContext) -> Reply<V1.GetInterfaceResponse> {
        .asking { () async throws(Refusal) in
            let (report, freshness) = try await gateway.getInterface(name: request.name, context)
            return V1.GetInterfaceResponse(interface: V1.Interface(report), freshness: V1.Freshness(freshness))
        }
    }

    func setUp(_ request: V1.SetInterfaceUpRequest, _ context: CallContext) -> Reply<V1.SetInterfaceUpResponse> {
        guard let isUp = request.up else {
            return .failed(.invalidArgument(field: "up", rule: "true or false, and not left out"))
        }
        return .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.setInterfaceUp(name: request.name, isUp: isUp, context)
        } reply: { report, revision in
            V1.SetInterfaceUpResponse(interface: V1.Interface(report), revision: revision)
        }
    }

    func update(_ request: V1.UpdateInterfaceRequest, _ context: CallContext) -> Reply<V1.UpdateInterfaceResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.updateInterface(InterfaceUpdateRequest(request), context)
        } reply: { report, revision in
            V1.UpdateInterfaceResponse(interface: V1.Interface(report), revision: revision)
        }
    }

    func rotateKey(_ request: V1.RotateKeyRequest, _ context: CallContext) -> Reply<V1.RotateKeyResponse> {
        guard let step = request.step.flatMap(KeyRotationRequest.Step.init) else {
            return .failed(.invalidArgument(field: "step", rule: "one of the steps, and not left out"))
        }
        return .changing(gateway, context) { () async throws(Refusal) in
            let wanted = KeyRotationRequest(name: request.name, step: step, switchTime: request.switchUnixMs)
            return try await gateway.rotateKey(wanted, context)
        } reply: { report, revision in
            V1.RotateKeyResponse(interface: V1.Interface(report), revision: revision)
        }
    }

    func listStragglers(
        _ request: V1.ListStragglersRequest,
        _ context: CallContext
    ) -> Reply<V1.ListStragglersResponse> {
        .asking { () async throws(Refusal) in
            V1.ListStragglersResponse(try await gateway.listStragglers(name: request.name, context))
        }
    }

    func setDriftPolicy(
        _ request: V1.SetDriftPolicyRequest,
        _ context: CallContext
    ) -> Reply<V1.SetDriftPolicyResponse> {
        guard let policy = request.policy.flatMap(DriftPolicy.init) else {
            return .failed(.invalidArgument(field: "policy", rule: "repair, report or adopt, and not left out"))
        }
        return .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.setDriftPolicy(name: request.name, policy: policy, context)
        } reply: { report, revision in
            V1.SetDriftPolicyResponse(interface: V1.Interface(report), revision: revision)
        }
    }

    func listDrift(_ request: V1.ListDriftRequest, _ context: CallContext) -> Reply<V1.ListDriftResponse> {
        .answering { () throws(Refusal) in
            let (drifts, freshness) = try gateway.listDrift(interface: request.interface, context)
            return V1.ListDriftResponse(
                drifts: drifts.map { V1.InterfaceDrift($0.0, $0.1) },
                freshness: V1.Freshness(freshness)
            )
        }
    }

    func delete(_ request: V1.DeleteInterfaceRequest, _ context: CallContext) -> Reply<V1.DeleteInterfaceResponse> {
        .changing(gateway, context) { () async throws(Refusal) in
            try await gateway.deleteInterface(name: request.name, withPeers: request.withPeers ?? false, context)
        } reply: { _, revision in
            V1.DeleteInterfaceResponse(revision: revision)
        }
    }
}
