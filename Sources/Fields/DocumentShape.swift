// DocumentShape: a document without its scalar values, and what was found in it.

internal import Bytes
internal import CJSON

/// The names, brackets and white space of a document that was scanned, and where among them its
/// hits are. A text that is the same but for the values, as `wax_json_follow` compares them, has
/// the same members, so that the same paths select the same places in it: their normalized paths
/// are the same, and only offsets and kinds differ.
@safe
internal final class DocumentShape {
    /// A hit, by the number of the scalar value that it is.
    internal struct Place {
        internal let value: Int
        internal let path: Int
        internal let isSealedText: Bool
        internal let name: Range<Int>
        /// Bytes from the start of the member or element to the value.
        internal let memberBytes: Int
        /// The number of the gap in which its container begins, and the bytes before it there.
        internal let gap: Int
        internal let gapBytes: Int
        internal let index: Int
    }

    internal let places: [Place]
    /// The normalized paths of the hits, one after another.
    internal let names: [UInt8]
    /// When it last fitted, counted by its memory.
    internal var lastUse: UInt64 = 0

    internal let valueCount: Int
    private let bytes: UnsafeMutableRawPointer
    private let gaps: UnsafeMutablePointer<wax_json_gap>

    /// As C reads it; it must not outlive the shape.
    internal var view: wax_json_shape {
        // SAFETY: bytes and gaps are there as long as the shape is.
        unsafe wax_json_shape(
            bytes: bytes.assumingMemoryBound(to: UInt8.self), gaps: gaps, value_count: valueCount)
    }

    /// Bytes that may be read behind the last gap.
    private static let spareBytes = 8

    /// - Parameters:
    ///   - values: all scalar values of the document; at least one.
    ///   - hits: what a scan found; nil is the answer when one is no scalar value.
    internal init?(
        _ document: RawSpan, values: ScalarValues, hits: [FieldHit], names: [UInt8]
    ) {
        guard let places = DocumentShape.places(of: hits, in: document, values) else { return nil }
        self.places = places
        self.names = names
        valueCount = values.count
        var gapBytes = DocumentShape.spareBytes
        for number in 0...values.count { gapBytes += values.gap(number, of: document).count }
        // SAFETY: freed in deinit only. There is room for each gap and for the bytes of all.
        unsafe bytes = UnsafeMutableRawPointer.allocate(byteCount: gapBytes, alignment: 8)
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0, count: gapBytes)
        unsafe gaps = UnsafeMutablePointer.allocate(capacity: values.count + 1)
        var used = 0
        for number in 0...values.count {
            let gap = values.gap(number, of: document)
            let isBeforeSeal =
                number < values.count && StringUnits.isSealed(document, at: gap.upperBound)
            unsafe (gaps + number).initialize(
                to: wax_json_gap(
                    start: UInt32(used), count: UInt32(gap.count),
                    is_before_seal: isBeforeSeal ? 1 : 0))
            unsafe document.extracting(gap).withUnsafeBytes { from in
                guard let start = from.baseAddress else { return }
                unsafe (bytes + used).copyMemory(from: start, byteCount: from.count)
            }
            used += gap.count
        }
    }

    deinit {
        // SAFETY: nobody else holds the storage.
        unsafe bytes.deallocate()
        unsafe gaps.deallocate()
    }

    private static func places(
        of hits: [FieldHit], in document: RawSpan, _ values: ScalarValues
    ) -> [Place]? {
        var places: [Place] = []
        var number = 0
        for hit in hits {
            // Hits are in the order of their bytes, and no two are at the same.
            while number < values.count, values[number].lowerBound < hit.value.lowerBound {
                number += 1
            }
            // With escapes the mark of sealed text is none to those who compare bytes.
            guard number < values.count, values[number] == hit.value, hit.container >= 0,
                hit.isSealedText == StringUnits.isSealed(document, at: hit.value.lowerBound)
            else { return nil }
            let gap = values.lastGap(at: hit.container)
            places.append(
                Place(
                    value: number, path: hit.path, isSealedText: hit.isSealedText, name: hit.name,
                    memberBytes: hit.value.lowerBound - hit.member.lowerBound, gap: gap,
                    gapBytes: hit.container - values.gapStart(gap), index: hit.index))
        }
        return places
    }

    /// How many gaps from the first on are the same in both.
    internal func sharedGaps(with other: DocumentShape) -> Int {
        let most = min(valueCount, other.valueCount)
        // SAFETY: both have a gap more than values, and the bytes of each gap.
        for number in 0...most {
            let (one, two) = unsafe (gaps[number], other.gaps[number])
            let gap = unsafe RawSpan(
                _unsafeStart: bytes + Int(one.start), byteCount: Int(one.count))
            let otherGap = unsafe RawSpan(
                _unsafeStart: other.bytes + Int(two.start), byteCount: Int(two.count))
            guard one.is_before_seal == two.is_before_seal, gap.sameBytes(as: otherGap)
            else { return number }
        }
        return most + 1
    }
}
