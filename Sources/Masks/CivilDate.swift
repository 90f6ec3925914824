// CivilDate: dates of the proleptic Gregorian calendar, and texts that begin with one.

internal import Bytes

/// A day in the years 0000 to 9999 (ISO 8601).
internal struct CivilDate: Equatable {
    internal let year: Int
    internal let month: Int
    internal let day: Int

    /// Nil when there is no such day.
    internal init?(year: Int, month: Int, day: Int) {
        guard (0...9_999).contains(year), (1...12).contains(month),
            (1...CivilDate.days(of: month, in: year)).contains(day)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    private static func days(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Days since 1 March of the year 0, which may be negative. Counted from March, the leap day is
    /// the year's last, and months before it have a length that repeats every five.
    private var number: Int {
        let years = month > 2 ? year : year - 1
        // A year before 0 is only met in January and February of 0: -1.
        let leaps = years < 0 ? -1 : years / 4 - years / 100 + years / 400
        return years * 365 + leaps + CivilDate.daysBefore(month) + day - 1
    }

    /// Days from 1 March to the first of `month`.
    private static func daysBefore(_ month: Int) -> Int {
        (153 * ((month + 9) % 12) + 2) / 5
    }

    /// The day that is `days` later; nil outside the years 0000 to 9999.
    internal func moved(days: Int) -> CivilDate? {
        // Shifted by one cycle of 400 years, so that no number is negative.
        let cycle = 146_097
        let sum = number + days + cycle
        guard sum >= 0 else { return nil }
        let inCycle = sum % cycle
        // A year is at first taken too late by up to one for its days, then corrected.
        var years = inCycle / 365
        while years * 365 + years / 4 - years / 100 + years / 400 > inCycle { years -= 1 }
        let inYear = inCycle - (years * 365 + years / 4 - years / 100 + years / 400)
        let month = (5 * inYear + 2) / 153
        let day = inYear - (153 * month + 2) / 5 + 1
        let year = sum / cycle * 400 - 400 + years + (month >= 10 ? 1 : 0)
        return CivilDate(year: year, month: month < 10 ? month + 3 : month - 9, day: day)
    }

    /// The first day of the unit that the day lies in.
    internal func truncated(to unit: DateUnit) -> CivilDate? {
        switch unit {
        case .day: self
        case .month: CivilDate(year: year, month: month, day: 1)
        case .year: CivilDate(year: year, month: 1, day: 1)
        case .decade: CivilDate(year: year - year % 10, month: 1, day: 1)
        }
    }

    /// Appends `YYYY-MM-DD`.
    internal func append(to output: ByteBuffer) {
        appendTwo(year / 100, output)
        appendTwo(year % 100, output)
        output.append(UInt8(ascii: "-"))
        appendTwo(month, output)
        output.append(UInt8(ascii: "-"))
        appendTwo(day, output)
    }

    private func appendTwo(_ number: Int, _ output: ByteBuffer) {
        output.append(0x30 + UInt8(truncatingIfNeeded: number / 10))
        output.append(0x30 + UInt8(truncatingIfNeeded: number % 10))
    }
}

/// A text that is a date, or a date with a time of day.
internal struct DateText {
    internal let date: CivilDate
    /// Where the time's zone begins, or the end of the text.
    private let zone: Int

    private static let dateBytes = 10

    /// Nil for all but `YYYY-MM-DD`, alone or followed by `T`, `t` or a space, `hh:mm` with
    /// optional seconds and fraction, and an optional zone: `Z`, `z`, `+hh`, `+hhmm` or `+hh:mm`.
    internal init?(_ text: RawSpan) {
        guard let century = DateText.two(text, 0), let years = DateText.two(text, 2),
            JSONText.byte(text, 4) == UInt8(ascii: "-"), let month = DateText.two(text, 5),
            JSONText.byte(text, 7) == UInt8(ascii: "-"), let day = DateText.two(text, 8),
            let date = CivilDate(year: century * 100 + years, month: month, day: day),
            let zone = DateText.zone(text)
        else { return nil }
        self.date = date
        self.zone = zone
    }

    private static func two(_ text: RawSpan, _ at: Int) -> Int? {
        let tens = JSONText.byte(text, at)
        let ones = JSONText.byte(text, at + 1)
        guard JSONText.isDigit(tens), JSONText.isDigit(ones) else { return nil }
        return Int(tens - 0x30) * 10 + Int(ones - 0x30)
    }

    /// Where the zone begins, when all after the date is a time of day or nothing.
    private static func zone(_ text: RawSpan) -> Int? {
        guard text.byteCount > dateBytes else { return text.byteCount }
        let colon = UInt8(ascii: ":")
        switch JSONText.byte(text, dateBytes) {
        case UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " "): break
        default: return nil
        }
        var at = dateBytes + 6
        guard let hour = two(text, dateBytes + 1), hour < 24,
            JSONText.byte(text, dateBytes + 3) == colon,
            let minute = two(text, dateBytes + 4), minute < 60
        else { return nil }
        if JSONText.byte(text, at) == colon {
            // 60 is a leap second.
            guard let second = two(text, at + 1), second <= 60 else { return nil }
            at += 3
            let mark = JSONText.byte(text, at)
            if mark == UInt8(ascii: ".") || mark == UInt8(ascii: ",") {
                let start = at + 1
                at = start
                while JSONText.isDigit(JSONText.byte(text, at)) { at += 1 }
                guard (1...9).contains(at - start) else { return nil }
            }
        }
        return isZone(text, at) ? at : nil
    }

    private static func isZone(_ text: RawSpan, _ at: Int) -> Bool {
        let left = text.byteCount - at
        switch JSONText.byte(text, at) {
        case _ where left == 0: return true
        case UInt8(ascii: "Z"), UInt8(ascii: "z"): return left == 1
        case UInt8(ascii: "+"), UInt8(ascii: "-"): break
        default: return false
        }
        guard let hours = two(text, at + 1), hours < 24 else { return false }
        if left == 3 { return true }
        let colon = JSONText.byte(text, at + 3) == UInt8(ascii: ":") ? 1 : 0
        guard left == 5 + colon, let minutes = two(text, at + 3 + colon) else { return false }
        return minutes < 60
    }

    /// Appends what follows the date in `text`, the one that this was read from; `zeroed`, with
    /// every digit of the time but not of its zone set to 0.
    internal func appendTime(of text: RawSpan, zeroed: Bool, to output: ByteBuffer) {
        for at in DateText.dateBytes..<max(text.byteCount, DateText.dateBytes) {
            let byte = JSONText.byte(text, at)
            output.append(zeroed && at < zone && JSONText.isDigit(byte) ? 0x30 : byte)
        }
    }
}
