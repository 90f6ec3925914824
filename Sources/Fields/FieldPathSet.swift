// FieldPathSet: several paths made ready to be followed through a document at once.

internal import Limits

/// Paths in the order in which they are asked: where two select the same value, the first counts.
package struct FieldPathSet: Hashable, Sendable {
    package let paths: [FieldPath]
    /// Made of `paths` alone.
    internal let program: PathProgram

    /// - Throws: when there are too many, or they are too long together.
    package init(_ paths: [FieldPath]) throws(FieldPathError) {
        guard paths.count <= FieldLimits.pathsMax else {
            throw FieldPathError(offset: 0, "at most \(FieldLimits.pathsMax) paths at once")
        }
        self.paths = paths
        program = try PathProgram(paths)
    }

    package static func == (left: FieldPathSet, right: FieldPathSet) -> Bool {
        left.paths == right.paths
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(paths) }
}
