// ByteCursorTests: every primitive, every bound, and bytes that lie.

import Bytes
import TestSupport
import Testing

@Suite struct ByteCursorTests {
    // MARK: vectors

    static let uvarints: [(UInt32, [UInt8])] = [
        (0, [0x00]), (1, [0x01]), (127, [0x7f]), (128, [0x80, 0x01]), (300, [0xac, 0x02]),
        (16_383, [0xff, 0x7f]), (16_384, [0x80, 0x80, 0x01]),
        (2_097_151, [0xff, 0xff, 0x7f]), (2_097_152, [0x80, 0x80, 0x80, 0x01]),
        (0x7fff_ffff, [0xff, 0xff, 0xff, 0xff, 0x07]),
        (0xffff_ffff, [0xff, 0xff, 0xff, 0xff, 0x0f]),
    ]

    static let varints: [(Int64, [UInt8])] = [
        (0, [0x00]), (-1, [0x01]), (1, [0x02]), (63, [0x7e]), (-64, [0x7f]),
        (64, [0x80, 0x01]), (-65, [0x81, 0x01]), (8_191, [0xfe, 0x7f]), (-8_192, [0xff, 0x7f]),
        (Int64(Int32.max), [0xfe, 0xff, 0xff, 0xff, 0x0f]),
        (Int64(Int32.min), [0xff, 0xff, 0xff, 0xff, 0x0f]),
    ]

    static let varlongs: [(Int64, [UInt8])] = [
        (Int64.max, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        (Int64.min, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        (1 << 32, [0x80, 0x80, 0x80, 0x80, 0x20]),
    ]

    @Test(arguments: uvarints)
    func `an unsigned varint is read and written`(_ value: UInt32, _ bytes: [UInt8]) throws {
        #expect(written { $0.append(uvarint: value) } == bytes)
        #expect(try Read.uvarint(bytes) == Int64(value))
    }

    @Test(arguments: varints)
    func `a zig-zag varint is read and written`(_ value: Int64, _ bytes: [UInt8]) throws {
        #expect(written { $0.append(varint: value) } == bytes)
        #expect(try Read.varint(bytes) == value)
        #expect(try Read.varlong(bytes) == value)
    }

    @Test(arguments: varlongs)
    func `a zig-zag varlong is read and written`(_ value: Int64, _ bytes: [UInt8]) throws {
        #expect(written { $0.append(varint: value) } == bytes)
        #expect(try Read.varlong(bytes) == value)
    }

    @Test func `fixed integers are big-endian and keep their sign`() throws {
        #expect(try Read.uint8([0xff]) == 255)
        #expect(try Read.int8([0xff]) == -1)
        #expect(try Read.int16([0x01, 0x02]) == 0x0102)
        #expect(try Read.int16([0xff, 0xfe]) == -2)
        #expect(try Read.int32([0x01, 0x02, 0x03, 0x04]) == 0x0102_0304)
        #expect(try Read.int32([0x80, 0, 0, 0]) == Int64(Int32.min))
        #expect(try Read.uint32([0x80, 0, 0, 0]) == 0x8000_0000)
        #expect(try Read.int64([1, 2, 3, 4, 5, 6, 7, 8]) == 0x0102_0304_0506_0708)
        #expect(try Read.int64([0x80, 0, 0, 0, 0, 0, 0, 0]) == .min)
    }

    @Test func `integers are read at every alignment`() throws {
        for offset in 0..<16 {
            let source = buffer([UInt8](repeating: 0xee, count: offset) + [1, 2, 3, 4, 5, 6, 7, 8])
            var cursor = ByteCursor(source.bytes)
            try cursor.skip(offset)
            #expect(try cursor.int64() == 0x0102_0304_0506_0708)
            #expect(cursor.remaining == 0)
        }
    }

    // MARK: what is not minimal, or too long

    @Test func `a varint that is longer than it must be is accepted`() throws {
        #expect(try Read.uvarint([0x80, 0x00]) == 0)
        #expect(try Read.uvarint([0x81, 0x80, 0x80, 0x80, 0x00]) == 1)
        #expect(try Read.varint([0x82, 0x80, 0x00]) == 1)
        #expect(try Read.varlong([0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]) == 1)
    }

    @Test(arguments: [Read.uvarint, .varint])
    func `a sixth byte or a 33rd bit is refused`(_ read: Read) {
        let endless = [UInt8](repeating: 0x80, count: 5) + [0x00]
        #expect(throws: WireError.overlongVarint(at: 0)) { try read(endless) }
        #expect(throws: WireError.overlongVarint(at: 0)) {
            try read([0xff, 0xff, 0xff, 0xff, 0x10])
        }
        #expect(throws: WireError.overlongVarint(at: 0)) {
            try read([0xff, 0xff, 0xff, 0xff, 0x7f])
        }
    }

