// LogTimeTests: UTC dates of moments.

import Foundation
import Testing

@testable import Telemetry

@Suite struct LogTimeTests {
    @Test(arguments: [
        (Int64(0), Int64(0), "1970-01-01T00:00:00.000Z"), (-1, 999, "1969-12-31T23:59:59.999Z"),
        (951_782_399, 5, "2000-02-28T23:59:59.005Z"), (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
        (1_709_251_199, 45, "2024-02-29T23:59:59.045Z"),
        (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
    ])
    func `moments are written in ISO 8601`(_ seconds: Int64, _ ms: Int64, _ text: String) {
        #expect(LogTime(seconds: seconds, milliseconds: ms).iso8601 == text)
    }

    @Test func `every day of five centuries agrees with Foundation`() {
        let format = ISO8601DateFormatter()
        for day in stride(from: Int64(-60_000), to: 120_000, by: 7) {
            let seconds = day * 86_400 + 43_210
            let date = Date(timeIntervalSince1970: Double(seconds))
            let expected = format.string(from: date).dropLast() + ".000Z"
            #expect(LogTime(seconds: seconds, milliseconds: 0).iso8601 == expected)
        }
    }

    @Test func `the clock is the system's`() {
        let now = Double(LogTime.now.seconds)
        #expect(abs(now - Date().timeIntervalSince1970) < 5)
    }
}
