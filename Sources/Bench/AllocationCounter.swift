// AllocationCounter: how many heap allocations a piece of work makes.

internal import CMallocCount

/// Counts malloc, calloc and realloc, by Swift's runtime, C libraries and this code alike.
enum AllocationCounter {
    /// How many allocations the process makes while `body` runs.
    static func count(_ body: () throws -> Void) rethrows -> Int {
        let before = wax_allocation_count()
        try body()
        return Int(wax_allocation_count() - before)
    }
}
