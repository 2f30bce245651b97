// SPDX-License-Identifier: Apache-2.0

/// A point on a clock that only goes forward, in nanoseconds from an arbitrary start.
///
/// The state machines take it as an argument, so that tests decide what time it is.
public struct Moment: Hashable, Sendable, Comparable {
    public let nanoseconds: UInt64
    /// Later than everything.
    public static let never = Moment(nanoseconds: .max)

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Negative durations count as zero; what is too far away is `never`.
    public static func + (moment: Self, duration: Duration) -> Self {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return moment }
        let (whole, tooLong) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (span, spanOverflow) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(span)
        return tooLong || spanOverflow || overflow ? .never : Moment(nanoseconds: sum)
    }

    /// How long it is from an earlier moment until this one; zero when that one is not earlier.
    public func since(_ earlier: Self) -> Duration {
        guard self > earlier else { return .zero }
        return .nanoseconds(Int64(clamping: nanoseconds - earlier.nanoseconds))
    }
}
