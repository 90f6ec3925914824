// ByteBufferTests: growth, reuse, patching, and the misuse that must crash.

import Bytes
import Testing

@Suite struct ByteBufferTests {
    // MARK: appending and growing

    @Test func `a new buffer is empty and has the room asked for`() {
        let buffer = ByteBuffer(capacity: 1_000)
        #expect(buffer.count == 0)
        #expect(buffer.capacity >= 1_000)
        #expect(buffer.bytes.byteCount == 0)
        #expect(buffer.array == [])
        #expect(ByteBuffer(capacity: 0).capacity == 16)
        #expect(ByteBuffer(capacity: -5).capacity == 16)
    }

    @Test func `what was appended stays through every growth`() {
        let buffer = ByteBuffer(capacity: 16)
        var expected: [UInt8] = []
        for index in 0..<5_000 {
            buffer.append(UInt8(truncatingIfNeeded: index))
            expected.append(UInt8(truncatingIfNeeded: index))
            if index.isMultiple(of: 997) { #expect(buffer.array == expected) }
            #expect(buffer.capacity >= buffer.count)
        }
        #expect(buffer.array == expected)
    }

    @Test func `each append writes its bytes in order`() {
        let buffer = ByteBuffer()
        buffer.append(0x01 as UInt8)
        buffer.append(int8: -2)
        buffer.append(int16: -3)
        buffer.append(int32: 0x0102_0304)
        buffer.append(int64: 0x0102_0304_0506_0708)
        buffer.append(uint32: 0xfffe_fdfc)
        buffer.append("æ")
        buffer.append([9, 8])
        buffer.append("")
        buffer.append([])
        #expect(
            buffer.array == [
                0x01, 0xfe, 0xff, 0xfd, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xfe, 0xfd, 0xfc,
                0xc3, 0xa6, 9, 8,
            ])
    }

    @Test func `growth happens at every fill level of every append`() {
        for fill in 0...40 {
            let start = [UInt8](repeating: 7, count: fill)
            let integers = buffer(start)
            integers.append(int64: 1)
            #expect(integers.array == start + [0, 0, 0, 0, 0, 0, 0, 1])
            let varints = buffer(start)
            varints.append(varint: .min)
            #expect(varints.array == start + [UInt8](repeating: 0xff, count: 9) + [1])
            let spans = buffer(start)
            spans.append(buffer([1, 2, 3]).bytes)
            #expect(spans.array == start + [1, 2, 3])
        }
    }

    @Test func `a span of another buffer is copied`() {
        let source = buffer([1, 2, 3, 4])
        let target = buffer([9])
        target.append(source.bytes(in: 1..<3))
        source.set(byte: 0, at: 1)
        #expect(target.array == [9, 2, 3])
        target.append(source.bytes(in: 2..<2))
        #expect(target.count == 3)
    }

    @Test func `reserved room is used without growing`() {
        let buffer = ByteBuffer(capacity: 16)
        buffer.append([1, 2, 3])
        buffer.reserve(4_000)
        let capacity = buffer.capacity
        #expect(capacity >= 4_003)
        for _ in 0..<4_000 { buffer.append(1 as UInt8) }
        #expect(buffer.capacity == capacity)
        #expect(buffer.array.prefix(3) == [1, 2, 3])
    }

    @Test func `room reserved exactly is not more than asked for`() {
        let buffer = ByteBuffer(capacity: 16)
        buffer.append([1, 2, 3])
        buffer.reserveExactly(5_000)
        #expect(buffer.capacity == 5_003)
        buffer.reserveExactly(10)
        #expect(buffer.capacity == 5_003)
        #expect(buffer.array == [1, 2, 3])
    }

    @Test func `emptying keeps the storage`() {
        let buffer = ByteBuffer(capacity: 16)
        buffer.append([UInt8](repeating: 1, count: 10_000))
        let capacity = buffer.capacity
        buffer.removeAll()
        #expect(buffer.count == 0)
        #expect(buffer.capacity == capacity)
        buffer.append(5 as UInt8)
        #expect(buffer.array == [5])
    }

    @Test func `many small appends grow the storage few times`() {
        let buffer = ByteBuffer(capacity: 16)
        var capacities: Set<Int> = []
        for _ in 0..<1_000_000 {
            buffer.append(0 as UInt8)
            capacities.insert(buffer.capacity)
        }
        #expect(capacities.count <= 20)
    }

    // MARK: cutting

    @Test func `truncation and removal from the front keep the rest`() {
        let buffer = buffer([1, 2, 3, 4, 5, 6])
        buffer.truncate(to: 5)
        #expect(buffer.array == [1, 2, 3, 4, 5])
        buffer.removeFirst(2)
        #expect(buffer.array == [3, 4, 5])
        buffer.removeFirst(0)
        #expect(buffer.array == [3, 4, 5])
        buffer.truncate(to: 3)
        #expect(buffer.array == [3, 4, 5])
        buffer.removeFirst(3)
        #expect(buffer.array == [])
        buffer.append([8])
        #expect(buffer.array == [8])
    }

