// PlainMembers: steps over the members of an object that nothing has to be done about.

internal import Bytes

/// Most members of most documents have a name that no path asks for and a plain string, a number or
/// a literal. These are stepped over in one loop with nothing to remember; where it stops, the
/// scanner looks closer, at faults too.
internal enum PlainMembers {
    /// Where it stopped.
    internal struct Stop {
        internal let at: Int
        /// Members that were stepped over.
        internal let count: Int
        /// Whether it stands behind the value of a member, and not before a member.
        internal let isBehindValue: Bool
    }

    /// The word of a name's first bytes, and what is behind the name, are read without asking
    /// again whether they are there.
    private static let spareBytes = 12

    /// - Parameters:
    ///   - start: where a member begins, or something that is none.
    ///   - names: members that these may have are not stepped over; nil when none is looked for.
    internal static func skip(
        _ text: RawSpan, _ marks: TextMarks, _ start: Int, _ names: NameTable.Beginnings
    ) -> Stop {
        var at = start
        var count = 0
        let end = text.byteCount &- spareBytes
        var run = marks.run(text, start)
        while at < end, run.next() == at, byte(text, at) == ScanText.quote {
            let nameEnd = run.next()
            guard nameEnd < end, byte(text, nameEnd) == ScanText.quote,
                byte(text, nameEnd &+ 1) == UInt8(ascii: ":"),
                !names.mayHave(word(text, at &+ 1), count: nameEnd &- at &- 1)
            else { break }
            var value = nameEnd &+ 2
            if byte(text, value) == 0x20 { value &+= 1 }
            let behind = Self.behind(text, &run, value, end)
            guard behind >= 0 else { break }
            guard behind < end, byte(text, behind) == UInt8(ascii: ",") else {
                return Stop(at: behind, count: count, isBehindValue: true)
            }
            count &+= 1
            at = behind &+ 1
            if byte(text, at) <= 0x20 {
                _ = ScanText.token(text, &at)
                run = marks.run(text, at)
            }
        }
        return Stop(at: at, count: count, isBehindValue: false)
    }

    /// Behind the plain value that begins at `start`, which is less than three bytes behind `end`;
    /// -1 when it is not plain.
    @inline(__always)
    private static func behind(
        _ text: RawSpan, _ run: inout MarkRun, _ start: Int, _ end: Int
    ) -> Int {
        let first = word(text, start)
        switch UInt8(truncatingIfNeeded: first) {
        case ScanText.quote:
            if StringUnits.isMark(first >> 8) || run.next() != start { return -1 }
            let close = run.next()
            return close < end && byte(text, close) == ScanText.quote ? close &+ 1 : -1
        case UInt8(ascii: "1")...UInt8(ascii: "9"):
            return ScanText.shortNumber(first, start)
        default:
            return ScanText.shortLiteral(first, start)
        }
    }

    @inline(__always)
    private static func byte(_ text: RawSpan, _ at: Int) -> UInt8 {
        // SAFETY: the callers compared with an end that is `spareBytes` before the text's.
        unsafe text.unsafeLoad(fromUncheckedByteOffset: at, as: UInt8.self)
    }

    @inline(__always)
    private static func word(_ text: RawSpan, _ at: Int) -> UInt64 {
        // SAFETY: as above; at most four bytes behind what was compared.
        let word = unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self)
        return UInt64(littleEndian: word)
    }
}
