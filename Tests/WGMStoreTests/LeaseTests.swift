// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

/// One daemon at a time serves a node.
struct LeaseTests {
    @Test func aSecondDaemonOfTheSameNodeIsRefusedUntilTheFirstIsGone() async throws {
        let database = try TestCluster.database()
        let address = database.address("wgmd")
        var first: PostgresStore? = try PostgresStore(address: address, node: name("gw1"))
        #expect(try await first?.currentRevision() == 0)
        let second = try PostgresStore(address: address, node: name("gw1"))
        let refusal = await failure { _ = try await second.currentRevision() }
        guard case .unavailable(let words) = refusal else {
            Issue.record("not refused: \(String(describing: refusal))")
            return
        }
        #expect(words.hasPrefix("another wgmd serves the node `gw1` with this database: stop it"))
        // Another node's is served beside it.
        #expect(try await database.store("gw2").currentRevision() == 0)
        first = nil
        try await until { (try? await second.currentRevision()) == 0 }
        try await second.make("wg0")
    }

    @Test func aDaemonWhoseOldConnectionLingersGoesOnWithANewOne() async throws {
        let database = try TestCluster.database()
        let lease = Lease(node: "gw1")
        var lingering: Connection? = try database.connection("wgmd")
        try lingering.map(lease.mark)
        #expect(try lingering.map(lease.take) == true)
        let next = try database.connection("wgmd")
        try lease.mark(next)
        #expect(try lease.take(next) == false)
        #expect(await failure { () throws(StoreFailure) in _ = try Lease(node: "gw1").take(next) } != nil)
        lingering = nil
        try await until { (try? lease.take(next)) == true }
    }
}