    @Test func `a part of the content is given by range`() {
        let buffer = buffer([1, 2, 3, 4])
        #expect(buffer.bytes(in: 0..<4).array == [1, 2, 3, 4])
        #expect(buffer.bytes(in: 1..<3).array == [2, 3])
        #expect(buffer.bytes(in: 4..<4).array == [])
    }

    // MARK: patching

    @Test func `a placeholder is patched in place`() {
        let buffer = ByteBuffer()
        buffer.append([0, 0, 0, 0, 0xaa, 0xbb])
        buffer.set(int32: 0x0102_0304, at: 0)
        #expect(buffer.array == [1, 2, 3, 4, 0xaa, 0xbb])
        buffer.set(int16: -2, at: 3)
        #expect(buffer.array == [1, 2, 3, 0xff, 0xfe, 0xbb])
        buffer.set(byte: 9, at: 5)
        #expect(buffer.array == [1, 2, 3, 0xff, 0xfe, 9])
        buffer.set(uint32: 0xe306_9283, at: 2)
        #expect(buffer.array == [1, 2, 0xe3, 0x06, 0x92, 0x83])
        buffer.append([0, 0])
        buffer.set(int64: -1, at: 0)
        #expect(buffer.array == [UInt8](repeating: 0xff, count: 8))
    }

    @Test func `a range is overwritten with zeros`() {
        let buffer = buffer([1, 2, 3, 4, 5])
        buffer.zero(1..<3)
        #expect(buffer.array == [1, 0, 0, 4, 5])
        buffer.zero(5..<5)
        buffer.zero(0..<5)
        #expect(buffer.array == [0, 0, 0, 0, 0])
    }

    @Test func `a body fills the room that it was given`() {
        let buffer = buffer([1])
        // SAFETY: four bytes of the 4,000 are written and claimed.
        unsafe buffer.appendUninitialized(4_000) { room in
            unsafe room.copyBytes(from: [9, 8, 7, 6] as [UInt8])
            return 4
        }
        #expect(buffer.array == [1, 9, 8, 7, 6])
    }

    @Test func `a body that fails leaves the content as it was`() {
        let buffer = buffer([1])
        var caught: WireError?
        do throws(WireError) {
            // SAFETY: nothing is written.
            try unsafe buffer.appendUninitialized(10) { _ throws(WireError) -> Int in
                throw .truncated(at: 0, needed: 1)
            }
        } catch {
            caught = error
        }
        #expect(caught == .truncated(at: 0, needed: 1))
        #expect(buffer.array == [1])
    }

    // MARK: comparing and text

    @Test(
        arguments: [
            ([1, 2, 3], [1, 2, 3], true), ([1, 2, 3], [1, 2, 4], false),
            ([1, 2, 3], [1, 2], false),
            ([], [], true), ([], [1], false),
        ] as [([UInt8], [UInt8], Bool)])
    func `runs are the same when every byte is`(_ one: [UInt8], _ two: [UInt8], _ same: Bool) {
        let left = buffer(one)
        let right = buffer(two)
        let answer = left.bytes.sameBytes(as: right.bytes)
        #expect(answer == same)
    }

    @Test func `text replaces what is not UTF-8`() {
        #expect(buffer([0x68, 0xc3, 0xa6]).bytes.text == "hæ")
        #expect(buffer([0x68, 0xff]).bytes.text == "h\u{fffd}")
        #expect(buffer([]).bytes.text == "")
    }

    // MARK: misuse

    @Test func `a patch that ends beyond the content crashes`() async {
        await #expect(processExitsWith: .failure) { buffer([1, 2, 3]).set(int32: 1, at: 0) }
        await #expect(processExitsWith: .failure) { buffer([1, 2, 3]).set(int16: 1, at: 2) }
        await #expect(processExitsWith: .failure) { buffer([1, 2, 3]).set(byte: 1, at: -1) }
        await #expect(processExitsWith: .failure) { buffer([1, 2, 3]).set(int64: 1, at: .max) }
    }

    @Test func `a range outside the content crashes`() async {
        await #expect(processExitsWith: .failure) { _ = buffer([1, 2]).bytes(in: 1..<3).byteCount }
        await #expect(processExitsWith: .failure) {
            _ = buffer([1, 2]).bytes(in: -1..<1).byteCount
        }
        await #expect(processExitsWith: .failure) { buffer([1, 2]).zero(0..<3) }
        await #expect(processExitsWith: .failure) { buffer([1, 2]).truncate(to: 3) }
        await #expect(processExitsWith: .failure) { buffer([1, 2]).truncate(to: -1) }
        await #expect(processExitsWith: .failure) { buffer([1, 2]).removeFirst(3) }
        await #expect(processExitsWith: .failure) { buffer([1, 2]).removeFirst(-1) }
    }

    @Test func `a body that claims more than its room crashes`() async {
        await #expect(processExitsWith: .failure) {
            // SAFETY: nothing is written; the claim is what is tested.
            unsafe buffer([]).appendUninitialized(8) { _ in 9 }
        }
        await #expect(processExitsWith: .failure) {
            unsafe buffer([]).appendUninitialized(8) { _ in -1 }
        }
    }
}
