// ShapeMemory: recognizes documents that differ from earlier ones in their values only.

internal import Bytes
internal import Limits

/// Most records of a topic have the same members in the same order. What was found in one is found
/// in the next by comparing what is around the values, byte by byte, and reading the values alone.
/// Anything else is scanned, and remembered in its turn, unless that seldom helps.
internal final class ShapeMemory {
    /// What the documents were scanned for.
    internal let program: PathProgram
    internal let mode: FieldScanner.Mode
    /// When it was last asked, counted by its scanner.
    internal var lastUse: UInt64 = 0

    private var shapes: [DocumentShape] = []
    /// How many gaps each two of them share, by their places.
    private var shared = [Int](repeating: 0, count: shapesMax * shapesMax)
    /// Place of the shape that fitted last.
    private var last = 0
    private var uses: UInt64 = 0

    /// How much it has helped of late; it rests when that is less than nothing.
    private var score = 0
    /// Documents that it still rests for, and that it will rest for the next time.
    private var rest = 0
    private var nextRest = restMin

    private static let shapesMax = FieldLimits.shapesMax
    private static let bytesMax = FieldLimits.shapeBytesMax
    /// To remember a document costs what recognizing so many saves, and more for its values.
    private static let missCost = 4
    private static let valuesPerCost = 16
    private static let scoreMax = 64
    private static let scoreMin = -64
    private static let restMin = 256
    private static let restMax = 65_536

    internal init(_ program: PathProgram, _ mode: FieldScanner.Mode) {
        self.program = program
        self.mode = mode
    }

    /// The shape that fits the whole of `document`, whose values are in `values` then; nil when
    /// none of them does, or it rests.
    internal func shape(
        of document: RawSpan, _ marks: TextMarks, _ values: ScalarValues
    ) -> DocumentShape? {
        if rest > 0 {
            rest -= 1
            return nil
        }
        var tried: UInt64 = 0
        var place = shapes.isEmpty ? -1 : last
        var (gap, at) = (0, 0)
        while place >= 0 {
            let shape = shapes[place]
            tried |= 1 << UInt64(place)
            gap = values.follow(document, marks, shape, gap: gap, &at)
            if gap > shape.valueCount {
                last = place
                uses += 1
                shape.lastUse = uses
                score = min(score + 1, ShapeMemory.scoreMax)
                nextRest = ShapeMemory.restMin
                return shape
            }
            place = untried(tried, sharing: gap, with: place)
        }
        return nil
    }

    /// Place of a shape that was not tried and has the first `gaps` gaps of another and no more:
    /// one that has more would fail at the same bytes. -1 when there is none.
    private func untried(_ tried: UInt64, sharing gaps: Int, with other: Int) -> Int {
        for place in shapes.indices where tried & 1 << UInt64(place) == 0 {
            if shared[other * ShapeMemory.shapesMax + place] == gaps { return place }
        }
        return -1
    }

    /// Remembers a document that was scanned, with what was found.
    internal func remember(
        _ document: RawSpan, _ marks: TextMarks, _ values: ScalarValues, hits: [FieldHit],
        names: ByteBuffer
    ) {
        guard rest == 0, document.byteCount <= ShapeMemory.bytesMax,
            hits.count <= FieldLimits.shapeHitsMax, names.count <= ShapeMemory.bytesMax
        else { return charge(ShapeMemory.missCost) }
        guard values.find(document, marks),
            let shape = DocumentShape(document, values: values, hits: hits, names: names.array)
        else { return charge(ShapeMemory.missCost) }
        insert(shape)
        charge(ShapeMemory.missCost + shape.valueCount / ShapeMemory.valuesPerCost)
    }

    /// Counts a document that did not fit.
    internal func charge(_ cost: Int) {
        guard rest == 0 else { return }
        score -= cost
        if score <= ShapeMemory.scoreMin { pause() }
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
            let gaps = shape.sharedGaps(with: other)
            shared[last * ShapeMemory.shapesMax + place] = gaps
            shared[place * ShapeMemory.shapesMax + last] = gaps
        }
    }
}
