// SPDX-License-Identifier: Apache-2.0
public import WGMRPC
public import WGMWire

/// The generated messages of `wgm.interop.v1`; here the name means those, and not wgm's own.
public enum V1 {}

/// The server of `Tests/interop/CASES.md`.
public final class InteropHost: CallHost {
    static let token = "interop"
    private static let unknownMethods: Set<String> = [V1.Interop.unimplemented.name]
    private let routes: [String: Route<InteropContext>]

    public init() {
        let served = InteropMethods().routes.filter { !Self.unknownMethods.contains($0.method.name) }
        routes = Dictionary(uniqueKeysWithValues: served.map { ($0.method.name, $0) })
    }

    public func authenticate(token: String, from peer: ConnectionPeer) -> Authentication<String> {
        guard token == Self.token else { return .refused(Status(.unauthenticated, "the token is not \(Self.token)")) }
        return .accepted(
            token,
            subject: token,
            expiresUnixMilliseconds: WallTime.unixMilliseconds + 3_600_000,
            scopes: []
        )
    }

    public func shape(of method: String) -> RequestShape? {
        guard let method = routes[method]?.method else { return nil }
        return RequestShape(isStream: method.isRequestStream, limit: method.maxRequestBytes)
    }

    public func handle(_ call: IncomingCall<String>) -> Handling {
        let trailers = call.metadata.filter { $0.key == "x-echo" }
        do throws(Status) {
            guard let route = routes[call.method] else { throw .unimplemented(method: call.method) }
            guard call.credential != nil else { throw Status(.unauthenticated, "\(call.method) needs a token") }
            switch try prepare(route, call.message ?? []).run(InteropContext()) {
            case .now(let bytes):
                return .reply(CallOutcome(reply: bytes, trailers: trailers))
            case .failed(let status): throw status
            case .later(let work):
                return .task { await Self.outcome(trailers) { () throws(Status) in try await work() } }
            case .stream(let work):
                return .stream { channel in
                    await Self.outcome(trailers) { () throws(Status) in try await work(channel) }
                }
            }
        } catch {
            return .reply(CallOutcome(failure: error, trailers: trailers))
        }
    }

    private func prepare(
        _ route: Route<InteropContext>,
        _ message: [UInt8]
    ) throws(Status) -> PreparedCall<InteropContext> {
        guard message.count <= route.method.maxRequestBytes else {
            throw Status(.resourceExhausted, "the request is too large", reason: "REQUEST_TOO_LARGE")
        }
        let bytes = route.method.isRequestStream ? [] : message
        let result = unsafe bytes.withUnsafeBytes { buffer in
            Result { () throws(MessageError) in try unsafe route.prepare(buffer) }
        }
        do throws(MessageError) { return try result.get() } catch { throw .malformed(error) }
    }

    private static func outcome(
        _ trailers: [(key: String, value: [UInt8])],
        _ work: () async throws(Status) -> [UInt8]?
    ) async -> CallOutcome {
        do throws(Status) {
            return CallOutcome(reply: try await work(), trailers: trailers)
        } catch {
            return CallOutcome(failure: error, trailers: trailers)
        }
    }

    public func callRefused(_ refusal: RefusedCall<String>) {}
    public func connectionRefused(_ peer: ConnectionPeer, _ fault: ConnectionFault) {}
    public func violation(by peer: ConnectionPeer, _ fault: ConnectionFault) {}
}
