// WireStrings: appending Kafka's strings, counts and frames.

package import Bytes

extension ByteBuffer {
    /// Appends a string with its length; nil is null.
    /// - Parameter string: at most 32,767 bytes, as Kafka bounds strings.
    package func append(kafkaString string: String?, isFlexible: Bool) {
        append(kafkaLength: string?.utf8.count ?? -1, isFlexible: isFlexible)
        if let string { append(string) }
    }

    /// Appends the bytes of a string with its length.
    package func append(kafkaString bytes: RawSpan, isFlexible: Bool) {
        append(kafkaLength: bytes.byteCount, isFlexible: isFlexible)
        append(bytes)
    }

    /// Appends the length of a string, -1 for null.
    package func append(kafkaLength count: Int, isFlexible: Bool) {
        precondition(count <= 32_767, "a string longer than the protocol allows")
        if isFlexible {
            append(uvarint: UInt32(count + 1))
        } else {
            append(int16: Int16(count))
        }
    }

    /// Appends the count of an array, or the length of bytes or records; -1 for null.
    package func append(kafkaCount count: Int, isFlexible: Bool) {
        if isFlexible {
            append(uvarint: UInt32(count + 1))
        } else {
            append(int32: Int32(count))
        }
    }

    /// Appends an empty tag buffer where the version has one.
    package func append(noTagsIf isFlexible: Bool) {
        if isFlexible { append(0 as UInt8) }
    }

    /// Begins a frame whose size is not known yet.
    /// - Returns: what `endFrame` needs.
    package func beginFrame() -> Int {
        append(int32: 0)
        return count
    }

    /// Writes the size of the frame that began at `start`.
    package func endFrame(_ start: Int) { set(int32: Int32(count - start), at: start - 4) }
}
