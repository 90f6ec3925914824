// ByteWord: eight bytes of text at once, as one number whose lowest byte comes first.

internal import Bytes

/// Questions to eight bytes at a time. An answer has the highest bit of each byte it is true of.
internal enum ByteWord {
    /// The same byte eight times.
    @inline(__always)
    internal static func all(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    /// The offset of the first byte at or behind `start` of which `question` is true, or of the
    /// end.
    ///
    /// - Parameter question: true of zero. In its answer the lowest bit that is set has to be
    ///   right; those above need not be.
    @inline(__always)
    internal static func first(
        _ span: RawSpan, _ start: Int, where question: (UInt64) -> UInt64
    ) -> Int {
        var at = start
        while span.byteCount &- at >= 8 {
            let found = question(span.word(at: at))
            if found != 0 { return at &+ found.trailingZeroBitCount >> 3 }
            at &+= 8
        }
        let left = span.byteCount &- at
        guard left > 0 else { return at }
        // Zeros stand for what is behind the end.
        var last: UInt64 = 0
        if span.byteCount >= 8 {
            last = span.word(at: span.byteCount &- 8) >> UInt64(64 &- 8 &* left)
        } else {
            for offset in 0..<left {
                last |= UInt64(JSONText.byte(span, at + offset)) << UInt64(8 * offset)
            }
        }
        return at &+ question(last).trailingZeroBitCount >> 3
    }

    /// Which bytes are no ASCII letters or digits. All bits are right.
    @inline(__always)
    internal static func notLettersOrDigits(_ word: UInt64) -> UInt64 {
        // Of seven bits each, so that no sum runs over into the next byte.
        let low = word & all(0x7f)
        let folded = low | all(0x20)
        let letters = (folded &+ all(0x80 - 0x61)) & ~(folded &+ all(0x80 - 0x7b))
        let digits = (low &+ all(0x80 - 0x30)) & ~(low &+ all(0x80 - 0x3a))
        return (~(letters | digits) | word) & all(0x80)
    }

    /// Which bytes are `@`, a space, a control character or DEL. The lowest bit is right.
    @inline(__always)
    internal static func endsOfMailbox(_ word: UInt64) -> UInt64 {
        let marks = ((word ^ all(0x40)) &- all(1)) & ~(word ^ all(0x40))
        let deletes = ((word ^ all(0x7f)) &- all(1)) & ~(word ^ all(0x7f))
        let spaces = (word &- all(0x21)) & ~word
        return (marks | deletes | spaces) & all(0x80)
    }

    /// The hexadecimal digits of a number, the first one highest, as numbers are written.
    @inline(__always)
    internal static func hexDigits(_ number: UInt32) -> Int64 {
        // Half of what there is to each half, until each byte has one digit.
        var digits = UInt64(number)
        digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff
        digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff
        digits = (digits | digits << 4) & 0x0f0f_0f0f_0f0f_0f0f
        let letters = (digits &+ all(6)) >> 4 & all(1)
        return Int64(bitPattern: digits &+ all(0x30) &+ letters &* 0x27)
    }
}
