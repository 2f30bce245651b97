// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A private PostgreSQL cluster in a folder of its own, reached through a Unix socket only.
///
/// All calls block. They are for the daemon's start, while it is still root and has one thread. With a `minder` the server
/// ends when this process does, whoever it is by then. Without one it is tied to the *thread* that called `start()`
/// (`PR_SET_PDEATHSIG`), which works only while that thread may signal the server's user.
package struct EmbeddedCluster: Sendable {
    package static let database = "wgm"
    package static let ownerRole = "wgm_owner"
    package static let daemonRole = "wgmd"
    static let superuserRole = "postgres"

    /// Holds `data`, the access files and `postgres.log`; its parent must exist and be open to the system user.
    package let folder: String
    package let socketFolder: String
    /// Who runs the database; root cannot, and only root can choose another than itself.
    package let systemUser: String
    /// Who connects as `wgmd`.
    package let daemonUser: String
    /// The group that may enter the socket's folder beside the system user and root: the daemon's; nil for none.
    ///
    /// Whoever can open the socket can hold connections until the server has none left, also without a role in the database.
    package let socketGroup: UInt32?
    /// The program `wgmd-cluster`.
    package let minder: String?

    package init(
        folder: String,
        socketFolder: String,
        systemUser: String = "wgmd-postgres",
        daemonUser: String = "wgmd",
        socketGroup: UInt32? = nil,
        minder: String? = nil
    ) {
        self.folder = folder
        self.socketFolder = socketFolder
        self.systemUser = systemUser
        self.daemonUser = daemonUser
        self.socketGroup = socketGroup
        self.minder = minder
    }

    /// For migrations: root, and the cluster's own system user, may.
    package var ownerAddress: DatabaseAddress { address(as: Self.ownerRole) }

    /// For the store: the daemon's system user may, and root.
    package var daemonAddress: DatabaseAddress { address(as: Self.daemonRole) }

    package var logPath: String { folder + "/postgres.log" }

    var dataFolder: String { folder + "/data" }
    var accessFile: String { folder + "/pg_hba.conf" }
    var usersFile: String { folder + "/pg_ident.conf" }

    func address(as role: String, database: String = Self.database) -> DatabaseAddress {
        DatabaseAddress(socketFolder: socketFolder, database: database, user: role, server: systemUser)
    }

    /// The version that made the cluster; nil when there is none yet.
    var version: String? {
        ClusterFiles.read(dataFolder + "/PG_VERSION", limit: 16).map { String($0.prefix { $0.isNumber }) }
    }

    /// What may be said on a command line and in an access file without quoting.
    func checkNames() throws(ClusterFailure) {
        for path in [folder, socketFolder] {
            let isPlain = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !#"",'\"#.utf8.contains($0) }
            guard isPlain, path.hasPrefix("/") else {
                throw .unusablePath(path, rule: "give an absolute path without spaces, quotes and commas")
            }
        }
        guard "\(socketFolder)/.s.PGSQL.5432.lock".utf8.count < 108 else {
            throw .unusablePath(socketFolder, rule: "a Unix socket's path has at most 107 bytes; choose a shorter one")
        }
        for user in [systemUser, daemonUser] {
            let isPlain = user.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
                default: false
                }
            }
            guard isPlain, !user.isEmpty else { throw .userMissing(oneLine(user)) }
        }
    }

    /// Who may connect as whom: the kernel vouches for the system user, the map says the rest.
    func writeAccessFiles() throws(ClusterFailure) {
        try ClusterFiles.write(
            "# Written by wgmd at each start.\nlocal all all peer map=wgm\n",
            to: accessFile
        )
        let logins = [
            (systemUser, Self.superuserRole), (systemUser, Self.ownerRole), ("root", Self.superuserRole),
            ("root", Self.ownerRole), ("root", Self.daemonRole), (daemonUser, Self.daemonRole),
        ]
        let lines = logins.map { "wgm \($0.0) \($0.1)\n" }.joined()
        try ClusterFiles.write("# Written by wgmd at each start.\n" + lines, to: usersFile)
    }
}
