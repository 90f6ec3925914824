// TextMarksTests: the ends of plain text, against looking at every byte.

import Bytes
import TestSupport
import Testing

@testable import Fields

@Suite struct TextMarksTests {
    private func isMark(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// Where marks are, by asking from every offset.
    private func expectMarks(_ bytes: [UInt8], _ marks: TextMarks, from offsets: [Int]) {
        let buffer = ByteBuffer()
        buffer.append(bytes)
        marks.begin()
        for offset in offsets {
            let expected = bytes.indices.first { $0 >= offset && isMark(bytes[$0]) }
            #expect(marks.next(buffer.bytes, offset) == expected ?? bytes.count)
        }
    }

    @Test func `every byte is told from plain text at every place of a word`() {
        let marks = TextMarks()
        for byte in UInt8.min...UInt8.max {
            for place in [0, 1, 15, 16, 31, 32, 63, 64, 65, 127, 128, 200] {
                var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 201)
                bytes[place] = byte
                expectMarks(bytes, marks, from: [0, place, min(place + 1, 201)])
            }
        }
    }

    @Test func `a text without marks ends at its end`() {
        let marks = TextMarks()
        for count in Array(0...200) + [4_095, 4_096, 4_097, 8_192, 20_000] {
            let bytes = [UInt8](repeating: UInt8(ascii: " "), count: count)
            expectMarks(bytes, marks, from: [0, count / 2, max(count - 1, 0), count])
        }
    }

    @Test(arguments: [3, 40, 900])
    func `marks of random texts are those of a plain loop`(distance: Int) {
        var random = SeededRandom(seed: UInt64(distance))
        let marks = TextMarks()
        for _ in 0..<20 {
            let count = Int.random(in: 0..<12_000, using: &random)
            let bytes = (0..<count).map { _ in
                Int.random(in: 0..<distance, using: &random) == 0
                    ? UInt8.random(in: 0...255, using: &random) : UInt8(ascii: "x")
            }
            expectMarks(bytes, marks, from: Array(stride(from: 0, through: count, by: 37)))
            // In any order, and back again.
            expectMarks(bytes, marks, from: [count, count / 2, 0, count / 3])
        }
    }
}
