// AssociatedData: the bytes that a ciphertext is bound to, kept ready for one topic at a time.

internal import Bytes
internal import Limits

/// Associated data of one data key: format, suite, data-key id, key reference, topic, field path.
///
/// A ciphertext moved to another topic, or claimed for another key, does not open. The bytes up to
/// the key reference never change for a key, and the topic seldom does, so they are kept.
internal final class AssociatedData {
    /// What AES-GCM is given.
    internal let buffer: ByteBuffer
    private let referenceStart: Int
    private let prefixBytes: Int
    private var topic: String?

    internal init(id: UInt64, reference: String) throws(EnvelopeError) {
        let referenceBytes = reference.utf8.count
        guard (1...RecordLimits.keyReferenceBytesMax).contains(referenceBytes) else {
            throw .badReference(bytes: referenceBytes)
        }
        buffer = ByteBuffer(capacity: 96)
        buffer.append(EnvelopeFormat.headerKey.description)
        buffer.append(EnvelopeFormat.version)
        buffer.append(EnvelopeFormat.wholeValueSuite)
        buffer.append(int64: Int64(bitPattern: id))
        buffer.append(int16: Int16(referenceBytes))
        referenceStart = buffer.count
        buffer.append(reference)
        prefixBytes = buffer.count
    }

    /// Whether the bound key reference is exactly these bytes.
    internal func hasReference(_ reference: RawSpan) -> Bool {
        let kept = buffer
        return kept.bytes(in: referenceStart..<prefixBytes).sameBytes(as: reference)
    }

    /// Makes the bytes those of whole values of `topic`.
    internal func bind(topic: String) throws(EnvelopeError) {
        // By bytes: two spellings of one text would be one topic to Swift, and are two to others.
        if let bound = self.topic, bound.utf8.elementsEqual(topic.utf8) { return }
        let topicBytes = topic.utf8.count
        guard (1...RecordLimits.topicNameBytesMax).contains(topicBytes) else {
            throw .badTopic(bytes: topicBytes)
        }
        buffer.truncate(to: prefixBytes)
        buffer.append(int16: Int16(topicBytes))
        buffer.append(topic)
        buffer.append(int16: 0)  // Field path: none, the whole value.
        self.topic = topic
    }
}
