// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMModel

/// A point in time, in milliseconds since 1970, as the protocol counts.
struct Timestamp: Hashable, Sendable, Comparable {
    /// Within the years 0 to 9999, so that arithmetic on it cannot overflow.
    let milliseconds: Int64

    init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
    }

    static var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC, in whole seconds.
    var description: String { CalendarTime.text(milliseconds: milliseconds) }

    /// Reads RFC 3339, whole seconds or fractions; nil for anything else, such as the 30th of February.
    init?(_ text: String) {
        guard let milliseconds = CalendarTime.milliseconds(text) else { return nil }
        self.init(milliseconds: milliseconds)
    }
}
