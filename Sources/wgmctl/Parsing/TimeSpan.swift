// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// A length of time as people type it: `90`, `30s`, `15m`, `1h30m`, `7d`; without a unit in seconds.
struct TimeSpan: Hashable, Sendable, ExpressibleByArgument {
    let seconds: UInt32

    init(seconds: UInt32) { self.seconds = seconds }

    init?(argument: String) {
        if let seconds = UInt32(argument), argument.utf8.first != UInt8(ascii: "+") {
            self.seconds = seconds
            return
        }
        guard let seconds = Self.sum(of: argument) else { return nil }
        self.seconds = seconds
    }

    private static func sum(of text: String) -> UInt32? {
        var total: UInt32 = 0
        var number: UInt32?
        for byte in text.utf8 {
            if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                let (shifted, tooLong) = (number ?? 0).multipliedReportingOverflow(by: 10)
                let (next, overflow) = shifted.addingReportingOverflow(UInt32(byte - UInt8(ascii: "0")))
                guard !tooLong, !overflow else { return nil }
                number = next
            } else {
                guard let count = number, let unit = unit(byte) else { return nil }
                let (span, tooLong) = count.multipliedReportingOverflow(by: unit)
                let (next, overflow) = total.addingReportingOverflow(span)
                guard !tooLong, !overflow else { return nil }
                (total, number) = (next, nil)
            }
        }
        return number == nil && !text.isEmpty ? total : nil
    }

    private static func unit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "s"): 1
        case UInt8(ascii: "m"): 60
        case UInt8(ascii: "h"): 3600
        case UInt8(ascii: "d"): 86400
        default: nil
        }
    }

    var defaultValueDescription: String { "\(seconds)s" }
}

/// The start of a period: a length of time ago, or a point in time.
enum Since: Hashable, Sendable, ExpressibleByArgument {
    case ago(TimeSpan)
    case at(Timestamp)

    init?(argument: String) {
        if let span = TimeSpan(argument: argument) {
            self = .ago(span)
        } else if let timestamp = Timestamp(argument) {
            self = .at(timestamp)
        } else {
            return nil
        }
    }

    func timestamp(now: Timestamp) -> Timestamp {
        switch self {
        case .ago(let span): Timestamp(milliseconds: now.milliseconds - Int64(span.seconds) * 1000)
        case .at(let timestamp): timestamp
        }
    }
}
