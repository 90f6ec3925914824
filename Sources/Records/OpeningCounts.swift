// OpeningCounts: what a partition's records were shown as.

/// Numbers of values by what became of them, in one call of `BatchOpener.open`. A value that was
/// sealed whole counts one, and so does each sealed field of a document. They hold for what was
/// delivered only when the call was successful.
package struct OpeningCounts: Equatable, Sendable {
    /// Sealed values shown as the producer sent them.
    package var opened = 0
    /// Values shown masked.
    package var masked = 0
    /// Fields left out of their documents.
    package var droppedFields = 0
    /// Records that were not delivered.
    package var droppedRecords = 0
    /// Sealed values that stay so because the view says it.
    package var leftSealed = 0
    /// Records without seal, with a value that is not null, in batches that were looked into.
    package var plain = 0
    /// Sealed records that do not open and were delivered as they are stored.
    package var unopenable = 0
    /// Values that should have been masked as JSON, are not, and were hidden whole.
    package var notJSON = 0

    package init() {}

    /// Adds what another value or document came to.
    package mutating func add(_ other: OpeningCounts) {
        opened += other.opened
        masked += other.masked
        droppedFields += other.droppedFields
        droppedRecords += other.droppedRecords
        leftSealed += other.leftSealed
        plain += other.plain
        unopenable += other.unopenable
        notJSON += other.notJSON
    }
}
