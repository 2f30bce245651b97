// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization
import Testing
import WGMControl
import WGMModel

@testable import WGMStore

/// A real PostgreSQL in a temporary folder, one for all tests of the process; it goes when the process does.
final class TestCluster: Sendable {
    let cluster: EmbeddedCluster
    let pid: Int32

    static let shared = Result { try TestCluster() }
    private static let databaseCount = Mutex(0)

    /// Root lends the cluster to Debian's own user for PostgreSQL; anybody else runs it himself.
    static var systemUser: String { geteuid() == 0 ? "postgres" : ownName }
    static var ownName: String { NSUserName() }

    static func make(in folder: String) -> EmbeddedCluster {
        EmbeddedCluster(
            folder: folder + "/cluster",
            socketFolder: folder + "/socket",
            systemUser: systemUser,
            daemonUser: ownName
        )
    }

    private init() throws {
        let folder = try temporaryFolder()
        let cluster = Self.make(in: folder)
        try cluster.prepare()
        let pid = try startOnLastingThread(cluster)
        self.cluster = cluster
        self.pid = pid
        ending.withLock { $0 = (cluster, pid, folder) }
        atexit { endSharedCluster() }
        // Tests want databases of their own, which the owner may not make otherwise.
        try letInAsSuperuser(cluster, pid)
        let superuser = try Connection(
            DatabaseAddress(socketFolder: cluster.socketFolder, database: "postgres", user: "postgres")
        )
        try superuser.query("ALTER ROLE wgm_owner CREATEDB")
        try Migrator.migrate(cluster.ownerAddress)
    }

    /// A database with the newest schema and nothing in it.
    static func database(migrated: Bool = true) throws -> TestDatabase {
        let shared = try shared.get()
        let number = databaseCount.withLock { count in
            count += 1
            return count
        }
        let name = "test_\(number)"
        let owner = try Connection(
            DatabaseAddress(socketFolder: shared.cluster.socketFolder, database: "template1", user: "wgm_owner")
        )
        try owner.run(embedded: Array("CREATE DATABASE \(name) TEMPLATE \(migrated ? "wgm" : "template0")".utf8))
        return TestDatabase(socketFolder: shared.cluster.socketFolder, name: name)
    }
}

/// One test's database.
struct TestDatabase {
    let socketFolder: String
    let name: String

    func address(_ role: String) -> DatabaseAddress {
        DatabaseAddress(socketFolder: socketFolder, database: name, user: role)
    }

    func connection(_ role: String = "wgm_owner") throws -> Connection { try Connection(address(role)) }

    /// With the rights that the daemon has, which are fewer than the owner's.
    ///
    /// All of a node's share one lease, so that tests may have several at once.
    func store(_ node: String = "gw1") throws -> PostgresStore {
        let name = try #require(ObjectName(node))
        let lease = Lease(node: node, holder: "wgmd tests")
        return PostgresStore(address: address("wgmd"), node: name, limits: Connection.Limits(), lease: lease)
    }
}

func temporaryFolder() throws -> String {
    var template = Array("/tmp/wgm-store-XXXXXX".utf8CString)
    let path = unsafe try #require(mkdtemp(&template).map { unsafe String(cString: $0) })
    unsafe chmod(path, 0o755)
    return path
}

/// The database ends with the thread that started it, so that thread must stay.
func startOnLastingThread(_ cluster: EmbeddedCluster) throws -> Int32 {
    let outcome = Handover()
    let thread = Thread {
        outcome.set(Result { try cluster.start() })
        while true { sleep(1000) }
    }
    thread.start()
    return try outcome.wait().get()
}

/// A value that another thread hands over.
final class Handover: Sendable {
    private let value = Mutex<Result<Int32, any Error>?>(nil)
    private let ready = DispatchSemaphore(value: 0)

    func set(_ result: Result<Int32, any Error>) {
        value.withLock { $0 = result }
        ready.signal()
    }

    func wait() throws -> Result<Int32, any Error> {
        ready.wait()
        return try #require(value.withLock { $0 })
    }
}

private func letInAsSuperuser(_ cluster: EmbeddedCluster, _ pid: Int32) throws {
    let users = try #require(ClusterFiles.read(cluster.usersFile))
    try ClusterFiles.write(
        users + "wgm \(TestCluster.ownName) postgres\nwgm \(TestCluster.ownName) wgm_owner\n",
        to: cluster.usersFile
    )
    kill(pid, SIGHUP)
    usleep(300_000)
}

private let ending = Mutex<(cluster: EmbeddedCluster, pid: Int32, folder: String)?>(nil)

private func endSharedCluster() {
    guard let last = ending.withLock({ $0 }) else { return }
    // Not in good order: a checkpoint of dozens of databases takes longer than the tests.
    kill(last.pid, SIGQUIT)
    while !EmbeddedCluster.hasEnded(last.pid) { usleep(10_000) }
    try? FileManager.default.removeItem(atPath: last.folder)
}
