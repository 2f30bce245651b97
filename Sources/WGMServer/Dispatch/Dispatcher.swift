// SPDX-License-Identifier: Apache-2.0

package import Logging
package import WGMControl
internal import WGMModel
package import WGMRPC
internal import WGMVerify
package import WGMWire

/// Decides about every call before a handler sees it: may it be made, by this caller, on these objects.
///
/// Each refusal is in the audit log before the caller hears of it.
package final class Dispatcher: Sendable {
    let gateway: Gateway
    private let clock: any WGMControl.Clock
    private let logger: Logger
    private let routes: [String: Route<CallContext>]
    private let reads: AllTokenReads
    /// Hashes of redacted fields can be compared within one run of the daemon, and guessed by nobody.
    private let redactionKey = RandomBytes.make(Hash.byteCount)

    package init(gateway: Gateway, clock: any WGMControl.Clock, logger: Logger) {
        self.gateway = gateway
        self.clock = clock
        self.logger = logger
        reads = AllTokenReads(gateway: gateway, clock: clock)
        let all: [[Route<CallContext>]] = [
            MetaHandler(gateway: gateway).routes, HealthHandler(gateway: gateway).routes,
            AuthHandler(gateway: gateway).routes, PrincipalsHandler(gateway: gateway).routes,
            InterfacesHandler(gateway: gateway).routes, PeersHandler(gateway: gateway).routes,
            AuditLogHandler(gateway: gateway).routes, RevisionsHandler(gateway: gateway).routes,
            GatewayFileHandler(gateway: gateway).routes, EventsHandler(gateway: gateway).routes,
        ]
        routes = Dictionary(uniqueKeysWithValues: all.joined().map { ($0.method.name, $0) })
    }

    /// The methods that are served; a test compares them with the schema.
    package var methods: [MethodDescriptor] { routes.values.map(\.method) }
}

extension Dispatcher: CallHost {
    package func authenticate(token: String, from peer: ConnectionPeer) -> Authentication<Credential> {
        do throws(Refusal) {
            let credential = try gateway.authenticate(token: token, bearer: peer.bearer)
            return .accepted(
                credential,
                subject: credential.principal.value,
                expiresUnixMilliseconds: credential.expires.milliseconds,
                scopes: []
            )
        } catch {
            let status = Status(error)
            gateway.audit.record(entry("wgmd/authenticate", peer, status))
            return .refused(status)
        }
    }

    package func answers(for credential: Credential, of peer: ConnectionPeer) -> (any AnswerSource)? {
        reads.reads(for: credential, of: peer)
    }

    package func handle(_ call: IncomingCall<Credential>) -> Handling {
        guard let route = routes[call.method] else {
            return refuse(context(call, credential: call.credential), .unimplemented(method: call.method))
        }
        var context = context(call, credential: call.credential, resource: route.method.resource)
        do throws(Status) {
            if route.method.isMutation { context.terms = try CommitTerms(call.metadata, from: call.peer) }
            let credential = try identify(route.method, call)
            if let credential { try refuseAtOnce(route.method, credential, call, &context) }
            let prepared = try prepare(route, call)
            context.requestJSON = audited(prepared)
            context.credential = try authorise(route.method, prepared, credential, call, &context)
            context.key = try key(route.method, call, context)
            context.passCommitPoint = { call.commitPoint.pass() }
            return answer(prepared.run(context), context)
        } catch {
            return refuse(context, error)
        }
    }

    package func shape(of method: String) -> RequestShape? {
        guard let method = routes[method]?.method else { return nil }
        return RequestShape(isStream: method.isRequestStream, limit: method.maxRequestBytes)
    }

    package func callRefused(_ refusal: RefusedCall<Credential>) {
        var entry = entry(refusal.method ?? "wgmd/call", refusal.peer, refusal.status)
        entry.principal = refusal.credential?.principal.value
        entry.tokenID = refusal.credential?.claims.tokenID
        entry.requestID = refusal.peer.mark(refusal.requestID)
        gateway.audit.record(entry)
    }

    package func connectionRefused(_ peer: ConnectionPeer, _ fault: ConnectionFault) { record(peer, fault) }

    package func violation(by peer: ConnectionPeer, _ fault: ConnectionFault) { record(peer, fault) }

    private func record(_ peer: ConnectionPeer, _ fault: ConnectionFault) {
        let status = Status(.unavailable, "\(fault.reason.name): \(fault.words)")
        // Who has used up the audit log's patience has used up the log's.
        let isOneOfMany = (try? gateway.audit.recordRefusal(entry("wgmd/connection", peer, status))) == nil
        logger.log(
            level: isOneOfMany ? .debug : .info,
            "a connection was ended",
            metadata: ["connection": "\(peer.id)", "reason": "\(fault.reason.name)", "words": "\(fault.words)"]
        )
    }
}