    @Test func `an eleventh byte is refused`() {
        let endless = [UInt8](repeating: 0xff, count: 10) + [0x00]
        #expect(throws: WireError.overlongVarint(at: 0)) { try Read.varlong(endless) }
    }

    @Test func `an error names the offset of the field that was wrong`() throws {
        let source = buffer([1, 2, 3] + [UInt8](repeating: 0xff, count: 11))
        var cursor = ByteCursor(source.bytes)
        try cursor.skip(3)
        do {
            _ = try cursor.uvarint()
            Issue.record("an overlong varint was accepted")
        } catch {
            #expect(error == .overlongVarint(at: 3))
        }
    }

    // MARK: bytes that end too early

    @Test(arguments: Read.allCases)
    func `a truncated value is reported at every length`(_ read: Read) {
        let whole: [UInt8] =
            read.bytesMax == read.bytesMin
            ? [UInt8](repeating: 0x7f, count: read.bytesMax)
            : [UInt8](repeating: 0x80, count: read.bytesMax - 1) + [0x01]
        for length in 0..<whole.count {
            let source = buffer(Array(whole.prefix(length)))
            var cursor = ByteCursor(source.bytes)
            do {
                _ = try read(&cursor)
                Issue.record("\(read) was read from \(length) bytes")
            } catch {
                let at = read.bytesMax == read.bytesMin ? 0 : length
                let needed = read.bytesMax == read.bytesMin ? whole.count - length : 1
                #expect(error == .truncated(at: at, needed: needed))
            }
        }
        #expect(throws: Never.self) { _ = try read(whole) }
    }

    @Test func `a struct cut at every offset fails and never reads beyond`() {
        let source = ByteBuffer()
        source.append(int32: 7)
        source.append(uvarint: 300)
        source.append(int16: 3)
        source.append("abc")
        source.append(varint: -65)
        source.append(int64: 9)
        for length in 0...source.count {
            var cursor = ByteCursor(source.bytes(in: 0..<length))
            do {
                try readStruct(&cursor)
                #expect(length == source.count)
            } catch {
                #expect(length < source.count)
            }
            #expect(cursor.offset <= length)
        }
    }

    private func readStruct(_ cursor: inout ByteCursor) throws(WireError) {
        _ = try cursor.int32()
        _ = try cursor.uvarint()
        let name = try cursor.int16()
        _ = try cursor.slice(Int(name))
        _ = try cursor.varint()
        _ = try cursor.int64()
    }

    @Test func `a failed fixed read leaves the offset where it was`() {
        let source = buffer([1, 2, 3])
        var cursor = ByteCursor(source.bytes)
        #expect((try? cursor.int32()) == nil)
        #expect(cursor.offset == 0)
        #expect(cursor.remaining == 3)
        #expect((try? cursor.int16()) == 0x0102)
    }

    // MARK: slices

