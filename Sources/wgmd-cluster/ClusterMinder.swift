// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Keeps the embedded PostgreSQL running for as long as wgmd lives.
///
/// wgmd drops its privileges after the start, so that it can neither stop nor restart a server of another user; and the
/// kernel does not deliver a parent-death signal that the dying parent would not be allowed to send. This program runs as
/// the server's own user, and its standard input is a pipe from wgmd: when that ends, however wgmd ended, so does the
/// server. A server that crashes is started again.
struct ClusterMinder {
    /// Starts in a row that may fail after a crash: backends of the dead server hold its shared memory for a moment.
    private static let retries = 20
    private static let pauseMicroseconds: UInt32 = 500_000
    private static let secondsBetweenLooksAtLog = 10
    private let command: [String]
    private let log = ServerLog(descriptor: STDERR_FILENO)
    private var signals = sigset_t()

    init(command: [String]) { self.command = command }

    /// The server's exit code, or 0 when it was stopped because wgmd ended or asked for it.
    mutating func run() -> Int32 {
        prepareSignals()
        guard var server = start() else { return 1 }
        var failures = 0
        while true {
            let isWanted = waitForEvent()
            var status: Int32 = 0
            let ended = unsafe waitpid(server, &status, WNOHANG) == server
            guard isWanted else { return ended ? 0 : stop(server) }
            guard ended else { continue }
            let isCrash = status & 0x7f != 0
            failures = isCrash ? 1 : failures + 1
            // The first start that fails is the caller's to hear about; later ones follow a crash.
            guard isCrash || failures > 1, failures <= Self.retries else { return status >> 8 & 0xff }
            say("the embedded database ended (status \(status)); starting it again")
            usleep(Self.pauseMicroseconds)
            guard let next = start() else { return 1 }
            server = next
        }
    }

    /// All that can happen arrives as a signal; the end of the pipe as SIGIO.
    private mutating func prepareSignals() {
        unsafe sigemptyset(&signals)
        for number in [SIGCHLD, SIGTERM, SIGINT, SIGIO] { unsafe sigaddset(&signals, number) }
        unsafe sigprocmask(SIG_BLOCK, &signals, nil)
        _ = fcntl(STDIN_FILENO, F_SETOWN, getpid())
        _ = fcntl(STDIN_FILENO, F_SETFL, O_RDONLY | O_ASYNC)
    }

    /// Waits until a child ended, a stop was asked for, or wgmd ended; false for the last two.
    private mutating func waitForEvent() -> Bool {
        guard !pipeHasEnded() else { return false }
        var pause = timespec(tv_sec: Self.secondsBetweenLooksAtLog, tv_nsec: 0)
        while true {
            let number = unsafe sigtimedwait(&signals, nil, &pause)
            if number > 0 { return number != SIGTERM && number != SIGINT && !pipeHasEnded() }
            if errno == EAGAIN { log.shorten() }
        }
    }

    private func pipeHasEnded() -> Bool {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&input, 1, 0) != 0
    }

    /// A fast shutdown: clients are cut off, nothing committed is lost.
    private func stop(_ server: pid_t) -> Int32 {
        kill(server, SIGINT)
        while waitpid(server, nil, 0) == -1, errno == EINTR {}
        return 0
    }

    private func start() -> pid_t? {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        // If this program is killed the kernel stops the server: they have one user.
        let tied = ["/usr/bin/setpriv", "--pdeathsig", "INT", "--"] + command
        var argv = unsafe tied.map { unsafe strdup($0) }
        defer { unsafe argv.forEach { unsafe free($0) } }
        unsafe argv.append(nil)
        var pid: pid_t = 0
        let failure = unsafe posix_spawn(&pid, tied[0], &actions, &attributes, &argv, environ)
        guard failure == 0 else {
            say("cannot start \(command[0]): \(unsafe String(cString: strerror(failure)))")
            return nil
        }
        return pid
    }
}

func say(_ words: String) {
    let line = Array("wgmd-cluster: \(words)\n".utf8)
    _ = unsafe write(STDERR_FILENO, line, line.count)
}
