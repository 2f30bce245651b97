// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The signals that wgmd takes, all in the main thread.
struct Signals {
    private var set = sigset_t()

    /// Blocks them in this thread and in every thread that it starts later.
    init() {
        unsafe sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD] { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for the next one.
    mutating func next() -> Int32 {
        var signal: Int32 = 0
        while unsafe sigwait(&set, &signal) != 0 {}
        return signal
    }
}
