// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc
import WGMControl
import WGMStore

/// The database as the configuration wants it, started if it is the embedded one.
///
/// Everything here blocks and belongs to the start, while wgmd has one thread: the embedded server is told to stop when
/// the thread that started it ends.
struct Database {
    /// What the store connects to.
    let address: DatabaseAddress
    /// nil when the schema is another unit's to bring up to date.
    private let ownerAddress: DatabaseAddress?
    private let cluster: EmbeddedCluster?
    /// The embedded server's process.
    let pid: Int32?

    init(_ configuration: Configuration) throws {
        switch configuration.database {
        case .external(let uri):
            address = try DatabaseAddress(uri: uri)
            ownerAddress = address
            cluster = nil
            pid = nil
        case .embedded where configuration.databaseSocket != nil:
            address = Self.cluster(configuration).daemonAddress
            ownerAddress = nil
            cluster = nil
            pid = nil
        case .embedded:
            try Start.prepareFolders(configuration)
            let isRoot = Account.isRoot
            let cluster = EmbeddedCluster(
                folder: configuration.clusterState,
                socketFolder: configuration.clusterSocketFolder,
                systemUser: isRoot ? configuration.postgresUser : try Account.ownName(),
                daemonUser: isRoot ? configuration.user : try Account.ownName(),
                socketGroup: isRoot ? try Account(named: configuration.user).gid : nil,
                minder: try Program.path("wgmd-cluster")
            )
            try cluster.prepare(progress: Start.say)
            pid = try cluster.start(progress: Start.say)
            address = cluster.daemonAddress
            ownerAddress = cluster.ownerAddress
            self.cluster = cluster
        }
    }

    func migrate() throws {
        guard let ownerAddress else {
            throw StartError("this database is brought up to date by `wgmd database`: restart wgmd-postgres.service")
        }
        try cluster?.harden()
        try Migrator.migrate(ownerAddress)
    }

    /// Brings the schema to this program's version, or makes sure that it has it.
    ///
    /// A database that another unit runs may be away for a moment: wgmd then looks again whenever it connects.
    func prepareSchema() throws {
        guard ownerAddress == nil else { return try migrate() }
        do throws(StoreFailure) {
            try Migrator.check(address)
        } catch .unavailable { return }
    }

    /// As the configuration describes it.
    private static func cluster(_ configuration: Configuration) -> EmbeddedCluster {
        EmbeddedCluster(
            folder: configuration.clusterState,
            socketFolder: configuration.clusterSocketFolder,
            systemUser: configuration.postgresUser,
            daemonUser: configuration.user
        )
    }

    /// The embedded cluster as a process of its own, which its own user or root may start.
    ///
    /// Root becomes that user, so that nothing is left that the user cannot use. The lock is held until the cluster is stopped:
    /// starting it would end one that runs.
    static func alone(_ configuration: Configuration) throws -> (Database, StateLock) {
        let cluster = EmbeddedCluster(
            folder: configuration.clusterState,
            socketFolder: configuration.clusterSocketFolder,
            systemUser: configuration.postgresUser,
            daemonUser: configuration.user,
            socketGroup: try Account(named: configuration.user).gid,
            minder: try Program.path("wgmd-cluster")
        )
        if Account.isRoot {
            let account = try Account(named: configuration.postgresUser)
            try cluster.giveFolders()
            guard wgm_drop_privileges(account.uid, account.gid, false) == 0 else {
                throw StartError.system("cannot drop root's privileges")
            }
        }
        try cluster.prepare(progress: Start.say)
        let lock = try StateLock(folder: configuration.clusterState)
        return (Database(running: cluster, pid: try cluster.start(progress: Start.say)), lock)
    }

    private init(running cluster: EmbeddedCluster, pid: Int32) {
        self.cluster = cluster
        self.pid = pid
        address = cluster.daemonAddress
        ownerAddress = cluster.ownerAddress
    }

    func stop() throws {
        if let cluster, let pid { try cluster.stop(pid) }
    }
}
