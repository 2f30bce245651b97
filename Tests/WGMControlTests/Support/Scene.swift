// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WGMModel

@testable import WGMControl

/// A clock that stands still until it is moved.
final class TestClock: Clock {
    private let time = Mutex(Timestamp(seconds: 1_800_000_000))
    var now: Timestamp { time.withLock { $0 } }
    private let steps = Mutex<Int64>(0)
    var steady: Int64 { now.milliseconds - steps.withLock { $0 } }
    /// Somebody sets the clock; no time passes.
    func set(forward seconds: Int64) {
        steps.withLock { $0 += seconds * 1000 }
        advance(seconds: seconds)
    }
    func advance(seconds: Int64) { time.withLock { $0.seconds += seconds } }
    func advance(milliseconds: Int64) {
        time.withLock { $0 = Timestamp(milliseconds: $0.milliseconds + milliseconds) }
    }
}

/// A gateway over a store and a kernel in memory, with root logged in as first admin.
struct Scene {
    let signer = TestSigner()
    let clock = TestClock()
    let store = MemoryStore()
    let names = TestNames()
    let kernel: MemoryKernel
    let gateway: Gateway
    let wg0: InterfaceName

    init() async throws {
        kernel = MemoryKernel(signer: signer)
        gateway = Gateway(
            node: try #require(ObjectName("n1")),
            store: store,
            kernel: kernel,
            clock: clock,
            lookup: names
        )
        gateway.keys.use(keyID: signer.keyID, publicKey: signer.publicKey)
        wg0 = try #require(InterfaceName("wg0"))
        await gateway.start()
    }

    func context(_ credential: Credential? = nil, uid: UInt32? = 0, key: [UInt8]? = nil) -> CallContext {
        CallContext(
            credential: credential,
            uid: uid,
            method: "wgm.v1.Test/Call",
            resource: "test",
            requestID: "r1",
            key: key.map { CallKey(principal: "root", key: $0, requestHash: []) },
            time: clock.now
        )
    }

    func login(uid: UInt32 = 0, name: String = "root") async throws -> Credential {
        let login = try await gateway.login(userName: name, context(uid: uid))
        return try gateway.authenticate(token: login.issued.token, bearer: .user(uid))
    }

    @discardableResult
    func makeInterface(_ change: (inout InterfaceRequest) -> Void = { _ in }) async throws -> InterfaceReport {
        var request = InterfaceRequest()
        request.name = "wg0"
        change(&request)
        guard case .done(let report, _) = try await gateway.createInterface(request, context()) else {
            throw Refusal.underWay
        }
        return report
    }

    @discardableResult
    func makePeers(_ names: String..., change: (inout PeerRequest) -> Void = { _ in }) async throws -> [PeerReport] {
        let peers = names.enumerated().map { index, name in
            var peer = peerRequest(name)
            change(&peer)
            return peer
        }
        let request = PeersRequest(interface: "wg0", peers: peers)
        guard case .done(let reports, _) = try await gateway.createPeers(request, context()) else {
            throw Refusal.underWay
        }
        return reports
    }

    func peerRequest(_ name: String) -> PeerRequest {
        var peer = PeerRequest()
        peer.name = name
        peer.publicKey = testKey(name).description
        return peer
    }
}

/// A public key made from a name.
func testKey(_ name: String) -> PublicKey {
    let bytes = Array((name + String(repeating: "~", count: 32)).utf8.prefix(32))
    return PublicKey(bytes: bytes) ?? testKey("x")
}

/// What the body refuses with; nil when it does not.
func refusal<Result>(_ body: () async throws(Refusal) -> Result) async -> Refusal? {
    do throws(Refusal) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
