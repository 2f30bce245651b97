// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

func name(_ text: String) throws -> ObjectName { try #require(ObjectName(text)) }
func interface(_ text: String) throws -> InterfaceName { try #require(InterfaceName(text)) }
func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }
func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

/// A key that depends on the number alone.
func key(_ number: Int) throws -> PublicKey {
    try #require(PublicKey(bytes: (0..<32).map { UInt8(truncatingIfNeeded: $0 < 8 ? number >> (8 * $0) : $0) }))
}

func entry(_ method: String = "test/Call", code: UInt32 = 0, message: String = "") -> AuditEntry {
    AuditEntry(
        time: Timestamp(seconds: 1_800_000_000, nanoseconds: 123_456_000),
        principal: "alice",
        uid: 1000,
        tokenID: "token-1",
        method: method,
        resource: "node/gw1/interface/wg0",
        code: code,
        message: message,
        request: #"{"a":1}"#,
        requestID: "request-1"
    )
}

extension PostgresStore {
    @discardableResult
    func change(_ change: Change, key: CallKey? = nil) async throws -> Touched {
        let committed = try commit(change, audit: entry(), key: key)
        guard case .applied(let touched) = committed.outcome else {
            Issue.record("the change was taken for a repetition")
            return Touched()
        }
        return touched
    }

    @discardableResult
    func make(
        _ interface: String,
        key number: Int = 1_000_000,
        port: UInt16? = nil,
        ipv6Pool: String? = nil,
        ipv4Pool: String? = nil
    ) async throws -> InterfaceRecord {
        let new = try NewInterface(
            id: reserveInterfaceID(),
            name: WGMStoreTests.interface(interface),
            backend: .automatic,
            isUp: true,
            mtu: 1420,
            listenPort: port,
            publicKey: key(number),
            sealedKey: #require(SealedKey(bytes: [UInt8](repeating: 7, count: SealedKey.byteCount))),
            ipv6Pool: ipv6Pool.map { try prefix($0) },
            ipv4Pool: ipv4Pool.map { try prefix($0) },
            endpoint: "vpn.example.org:51820",
            firewallMark: 42,
            dns: [address("2001:db8::53"), address("192.0.2.53")],
            uniqueLocalPrefixIfNone: prefix("fd12:3456:789a::/48")
        )
        let made = try await change(.createInterface(new)).interfaces
        return try #require(made.first)
    }

    @discardableResult
    func add(_ peers: [NewPeer], to name: String = "wg0") async throws -> [PeerRecord] {
        try await change(.createPeers(interface(name), peers)).peers
    }
}

func peer(
    _ text: String,
    key number: Int,
    addresses: [String] = [],
    routed: [String] = [],
    isIPv6Only: Bool = false
) throws -> NewPeer {
    try NewPeer(
        name: name(text),
        publicKey: key(number),
        addresses: addresses.map { try address($0) },
        routed: routed.map { try prefix($0) },
        isIPv6Only: isIPv6Only
    )
}

/// What an error says, for comparison with `#expect`.
func failure(_ body: () async throws -> Void) async -> StoreFailure? {
    do {
        try await body()
        return nil
    } catch {
        return error as? StoreFailure
    }
}

func until(_ condition: () async -> Bool) async throws {
    let limit = ContinuousClock.now + .seconds(20)
    while await !condition() {
        try #require(ContinuousClock.now < limit, "still not after 20 s")
        try await Task.sleep(for: .milliseconds(50))
    }
}
