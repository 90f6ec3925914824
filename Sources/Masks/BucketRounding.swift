// BucketRounding: rounds the text of a number down to a multiple, digit by digit.

internal import Bytes
internal import Limits

extension BucketStep {
    /// Appends the largest multiple of the step that is not above `number`, the text of a JSON
    /// number, exactly: no binary fraction is involved. A whole number stays whole, and any other
    /// keeps a fraction; there is no exponent.
    ///
    /// - Parameters:
    ///   - isDecimal: whether it has a fraction or an exponent.
    ///   - digits: is overwritten.
    /// - Returns: false, when it has too many digits.
    internal func append(
        _ number: RawSpan, isDecimal: Bool, _ digits: ByteBuffer, to output: ByteBuffer
    ) -> Bool {
        let isNegative = JSONText.byte(number, 0) == UInt8(ascii: "-")
        // Zeros in front make room for every step and for a carry.
        digits.removeAll()
        for _ in 0..<BucketStep.leadingZeros { digits.append(0) }
        guard let exponent = BucketStep.read(number, digits) else { return false }
        if digits.count > BucketStep.leadingZeros {
            let shift = exponent + decimals
            let digitsMax = BucketStep.leadingZeros + MaskLimits.numberDigitsMax + decimals
            guard digits.count + max(shift, 0) <= digitsMax else { return false }
            for _ in 0..<max(shift, 0) { digits.append(0) }
            BucketStep.drop(max(-shift, 0), roundUp: isNegative, digits)
        }

        let rest = remainder(digits)
        if isNegative, rest > 0 {
            BucketStep.add(units - rest, digits)
        } else if !isNegative {
            BucketStep.subtract(rest, digits)
        }
        if !isDecimal { BucketStep.drop(decimals, roundUp: isNegative, digits) }
        write(digits, isNegative: isNegative, isDecimal: isDecimal, output)
        return true
    }

    private static let leadingZeros = MaskLimits.stepDigitsMax + 2

    /// Appends the digits of a number without leading zeros. The number is those digits times 10
    /// to the power of what is returned. Nil when there are too many.
    private static func read(_ number: RawSpan, _ digits: ByteBuffer) -> Int? {
        var exponent = 0
        var isFraction = false
        var at = 0
        while at < number.byteCount {
            let byte = JSONText.byte(number, at)
            at += 1
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if JSONText.isDigit(byte) {
                if isFraction { exponent -= 1 }
                if digits.count == leadingZeros, byte == 0x30 { continue }
                guard digits.count < leadingZeros + MaskLimits.numberDigitsMax else { return nil }
                digits.append(byte - 0x30)
            } else if byte | 0x20 == UInt8(ascii: "e") {
                return exponent + readExponent(number, at)
            }
        }
        return exponent
    }

    /// The exponent behind the `e`. What is beyond a thousand million is as good as that.
    private static func readExponent(_ number: RawSpan, _ start: Int) -> Int {
        var value = 0
        for at in start..<number.byteCount {
            let byte = JSONText.byte(number, at)
            if JSONText.isDigit(byte) { value = min(value * 10 + Int(byte - 0x30), 1_000_000_000) }
        }
        return JSONText.byte(number, start) == UInt8(ascii: "-") ? -value : value
    }

    /// Divides by 10 to the power of `count`, down, or up if anything is lost and `roundUp`.
    private static func drop(_ count: Int, roundUp: Bool, _ digits: ByteBuffer) {
        guard count > 0 else { return }
        let span = digits.bytes
        let lost = min(count, span.byteCount)
        var isExact = true
        for at in span.byteCount - lost..<span.byteCount where JSONText.byte(span, at) != 0 {
            isExact = false
        }
        for at in stride(from: span.byteCount - 1, through: 0, by: -1) {
            digits.set(byte: JSONText.byte(span, at - lost), at: at)
        }
        if roundUp, !isExact { add(1, digits) }
    }

    /// What is left of the digits when divided by the step.
    private func remainder(_ digits: ByteBuffer) -> UInt64 {
        let span = digits.bytes
        var rest: UInt64 = 0
        // `rest` has at most `stepDigitsMax` digits, so ten times it fits.
        for at in 0..<span.byteCount {
            rest = rest * 10 + UInt64(JSONText.byte(span, at))
            if rest >= units { rest %= units }
        }
        return rest
    }

    private static func add(_ value: UInt64, _ digits: ByteBuffer) {
        var carry = value
        var at = digits.count - 1
        while carry > 0, at >= 0 {
            let sum = carry + UInt64(JSONText.byte(digits.bytes, at))
            digits.set(byte: UInt8(truncatingIfNeeded: sum % 10), at: at)
            carry = sum / 10
            at -= 1
        }
    }

    /// Takes away what is not more than the digits say.
    private static func subtract(_ value: UInt64, _ digits: ByteBuffer) {
        var rest = value
        var borrow: UInt64 = 0
        var at = digits.count - 1
        while rest > 0 || borrow > 0, at >= 0 {
            let digit = UInt64(JSONText.byte(digits.bytes, at)) + 10 - borrow - rest % 10
            digits.set(byte: UInt8(truncatingIfNeeded: digit % 10), at: at)
            borrow = digit < 10 ? 1 : 0
            rest /= 10
            at -= 1
        }
    }

    /// The digits as a number; of a whole one they are what stands before the point.
    private func write(
        _ digits: ByteBuffer, isNegative: Bool, isDecimal: Bool, _ output: ByteBuffer
    ) {
        let span = digits.bytes
        // There are more leading zeros than a step has decimals.
        let point = isDecimal ? span.byteCount - decimals : span.byteCount
        var first = 0
        while first < span.byteCount, JSONText.byte(span, first) == 0 { first += 1 }
        if isNegative, first < span.byteCount { output.append(UInt8(ascii: "-")) }
        for at in min(first, point - 1)..<point { output.append(0x30 + JSONText.byte(span, at)) }
        guard isDecimal else { return }
        output.append(UInt8(ascii: "."))
        if decimals == 0 { output.append(0x30) }
        for at in point..<span.byteCount { output.append(0x30 + JSONText.byte(span, at)) }
    }
}
