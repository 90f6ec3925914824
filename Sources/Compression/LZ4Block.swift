// LZ4Block: one short value as a bare LZ4 block, for values that are compressed one by one.

package import Bytes
internal import CLZ4

/// A value's length (uvarint) and one LZ4 block.
///
/// A frame says the same in 15 bytes more, which is much beside a record of a hundred bytes. The
/// library needs no context for it, and nothing is allocated but the output.
package enum LZ4Block {
    /// Bytes that the library takes at once (LZ4_MAX_INPUT_SIZE).
    private static let inputBytesMax = 0x7E00_0000

    /// Appends the compressed form of `input` if it is shorter than `input` itself.
    ///
    /// - Parameter input: not a part of `output`, which moves when it grows.
    /// - Returns: false, with `output` as it was, when it is not.
    package static func compress(_ input: RawSpan, into output: ByteBuffer) -> Bool {
        let count = input.byteCount
        guard count <= inputBytesMax, let length = UInt32(exactly: count) else { return false }
        let before = output.count
        output.append(uvarint: length)
        let room = count - 1 - (output.count - before)
        guard room > 0 else {
            output.truncate(to: before)
            return false
        }
        var written: Int32 = 0
        // SAFETY: the spans live for the closures; the library reads `count` bytes and writes at
        // most `room`; zero says that it would have needed more.
        unsafe input.withUnsafeBytes { source in
            unsafe output.appendUninitialized(room) { target in
                guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
                written = unsafe LZ4_compress_default(
                    from.assumingMemoryBound(to: CChar.self),
                    to.assumingMemoryBound(to: CChar.self),
                    Int32(truncatingIfNeeded: count), Int32(truncatingIfNeeded: room))
                return max(Int(written), 0)
            }
        }
        guard written > 0 else {
            output.truncate(to: before)
            return false
        }
        return true
    }

    /// Appends the value whose compressed form is `input`.
    ///
    /// - Parameters:
    ///   - input: not a part of `output`, which moves when it grows.
    ///   - outputBytesMax: the declared length is compared with it, and with what the block could
    ///     give at most, before anything is allocated.
    /// - Throws: with `output` as it was.
    package static func decompress(
        _ input: RawSpan, into output: ByteBuffer, outputBytesMax: Int
    ) throws(CompressionError) {
        let (count, start) = try length(input)
        guard count <= outputBytesMax else { throw .outputTooLarge(limit: outputBytesMax) }
        let blockBytes = input.byteCount - start
        guard blockBytes <= inputBytesMax else { throw .inputTooLarge(limit: inputBytesMax) }
        // No block gives more than 255 bytes per byte of its own.
        guard count <= blockBytes * 255 else { throw .corrupt(.lz4, at: 0, .contentSize) }
        var result: Int32 = -1
        // SAFETY: the spans live for the closures; the library reads the block only and writes
        // at most `count` bytes.
        unsafe input.extracting(start..<input.byteCount).withUnsafeBytes { source in
            unsafe output.appendUninitialized(max(count, 1)) { target in
                guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
                result = unsafe LZ4_decompress_safe(
                    from.assumingMemoryBound(to: CChar.self),
                    to.assumingMemoryBound(to: CChar.self),
                    Int32(truncatingIfNeeded: blockBytes), Int32(truncatingIfNeeded: count))
                return Int(result) == count ? count : 0
            }
        }
        guard result >= 0 else { throw .corrupt(.lz4, at: start, .block) }
        guard Int(result) == count else { throw .corrupt(.lz4, at: 0, .contentSize) }
    }

    /// The declared length, and where the block begins.
    private static func length(
        _ input: RawSpan
    ) throws(CompressionError) -> (count: Int, start: Int) {
        var cursor = ByteCursor(input)
        do throws(WireError) {
            let count = Int(try cursor.uvarint())
            guard cursor.remaining > 0 else { throw .truncated(at: cursor.offset, needed: 1) }
            return (count, cursor.offset)
        } catch {
            throw .corrupt(.lz4, at: cursor.offset, .truncated)
        }
    }
}
