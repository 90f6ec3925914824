// ShapeMemory: recognizes documents that differ from earlier ones in their values only.

internal import Bytes
internal import CJSON
internal import Limits

/// Most records of a topic have the same members in the same order. What was found in one is found
/// in the next by comparing what is around the values, byte by byte, and reading the values alone.
/// Anything else is scanned, and remembered in its turn, unless that seldom helps.
@safe
internal final class ShapeMemory {
    private var shapes: [DocumentShape] = []
    /// How many gaps each two of them share, by their places.
    private var shared = [Int](repeating: 0, count: shapesMax * shapesMax)
    /// Place of the shape that fitted last.
    private var last = 0
    private var uses: UInt64 = 0
    /// Scalar values of the document at hand.
    private let values: UnsafeMutablePointer<wax_json_value>

    /// How much it has helped of late; it rests when that is less than nothing.
    private var score = 0
    /// Documents that it still rests for, and that it will rest for the next time.
    private var rest = 0
    private var nextRest = restMin

    private static let shapesMax = FieldLimits.shapesMax
    private static let valuesMax = FieldLimits.shapeValuesMax
    private static let bytesMax = FieldLimits.shapeBytesMax
    /// To remember a document costs about what recognizing four saves.
    private static let missCost = 4
    private static let scoreMax = 64
    private static let scoreMin = -64
    private static let restMin = 256
    private static let restMax = 65_536

    internal init() {
        // SAFETY: freed in deinit only.
        unsafe values = UnsafeMutablePointer.allocate(capacity: ShapeMemory.valuesMax)
        unsafe values.initialize(
            repeating: wax_json_value(start: 0, end: 0), count: ShapeMemory.valuesMax)
    }

    deinit {
        // SAFETY: nobody else holds the storage.
        unsafe values.deallocate()
    }

    /// The shape that fits the whole of `document`; nil when none of them does, or it rests. The
    /// values are asked for by `value` until the next document.
    internal func shape(
        of document: RawSpan, _ marks: TextMarks, _ program: PathProgram, _ mode: FieldScanner.Mode
    ) -> DocumentShape? {
        if rest > 0 {
            rest -= 1
            return nil
        }
        guard !shapes.isEmpty else { return nil }
        var tried: UInt64 = 0
        var place = isOne(shapes[last], program, mode) ? last : untried(tried, program, mode)
        var (gap, at) = (0, 0)
        while place >= 0 {
            let shape = shapes[place]
            tried |= 1 << UInt64(place)
            // SAFETY: a shape has no more values than there is room for.
            gap = unsafe marks.follow(document, shape, gap: gap, &at, values)
            if gap > shape.valueCount {
                last = place
                uses += 1
                shape.lastUse = uses
                score = min(score + 1, ShapeMemory.scoreMax)
                nextRest = ShapeMemory.restMin
                return shape
            }
            place = untried(tried, program, mode, sharing: gap, with: place)
        }
        return nil
    }

    /// Value `number` of the document.
    @inline(__always)
    internal func value(_ number: Int) -> Range<Int> {
        precondition(number >= 0 && number < ShapeMemory.valuesMax, "no such value")
        // SAFETY: checked above.
        return unsafe values[number].start..<values[number].end
    }

    /// Where gap `number` of the document begins.
    @inline(__always)
    internal func gapStart(_ number: Int) -> Int { number == 0 ? 0 : value(number - 1).upperBound }

    /// Remembers a document that was scanned, with what was found.
    internal func remember(
        _ document: RawSpan, _ marks: TextMarks, _ program: PathProgram,
        _ mode: FieldScanner.Mode, hits: [FieldHit], names: ByteBuffer
    ) {
        guard rest == 0, document.byteCount <= ShapeMemory.bytesMax,
            hits.count <= FieldLimits.shapeHitsMax, names.count <= ShapeMemory.bytesMax
        else { return }
        score -= ShapeMemory.missCost
        guard score > ShapeMemory.scoreMin else { return pause() }
        // SAFETY: the callee writes no more values than there is room for.
        let count = unsafe marks.values(document, values, most: ShapeMemory.valuesMax)
        guard count > 0, count <= ShapeMemory.valuesMax,
            let shape = unsafe DocumentShape(
                document, values: UnsafeBufferPointer(start: values, count: count), hits: hits,
                names: names.array, program: program, mode: mode)
        else { return }
        insert(shape)
    }

    private func pause() {
        score = 0
        rest = nextRest
        nextRest = min(nextRest * 4, ShapeMemory.restMax)
        shapes.removeAll(keepingCapacity: true)
        last = 0
    }

    private func insert(_ shape: DocumentShape) {
        uses += 1
        shape.lastUse = uses
        if shapes.count < ShapeMemory.shapesMax {
            last = shapes.count
            shapes.append(shape)
        } else {
            last = shapes.indices.min { shapes[$0].lastUse < shapes[$1].lastUse } ?? 0
            shapes[last] = shape
        }
        for (place, other) in shapes.enumerated() where place != last {
            let gaps = isOne(other, shape.program, shape.mode) ? shape.sharedGaps(with: other) : 0
            shared[last * ShapeMemory.shapesMax + place] = gaps
            shared[place * ShapeMemory.shapesMax + last] = gaps
        }
    }

    @inline(__always)
    private func isOne(
        _ shape: DocumentShape, _ program: PathProgram, _ mode: FieldScanner.Mode
    ) -> Bool {
        shape.program === program && shape.mode == mode
    }

    /// Place of a shape for the same paths that was not tried; with `gaps` of them, one that has as
    /// many gaps in common with another. -1 when there is none.
    private func untried(
        _ tried: UInt64, _ program: PathProgram, _ mode: FieldScanner.Mode, sharing gaps: Int = 0,
        with other: Int = 0
    ) -> Int {
        for place in shapes.indices where tried & 1 << UInt64(place) == 0 {
            guard isOne(shapes[place], program, mode) else { continue }
            if gaps == 0 || shared[other * ShapeMemory.shapesMax + place] >= gaps { return place }
        }
        return -1
    }
}