extension Dispatcher {
    /// The caller's credential as it is now; nil for a method that needs none.
    private func identify(_ method: MethodDescriptor, _ call: IncomingCall<Credential>) throws(Status) -> Credential? {
        guard !method.isAnonymous else { return nil }
        guard let credential = call.credential else {
            throw Status(
                .unauthenticated,
                "\(method.name) needs a token; wgmctl login gets one over the Unix socket",
                reason: "TOKEN_MISSING"
            )
        }
        do throws(Refusal) { return try gateway.recheck(credential) } catch { throw Status(error) }
    }

    private func prepare(
        _ route: Route<CallContext>,
        _ call: IncomingCall<Credential>
    ) throws(Status) -> PreparedCall<CallContext> {
        var message = call.message ?? []
        guard message.count <= route.method.maxRequestBytes else {
            throw Status(
                .resourceExhausted,
                "the request has \(message.count) bytes, \(route.method.name) takes at most \(route.method.maxRequestBytes)",
                reason: "REQUEST_TOO_LARGE"
            )
        }
        // A stream is judged before its first message is looked at: fields that the permission names stand for "*".
        if route.method.isRequestStream { message = [] }
        let result = unsafe message.withUnsafeBytes { bytes in
            Result { () throws(MessageError) in try unsafe route.prepare(bytes) }
        }
        do throws(MessageError) { return try result.get() } catch { throw .malformed(error) }
    }

    /// A large request of a caller who may do nothing of the kind, whatever it names, is not even read.
    private func refuseAtOnce(
        _ method: MethodDescriptor,
        _ credential: Credential,
        _ call: IncomingCall<Credential>,
        _ context: inout CallContext
    ) throws(Status) {
        guard let count = call.message?.count, count > Self.readAnyway else { return }
        context.requestJSON = #"{"omitted_bytes":\#(count)}"#
        let verb = method.verb.flatMap { Verb(rawValue: $0) }
        // What a method without a verb allows is decided object by object; who has no right at all may do none of it.
        guard verb.map({ credential.rights.hold($0) }) ?? !credential.rights.areNone else {
            throw .permissionDenied(verb: method.verb ?? "get", resource: method.resource ?? method.name)
        }
    }

    /// Bytes of a request that is always read, so that its refusal names what was asked for.
    private static let readAnyway = 16 * 1024

    private func audited(_ prepared: PreparedCall<CallContext>) -> String {
        unsafe prepared.auditJSON { bytes in
            unsafe Base64.encode(Hash.blake2b(bytes, key: redactionKey), variant: .url)
        }
    }

    /// Looks at the permission table's row: the verb must be allowed on every resource that the request names.
    private func authorise(
        _ method: MethodDescriptor,
        _ prepared: PreparedCall<CallContext>,
        _ credential: Credential?,
        _ call: IncomingCall<Credential>,
        _ context: inout CallContext
    ) throws(Status) -> Credential? {
        guard let credential else { return nil }
        guard let verb = method.verb, let template = method.resource else {
            guard method.isAuthenticatedOnly else { throw .permissionDenied(verb: "", resource: method.name) }
            // What such a method allows is decided behind it, by rights that the call may have narrowed.
            do throws(Refusal) { return try gateway.narrow(credential, call.scope) } catch { throw Status(error) }
        }
        let named = prepared.resources(gateway.node.value)
        // The last is looked at before all others are: whoever may do nothing does not keep the event loop busy.
        let paths = [named.last, named.first].prefix(named.count).compactMap { $0 }
            .map { Self.path($0, template: template, caller: credential.principal) }
        context.resource = named.count == 1 ? paths[0] : "\(paths.last ?? "") and \(named.count - 1) more"
        var resources = paths.map { ResourcePattern($0) ?? .everything }
        var current: Credential
        do throws(Refusal) {
            current = try gateway.authorise(credential, verb: verb, resources: resources, scope: call.scope)
        } catch { throw Status(error) }
        if named.count > 2 {
            guard named.count <= Self.maxResources else {
                throw .invalidArgument(field: template, rule: "at most \(Self.maxResources) objects in one call")
            }
            resources = named.map {
                ResourcePattern(Self.path($0, template: template, caller: credential.principal)) ?? .everything
            }
            do throws(Refusal) {
                current = try gateway.authorise(credential, verb: verb, resources: resources, scope: call.scope)
            } catch { throw Status(error) }
        }
        context.permission = Permission(verb: verb, resources: resources)
        return current
    }

    /// As many as the largest call that any method takes.
    private static let maxResources = 5000

