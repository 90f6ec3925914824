// FieldPathSet: several paths made ready to be followed through a document at once.

/// Paths in the order in which they are asked: where two select the same value, the first counts.
package struct FieldPathSet: Hashable, Sendable {
    package let paths: [FieldPath]

    /// - Throws: when there are too many, or they are too long together.
    package init(_ paths: [FieldPath]) throws(FieldPathError) {
        self.paths = paths
    }
}
