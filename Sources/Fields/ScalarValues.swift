// ScalarValues: where the strings, numbers and literals of one document stand.

internal import CJSON
internal import Limits

/// The values of the document at hand that are no objects or arrays, in their order. Between them
/// are gaps, one before each and one behind the last.
@safe
internal final class ScalarValues {
    private let values: UnsafeMutablePointer<wax_json_value>
    /// How many were found.
    internal private(set) var count = 0

    internal init() {
        // SAFETY: freed in deinit only.
        unsafe values = UnsafeMutablePointer.allocate(capacity: FieldLimits.shapeValuesMax)
        unsafe values.initialize(
            repeating: wax_json_value(start: 0, end: 0), count: FieldLimits.shapeValuesMax)
    }

    deinit {
        // SAFETY: nobody else holds the storage.
        unsafe values.deallocate()
    }

    /// Value `number`, which must have been found.
    @inline(__always)
    internal subscript(number: Int) -> Range<Int> {
        precondition(number >= 0 && number < count, "no such value")
        // SAFETY: checked above.
        return unsafe values[number].start..<values[number].end
    }

    /// Where gap `number` begins.
    @inline(__always)
    internal func gapStart(_ number: Int) -> Int { number == 0 ? 0 : self[number - 1].upperBound }

    /// The last gap that begins at `offset`, which is in the document, or before it.
    internal func lastGap(at offset: Int) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high + 1) / 2
            if gapStart(middle) <= offset { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// Gap `number`.
    internal func gap(_ number: Int, of document: RawSpan) -> Range<Int> {
        gapStart(number)..<(number < count ? self[number].lowerBound : document.byteCount)
    }

    /// Finds the values of a document that was scanned.
    ///
    /// - Returns: false when it has more of them than are kept.
    internal func find(_ document: RawSpan, _ marks: TextMarks) -> Bool {
        // SAFETY: there is room for so many.
        count = unsafe marks.values(document, values, most: FieldLimits.shapeValuesMax)
        if count > FieldLimits.shapeValuesMax { count = 0 }
        return count > 0
    }

    /// Compares a document with a shape, from a gap on that begins at `at`. The gaps before it were
    /// compared by the last call.
    ///
    /// - Returns: the first gap that does not fit, or before a value that does not, which begins at
    ///   `at` then; more than the shape's values when the whole text fits.
    internal func follow(
        _ document: RawSpan, _ marks: TextMarks, _ shape: DocumentShape, gap: Int, _ at: inout Int
    ) -> Int {
        count = shape.valueCount
        // SAFETY: a shape has no more values than there is room for.
        return unsafe marks.follow(document, shape, gap: gap, &at, values)
    }
}
