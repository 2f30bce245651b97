// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WGMModel

@testable import WGMControl
@testable import WGMRPC
@testable import WGMServer
@testable import WGMWire

/// A clock that is moved by hand.
final class HandClock: WGMControl.Clock {
    private let time = Mutex(Timestamp(seconds: 1_800_000_000))
    var now: Timestamp { time.withLock { $0 } }
    func advance(milliseconds: Int64) {
        time.withLock { $0 = Timestamp(milliseconds: $0.milliseconds + milliseconds) }
    }
}

/// A gateway with the peers `a` and `b`, which the kernel was seen to hold, and callers with rights of their own.
final class ReadScene: Sendable {
    let clock = HandClock()
    let records = KeptRecords()
    let gateway: Gateway
    let reads: AllTokenReads
    let wg0: InterfaceName
    private let moments = Mutex<UInt64>(1)

    init(isObserved: Bool = true) throws {
        gateway = Gateway(
            node: try #require(ObjectName("n1")),
            store: AbsentStore(records: records),
            kernel: AbsentKernel(),
            clock: clock,
            lookup: AbsentNames()
        )
        reads = AllTokenReads(gateway: gateway, clock: clock)
        wg0 = try #require(InterfaceName("wg0"))
        let interface = InterfaceRecord(
            id: InterfaceID(7),
            name: wg0,
            backend: .automatic,
            isUp: true,
            mtu: 1420,
            listenPort: 51820,
            publicKey: try Self.key(0),
            sealedKey: try #require(SealedKey(bytes: Array(repeating: 0, count: SealedKey.byteCount))),
            addresses: [],
            ipv6Pool: try #require(IPPrefix("fd00::/64")),
            ipv4Pool: nil,
            endpoint: nil,
            firewallMark: 0,
            dns: [],
            revision: 1,
            created: clock.now
        )
        let peers = [try peer("a", 1), try peer("b", 2)]
        let admins = try ["anna", "otto"].map { try principal($0) }
        let state = GatewayState(
            revision: 1,
            interfaces: [wg0: interface],
            peers: [interface.id: Dictionary(uniqueKeysWithValues: peers.map { ($0.name, $0) })],
            principals: Dictionary(uniqueKeysWithValues: admins.map { ($0.name, $0) })
        )
        #expect(gateway.view.replace(state, known: 0, at: clock.now))
        if isObserved { observe() }
    }

    static func key(_ byte: UInt8) throws -> PublicKey {
        try #require(PublicKey(bytes: Array(repeating: byte, count: 32)))
    }

    func peer(_ name: String, _ key: UInt8, comment: String = "") throws -> PeerRecord {
        PeerRecord(
            id: Int64(key),
            interface: InterfaceID(7),
            name: try #require(ObjectName(name)),
            publicKey: try Self.key(key),
            isEnabled: true,
            addresses: [try #require(IPAddress("fd00::\(key)"))],
            routed: [try #require(IPPrefix("10.\(key).0.0/24"))],
            endpoint: nil,
            keepalive: 25,
            comment: comment,
            validity: Validity(until: Timestamp(seconds: 1_900_000_000)),
            revision: 1,
            created: clock.now
        )
    }

    func principal(_ name: String, roles: Set<Role> = [.admin], validFrom: Int64 = 0) throws -> PrincipalRecord {
        PrincipalRecord(
            name: try #require(ObjectName(name)),
            uid: 1,
            roles: roles,
            tokensValidFrom: Timestamp(seconds: validFrom),
            created: clock.now
        )
    }

    /// The kernel is seen to hold both peers, now.
    func observe(received: UInt64 = 5) {
        var actual = ActualInterface(name: wg0, owner: InterfaceID(7), backend: .kernel)
        var peer = ActualPeer()
        peer.receivedBytes = received
        peer.lastHandshake = Timestamp(seconds: 1_799_999_990)
        for byte in [1, 2] as [UInt8] { _ = (try? Self.key(byte)).map { actual.peers[$0] = peer } }
        let ticket = gateway.view.beginObservation()
        gateway.view.record(Observation(actual: actual, isInSync: true, time: clock.now, ticket: ticket), of: wg0)
    }

    /// A caller with a token that allows just that, good for so many seconds.
    func caller(
        _ name: String = "anna",
        allowed: String = "node/*/interface/wg0/peer/*",
        connection: UInt64 = 1,
        lifetime: Int64 = 60
    ) throws -> ConnectionReads {
        let credential = try credential(name, allowed: allowed, verbs: ["get"], lifetime: lifetime)
        return reads.reads(for: credential, of: ConnectionPeer(transport: .unix(uid: 1, gid: 1), id: connection))
    }

    func credential(
        _ name: String,
        allowed: String,
        verbs: [String],
        lifetime: Int64 = 60
    ) throws -> Credential {
        let name = try #require(ObjectName(name))
        let claims = TokenClaims(
            node: gateway.node,
            subject: name,
            tokenID: "token-of-\(name)",
            issued: clock.now.seconds,
            lifetime: lifetime,
            binding: TokenBinding(uid: 1),
            grants: [try #require(Grant(resource: allowed, verbs: verbs))]
        )
        let view = gateway.view
        return Credential(
            claims: claims,
            principal: view.principal(name),
            scopes: [],
            epoch: view.identityEpoch
        )
    }

    /// What the caller is answered at once.
    func ask(
        _ caller: ConnectionReads,
        _ name: String = "a",
        method: String = "wgm.v1.Peers/Get",
        stream: UInt32 = 1,
        message: [UInt8]? = nil,
        mostReply: Int = 65_536
    ) throws -> V1.GetPeerResponse? {
        let message = message ?? V1.GetPeerRequest(interface: "wg0", name: name).serialized()
        let payload = V1.Call(method: method, message: message).serialized()
        let header = FrameHeader(type: .call, stream: stream, flags: [.endStream, .hasMessage], aux: 1)
        guard let call = PlainCall(payload.span, header, mostReply: mostReply) else {
            Issue.record("not a plain call: \(payload)")
            return nil
        }
        let now = moments.withLock { moment in
            moment += 1
            return Moment(nanoseconds: moment)
        }
        return try caller.answer(call, in: payload.span, now: now).map { bytes in
            let end = try V1.End(serialized: bytes)
            #expect(end.code == 0 && end.message == nil)
            return try V1.GetPeerResponse(serialized: try #require(end.reply))
        }
    }

    func change(_ make: (inout Touched) throws -> Void) throws {
        var touched = Touched()
        try make(&touched)
        gateway.view.apply(touched, revision: gateway.view.revision + 1, at: clock.now)
    }
}
