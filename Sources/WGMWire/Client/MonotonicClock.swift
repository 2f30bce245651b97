// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension Moment {
    /// The monotonic clock of this machine.
    public static func now() -> Moment {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}
