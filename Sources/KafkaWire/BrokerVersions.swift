// BrokerVersions: the versions a broker offers.

/// The versions that a broker said it speaks, by API key.
package struct BrokerVersions: Sendable, Equatable {
    private var ranges: [ClosedRange<Int16>?]

    /// Nothing offered yet.
    package init() { ranges = Array(repeating: nil, count: ApiDefinition.all.count) }

    /// Keys that the tables do not have are dropped, as are empty ranges.
    package mutating func record(_ apiKey: Int16, min: Int16, max: Int16) {
        guard apiKey >= 0, apiKey < ranges.count, min <= max else { return }
        ranges[Int(apiKey)] = min...max
    }

    package var isEmpty: Bool { ranges.allSatisfy { $0 == nil } }

    /// - Returns: nil when the broker does not serve the API.
    package func range(of apiKey: Int16) -> ClosedRange<Int16>? {
        apiKey >= 0 && apiKey < ranges.count ? ranges[Int(apiKey)] : nil
    }

    /// The highest version in `wanted` that the broker offers, nil when there is none.
    package func best(_ apiKey: Int16, in wanted: ClosedRange<Int16>) -> Int16? {
        guard let offered = range(of: apiKey), offered.overlaps(wanted) else { return nil }
        return min(offered.upperBound, wanted.upperBound)
    }
}
