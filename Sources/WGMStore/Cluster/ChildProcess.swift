// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Programs started without a shell and without `fork`.
///
/// Every descriptor of the daemon closes on exec, so that a child has three.
enum ChildProcess {
    /// `POSIX_SPAWN_SETSID` of spawn.h, which Swift's Glibc module does not show.
    private static let newSession: Int32 = 0x80

    /// Starts a program in a session of its own, where a terminal's interrupt does not reach it.
    ///
    /// `input` nil is `/dev/null`; `output` receives both standard output and standard error.
    static func spawn(_ arguments: [String], input: Int32?, output: Int32) throws(ClusterFailure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        var noSignals = sigset_t()
        var allSignals = sigset_t()
        unsafe sigemptyset(&noSignals)
        unsafe sigfillset(&allSignals)
        unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &allSignals)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | newSession
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var pid: pid_t = 0
        let program = arguments.first ?? ""
        let failure = unsafe withCStrings(arguments) { argv in
            unsafe withCStrings(["PATH=/usr/bin:/bin", "LANG=C", "LC_ALL=C"]) { environment in
                unsafe posix_spawn(&pid, program, &actions, &attributes, argv, environment)
            }
        }
        guard failure == 0 else { throw .system("start", path: program, errno: failure) }
        return pid
    }

    /// nil while the child runs, else its wait status; -1 when it is not, or no more, a child of this process.
    static func status(of pid: pid_t) -> Int32? {
        var status: Int32 = 0
        while true {
            let found = unsafe waitpid(pid, &status, WNOHANG)
            if found == pid { return status }
            if found == 0 { return nil }
            if errno != EINTR { return -1 }
        }
    }

    /// Runs a program to its end; true when that was a good one.
    static func run(_ arguments: [String], input: Int32? = nil, output: Int32) throws(ClusterFailure) -> Bool {
        let pid = try spawn(arguments, input: input, output: output)
        while true {
            if let status = status(of: pid) { return status == 0 }
            usleep(20_000)
        }
    }

    private static func withCStrings<Value>(
        _ strings: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        var copies = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe copies.forEach { unsafe free($0) } }
        return unsafe body(&copies)
    }
}
