// SPDX-License-Identifier: Apache-2.0

internal import Glibc
import WGMControl
import WGMModel

/// The realtime clock of this machine.
struct SystemClock: WGMControl.Clock {
    var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: UInt32(clamping: time.tv_nsec))
    }
}
