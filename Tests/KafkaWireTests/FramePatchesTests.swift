// FramePatchesTests: replacements, tag sizes that follow them, and the pieces to send.

import Bytes
import TestSupport
import Testing

@testable import KafkaWire

struct FramePatchesTests {
    private func applied(_ patches: FramePatches, _ frame: [UInt8], at base: Int = 0) -> [UInt8] {
        let source = ByteBuffer.holding(frame)
        let output = ByteBuffer()
        patches.apply(to: source.bytes, at: base, into: output)
        return output.array
    }

    @Test func `a frame without replacements is one piece`() {
        let patches = FramePatches()
        #expect(patches.isEmpty)
        #expect(Array(patches.pieces(of: 0..<5)) == [.original(0..<5)])
        #expect(applied(patches, [1, 2, 3]) == [1, 2, 3])
        #expect(Array(patches.pieces(of: 0..<0)).isEmpty)
    }

    @Test func `replacements may grow, shrink, insert and remove`() {
        let patches = FramePatches()
        patches.open(0..<1).append([9, 9] as [UInt8])
        patches.close()
        patches.open(2..<2).append(7 as UInt8)
        patches.close()
        patches.remove(3..<5)
        patches.replace(5..<6, int16: 0x0102)
        #expect(patches.growth == 1 + 1 - 2 + 1)
        #expect(applied(patches, [0, 1, 2, 3, 4, 5, 6]) == [9, 9, 1, 7, 2, 1, 2, 6])
        #expect(applied(patches, [0, 1, 2, 3, 4, 5]) == [9, 9, 1, 7, 2, 1, 2])
    }

    @Test func `pieces name the frame's bytes and the new ones`() {
        let patches = FramePatches()
        patches.replace(12..<14, int32: 1)
        #expect(
            Array(patches.pieces(of: 10..<20)) == [
                .original(10..<12), .scratch(0..<4), .original(14..<20),
            ])
        #expect(
            applied(patches, [UInt8](0..<10), at: 10) == [0, 1, 0, 0, 0, 1, 4, 5, 6, 7, 8, 9])
    }

    @Test func `a reserved range is kept until it is filled`() {
        let patches = FramePatches()
        let slot = patches.reserve(1..<2)
        patches.remove(3..<4)
        #expect(applied(patches, [0, 1, 2, 3]) == [0, 1, 2])
        patches.fill(slot, 1..<2, count: 300, isFlexible: true)
        #expect(applied(patches, [0, 1, 2, 3]) == [0, 0xad, 0x02, 2])
    }

    @Test func `a tag's size follows what happens inside it, also two levels up`() {
        let patches = FramePatches()
        // outer size 5 at 0, inner size 2 at 2, content at 3..<5, one more outer byte.
        let outer = WalkEvent(kind: .beginTag, range: 0..<1, value: 1..<6)
        let inner = WalkEvent(kind: .beginTag, range: 2..<3, value: 3..<5)
        patches.beginTag(outer)
        patches.beginTag(inner)
        let added = [UInt8](repeating: 0xee, count: 130)
        patches.open(3..<4).append(added)
        patches.close()
        patches.endTag()
        patches.endTag()
        // Inner: 130 + 1 = 131, two bytes of size. Outer: 1 + 2 + 131 + 1 = 135.
        #expect(
            applied(patches, [5, 0xa0, 2, 0xb0, 0xb1, 0xc0])
                == [0x87, 1, 0xa0, 0x83, 1] + added + [0xb1, 0xc0])
    }

    @Test func `a tag whose content keeps its length keeps its size bytes`() {
        let patches = FramePatches()
        patches.beginTag(WalkEvent(kind: .beginTag, range: 0..<2, value: 2..<4))
        patches.replace(2..<4, int16: 5)
        patches.endTag()
        // A size in more bytes than needed is as legal as any.
        #expect(applied(patches, [0x82, 0x00, 1, 1]) == [0x82, 0x00, 0, 5])
    }

    @Test func `bytes that were appended before can take a range's place`() {
        let patches = FramePatches()
        patches.scratch.append([7, 8, 9] as [UInt8])
        patches.replace(1..<2, byScratch: 1..<3)
        patches.replace(3..<4, byScratch: 0..<1)
        #expect(patches.growth == 1)
        #expect(applied(patches, [0, 1, 2, 3]) == [0, 8, 9, 2, 7])
    }

    @Test func `the new bytes can be taken and the pieces still name them`() {
        let patches = FramePatches()
        patches.replace(1..<2, int16: 0x0506)
        let next = ByteBuffer.holding([1, 2, 3])
        let taken = patches.takeScratch(next)
        #expect(taken.array == [5, 6])
        #expect(patches.scratch === next)
        #expect(next.count == 0)
        #expect(
            Array(patches.pieces(of: 0..<3)) == [
                .original(0..<1), .scratch(0..<2), .original(2..<3),
            ])
    }

    @Test func `random replacements give what splicing an array gives`() {
        var random = SeededRandom(seed: 3)
        let patches = FramePatches()
        for _ in 0..<300 {
            patches.removeAll()
            let frame = random.bytes(Int.random(in: 0...60, using: &random))
            var expected: [UInt8] = []
            var at = 0
            while at < frame.count {
                let keep = Int.random(in: 0...min(9, frame.count - at), using: &random)
                expected += frame[at..<at + keep]
                at += keep
                let drop = Int.random(in: 0...min(9, frame.count - at), using: &random)
                let new = random.bytes(Int.random(in: 0...9, using: &random))
                patches.open(at..<at + drop).append(new)
                patches.close()
                expected += new
                at += drop
            }
            #expect(applied(patches, frame) == expected)
            #expect(patches.growth == expected.count - frame.count)
        }
    }
}
