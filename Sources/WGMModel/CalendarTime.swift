// SPDX-License-Identifier: Apache-2.0

/// Moments as RFC 3339 writes them, of the years 0 to 9999.
package enum CalendarTime {
    /// In UTC, such as `2026-11-27T09:30:00Z`; with milliseconds where `isExact` and there are any.
    package static func text(milliseconds: Int64, isExact: Bool = false) -> String {
        let (seconds, rest) = CalendarDate.floored(milliseconds, by: 1000)
        let (days, second) = CalendarDate.floored(seconds, by: 86400)
        let date = CalendarDate(daysSince1970: days)
        let clock = [second / 3600, second / 60 % 60, second % 60].map { padded($0, 2) }
        let parts = [padded(date.year, 4), padded(date.month, 2), padded(date.day, 2)]
        let fraction = isExact && rest > 0 ? "." + padded(rest, 3) : ""
        return parts.joined(separator: "-") + "T" + clock.joined(separator: ":") + fraction + "Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Milliseconds since 1970, what is smaller cut off; nil for anything that is no such text, such as the 30th of February.
    package static func milliseconds(_ text: String) -> Int64? {
        let bytes = Array(text.uppercased().utf8)
        let marks: [(Int, Unicode.Scalar)] = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
        guard bytes.count >= 20, marks.allSatisfy({ bytes[$0.0] == UInt8(ascii: $0.1) }) else { return nil }
        let places = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19]
        let numbers = places.compactMap { number(bytes[$0]) }
        guard numbers.count == 6, numbers[3] < 24, numbers[4] < 60, numbers[5] < 60 else { return nil }
        guard let date = CalendarDate(year: numbers[0], month: numbers[1], day: numbers[2]) else { return nil }
        let (rest, zone) = fraction(bytes[19...])
        guard let offset = offset(zone) else { return nil }
        let seconds = date.daysSince1970 * 86400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        return (seconds - offset) * 1000 + rest
    }

    private static func number(_ digits: some Collection<UInt8>) -> Int64? {
        guard digits.allSatisfy(isDigit) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Milliseconds, and what stands behind the digits.
    private static func fraction(_ rest: ArraySlice<UInt8>) -> (milliseconds: Int64, zone: ArraySlice<UInt8>) {
        guard rest.first == UInt8(ascii: "."), rest.dropFirst().first.map(isDigit) == true else { return (0, rest) }
        let digits = rest.dropFirst().prefix(while: isDigit)
        let three = Array(digits.prefix(3)) + Array(repeating: UInt8(ascii: "0"), count: max(0, 3 - digits.count))
        return (number(three) ?? 0, rest.dropFirst(1 + digits.count))
    }

    /// Seconds east of Greenwich, of `Z` or `+02:00`.
    private static func offset(_ zone: ArraySlice<UInt8>) -> Int64? {
        let zone = Array(zone)
        if zone == [UInt8(ascii: "Z")] { return 0 }
        guard zone.count == 6, zone[3] == UInt8(ascii: ":"), let sign = ["+": 1, "-": -1][Unicode.Scalar(zone[0])]
        else { return nil }
        guard let hours = number(zone[1..<3]), let minutes = number(zone[4..<6]), hours < 24, minutes < 60
        else { return nil }
        return Int64(sign) * (hours * 3600 + minutes * 60)
    }
}

/// A day of the Gregorian calendar.
struct CalendarDate: Hashable, Sendable {
    let year: Int64
    let month: Int64
    let day: Int64

    /// nil when there is no such day.
    init?(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
        guard (1...12).contains(month), CalendarDate(daysSince1970: daysSince1970) == self else { return nil }
    }

    /// Howard Hinnant's civil_from_days: years start in March, so that the leap day comes last.
    init(daysSince1970 days: Int64) {
        let (era, dayOfEra) = Self.floored(days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Howard Hinnant's days_from_civil.
    var daysSince1970: Int64 {
        let (era, yearOfEra) = Self.floored(month <= 2 ? year - 1 : year, by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func floored(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let remainder = (value % divisor + divisor) % divisor
        return ((value - remainder) / divisor, remainder)
    }
}
