// LogTime: the time of a log line in UTC.

internal import Glibc

/// A moment since 1970-01-01 00:00 UTC, without leap seconds.
package struct LogTime: Sendable, Equatable {
    package let seconds: Int64
    /// 0 to 999.
    package let milliseconds: Int64

    package init(seconds: Int64, milliseconds: Int64 = 0) {
        self.seconds = seconds
        self.milliseconds = milliseconds
    }

    /// The system's clock now.
    package static var now: LogTime {
        var time = timespec()
        // SAFETY: the call fills the structure it is given; this clock always exists.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return LogTime(
            seconds: Int64(time.tv_sec), milliseconds: Int64(time.tv_nsec) / 1_000_000)
    }

    /// ISO 8601, `2026-11-21T11:03:05.123Z`.
    package var iso8601: String { "\(dateAndTime).\(LogTime.padded(milliseconds, 3))Z" }

    /// The same in whole seconds, `2026-11-21T11:03:05Z`.
    package var iso8601Seconds: String { "\(dateAndTime)Z" }

    private var dateAndTime: String {
        let days = LogTime.floorDivide(seconds, 86_400)
        let ofDay = seconds - days * 86_400
        let date = LogTime.date(days)
        return LogTime.padded(date.year, 4) + "-" + LogTime.padded(date.month, 2) + "-"
            + LogTime.padded(date.day, 2) + "T" + LogTime.padded(ofDay / 3_600, 2) + ":"
            + LogTime.padded(ofDay / 60 % 60, 2) + ":" + LogTime.padded(ofDay % 60, 2)
    }

    /// The Gregorian date `days` after 1970-01-01, counted in years that begin on 1 March, so that
    /// the leap day is the last one, and in eras of 400 years, which all have 146,097 days.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let sinceMarch = days + 719_468  // from 0000-03-01 to 1970-01-01
        let era = floorDivide(sinceMarch, 146_097)
        let ofEra = sinceMarch - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // Months from March on have 31, 30, 31, 30, 31 days, again and again: 153 in five.
        let fromMarch = (5 * ofYear + 2) / 153
        let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, ofYear - (153 * fromMarch + 2) / 5 + 1)
    }

    private static func floorDivide(_ number: Int64, _ by: Int64) -> Int64 {
        (number >= 0 ? number : number - by + 1) / by
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
