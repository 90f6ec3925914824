// AssociatedData: the bytes that a ciphertext is bound to, kept ready for one topic at a time.

internal import Bytes
internal import Limits

/// Associated data of one data key: format, suite, data-key id, key reference, topic, field path.
///
/// A ciphertext moved to another topic or field, or claimed for another key, does not open. The
/// bytes up to the key reference never change for a key but for the flags, and the topic seldom
/// does, so they are kept; the path of a field is put behind them value by value.
internal final class AssociatedData {
    /// What AES-GCM is given.
    internal let buffer: ByteBuffer
    private let referenceStart: Int
    private let prefixBytes: Int
    private var topic: String?
    /// Where the field path's length stands once a topic is bound.
    private var pathStart = 0
    private var hasPath = false
    /// The flags that `buffer` has now.
    private var flags: UInt8 = 0

    /// Where the suite byte stands: behind the format's name and version.
    private static let suiteOffset = EnvelopeFormat.headerKey.utf8CodeUnitCount + 1

    internal init(id: UInt64, reference: String) throws(EnvelopeError) {
        let referenceBytes = reference.utf8.count
        guard (1...RecordLimits.keyReferenceBytesMax).contains(referenceBytes) else {
            throw .badReference(bytes: referenceBytes)
        }
        buffer = ByteBuffer(capacity: 192)
        buffer.append(EnvelopeFormat.headerKey.description)
        buffer.append(EnvelopeFormat.version)
        buffer.append(EnvelopeFormat.suiteAES256GCM)
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

    /// Makes the bytes those of whole values of `topic` that are not compressed.
    internal func bind(topic: String) throws(EnvelopeError) {
        // By bytes: two spellings of one text would be one topic to Swift, and are two to others.
        if let bound = self.topic, bound.utf8.elementsEqual(topic.utf8) {
            return use(compression: .none)
        }
        let topicBytes = topic.utf8.count
        guard (1...RecordLimits.topicNameBytesMax).contains(topicBytes) else {
            throw .badTopic(bytes: topicBytes)
        }
        buffer.truncate(to: prefixBytes)
        buffer.append(int16: Int16(topicBytes))
        buffer.append(topic)
        pathStart = buffer.count
        buffer.append(int16: 0)  // Field path: none, the whole value.
        hasPath = false
        self.topic = topic
        use(compression: .none)
    }

    /// Makes the bytes those of a whole value of the topic that was bound.
    @inline(__always)
    internal func use(compression: EnvelopeCompression) {
        let wanted = compression.rawValue
        if flags == wanted, !hasPath { return }
        useWhole(wanted)
    }

    private func useWhole(_ wanted: UInt8) {
        set(flags: wanted)
        guard hasPath else { return }
        buffer.truncate(to: pathStart)
        buffer.append(int16: 0)
        hasPath = false
    }

    /// Makes the bytes those of the field at `path` of documents of the topic that was bound.
    ///
    /// - Parameter path: the normalized path (RFC 9535 section 2.7), UTF-8.
    internal func use(path: RawSpan) throws(EnvelopeError) {
        guard (1...RecordLimits.fieldPathBytesMax).contains(path.byteCount) else {
            throw .badPath(bytes: path.byteCount)
        }
        set(flags: EnvelopeFormat.flagFields)
        buffer.truncate(to: pathStart)
        buffer.append(int16: Int16(bitPattern: UInt16(path.byteCount)))
        buffer.append(path)
        hasPath = true
    }

    private func set(flags wanted: UInt8) {
        flags = wanted
        buffer.set(byte: EnvelopeFormat.suiteAES256GCM | wanted, at: AssociatedData.suiteOffset)
    }
}
