// FramePatches: replacements of byte ranges in a frame, instead of decoding and encoding it.

package import Bytes

/// A part of a patched frame, in the order in which it is sent.
package enum FramePiece: Sendable, Equatable {
    /// A range of the frame as it came, in the offsets that the patches were given.
    case original(Range<Int>)
    /// A range of the patches' `scratch`.
    case scratch(Range<Int>)
}

/// Replacements of byte ranges in one frame, sorted and without overlap. What is not replaced is
/// kept as it came, so fields that this build has never heard of survive.
///
/// Replacements are added in the order of the frame; ranges that must come earlier but whose
/// content is known only later are reserved and filled. Reused for frame after frame, it stops
/// allocating once it has grown to the largest.
package final class FramePatches {
    /// A range reserved for a replacement to come.
    package struct Slot: Sendable {
        fileprivate let index: Int
    }

    fileprivate struct Patch {
        var range: Range<Int>
        var bytes: Range<Int>
    }

    private struct Tag {
        var slot: Slot
        var size: Range<Int>
        var contentBytes: Int
        var growthBefore: Int
    }

    fileprivate var patches: [Patch] = []
    private var tags: [Tag] = []
    private var openIndex: Int?

    /// The new bytes. Written between `open` and `close`, read by `pieces`.
    package private(set) var scratch = ByteBuffer(capacity: 1024)

    /// Bytes by which the frame grows, negative when it shrinks.
    package private(set) var growth = 0

    package init() {
        patches.reserveCapacity(64)
        tags.reserveCapacity(WalkProgram.depthMax)
    }

    /// Whether the frame stays as it is.
    package var isEmpty: Bool { patches.isEmpty }

    /// Forgets the replacements, keeps the storage.
    package func removeAll() {
        patches.removeAll(keepingCapacity: true)
        tags.removeAll(keepingCapacity: true)
        scratch.removeAll()
        openIndex = nil
        growth = 0
    }

    // MARK: adding

    /// Reserves a range that `open(_: Slot)` fills later; until then it is kept as it is.
    package func reserve(_ range: Range<Int>) -> Slot {
        precondition(
            range.lowerBound >= (patches.last?.range.upperBound ?? Int.min),
            "replacements come in the order of the frame")
        // Nothing replaced yet: an empty range at the same place changes nothing.
        patches.append(Patch(range: range.lowerBound..<range.lowerBound, bytes: 0..<0))
        return Slot(index: patches.count - 1)
    }

    /// Begins the replacement of a range: what is appended to the returned buffer until `close`
    /// takes its place.
    package func open(_ range: Range<Int>) -> ByteBuffer { open(reserve(range), range) }

    /// Begins the replacement of a reserved range.
    /// - Parameter range: the range that was reserved.
    package func open(_ slot: Slot, _ range: Range<Int>) -> ByteBuffer {
        precondition(openIndex == nil, "one replacement at a time")
        precondition(patches[slot.index].range.lowerBound == range.lowerBound, "another range")
        patches[slot.index].range = range
        patches[slot.index].bytes = scratch.count..<scratch.count
        openIndex = slot.index
        return scratch
    }

    /// Ends the replacement begun by `open`.
    package func close() {
        guard let index = openIndex else { preconditionFailure("no replacement is open") }
        let start = patches[index].bytes.lowerBound
        patches[index].bytes = start..<scratch.count
        growth += scratch.count - start - patches[index].range.count
        openIndex = nil
    }

    /// Replaces a range by bytes that were appended to `scratch` while no replacement was open.
    package func replace(_ range: Range<Int>, byScratch bytes: Range<Int>) {
        precondition(openIndex == nil && bytes.upperBound <= scratch.count, "bytes not there yet")
        let slot = reserve(range)
        patches[slot.index] = Patch(range: range, bytes: bytes)
        growth += bytes.count - range.count
    }

    /// Gives the new bytes away, to be sent without a copy, and goes on with another buffer. The
    /// pieces stay readable until `removeAll`.
    package func takeScratch(_ next: ByteBuffer) -> ByteBuffer {
        precondition(openIndex == nil, "a replacement is open")
        next.removeAll()
        defer { scratch = next }
        return scratch
    }

    /// Removes a range.
    package func remove(_ range: Range<Int>) {
        _ = open(range)
        close()
    }

    /// Replaces a 16-bit number.
    package func replace(_ range: Range<Int>, int16 value: Int16) {
        open(range).append(int16: value)
        close()
    }

    /// Replaces a 32-bit number.
    package func replace(_ range: Range<Int>, int32 value: Int32) {
        open(range).append(int32: value)
        close()
    }

    /// Replaces a string with its length prefix; nil is null.
    package func replace(_ range: Range<Int>, string: String?, isFlexible: Bool) {
        open(range).append(kafkaString: string, isFlexible: isFlexible)
        close()
    }

    /// Replaces an array, or only its count, by a count.
    package func replace(_ range: Range<Int>, count: Int, isFlexible: Bool) {
        open(range).append(kafkaCount: count, isFlexible: isFlexible)
        close()
    }

    /// Replaces the count of an array that was reserved.
    package func fill(_ slot: Slot, _ range: Range<Int>, count: Int, isFlexible: Bool) {
        open(slot, range).append(kafkaCount: count, isFlexible: isFlexible)
        close()
    }

    /// Replacements from here to `endTag` are inside a tag.
    /// - Parameter event: the walker's `beginTag`.
    package func beginTag(_ event: WalkEvent) {
        tags.append(
            Tag(
                slot: reserve(event.range), size: event.range, contentBytes: event.value.count,
                growthBefore: growth))
    }

    /// Ends the innermost tag: when its content changed length, its size is replaced.
    package func endTag() {
        guard let tag = tags.popLast() else { preconditionFailure("no tag is open") }
        guard growth != tag.growthBefore else { return }
        let bytes = tag.contentBytes + growth - tag.growthBefore
        open(tag.slot, tag.size).append(uvarint: UInt32(bytes))
        close()
    }

    // MARK: sending

    /// The patched frame in pieces.
    /// - Parameter frame: the frame's range in the offsets that the patches were given.
    package func pieces(of frame: Range<Int>) -> FramePieces {
        FramePieces(patches: self, position: frame.lowerBound, end: frame.upperBound)
    }

    /// Appends the patched frame.
    /// - Parameters:
    ///   - frame: the whole frame.
    ///   - base: the offset of its first byte.
    ///   - output: not this object's `scratch`.
    package func apply(to frame: RawSpan, at base: Int = 0, into output: ByteBuffer) {
        let scratch = scratch
        output.reserve(frame.byteCount + max(growth, 0))
        for piece in pieces(of: base..<base + frame.byteCount) {
            switch piece {
            case .original(let range):
                output.append(
                    frame.extracting(range.lowerBound - base..<range.upperBound - base))
            case .scratch(let range): output.append(scratch.bytes(in: range))
            }
        }
    }
}

/// The pieces of a patched frame, front to back, none of them empty.
package struct FramePieces: Sequence, IteratorProtocol {
    fileprivate let patches: FramePatches
    fileprivate var position: Int
    fileprivate let end: Int
    private var index = 0

    fileprivate init(patches: FramePatches, position: Int, end: Int) {
        self.patches = patches
        self.position = position
        self.end = end
    }

    package mutating func next() -> FramePiece? {
        while index < patches.patches.count {
            let patch = patches.patches[index]
            if patch.range.isEmpty && patch.bytes.isEmpty {
                index += 1
                continue
            }
            precondition(
                patch.range.lowerBound >= position && patch.range.upperBound <= end,
                "a replacement outside the frame")
            if position < patch.range.lowerBound {
                let range = position..<patch.range.lowerBound
                position = patch.range.lowerBound
                return .original(range)
            }
            position = patch.range.upperBound
            index += 1
            if !patch.bytes.isEmpty { return .scratch(patch.bytes) }
        }
        guard position < end else { return nil }
        let range = position..<end
        position = end
        return .original(range)
    }
}
