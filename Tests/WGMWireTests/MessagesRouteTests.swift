// SPDX-License-Identifier: Apache-2.0
import Testing
import WGMWire

@Suite("Routes and calls connect types and bytes")
struct MessagesRouteTests {
    /// A service that answers with what it was asked.
    private struct EchoHealth: HealthService {
        func check(_ request: V1.CheckHealthRequest, _ context: String) -> Reply<V1.CheckHealthResponse> {
            switch context {
            case "now": .now(V1.CheckHealthResponse(status: .serving))
            case "later": .later { V1.CheckHealthResponse(status: .degraded) }
            default: .failed(Status(.unavailable, context))
            }
        }
    }

    private func prepared() throws -> PreparedCall<String> {
        let route = try #require(EchoHealth().routes.first)
        #expect(route.method == V1.Health.check)
        return try unsafe route.prepare(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    @Test("a prepared call runs its handler, at once, later or in vain")
    func run() async throws {
        let call = try prepared()
        #expect(call.resources("n") == [])
        #expect(unsafe call.auditJSON { _ in "" } == "{}")
        guard case .now(let bytes) = call.run("now") else { throw Unexpected() }
        #expect(try V1.CheckHealthResponse(serialized: bytes).status == .serving)
        guard case .later(let work) = call.run("later") else { throw Unexpected() }
        #expect(try V1.CheckHealthResponse(serialized: await work()).status == .degraded)
        guard case .failed(let status) = call.run("down") else { throw Unexpected() }
        #expect(status.code == .unavailable)
    }

    @Test("bytes that are no request are refused before anything runs")
    func malformed() throws {
        let route = try #require(EchoHealth().routes.first)
        let bytes: [UInt8] = [0x07]
        #expect(throws: MessageError.self) {
            _ = try unsafe bytes.withUnsafeBytes { try unsafe route.prepare($0) }
        }
    }

    /// A caller that runs the service in place.
    private struct Loopback: BlockingCaller, ~Copyable {
        var called: [String] = []

        mutating func call<Q: WireMessage, R: WireMessage>(
            _ method: MethodDescriptor,
            _ request: Q,
            as reply: R.Type
        ) throws(Status) -> R {
            called.append(method.name)
            guard let reply = V1.VersionResponse(version: "1", node: "gw") as? R else {
                throw .unimplemented(method: method.name)
            }
            return reply
        }
    }

    @Test("a client calls by type")
    func client() throws {
        var caller = Loopback()
        #expect(try caller.metaVersion().node == "gw")
        #expect(throws: Status.self) { try caller.peersGet(V1.GetPeerRequest(interface: "wg0", name: "a")) }
        #expect(caller.called == ["wgm.v1.Meta/Version", "wgm.v1.Peers/Get"])
    }

    @Test("statuses carry reasons that programs can read")
    func statuses() {
        let invalid = Status.invalidArgument(field: "peers[3].public_key", rule: "is not 44 characters of base64")
        #expect(invalid.reason == "FIELD_INVALID")
        #expect(invalid.details?.errorInfo?.domain == "wgm")
        #expect(invalid.details?.badRequest?.fieldViolations.first?.field == "peers[3].public_key")
        let denied = Status.permissionDenied(verb: "get", resource: "node/gw/interface/wg0")
        #expect(denied.code == .permissionDenied)
        #expect(denied.message.contains("get"))
        #expect(StatusCode.allCases.map(\.rawValue) == Array(0...16))
    }
}

/// A reply of another kind than expected.
private struct Unexpected: Error {}
