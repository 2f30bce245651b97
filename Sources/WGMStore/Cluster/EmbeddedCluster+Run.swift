// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Glibc

extension EmbeddedCluster {
    /// Starts the server and returns its process once it accepts connections.
    ///
    /// A server of this cluster that is still stopping is waited for; one that runs and stays is taken over as it is.
    /// Progress comes every few seconds, for a server that recovers after a crash.
    package func start(
        limitSeconds: Int = 120,
        progress: (String) -> Void = { _ in }
    ) throws(ClusterFailure) -> Int32 {
        try checkNames()
        let account = try ClusterAccount(systemUser)
        let programs = try PostgresPrograms(version: version)
        try writeAccessFiles()
        let log = try ClusterLog(path: logPath)
        let deadline = ContinuousClock.now + .seconds(limitSeconds)
        var hasSaid = false
        while true {
            if let pid = steadyServer(of: account) { return pid }
            let logStart = log.end
            let pid = try spawn(serverCommand(programs), account, log.descriptor)
            switch wait(for: pid, of: account, until: deadline, progress: progress) {
            case .accepting: return pid
            case .slow:
                kill(pid, SIGQUIT)
                while ChildProcess.status(of: pid) == nil { usleep(20_000) }
                throw .slow(seconds: limitSeconds, log: logPath)
            case .ended:
                let reason = log.reason(since: logStart)
                // The predecessor writes to the same log, and may do so last.
                let passes = Self.passing.contains { log.contains($0, since: logStart) }
                guard passes, ContinuousClock.now < deadline else {
                    throw .stopped(reason, log: logPath)
                }
                if !hasSaid { progress("waiting for the embedded database's previous process to end") }
                hasSaid = true
                usleep(200_000)
            }
        }
    }

    /// The server's process, or the one that minds it, which needs nothing but the other end of its pipe.
    private func spawn(_ server: [String], _ account: ClusterAccount, _ output: Int32) throws(ClusterFailure) -> Int32 {
        guard let minder else {
            let command = try account.command(server, whenParentEnds: "INT")
            return try ChildProcess.spawn(command, input: nil, output: output)
        }
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .system("open", path: "a pipe", errno: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        do throws(ClusterFailure) {
            // The write end stays open, unused, until this process ends.
            return try ChildProcess.spawn(account.command([minder] + server), input: ends[0], output: output)
        } catch {
            close(ends[1])
            throw error
        }
    }

    /// Stops the server in good order: clients are cut off, nothing committed is lost.
    ///
    /// A daemon that has dropped its privileges may not do this, and need not: the server ends with it. Returns at once then.
    package func stop(_ pid: Int32, limitSeconds: Int = 60) throws(ClusterFailure) {
        guard pid > 1 else { return }
        let deadline = ContinuousClock.now + .seconds(limitSeconds)
        guard kill(pid, SIGINT) == 0 else { return }
        while !Self.hasEnded(pid) {
            guard ContinuousClock.now < deadline else { throw .doesNotStop(pid: pid) }
            usleep(20_000)
        }
    }

    /// True once the server's process is gone; a child's is reaped by this.
    package static func hasEnded(_ pid: Int32) -> Bool {
        switch ChildProcess.status(of: pid) {
        case nil: false
        case -1: kill(pid, 0) != 0 && errno == ESRCH
        default: true
        }
    }

    private enum Waited {
        case accepting
        case ended
        case slow
    }

    private func wait(
        for pid: pid_t,
        of account: ClusterAccount,
        until deadline: ContinuousClock.Instant,
        progress: (String) -> Void
    ) -> Waited {
        var nextWord = ContinuousClock.now + .seconds(3)
        while ContinuousClock.now < deadline {
            if ChildProcess.status(of: pid) != nil { return .ended }
            if isServer(serverInFile(of: account), child: pid), isAccepting { return .accepting }
            if ContinuousClock.now > nextWord {
                progress("waiting for the embedded database to accept connections")
                nextWord = ContinuousClock.now + .seconds(3)
            }
            usleep(30_000)
        }
        return .slow
    }

    /// With a minder the process that was started is the server's parent.
    private func isServer(_ server: pid_t?, child pid: pid_t) -> Bool {
        guard let server else { return false }
        guard minder != nil else { return server == pid }
        return ClusterFiles.read("/proc/\(server)/status", limit: 4096)?.contains("PPid:\t\(pid)\n") ?? false
    }

    /// A server that accepts connections, and still does a moment later: not one that is about to stop.
    private func steadyServer(of account: ClusterAccount) -> pid_t? {
        guard let pid = serverInFile(of: account), isAccepting else { return nil }
        usleep(300_000)
        return serverInFile(of: account) == pid && isAccepting ? pid : nil
    }

    /// The live process that the cluster's lock file names.
    ///
    /// The file is the system user's, and root may be the one that signals what it names: only a process of that user counts.
    private func serverInFile(of account: ClusterAccount) -> pid_t? {
        let lines = ClusterFiles.read(dataFolder + "/postmaster.pid", limit: 1024)?.split(separator: "\n")
        guard let pid = lines?.first.flatMap({ pid_t($0) }), pid > 1 else { return nil }
        let status = ClusterFiles.read("/proc/\(pid)/status", limit: 4096) ?? ""
        let users = status.split(separator: "\n").first { $0.hasPrefix("Uid:") }?.dropFirst(4).split(separator: "\t")
        return users?.count == 4 && users?.allSatisfy { uid_t($0) == account.uid } == true ? pid : nil
    }

    private var isAccepting: Bool {
        unsafe daemonAddress.withCStrings { unsafe PQpingParams($0, $1, 0) } == PQPING_OK
    }

    /// The predecessor holds the lock file, or its last children the shared memory, for a little longer.
    private static let passing = ["lock file", "shared memory block", "still in use"]

    private func serverCommand(_ programs: PostgresPrograms) -> [String] {
        let settings = [
            ("hba_file", accessFile),
            ("ident_file", usersFile),
            ("listen_addresses", ""),
            ("port", "5432"),
            ("unix_socket_directories", socketFolder),
            // Who gets as far as here is the folder's to say.
            ("unix_socket_permissions", "0777"),
            ("max_connections", "20"),
            ("superuser_reserved_connections", "2"),
            ("shared_buffers", "16MB"),
            ("huge_pages", "off"),
            ("max_wal_size", "256MB"),
            ("max_wal_senders", "2"),
            ("max_worker_processes", "2"),
            ("max_parallel_workers", "0"),
            ("autovacuum_max_workers", "1"),
            ("jit", "off"),
            ("fsync", "on"),
            ("synchronous_commit", "on"),
            ("full_page_writes", "on"),
            ("log_destination", "stderr"),
            ("logging_collector", "off"),
            ("log_min_messages", "warning"),
            // Neither statements nor the values that an error's details quote.
            ("log_min_error_statement", "panic"),
            ("log_error_verbosity", "terse"),
        ]
        return [programs.postgres, "-D", dataFolder] + settings.flatMap { ["-c", "\($0.0)=\($0.1)"] }
    }
}
