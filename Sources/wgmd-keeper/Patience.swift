// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMService

/// Waiting that systemd's watchdog does not take for being stuck.
enum Patience {
    private static let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000

    /// Returns when there is something to read, or the end; true if at `descriptor`, which goes first.
    @discardableResult
    static func wait(for descriptor: Int32, or other: Int32? = nil, _ supervisor: Supervisor) -> Bool {
        // poll(2) passes over negative descriptors.
        var entries = [descriptor, other ?? -1].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            if supervisor.alivePeriod != nil { supervisor.alive() }
            let count = unsafe poll(&entries, 2, milliseconds(supervisor.alivePeriod))
            if count > 0 { return entries[0].revents != 0 }
            if count < 0 && errno != EINTR { return true }
        }
    }

    /// -1, for ever, without a watchdog.
    private static func milliseconds(_ period: Duration?) -> Int32 {
        guard let (seconds, rest) = period?.components else { return -1 }
        return Int32(clamping: max(1, seconds * 1000 + rest / attosecondsPerMillisecond))
    }
}
