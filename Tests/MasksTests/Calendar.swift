// Calendar: all days of some years, counted one by one, for tests of dates.

/// A calendar that knows nothing but how long months are.
enum Calendar {
    /// The days of the years `from` to `to`, without the last, as JSON strings, in order.
    static func days(from: Int, to: Int) -> [String] {
        var days: [String] = []
        for year in from..<to {
            let isLeap = year % 400 == 0 || year % 4 == 0 && year % 100 != 0
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            for (month, length) in lengths.enumerated() {
                for day in 1...length {
                    days.append("\"\(padded(year, 4))-\(padded(month + 1, 2))-\(padded(day, 2))\"")
                }
            }
        }
        return days
    }

    static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(digits - text.count, 0)) + text
    }
}
