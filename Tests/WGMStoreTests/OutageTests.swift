// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing
import WGMControl
import WGMModel

@testable import WGMStore

/// Each on a cluster of its own.
@Suite(.serialized) struct OutageTests {
    private func isUnavailable(_ failure: StoreFailure?) -> Bool {
        if case .unavailable = failure { true } else { false }
    }

    @Test func aClusterIsMadeStartedTakenOverKilledAndStartedAgainWhileTheStoreGoesOn() async throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cluster = TestCluster.make(in: folder)
        try cluster.prepare()
        try cluster.prepare()
        var pid = try startOnLastingThread(cluster)
        defer { try? cluster.stop(pid) }
        #expect(try startOnLastingThread(cluster) == pid, "a running one is taken over")
        try Migrator.migrate(cluster.ownerAddress)
        let store = try PostgresStore(
            address: cluster.daemonAddress,
            node: name("gw1"),
            limits: Connection.Limits(),
            lease: Lease(node: "gw1", holder: "wgmd tests")
        )
        try await store.make("wg0")

        kill(pid, SIGKILL)
        while !EmbeddedCluster.hasEnded(pid) { usleep(10_000) }
        let change = try Change.setInterfaceUp(interface("wg0"), false)
        #expect(isUnavailable(await failure { try await store.change(change) }))
        #expect(isUnavailable(await failure { _ = try await store.currentRevision() }))
        pid = try startOnLastingThread(cluster)
        try await until { await failure { try await store.change(change) } == nil }
        #expect(try await store.load().interfaces[interface("wg0")]?.isUp == false)

        try cluster.stop(pid)
        #expect(isUnavailable(await failure { try await store.change(change) }))
        pid = try startOnLastingThread(cluster)
        try await until { await failure { try await store.change(change) } == nil }
        // Cut connections of a server that stays are made anew without anybody noticing.
        try terminateBackends(cluster)
        #expect(try await store.currentRevision() == 3)
        try terminateBackends(cluster)
        try await store.change(change)
        try await aFrozenServerIsGivenUp(cluster, pid)
    }

    private func aFrozenServerIsGivenUp(_ cluster: EmbeddedCluster, _ pid: Int32) async throws {
        // As the daemon has them: it is to refuse within two seconds; the bound below allows for a busy machine.
        let limits = Connection.Limits()
        let lease = Lease(node: "gw1", holder: "wgmd tests")
        let store = try PostgresStore(address: cluster.daemonAddress, node: name("gw1"), limits: limits, lease: lease)
        _ = try await store.currentRevision()
        let backends = try Connection(cluster.daemonAddress).query(
            "SELECT pid::bigint FROM pg_stat_activity WHERE usename = 'wgmd' AND pid <> pg_backend_pid()"
        ).map { row in
            var row = row
            return try Int32(row.int())
        }
        #expect(!backends.isEmpty)
        for backend in backends { kill(backend, SIGSTOP) }
        defer { for backend in backends { kill(backend, SIGCONT) } }
        let start = ContinuousClock.now
        let change = try Change.setInterfaceUp(interface("wg0"), true)
        #expect(await failure { try await store.change(change) } == .unavailable("the database does not answer"))
        #expect(ContinuousClock.now - start < .seconds(14))
        // A new connection works: only those processes are frozen.
        #expect(try await store.currentRevision() == 4)
    }

    private func terminateBackends(_ cluster: EmbeddedCluster) throws {
        try Connection(cluster.daemonAddress).query(
            """
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE usename = 'wgmd' AND pid <> pg_backend_pid()
            """
        )
    }

    @Test func theServerEndsWithTheThreadThatStartedItAndCanBeStartedAgainAtOnce() throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cluster = TestCluster.make(in: folder)
        try cluster.prepare()
        let handover = Handover()
        Thread { handover.set(Result { try cluster.start() }) }.start()
        let pid = try handover.wait().get()
        let next = try startOnLastingThread(cluster)
        #expect(next != pid)
        #expect(EmbeddedCluster.hasEnded(pid))
        try cluster.stop(next)
        #expect(EmbeddedCluster.hasEnded(next))
    }

    @Test func anInterruptedPreparationIsStartedOver() throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cluster = TestCluster.make(in: folder)
        unsafe mkdir(folder + "/cluster", 0o711)
        unsafe mkdir(folder + "/cluster/data.new", 0o700)
        let account = try ClusterAccount(TestCluster.systemUser)
        unsafe chown(folder + "/cluster/data.new", account.uid, account.gid)
        unsafe symlink("/etc/hostname", folder + "/cluster/data.new/PG_VERSION")
        try cluster.prepare()
        #expect(cluster.version == "15" || cluster.version == "16" || cluster.version == "17")
    }

    @Test func whatCannotWorkIsRefusedOnOneLineWithTheCure() throws {
        func words(_ cluster: EmbeddedCluster) -> String {
            do {
                try cluster.prepare()
                return ""
            } catch {
                return error.description
            }
        }
        let long = "/tmp/" + String(repeating: "x", count: 100)
        let user = TestCluster.systemUser
        #expect(words(EmbeddedCluster(folder: "/tmp/a b", socketFolder: "/tmp/s")).contains("absolute path"))
        #expect(words(EmbeddedCluster(folder: "/tmp/a", socketFolder: "/tmp/s,/tmp")).contains("absolute path"))
        #expect(words(EmbeddedCluster(folder: "/tmp/a", socketFolder: long)).contains("107 bytes"))
        #expect(
            words(EmbeddedCluster(folder: "/tmp/a", socketFolder: "/tmp/s", systemUser: "no\nbody")).contains("user")
        )
        #expect(
            words(EmbeddedCluster(folder: "/tmp/a", socketFolder: "/tmp/s", systemUser: "nobody-at-all"))
                .contains("useradd --system")
        )
        #expect(
            words(EmbeddedCluster(folder: "/nowhere/a", socketFolder: "/tmp/s", systemUser: user))
                .contains("cannot create /nowhere/a: No such file")
        )
        #expect(ClusterFailure.programsMissing(version: nil).description.contains("postgresql-15"))
    }
}
