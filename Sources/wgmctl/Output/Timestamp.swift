// SPDX-License-Identifier: Apache-2.0

internal import Glibc

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
    var description: String {
        let seconds = Self.floored(milliseconds, by: 1000).quotient
        let (days, second) = Self.floored(seconds, by: 86400)
        let date = CalendarDate(daysSince1970: days)
        let clock = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }
        let parts = [Self.padded(date.year, 4), Self.padded(date.month, 2), Self.padded(date.day, 2)]
        return parts.joined(separator: "-") + "T" + clock.joined(separator: ":") + "Z"
    }

    static func floored(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let remainder = (value % divisor + divisor) % divisor
        return ((value - remainder) / divisor, remainder)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Reads RFC 3339, whole seconds or fractions; nil for anything else, such as the 30th of February.
    init?(_ text: String) {
        let bytes = Array(text.uppercased().utf8)
        let marks: [(Int, Unicode.Scalar)] = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
        guard bytes.count >= 20, marks.allSatisfy({ bytes[$0.0] == UInt8(ascii: $0.1) }) else { return nil }
        let places = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19]
        let numbers = places.compactMap { Self.number(bytes[$0]) }
        guard numbers.count == 6, numbers[3] < 24, numbers[4] < 60, numbers[5] < 60 else { return nil }
        guard let date = CalendarDate(year: numbers[0], month: numbers[1], day: numbers[2]) else { return nil }
        guard let offset = Self.offset(Self.withoutFraction(bytes[19...])) else { return nil }
        let seconds = date.daysSince1970 * 86400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        self.init(milliseconds: (seconds - offset) * 1000)
    }

    private static func number(_ digits: some Collection<UInt8>) -> Int64? {
        guard digits.allSatisfy(isDigit) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func withoutFraction(_ zone: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard zone.first == UInt8(ascii: "."), zone.dropFirst().first.map(isDigit) == true else { return zone }
        return zone.dropFirst().drop(while: isDigit)
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
        let (era, dayOfEra) = Timestamp.floored(days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Howard Hinnant's days_from_civil.
    var daysSince1970: Int64 {
        let (era, yearOfEra) = Timestamp.floored(month <= 2 ? year - 1 : year, by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
