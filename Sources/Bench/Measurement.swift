// Measurement: CPU time of pieces of work, and how medians and ratios are printed.

import Glibc

/// Times are CPU time of this thread, in nanoseconds.
enum Measurement {
    static func time(_ body: () throws -> Void) rethrows -> Double {
        let before = nanoseconds()
        try body()
        return Double(nanoseconds() - before)
    }

    private static func nanoseconds() -> Int {
        var now = timespec()
        // SAFETY: the callee fills the struct and keeps nothing.
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
        return now.tv_sec * 1_000_000_000 + now.tv_nsec
    }

    static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    /// The median of the rounds' own ratios: what disturbs a round disturbs both of its parts.
    static func ratio(_ values: [Double], to base: [Double]) -> Double {
        median(zip(values, base).map { $0 / $1 })
    }

    /// With one digit behind the point.
    static func tenths(_ value: Double, _ width: Int) -> String {
        let tenths = Int((value * 10).rounded())
        return pad("\(tenths / 10).\(tenths % 10)", width)
    }

    /// With two digits behind the point.
    static func hundredths(_ value: Double, _ width: Int) -> String {
        let hundredths = Int((value * 100).rounded())
        let digits = hundredths % 100
        return pad("\(hundredths / 100).\(digits < 10 ? "0" : "")\(digits)", width)
    }

    static func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
