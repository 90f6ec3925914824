// BucketMaskTests: rounding compared with whole-number arithmetic, and numbers that are too long.

import Masks
import TestSupport
import Testing

@Suite struct BucketMaskTests {
    private let masker = Masker(tokenKey: nil)

    private func bucket(_ step: String) throws -> Mask {
        let value = Int64(step).map { MaskArgument.integer($0) } ?? .number(step)
        return try Mask.make(kind: "bucket", arguments: [("", value)])
    }

    /// `units` times 10 to the power of minus `decimals`, in fixed notation.
    private func text(_ units: Int, _ decimals: Int) -> String {
        let digits = Calendar.padded(abs(units), decimals + 1)
        let sign = units < 0 ? "-" : ""
        guard decimals > 0 else { return sign + digits }
        return "\(sign)\(digits.dropLast(decimals)).\(digits.suffix(decimals))"
    }

    private func power(_ exponent: Int) -> Int {
        (0..<exponent).reduce(1) { value, _ in value * 10 }
    }

    /// The whole number that is not above the quotient.
    private func floored(_ value: Int, _ divisor: Int) -> Int {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    @Test func `results are those of whole-number arithmetic`() throws {
        let seed: UInt64 = 20_260_801
        var random = SeededRandom(seed: seed)
        for round in 0..<5_000 {
            let decimals = Int.random(in: 0...4, using: &random)
            let stepDecimals = Int.random(in: 0...3, using: &random)
            let step = Int.random(
                in: 1...(Bool.random(using: &random) ? 20 : 99_999), using: &random)
            let bound = power(Int.random(in: 1...9, using: &random))
            let units = Int.random(in: -bound...bound, using: &random)

            let mask = try bucket(text(step, stepDecimals))
            let number = text(units, decimals)
            // Both as whole numbers of the same unit.
            let scale = max(decimals, stepDecimals)
            let value = units * power(scale - decimals)
            let width = step * power(scale - stepDecimals)
            let result = floored(value, width) * width
            let expected: String
            if decimals == 0 {
                expected = String(floored(result, power(scale)))
            } else {
                let shown = floored(result, power(scale - stepDecimals))
                expected = stepDecimals == 0 ? "\(shown).0" : text(shown, stepDecimals)
            }
            #expect(
                masker.shown(mask, number) == expected,
                "\(number) by \(text(step, stepDecimals)), seed \(seed), round \(round)")
            #expect(masker.shown(mask, "\"\(number)\"") == "\"\(expected)\"")

            // The same number with an exponent.
            let exponent = Int.random(in: -5...5, using: &random)
            let powered = "\(text(units, decimals))e\(exponent)"
            let moved = decimals - exponent
            let other = max(moved, stepDecimals, 0)
            let exact = units * power(other - moved)
            let otherWidth = step * power(other - stepDecimals)
            let exactResult = floored(exact, otherWidth) * otherWidth
            let shown = floored(exactResult, power(other - stepDecimals))
            #expect(
                masker.shown(mask, powered)
                    == (stepDecimals == 0 ? "\(shown).0" : text(shown, stepDecimals)),
                "\(powered) by \(text(step, stepDecimals)), seed \(seed), round \(round)")
        }
    }

    @Test func `numbers of up to 128 digits are exact, and longer ones redacted`() throws {
        let mask = try bucket("1000")
        let nines = String(repeating: "9", count: 125)
        #expect(masker.shown(mask, nines + "999") == nines + "000")
        #expect(masker.shown(mask, nines + "9999") == "0")
        #expect(
            masker.shown(mask, "-" + nines + "999") == "-1" + String(repeating: "0", count: 128))
        #expect(masker.shown(mask, "-" + nines + "9999") == "0")
        #expect(masker.shown(mask, "\"\(nines)9999\"") == "\"********\"")
        #expect(masker.shown(mask, "1e127") == "1" + String(repeating: "0", count: 127) + ".0")
        #expect(masker.shown(mask, "1e128") == "0.0")
        #expect(masker.shown(mask, "1e-999999999999999999999999") == "0.0")
        #expect(masker.shown(mask, "-1e-999999999999999999999999") == "-1000.0")
        #expect(masker.shown(mask, "1e999999999999999999999999") == "0.0")
        #expect(masker.shown(mask, "0e999999999999999999999999") == "0.0")
        #expect(masker.shown(mask, "0.000e-7") == "0.0")
        #expect(masker.shown(mask, "0." + String(repeating: "0", count: 5_000) + "1") == "0.0")
        #expect(masker.shown(mask, "1999." + nines) == "0.0")
        #expect(masker.shown(mask, "1999." + nines.dropLast(4)) == "1000.0")
    }

    @Test func `steps at the limit are exact`() throws {
        let step = "999999999999999999"
        let mask = try bucket(step)
        #expect(masker.shown(mask, "999999999999999998") == "0")
        #expect(masker.shown(mask, step) == step)
        #expect(masker.shown(mask, "-1") == "-" + step)
        #expect(masker.shown(mask, "1999999999999999998") == "1999999999999999998")
        let small = try bucket("0.00000000000000001")
        #expect(masker.shown(small, "0.1234567890123456789") == "0.12345678901234567")
        #expect(masker.shown(small, "-0.1234567890123456789") == "-0.12345678901234568")
        #expect(masker.shown(small, "7") == "7")
    }
}
