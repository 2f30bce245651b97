// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Testing
import WGMControl
import WGMModel
import WGMServer

@testable import WGMRPC
@testable import WGMWire

/// No resolver.
struct AbsentNames: NameLookup {
    func addresses(of name: HostName) async throws(LookupFailure) -> NamedAddresses { throw LookupFailure("absent") }
}

/// What the daemon is while its database has never answered.
struct AbsentStore: Store {
    /// Where audit records go all the same.
    var records: KeptRecords?

    func load() async throws(StoreFailure) -> GatewayState { throw .unavailable("absent") }
    func currentRevision() async throws(StoreFailure) -> Int64 { throw .unavailable("absent") }
    func reserveInterfaceID() async throws(StoreFailure) -> InterfaceID { throw .unavailable("absent") }
    func commit(
        _: Change,
        audit: AuditEntry,
        key: CallKey?,
        check: CommitCheck?
    ) async throws(StoreFailure) -> Committed {
        throw .unavailable("absent")
    }
    func keepProgress(_: [InterfaceID: Progress]) async throws(StoreFailure) { throw .unavailable("absent") }
    func traffic() async throws(StoreFailure) -> [TrafficRecord] { throw .unavailable("absent") }
    func keepTraffic(_: [TrafficRecord]) async throws(StoreFailure) { throw .unavailable("absent") }
    func revisions(limit: Int, before: Int64?, interface: InterfaceName?) async throws(StoreFailure) -> [RevisionRecord]
    {
        throw .unavailable("absent")
    }
    func revision(_: Int64) async throws(StoreFailure) -> (RevisionRecord, Differences) { throw .unavailable("absent") }
    func differences(from: Int64, to: Int64) async throws(StoreFailure) -> Differences { throw .unavailable("absent") }
    func changes(after revision: Int64) async throws(StoreFailure) -> ChangePage { throw .unavailable("absent") }
    func peer(_: ObjectName, of: InterfaceName, at: HistoryPoint) async throws(StoreFailure) -> PastPeer {
        throw .unavailable("absent")
    }
    func holders(of: IPAddress, at: HistoryPoint) async throws(StoreFailure) -> [AddressHolder] {
        throw .unavailable("absent")
    }
    func keepReply(_: [UInt8], for key: CallKey) async throws(StoreFailure) { throw .unavailable("absent") }
    func append(_ entries: [AuditEntry]) async throws(StoreFailure) {
        guard let records else { throw .unavailable("absent") }
        records.keep(entries)
    }
    func auditRecords(_: AuditQuery) async throws(StoreFailure) -> [AuditRecord] { throw .unavailable("absent") }
    func recordToken(_: TokenRecord, audit: AuditEntry) async throws(StoreFailure) { throw .unavailable("absent") }
    func tokens(id: String?, principal: ObjectName?, limit: Int) async throws(StoreFailure) -> [TokenRecord] {
        throw .unavailable("absent")
    }
}

final class KeptRecords: Sendable {
    private let kept = Mutex<[AuditEntry]>([])
    var entries: [AuditEntry] { kept.withLock { $0 } }
    func keep(_ entries: [AuditEntry]) { kept.withLock { $0 += entries } }
}

struct AbsentKernel: Kernel {
    private static let gone = KernelFailure(.keeperGone, "absent")

    func intakeKey() async throws(KernelFailure) -> IntakeKey { throw Self.gone }

    func seal(_ boxes: [SecretBox], for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        throw Self.gone
    }

    func secrets(of: InterfaceName, for: InterfaceID) async throws(KernelFailure) -> [SealedSecret] { throw Self.gone }

    func generateKey(for: InterfaceID) async throws(KernelFailure) -> (publicKey: PublicKey, sealed: SealedKey) {
        throw Self.gone
    }
    func apply(_: KernelChange, to: InterfaceName, owner: InterfaceID) async throws(KernelFailure) { throw Self.gone }
    func dump(_: InterfaceName) async throws(KernelFailure) -> ActualInterface? { throw Self.gone }
    func ownedInterfaces() async throws(KernelFailure) -> [InterfaceName: InterfaceID] { throw Self.gone }
    func sign(_: [UInt8]) async throws(KernelFailure) -> [UInt8] { throw Self.gone }
}

