// SPDX-License-Identifier: Apache-2.0

import Glibc

extension EmbeddedCluster {
    /// Makes the folders and, the first time, the cluster with its roles and its database.
    ///
    /// Being interrupted leaves nothing that a second call would take for a cluster.
    package func prepare(progress: (String) -> Void = { _ in }) throws(ClusterFailure) {
        try checkNames()
        let account = try ClusterAccount(systemUser)
        let isRoot = geteuid() == 0
        try ClusterFiles.makeFolder(folder, mode: isRoot ? 0o711 : 0o700, owner: geteuid(), group: getegid())
        try ClusterFiles.makeFolder(
            socketFolder,
            mode: socketGroup == nil ? 0o700 : 0o710,
            owner: account.uid,
            group: socketGroup ?? account.gid
        )
        guard version == nil else { return }
        progress("creating the embedded database in \(folder)")
        try create(account, PostgresPrograms(version: nil))
    }

    /// Makes the folders the system user's own, as they are for a cluster that is a unit; only root can, and needs to.
    ///
    /// Also what root left in them when it ran the cluster under another arrangement.
    package func giveFolders() throws(ClusterFailure) {
        try checkNames()
        let account = try ClusterAccount(systemUser)
        try ClusterFiles.makeFolder(folder, mode: 0o700, owner: account.uid, group: account.gid)
        let group = socketGroup ?? account.gid
        try ClusterFiles.makeFolder(socketFolder, mode: 0o710, owner: account.uid, group: group)
        for path in [logPath, logPath + ".1"] { try ClusterFiles.give(path, to: account.uid, group: account.gid) }
    }

    private func create(_ account: ClusterAccount, _ programs: PostgresPrograms) throws(ClusterFailure) {
        let log = try ClusterLog(path: logPath)
        let start = log.end
        let new = folder + "/data.new"
        try remove(new, account, log)
        try ClusterFiles.makeFolder(new, mode: 0o700, owner: account.uid, group: account.gid)
        let initdb = [
            programs.initdb, "--pgdata", new, "--username", Self.superuserRole, "--auth", "peer", "--encoding", "UTF8",
            "--locale", "C", "--data-checksums",
        ]
        guard try ChildProcess.run(account.command(initdb, whenParentEnds: "TERM"), output: log.descriptor) else {
            throw .initFailed(log.reason(since: start))
        }
        try createDatabase(in: new, account, programs, log)
        guard unsafe rename(new, dataFolder) == 0 else { throw .system("rename", path: new, errno: errno) }
        ClusterFiles.sync(folder: folder)
    }

    /// The server's single-user mode reads a statement per line, and reports errors in its output alone.
    private func createDatabase(
        in data: String,
        _ account: ClusterAccount,
        _ programs: PostgresPrograms,
        _ log: borrowing ClusterLog
    ) throws(ClusterFailure) {
        let statements = """
            CREATE ROLE \(Self.ownerRole) LOGIN
            CREATE ROLE \(Self.daemonRole) LOGIN
            CREATE DATABASE \(Self.database) OWNER \(Self.ownerRole)
            REVOKE ALL ON DATABASE \(Self.database) FROM PUBLIC
            GRANT CONNECT ON DATABASE \(Self.database) TO \(Self.daemonRole)

            """
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .system("make", path: "a pipe", errno: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        do {
            defer { close(ends[1]) }
            // Shorter than what a pipe holds, so this cannot block.
            try ClusterFiles.write(Array(statements.utf8), to: ends[1], path: "a pipe")
        }
        let start = log.end
        let command = try account.command(
            [programs.postgres, "--single", "-D", data, "postgres"],
            whenParentEnds: "TERM"
        )
        let ended = try ChildProcess.run(command, input: ends[0], output: log.descriptor)
        guard ended, !log.contains("ERROR:", since: start), !log.contains("FATAL:", since: start) else {
            throw .initFailed(log.reason(since: start))
        }
    }

    /// What an interrupted call left is deleted by the user whose it is, so that no link in it leads root astray.
    private func remove(_ path: String, _ account: ClusterAccount, _ log: borrowing ClusterLog) throws(ClusterFailure) {
        guard ClusterFiles.exists(path) else { return }
        let command = try account.command(["/bin/rm", "-rf", "--", path], whenParentEnds: "TERM")
        _ = try ChildProcess.run(command, output: log.descriptor)
        guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw .system("delete", path: path, errno: errno) }
    }
}