    /// An absent `{principal}` is the caller; a name that was given can never be a bare `*`.
    private static func path(_ path: String, template: String, caller: ObjectName) -> String {
        guard template.contains("{principal}") else { return path }
        let wanted = template.split(separator: "/")
        let found = path.split(separator: "/").map(String.init)
        guard wanted.contains("{principal}"), wanted.count == found.count else { return path }
        return zip(wanted, found).map { $0 == "{principal}" && $1 == "*" ? caller.value : $1 }.joined(separator: "/")
    }

    private func key(
        _ method: MethodDescriptor,
        _ call: IncomingCall<Credential>,
        _ context: CallContext
    ) throws(Status) -> CallKey? {
        guard method.isMutation else { return nil }
        guard let key = call.idempotencyKey, let principal = context.principal else {
            throw .invalidArgument(
                field: "idempotency_key",
                rule: "16 bytes, needed by every method that changes state"
            )
        }
        var asked = Array(method.name.utf8) + [0] + (call.message ?? [])
        // Until when it is to be confirmed is a part of what is asked for.
        if let terms = call.metadata.first(where: { $0.key == "confirm" }) {
            asked += [0] + Array("confirm".utf8) + terms.value
        }
        return CallKey(principal: principal.value, key: key, requestHash: Hash.sha256(asked))
    }
}

extension Dispatcher {
    private func answer(_ reply: Reply<[UInt8]>, _ context: CallContext) -> Handling {
        switch reply {
        case .now(let bytes): return .reply(CallOutcome(reply: bytes))
        case .failed(let status): return refuse(context, status)
        case .stream(let work):
            return .stream { [self] channel in
                do throws(Status) {
                    return CallOutcome(reply: try await work(channel))
                } catch {
                    return await recorded(context, error)
                }
            }
        case .later(let work):
            return .task { [self] in
                do throws(Status) {
                    // Many may have been given up while they waited for a thread.
                    guard !Task.isCancelled else { throw Status(Refusal.givenUp) }
                    return CallOutcome(reply: try await work())
                } catch {
                    return await recorded(context, error)
                }
            }
        }
    }

    /// At once for a caller whose refusals are too many for a record each; else when the record is in the database.
    private func refuse(_ context: CallContext, _ status: Status) -> Handling {
        let entry = context.entry(code: status.code.rawValue, message: status.message)
        do throws(StoreFailure) {
            guard let number = try gateway.audit.recordRefusal(entry) else {
                return .reply(CallOutcome(failure: status))
            }
            return .task { [self] in
                await noted(context) { () async throws(StoreFailure) in try await gateway.audit.wait(for: number) }
                return CallOutcome(failure: status)
            }
        } catch {
            return .reply(CallOutcome(failure: status))
        }
    }

    private func recorded(_ context: CallContext, _ status: Status) async -> CallOutcome {
        await noted(context) { () async throws(StoreFailure) in
            try await gateway.recordRefusal(context, code: status.code.rawValue, message: status.message)
        }
        return CallOutcome(failure: status)
    }

    /// While the database is away the record waits in memory; the caller is refused all the same.
    private func noted(_ context: CallContext, _ record: () async throws(StoreFailure) -> Void) async {
        do throws(StoreFailure) {
            try await record()
        } catch {
            logger.warning("a refusal is not in the audit log yet", metadata: ["request": "\(context.requestID)"])
        }
    }

    private func context(
        _ call: IncomingCall<Credential>,
        credential: Credential?,
        resource: String? = nil
    ) -> CallContext {
        var context = CallContext(
            credential: credential,
            uid: call.peer.uid,
            method: call.method,
            resource: resource ?? "",
            requestID: call.peer.mark(call.requestID),
            time: clock.now
        )
        if let reason = call.metadata.first(where: { $0.key == "reason" }) {
            context.reason = String(decoding: reason.value, as: UTF8.self)
        }
        return context
    }

    private func entry(_ method: String, _ peer: ConnectionPeer, _ status: Status) -> AuditEntry {
        let context = CallContext(
            credential: nil,
            uid: peer.uid,
            method: method,
            resource: "node/\(gateway.node)",
            requestID: peer.mark(peer.id),
            time: clock.now
        )
        return context.entry(code: status.code.rawValue, message: status.message)
    }
}

extension ConnectionPeer {
    /// The user at the other end; nil when the kernel does not say.
    var uid: UInt32? {
        switch transport {
        case .unix(let uid, _): uid
        case .tls, .unknown: nil
        }
    }

    /// Whom a token must be bound to.
    var bearer: Bearer {
        switch transport {
        case .unix(let uid, _): .user(uid)
        case .tls(_, let certificate): .remote(certificate: certificate.map { Hash.sha256($0) })
        case .unknown: .unknown
        }
    }

    /// A request's name in the audit log, with the address that it came from.
    func mark(_ id: some CustomStringConvertible) -> String {
        guard case .tls(let address, _) = transport else { return id.description }
        return "\(id)@\(address)"
    }
}