    @Test func `a slice is the next bytes, and the rest is what follows`() throws {
        let source = buffer([1, 2, 3, 4, 5])
        var cursor = ByteCursor(source.bytes)
        #expect(try cursor.slice(2).array == [1, 2])
        #expect(cursor.rest().array == [3, 4, 5])
        try cursor.skip(1)
        #expect(cursor.offset == 3)
        #expect(cursor.part(1..<4).array == [2, 3, 4])
        #expect(try cursor.slice(2).array == [4, 5])
        #expect(cursor.remaining == 0)
        #expect(try cursor.slice(0).array == [])
        #expect(cursor.rest().byteCount == 0)
    }

    @Test func `negative and too large lengths are refused without moving`() {
        let source = buffer([1, 2, 3])
        var cursor = ByteCursor(source.bytes)
        for length in [-1, Int(Int32.min), Int.min] {
            var refused: [WireError] = []
            do { _ = try cursor.slice(length) } catch { refused.append(error) }
            do { try cursor.skip(length) } catch { refused.append(error) }
            #expect(refused == [.badLength(at: 0, length), .badLength(at: 0, length)])
        }
        for length in [4, Int(Int32.max), Int.max] {
            var refused: [WireError] = []
            do { _ = try cursor.slice(length) } catch { refused.append(error) }
            do { try cursor.skip(length) } catch { refused.append(error) }
            let expected = WireError.truncated(at: 0, needed: length - 3)
            #expect(refused == [expected, expected])
        }
        #expect(cursor.offset == 0)
    }

    @Test func `a cursor over nothing is at its end`() {
        let source = ByteBuffer()
        var cursor = ByteCursor(source.bytes)
        #expect(cursor.remaining == 0)
        #expect((try? cursor.uint8()) == nil)
        #expect(throws: Never.self) { try skipNothing() }
    }

    private func skipNothing() throws {
        let source = ByteBuffer()
        var cursor = ByteCursor(source.bytes)
        try cursor.skip(0)
    }

    @Test func `a part outside the span is a crash, not a read`() async {
        await #expect(processExitsWith: .failure) {
            let source = buffer([1, 2, 3])
            let cursor = ByteCursor(source.bytes)
            _ = cursor.part(1..<5).byteCount
        }
    }

    // MARK: garbage

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `random reads of random bytes stay inside and move forward`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<2_000 {
            let length = Int.random(in: 0...40, using: &random)
            let source = buffer(random.bytes(length))
            var cursor = ByteCursor(source.bytes)
            while !cursor.isAtEnd {
                let before = cursor.offset
                let read = Read.allCases[Int.random(in: 0..<Read.allCases.count, using: &random)]
                do {
                    _ = try read(&cursor)
                    let used = cursor.offset - before
                    #expect(used >= read.bytesMin && used <= read.bytesMax, "seed \(seed)")
                } catch {
                    #expect(cursor.offset >= before && cursor.offset <= length, "seed \(seed)")
                    break
                }
            }
        }
    }

    @Test(arguments: [11, 12] as [UInt64])
    func `every number survives a round trip`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20_000 {
            let value = Int64(
                bitPattern: random.next() >> UInt64.random(in: 0..<64, using: &random))
            let narrow = Int32(truncatingIfNeeded: value)
            #expect(try Read.varlong(written { $0.append(varint: value) }) == value)
            #expect(try Read.varint(written { $0.append(varint: Int64(narrow)) }) == Int64(narrow))
            let unsigned = UInt32(truncatingIfNeeded: value)
            #expect(try Read.uvarint(written { $0.append(uvarint: unsigned) }) == Int64(unsigned))
            #expect(try Read.int64(written { $0.append(int64: value) }) == value)
        }
    }

    @Test func `errors say what and where`() {
        #expect(
            WireError.truncated(at: 4, needed: 2).description == "truncated at byte 4: needs 2 more"
        )
        #expect(WireError.overlongVarint(at: 9).description == "varint at byte 9 is too long")
        #expect(
            WireError.badLength(at: 1, -5).description == "length -5 at byte 1 is out of range")
        #expect(WireError.invalid(at: 16, "magic").description == "invalid magic at byte 16")
        #expect(WireError.invalid(at: 16, "magic") != .invalid(at: 17, "magic"))
    }
}
