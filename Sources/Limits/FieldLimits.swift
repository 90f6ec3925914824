// FieldLimits: what paths of fields may say, and what looking for fields in a document may cost.

/// Bounds of field paths and of the documents that they are followed through.
package enum FieldLimits {
    // MARK: paths

    /// One path as it is written, in bytes of UTF-8.
    package static let pathBytesMax = 1_024
    /// Names, places and wildcards of one path. Each takes a bit of a 64-bit word.
    package static let segmentsMax = 32
    /// Largest place in an array: 2^53 - 1 (RFC 9535 section 2.1).
    package static let indexMax = 1 << 53 - 1
    /// Paths that are followed at once.
    package static let pathsMax = 256
    /// 64-bit words of the set of places at which paths are while they are followed. No path
    /// lies in two words, so that at least 4 x 33 segments have room.
    package static let stateWords = 4
    /// Steps after which the comparison of two paths gives up. Only paths with several `..` and
    /// many wildcards behind them come near it.
    package static let comparedStatesMax = 4_096

    // MARK: documents

    /// One document: as much as a whole batch may inflate to.
    package static let documentBytesMax = 128 << 20
    /// Nesting of arrays and objects.
    package static let depthMax = 512
    /// Selected values of one document. Ten times what a topic's largest record by default (1 MiB)
    /// has room for when each is sealed.
    package static let hitsMax = 1 << 17
    /// One normalized path: what the length field of associated data can say.
    package static let nameBytesMax = 65_535
    /// Normalized paths of all selected values of one document: a long name around an array of
    /// selected elements comes again with each of them.
    package static let namesBytesMax = 32 << 20
    /// Storage for hits and names that grew beyond this is given back before the next document.
    package static let hitsKept = 4_096
    package static let namesBytesKept = 1 << 20

    // MARK: documents that are remembered

    /// Sets of paths for which a scanner remembers documents, and documents without their values
    /// for each of them, with a bit of a 64-bit word for each.
    package static let shapeMemoriesMax = 16
    package static let shapesMax = 8
    /// Documents after which a set that was not asked for makes room for another.
    package static let shapeMemoryIdle: UInt64 = 4_096
    /// Scalar values of such a document, and bytes of it or of its normalized paths: more than
    /// records of an application have, and little enough to keep on every event loop.
    package static let shapeValuesMax = 512
    package static let shapeBytesMax = 8 << 10
    /// Selected values of it. They are looked up one by one when it is remembered.
    package static let shapeHitsMax = 64
}
