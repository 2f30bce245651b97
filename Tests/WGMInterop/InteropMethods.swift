// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import WGMWire

/// What a handler of the interop service is told beside its request: nothing.
public struct InteropContext: Sendable {
    public init() {}
}

/// The methods as interop.proto describes them.
struct InteropMethods: InteropService {
    /// What a request may ask for at most, in bytes.
    private static let largest: UInt32 = 4 * 1024 * 1024

    func empty(_ request: V1.EmptyRequest, _ context: InteropContext) -> Reply<V1.EmptyResponse> {
        .now(V1.EmptyResponse())
    }

    func unary(_ request: V1.UnaryRequest, _ context: InteropContext) -> Reply<V1.UnaryResponse> {
        .later { () async throws(Status) in
            try await Self.sleep(request.sleepMs)
            if let status = request.responseStatus { try Self.fail(status) }
            return V1.UnaryResponse(payload: try Self.zeros(request.responseSize ?? 0))
        }
    }

    func collect(
        _ requests: Requests<V1.CollectRequest>,
        _ context: InteropContext
    ) async throws(Status) -> V1.CollectResponse {
        var total: UInt64 = 0
        while let request = try await requests.next() { total += UInt64(request.payload?.count ?? 0) }
        return V1.CollectResponse(totalSize: total)
    }

    func produce(
        _ request: V1.ProduceRequest,
        _ context: InteropContext,
        _ replies: Replies<V1.ProduceResponse>
    ) async throws(Status) {
        for size in request.responseSizes {
            try await Self.sleep(request.intervalMs)
            try await replies.send(V1.ProduceResponse(payload: try Self.zeros(size)))
        }
    }

    func converse(
        _ requests: Requests<V1.ConverseRequest>,
        _ context: InteropContext,
        _ replies: Replies<V1.ConverseResponse>
    ) async throws(Status) {
        while let request = try await requests.next() {
            for size in request.responseSizes {
                try await replies.send(V1.ConverseResponse(payload: try Self.zeros(size)))
            }
            if let status = request.responseStatus { try Self.fail(status) }
        }
    }

    func unimplemented(
        _ request: V1.UnimplementedRequest,
        _ context: InteropContext
    ) -> Reply<V1.UnimplementedResponse> {
        .failed(.unimplemented(method: V1.Interop.unimplemented.name))
    }

    private static func zeros(_ count: UInt32) throws(Status) -> [UInt8] {
        guard count <= largest else { throw .invalidArgument(field: "response_size", rule: "at most \(largest)") }
        return [UInt8](repeating: 0, count: Int(count))
    }

    private static func fail(_ status: V1.EchoStatus) throws(Status) {
        let code = status.code.flatMap(StatusCode.init) ?? .unknown
        if code != .ok { throw Status(code, status.message ?? "") }
    }

    private static func sleep(_ milliseconds: UInt32?) async throws(Status) {
        guard let milliseconds, milliseconds > 0 else { return }
        do { try await Task.sleep(for: .milliseconds(Int64(milliseconds))) } catch {
            throw Status(.cancelled, "cancelled")
        }
    }
}

enum WallTime {
    static var unixMilliseconds: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