struct FixedClock: WGMControl.Clock {
    let now = Timestamp(seconds: 1_800_000_000)
}

@Suite struct DispatcherTests {
    @Test("every method of the schema is served, and no other")
    func everyMethod() throws {
        let node = try #require(ObjectName("gw1"))
        let gateway = Gateway(
            node: node,
            store: AbsentStore(),
            kernel: AbsentKernel(),
            clock: FixedClock(),
            lookup: AbsentNames()
        )
        let dispatcher = Dispatcher(gateway: gateway, clock: FixedClock(), logger: Logger(label: "test"))
        #expect(dispatcher.methods.map(\.name).sorted() == V1.methods.map(\.name).sorted())
    }

    @Test("only health, version and login need no token, and only health and version leave no record")
    func publishedExceptions() {
        let anonymous = V1.methods.filter(\.isAnonymous).map(\.name).sorted()
        #expect(anonymous == ["wgm.v1.Auth/Login", "wgm.v1.Health/Check", "wgm.v1.Meta/Version"])
        let unaudited = V1.methods.filter { !$0.isAudited }.map(\.name).sorted()
        #expect(unaudited == ["wgm.v1.Health/Check", "wgm.v1.Meta/Version"])
    }

    @Test("a large file of a caller without any right is refused before it is read")
    func unread() async throws {
        let scene = try ReadScene()
        let dispatcher = Dispatcher(gateway: scene.gateway, clock: scene.clock, logger: Logger(label: "test"))
        let peer = ConnectionPeer(transport: .unix(uid: 1, gid: 1), id: 1)
        func refusal(_ credential: Credential) async throws -> StatusCode? {
            let call = try ReceivedCall(
                V1.Call(method: "wgm.v1.GatewayFile/Plan", message: [UInt8](repeating: 0xff, count: 20_000)),
                header: FrameHeader(type: .call, stream: 1, flags: [.endStream, .hasMessage], aux: 1),
                now: Moment.now(),
                limits: WireLimits()
            )
            switch dispatcher.handle(IncomingCall(call, peer: peer, credential: credential)) {
            case .reply(let outcome): return outcome.failure?.code
            case .task(let work): return await work().failure?.code
            case .stream: return nil
            }
        }
        #expect(try await refusal(scene.credential("anna", allowed: "**", verbs: ["list"])) == .invalidArgument)
        var touched = Touched()
        touched.principals = [try scene.principal("nina", roles: [])]
        scene.gateway.view.apply(touched, revision: 2, at: scene.clock.now)
        #expect(try await refusal(scene.credential("nina", allowed: "**", verbs: ["list"])) == .permissionDenied)
        #expect(scene.records.entries.last?.request == #"{"omitted_bytes":20000}"#)
    }

    @Test("a call that was given up while it waited for a thread does no work, and leaves a record")
    func givenUp() async throws {
        let scene = try ReadScene()
        let dispatcher = Dispatcher(gateway: scene.gateway, clock: scene.clock, logger: Logger(label: "test"))
        let call = try ReceivedCall(
            V1.Call(method: "wgm.v1.Peers/List", message: V1.ListPeersRequest().serialized()),
            header: FrameHeader(type: .call, stream: 1, flags: [.endStream, .hasMessage], aux: 1),
            now: Moment.now(),
            limits: WireLimits()
        )
        let credential = try scene.credential("anna", allowed: "**", verbs: ["list"])
        let peer = ConnectionPeer(transport: .unix(uid: 1, gid: 1), id: 1)
        guard case .task(let work) = dispatcher.handle(IncomingCall(call, peer: peer, credential: credential)) else {
            Issue.record("not answered by a task")
            return
        }
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await work()
        }
        task.cancel()
        #expect(await task.value.failure?.code == .cancelled)
        #expect(scene.records.entries.last?.code == StatusCode.cancelled.rawValue)
        #expect(await work().failure == nil, "it is done when nobody gave it up")
    }
}
