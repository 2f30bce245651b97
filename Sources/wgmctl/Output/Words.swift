// SPDX-License-Identifier: Apache-2.0

/// How quantities and times are written for people.
enum Words {
    /// The start of a text that is too long for a column.
    static func shortened(_ text: String, to count: Int) -> String {
        text.count > count ? text.prefix(count - 1) + "…" : text
    }

    /// `1.4 GiB`.
    static func bytes(_ count: UInt64) -> String {
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count) / 1024
        var unit = 0
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        // 1023.95 and more would be written as 1024.0.
        while value >= 1023.95, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    /// `12 s`, `1 min`, `3 h`, `2 days`.
    static func duration(milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min"
        case ..<86400: return "\(seconds / 3600) h"
        case ..<172_800: return "1 day"
        default: return "\(seconds / 86400) days"
        }
    }

    static func age(of moment: Timestamp, now: Timestamp) -> String {
        guard now.milliseconds - moment.milliseconds >= 1000 else { return "now" }
        return duration(milliseconds: now.milliseconds - moment.milliseconds) + " ago"
    }

    static func list(_ values: [String]) -> String { values.joined(separator: ", ") }
}

extension Words {
    static func bytes(_ count: UInt64?) -> String { count.map { bytes($0) } ?? "" }

    static func number(_ value: (some BinaryInteger)?) -> String { value.map { String($0) } ?? "" }

    static func time(_ milliseconds: Int64?) -> String {
        milliseconds.map { Timestamp(milliseconds: $0).description } ?? ""
    }

    /// `2026-01-01T12:00:00Z (in 14 min)`.
    static func expiry(_ milliseconds: Int64?, now: Timestamp) -> String {
        guard let milliseconds else { return "" }
        let end = Timestamp(milliseconds: milliseconds)
        guard end > now else { return "\(end) (over)" }
        return "\(end) (in \(duration(milliseconds: end.milliseconds - now.milliseconds)))"
    }
}
