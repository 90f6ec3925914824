// TextMarks: finds the ends of runs of plain text, many bytes at a time.

internal import CLinux

/// Says where in a text the next byte stands that is a quotation mark, a backslash, a control
/// character or no ASCII. It looks ahead some KiB at a time; its storage is used again.
///
/// It is not `Sendable`, so the compiler keeps it on the thread that made it. The functions that
/// are asked often are `public` so that they are inlined.
@safe
public final class TextMarks {
    /// Bytes that are looked at ahead. A multiple of 64.
    private static let windowBytes = 4_096
    private static let wordCount = windowBytes / 64 + 1

    /// A bit for each byte.
    @usableFromInline
    internal let words: UnsafeMutablePointer<UInt64>
    /// Where the bytes begin that `words` tells of, and how many they are.
    @usableFromInline
    internal var start = 0
    @usableFromInline
    internal var length = 0

    public init() {
        // SAFETY: freed in deinit only.
        unsafe words = UnsafeMutablePointer.allocate(capacity: TextMarks.wordCount)
        unsafe words.initialize(repeating: 0, count: TextMarks.wordCount)
    }

    deinit {
        // SAFETY: nobody else holds the storage.
        unsafe words.deallocate()
    }

    /// Forgets what it knows. To be called before another text is asked about.
    public func begin() { length = 0 }

    /// The offset of the first such byte at `at` or behind it; `text.byteCount` when there is none.
    ///
    /// - Parameters:
    ///   - text: the same since `begin`.
    ///   - at: not negative.
    @inlinable
    @inline(__always)
    public func next(_ text: RawSpan, _ at: Int) -> Int {
        let place = at &- start
        if UInt(bitPattern: place) < UInt(bitPattern: length) {
            // SAFETY: `length` is at most the bytes that `words` has bits for.
            let bits = unsafe words[place >> 6] >> UInt64(truncatingIfNeeded: place & 63)
            if bits != 0 { return at &+ bits.trailingZeroBitCount }
        }
        return search(text, at)
    }

    /// The marks from `at` on, one after another, as far as was looked ahead.
    @inlinable
    @inline(__always)
    public func run(_ text: RawSpan, _ at: Int) -> MarkRun {
        if UInt(bitPattern: at &- start) >= UInt(bitPattern: length) { _ = search(text, at) }
        let place = at &- start
        guard UInt(bitPattern: place) < UInt(bitPattern: length) else {
            return unsafe MarkRun(words, 0, last: 0, base: 0, bits: 0)
        }
        let word = place >> 6
        // SAFETY: a place that `words` has bits for.
        let bits = unsafe words[word] & (~0 &<< UInt64(truncatingIfNeeded: place & 63))
        return unsafe MarkRun(
            words, word, last: (length &- 1) >> 6, base: start &+ word &* 64, bits: bits)
    }

    @usableFromInline
    internal func search(_ text: RawSpan, _ from: Int) -> Int {
        precondition(from >= 0, "an offset before the text")
        var at = from
        while at < text.byteCount {
            if at < start || at &- start >= length { look(text, at) }
            let place = at &- start
            // SAFETY: `at` is in the window, and each of its bytes has a bit.
            var bits = unsafe words[place >> 6] >> UInt64(truncatingIfNeeded: place & 63)
            if bits != 0 { return at &+ bits.trailingZeroBitCount }
            var word = place >> 6 &+ 1
            while word &* 64 < length {
                bits = unsafe words[word]
                if bits != 0 { return start &+ word &* 64 &+ bits.trailingZeroBitCount }
                word &+= 1
            }
            at = start &+ length
        }
        return text.byteCount
    }

    /// Moves the window to `at`.
    private func look(_ text: RawSpan, _ at: Int) {
        start = at
        length = min(text.byteCount - at, TextMarks.windowBytes)
        let window = text.extracting(at..<at + length)
        // SAFETY: the callee reads `length` bytes, writes a bit for each and at most one word more.
        unsafe window.withUnsafeBytes { unsafe wax_text_marks($0.baseAddress, $0.count, words) }
    }
}

/// Gives marks in their order. Where one is does not depend on where the one before it was, so that
/// a processor can look at several at once. It must not outlive the next call of its `TextMarks`.
@safe
public struct MarkRun {
    @usableFromInline internal let words: UnsafeMutablePointer<UInt64>
    @usableFromInline internal var word: Int
    /// The last word that was filled.
    @usableFromInline internal let last: Int
    /// Where the bytes of `word` begin.
    @usableFromInline internal var base: Int
    /// The marks of `word` that are left.
    @usableFromInline internal var bits: UInt64

    @inlinable
    @inline(__always)
    internal init(
        _ words: UnsafeMutablePointer<UInt64>, _ word: Int, last: Int, base: Int, bits: UInt64
    ) {
        // SAFETY: kept as long as the marks that own the words, see `TextMarks`.
        unsafe self.words = words
        self.word = word
        self.last = last
        self.base = base
        self.bits = bits
    }

    /// The offset of the next one; the text's end or more when no more are known.
    @inlinable
    @inline(__always)
    public mutating func next() -> Int {
        while bits == 0 {
            guard word < last else { return .max }
            word &+= 1
            base &+= 64
            // SAFETY: at most the last word that was filled.
            bits = unsafe words[word]
        }
        let found = base &+ bits.trailingZeroBitCount
        bits &= bits &- 1
        return found
    }
}
