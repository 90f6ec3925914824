// SealingPlan: what is done to the values of one partition of a Produce request.

package import Envelope
package import Fields

/// What becomes of a produced value that should be a JSON document and is not. A value that is
/// beyond the limits of what can be looked into may be one: it is sealed whole with `seal`, and
/// else refused, never passed.
package enum NotJSONChoice: Hashable, Sendable {
    /// The batch is refused (INVALID_RECORD).
    case refuse
    /// The whole value is sealed.
    case seal
    /// It is stored as it came.
    case pass
}

/// How values are sealed, and how large a batch may become.
package struct SealingPlan: Hashable, Sendable {
    /// The topic name that sealed values are bound to.
    package var topic: String
    /// Fields of JSON documents that are sealed; nil seals whole values.
    package var fields: FieldPathSet?
    /// Asked only with `fields`.
    package var notJSON = NotJSONChoice.refuse
    /// Whether only the first sealed record of each data key in each batch that goes out carries
    /// the wrapped key. For topics that are not compacted.
    package var leanForm = false
    /// Compression of whole values before they are sealed. With `fields` it is not asked: short
    /// texts would gain little, and a document's layout would tell of them.
    package var compression = EnvelopeCompression.none
    /// The topic's `max.message.bytes`.
    package var bytesMax: Int

    package init(topic: String, bytesMax: Int) {
        self.topic = topic
        self.bytesMax = bytesMax
    }
}
