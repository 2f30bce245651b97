// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel
import WGMService

/// The realtime clock of this machine.
struct SystemClock: WGMControl.Clock {
    var now: Timestamp {
        let now = RealtimeClock.now()
        return Timestamp(seconds: now.seconds, nanoseconds: now.nanoseconds)
    }
}
