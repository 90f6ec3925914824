// TextMarks: where the plain parts of a text end, many bytes at a time.

internal import CJSON

/// Looks ahead in a text, some KiB at a time, for the bytes at which a run of plain text ends:
/// quotation marks, backslashes, control characters and what is no ASCII. Its storage is used
/// again.
///
/// It is not `Sendable`, so the compiler keeps it on the thread that made it.
@safe
internal final class TextMarks {
    /// The marks that are known.
    private var window: wax_text_window

    internal init() {
        let count = WAX_TEXT_WORDS
        // SAFETY: freed in deinit only; the count is the one that the window's users write.
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
        unsafe words.initialize(repeating: 0, count: count)
        unsafe window = wax_text_window(words: words, start: 0, length: 0)
    }

    deinit {
        // SAFETY: nobody else holds the storage.
        unsafe window.words.deallocate()
    }

    /// Forgets what it knows. To be called before another text is asked about.
    internal func begin() {
        // SAFETY: fewer bytes are known than there are bits for.
        unsafe window.length = 0
    }

    /// The offset of the first mark at `at` or behind it; `text.byteCount` or more when there is
    /// none.
    ///
    /// - Parameters:
    ///   - text: the same since `begin`.
    ///   - at: not negative.
    @inline(__always)
    internal func next(_ text: RawSpan, _ at: Int) -> Int {
        let place = at &- (unsafe window.start)
        if UInt(bitPattern: place) < UInt(bitPattern: unsafe window.length) {
            // SAFETY: `length` is at most the bytes that `words` has bits for.
            let bits = unsafe window.words[place >> 6] >> UInt64(truncatingIfNeeded: place & 63)
            if bits != 0 { return at &+ bits.trailingZeroBitCount }
        }
        return search(text, at)
    }

    @inline(never)
    private func search(_ text: RawSpan, _ from: Int) -> Int {
        precondition(from >= 0, "an offset before the text")
        // SAFETY: the callee reads within the text.
        return unsafe text.withUnsafeBytes { bytes in
            unsafe wax_text_mark(&window, bytes.baseAddress, bytes.count, from)
        }
    }

    /// Steps over the rest of a string, from some byte before its first mark on.
    internal func string(_ text: RawSpan, _ at: Int) -> wax_json_token {
        precondition(at >= 0, "an offset before the text")
        // SAFETY: the callee reads within the text.
        return unsafe text.withUnsafeBytes { bytes in
            unsafe wax_json_string(&window, bytes.baseAddress, bytes.count, at)
        }
    }

    /// Writes the scalar values of a text that is known to be JSON, which has `most` at most.
    ///
    /// - Parameter values: room for `most`.
    /// - Returns: how many they are; more than `most` when they are more.
    internal func values(
        _ text: RawSpan, _ values: UnsafeMutablePointer<wax_json_value>, most: Int
    ) -> Int {
        // SAFETY: the callee reads within the text and writes `most` values at most.
        unsafe text.withUnsafeBytes { bytes in
            unsafe wax_json_values(&window, bytes.baseAddress, bytes.count, values, most)
        }
    }

    /// Compares a text with a shape, from a gap on that begins at `at`.
    ///
    /// - Parameter values: room for those of the shape.
    /// - Returns: the first gap that does not fit, or before a value that does not, which begins at
    ///   `at` then; more than the shape's values when the whole text fits.
    internal func follow(
        _ text: RawSpan, _ shape: DocumentShape, gap: Int, _ at: inout Int,
        _ values: UnsafeMutablePointer<wax_json_value>
    ) -> Int {
        precondition(at >= 0 && at <= text.byteCount, "an offset outside the text")
        precondition(gap >= 0 && gap <= shape.valueCount, "no such gap")
        var view = unsafe shape.view
        // SAFETY: the callee reads within text and shape, and writes the shape's values at most.
        return unsafe text.withUnsafeBytes { bytes in
            unsafe wax_json_follow(&window, bytes.baseAddress, bytes.count, &view, gap, &at, values)
        }
    }

    /// Steps over members of an object of which nothing has to be known.
    ///
    /// - Parameters:
    ///   - at: where a member begins, or something that is none.
    ///   - names: members that may have one of these names are not stepped over.
    ///   - levels: how deep an object or array may be that is stepped over.
    internal func members(
        _ text: RawSpan, _ at: Int, _ names: NameTable.Beginnings, levels: Int
    ) -> wax_json_stop {
        precondition(at >= 0 && levels >= 0, "an offset before the text")
        // SAFETY: the callee reads within the text.
        return unsafe text.withUnsafeBytes { bytes in
            unsafe wax_json_members(
                &window, bytes.baseAddress, bytes.count, at, names.bits, levels)
        }
    }
}
