// DateMaskTests: leap days, the ends of the calendar, and what is no date.

import Masks
import Testing

@Suite struct DateMaskTests {
    private static let hidden = "\"********\""
    private let masker = Masker(tokenKey: documentedKey())

    @Test(arguments: [(0, 6), (1_599, 1_602), (1_896, 1_905), (1_999, 2_005), (9_994, 10_000)])
    func `moved days stand in the order of the calendar`(from: Int, to: Int) throws {
        let days = Calendar.days(from: from, to: to)
        for (rule, entity) in [
            ("dateShift", "a"), ("dateShift", "b"), ("{dateShift: 400}", "c"),
            ("{dateShift: 400}", "d"), ("{dateShift: 1}", "e"),
        ] {
            let mask = try MaskText.mask(rule)
            // The middle is never moved out of the list, so it tells the shift.
            let middle = days.count / 2
            let moved = try #require(
                days.firstIndex(of: masker.shown(mask, days[middle], entity: entity)))
            let shift = moved - middle
            for (index, day) in days.enumerated() {
                let shown = masker.shown(mask, day, entity: entity)
                if days.indices.contains(index + shift) {
                    #expect(shown == days[index + shift])
                } else if index + shift < 0, from == 0 {
                    #expect(shown == Self.hidden)
                } else if index + shift >= days.count, to == 10_000 {
                    #expect(shown == Self.hidden)
                } else {
                    #expect(!days.contains(shown) && shown != Self.hidden)
                }
            }
        }
    }

    @Test func `a shift of a hundred years is exact`() throws {
        // 400 years repeat themselves, so days that many years apart move alike.
        let mask = try MaskText.mask("{dateShift: 36500}")
        for entity in ["a", "b", "c", "d"] {
            let early = masker.shown(mask, "\"1980-02-29\"", entity: entity)
            let late = masker.shown(mask, "\"2380-02-29\"", entity: entity)
            let year = try #require(Int(early.dropFirst().prefix(4)))
            #expect(abs(year - 1980) <= 100)
            #expect(late == "\"\(year + 400)" + early.dropFirst(5))
        }
    }

    @Test func `truncated days are the first of their unit`() throws {
        let masks = try ["day", "month", "year", "decade"].map {
            try MaskText.mask("{dateTruncate: \($0)}")
        }
        for day in Calendar.days(from: 1_995, to: 2_012) {
            let year = try #require(Int(day.dropFirst().prefix(4)))
            let shown = masks.map { masker.shown($0, day) }
            #expect(
                shown == [
                    day, "\(day.prefix(8))-01\"", "\"\(year)-01-01\"",
                    "\"\(year / 10 * 10)-01-01\"",
                ])
        }
    }

    @Test(arguments: [
        "1980-02-30", "1900-02-29", "1980-13-01", "1980-00-10", "1980-01-00", "1980-1-1",
        "80-01-01", "19800101", "1980/01/01", "1980-01-01x", "1980-01-01T", "1980-01-01T1",
        "1980-01-01T24:00", "1980-01-01T23:60", "1980-01-01T23:59:61", "1980-01-01T10:00:",
        "1980-01-01T10:00:00.", "1980-01-01T10:00:00.1234567890", "1980-01-01T10:00:00ZZ",
        "1980-01-01T10:00+", "1980-01-01T10:00+1", "1980-01-01T10:00+1:00", "1980-01-01T10:00+24",
        "1980-01-01T10:00+02:60", "1980-01-01T10:00+02:000", "1980-01-01T10:00Z[Europe/Paris]",
        "1980-01-01T10:00 secret", " 1980-01-01", "-1980-01-01", "+1980-01-01", "１９８０-01-01",
        "1980-01-01T10",
    ])
    func `what is no date is redacted`(text: String) throws {
        for rule in ["{dateTruncate: year}", "{dateTruncate: day}", "dateShift"] {
            #expect(masker.shown(try MaskText.mask(rule), "\"\(text)\"") == Self.hidden)
        }
    }

    @Test(arguments: [
        ("T10:11", "T00:00"), ("t10:11:12", "t00:00:00"), (" 10:11:60", " 00:00:00"),
        ("T10:11:12,345", "T00:00:00,000"), ("T10:11Z", "T00:00Z"),
        ("T10:11:12.123456789z", "T00:00:00.000000000z"), ("T10:11+02", "T00:00+02"),
        ("T10:11:12-0230", "T00:00:00-0230"), ("T10:11:12.3+23:59", "T00:00:00.0+23:59"),
    ])
    func `a time is kept by a shift and zeroed by truncation, without its zone`(
        time: String, zeroed: String
    ) throws {
        let truncate = try MaskText.mask("{dateTruncate: month}")
        #expect(masker.shown(truncate, "\"1980-02-29\(time)\"") == "\"1980-02-01\(zeroed)\"")
        let shift = try MaskText.mask("dateShift")
        #expect(
            masker.shown(shift, "\"1980-02-29\(time)\"", entity: "user-42")
                == "\"1980-03-01\(time)\"")
    }
}
