// SPDX-License-Identifier: Apache-2.0

internal import Glibc
import WGMStore

/// The database as the configuration wants it, started if it is the embedded one.
///
/// Everything here blocks and belongs to the start, while wgmd has one thread: the embedded server is told to stop when
/// the thread that started it ends.
struct Database {
    /// What the store connects to.
    let address: DatabaseAddress
    private let ownerAddress: DatabaseAddress
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
        case .embedded:
            try Start.prepareFolders(configuration)
            let isRoot = Account.isRoot
            let cluster = EmbeddedCluster(
                folder: configuration.clusterState,
                socketFolder: configuration.clusterSocketFolder,
                systemUser: isRoot ? configuration.postgresUser : try Account.ownName(),
                daemonUser: isRoot ? configuration.user : try Account.ownName(),
                minder: try Program.path("wgmd-cluster")
            )
            try cluster.prepare(progress: Start.say)
            pid = try cluster.start(progress: Start.say)
            address = cluster.daemonAddress
            ownerAddress = cluster.ownerAddress
            self.cluster = cluster
        }
    }

    func migrate() throws { try Migrator.migrate(ownerAddress) }

    func stop() throws {
        if let cluster, let pid { try cluster.stop(pid) }
    }
}
