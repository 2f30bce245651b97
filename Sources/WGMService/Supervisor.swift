// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc

/// What systemd hears from this process; without systemd every call does nothing.
package struct Supervisor: Sendable {
    private let path: String
    /// How often systemd wants to hear `alive()`: half of the time after which it would end the process; nil: never.
    package let alivePeriod: Duration?

    /// `path` is that of `$NOTIFY_SOCKET`.
    init(path: String, alivePeriod: Duration?) {
        self.path = path
        self.alivePeriod = alivePeriod
    }

    /// As the environment says.
    package init() {
        self.init(
            path: Environment["NOTIFY_SOCKET"] ?? "",
            alivePeriod: Self.alivePeriod(
                microseconds: Environment["WATCHDOG_USEC"],
                process: Environment["WATCHDOG_PID"],
                own: getpid()
            )
        )
    }

    /// A watchdog that is meant for another process is none.
    static func alivePeriod(microseconds: String?, process: String?, own: pid_t) -> Duration? {
        if let process, process != String(own) { return nil }
        guard let limit = microseconds.flatMap({ Int64($0) }), limit > 1 else { return nil }
        return .microseconds(limit / 2)
    }

    package func ready(_ status: String) { send("READY=1\n" + line(status)) }

    package func status(_ status: String) { send(line(status)) }

    /// To be followed by `ready` when the configuration has been read again, or not.
    package func reloading() {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        send("RELOADING=1\nMONOTONIC_USEC=\(Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)")
    }

    package func stopping() { send("STOPPING=1\n" + line("stopping; tunnels stay up")) }

    package func alive() { send("WATCHDOG=1") }

    /// systemd reads lines: a status with a line break would be more than a status.
    private func line(_ status: String) -> String {
        "STATUS=" + String(String.UnicodeScalarView(status.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }))
    }

    /// A failure shows in systemd as a start that takes too long.
    private func send(_ state: String) { _ = unsafe wgm_notify(path, state) }
}

/// The environment's variables.
package enum Environment {
    package static subscript(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// What systemd says to a service, the time zone, and how Swift reports a crash.
    private static let ofServices = [
        "NOTIFY_SOCKET", "WATCHDOG_*", "LISTEN_*", "CREDENTIALS_DIRECTORY", "TZ", "SWIFT_BACKTRACE",
    ]

    /// Forgets everything else: nothing that somebody left there decides how a library behaves, or lies about.
    ///
    /// `more` are further names; one that ends in `*` stands for all that begin so. To be called before any thread starts.
    package static func keepWhatServicesNeed(and more: [String] = []) {
        unsafe wgm_keep_environment((ofServices + more).joined(separator: " "))
    }
}
