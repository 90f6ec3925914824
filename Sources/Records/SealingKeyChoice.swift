// SealingKeyChoice: which data key seals a record: one for all, or one by a record header.

internal import Bytes
package import Envelope

/// The data keys that one batch is sealed with.
package enum SealingKeyChoice {
    /// All records are sealed with this key.
    case one(SealingKey)
    /// A record header says which.
    case byHeader(HeaderKeys)
}

/// Data keys by the value that a record header has.
package struct HeaderKeys {
    /// The header's key, UTF-8.
    internal let name: ByteBuffer
    internal let keys: [SealingKey]
    /// The values behind each other, and where each stands.
    private let values = ByteBuffer(capacity: 64)
    private let places: [Range<Int>]
    /// Checksums of the values: most of a search among many is over numbers.
    private let sums: [UInt32]

    /// - Parameters:
    ///   - header: the record header's key.
    ///   - keys: header values, as `BatchSealer.headerValues` gave them, each once, and the key
    ///     for each.
    package init(header: String, keys: [(value: String, key: SealingKey)]) {
        name = ByteBuffer(capacity: header.utf8.count)
        name.append(header)
        self.keys = keys.map(\.key)
        var places: [Range<Int>] = []
        for (value, _) in keys {
            let start = values.count
            values.append(value)
            places.append(start..<values.count)
        }
        self.places = places
        let all = values
        sums = places.map { HeaderKeys.sum(all.bytes(in: $0)) }
    }

    /// The place of the key for this value of the header; nil when there is none.
    internal func place(of value: RawSpan) -> Int? {
        let sum = HeaderKeys.sum(value)
        let all = values
        for index in sums.indices where sums[index] == sum {
            if all.bytes(in: places[index]).sameBytes(as: value) { return index }
        }
        return nil
    }

    internal static func sum(_ value: RawSpan) -> UInt32 { CRC32C.checksum(value) }
}

/// The different values that one record header has in a batch, in the order of the records.
internal struct HeaderValues {
    /// Where each stands in the batch's records.
    internal private(set) var places: [Range<Int>] = []
    private var sums: [UInt32] = []

    /// Notes the value at `place` unless it was seen before.
    internal mutating func insert(_ records: RawSpan, _ place: Range<Int>) {
        let value = records.extracting(place)
        if let last = places.last, records.extracting(last).sameBytes(as: value) { return }
        let sum = HeaderKeys.sum(value)
        for index in sums.indices where sums[index] == sum {
            if records.extracting(places[index]).sameBytes(as: value) { return }
        }
        places.append(place)
        sums.append(sum)
    }
}
