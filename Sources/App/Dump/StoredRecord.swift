// StoredRecord: one record of a dump, whatever it was dumped by.

internal import Bytes
internal import Envelope

/// A record as a broker stores it.
internal struct StoredRecord: Equatable {
    struct Header: Equatable {
        /// UTF-8 by rule, any bytes in fact.
        var key: [UInt8]
        var value: [UInt8]?

        var isSeal: Bool { key.elementsEqual(EnvelopeFormat.headerKey.description.utf8) }
    }

    /// Nil when the dump does not say it.
    var topic: String?
    var partition: Int64?
    var offset: Int64
    /// Milliseconds since 1970.
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [Header] = []

    /// For messages.
    var place: String {
        partition.map { "partition \($0), offset \(offset)" } ?? "offset \(offset)"
    }
}

/// What stands next in a dump.
internal enum DumpItem: Equatable {
    case record(StoredRecord)
    case fault(DumpFault)
}

/// Something in a dump that is no record.
internal struct DumpFault: Equatable {
    /// `line 3`, or `offset 20`.
    let place: String
    let reason: String
    /// Records that are lost by it; 0 when nothing is.
    var records = 1
}

/// Gives the records of a dump one after the other.
internal protocol DumpReader {
    /// Nil at the end.
    mutating func next() throws(FileError) -> DumpItem?
}

/// Opens dumps.
internal enum Dump {
    /// - Parameter format: nil: lines of kcat begin with a brace, and segments with the highest
    ///   byte of an offset, which is 0.
    static func reader(
        _ path: String, _ format: DumpFormat?
    ) throws(FileError) -> any DumpReader {
        let input = try DumpInput(path: path)
        let found = if let format { format } else { try guess(input) }
        switch found {
        case .kcat: return KcatDump(input)
        case .segment: return SegmentDump(input)
        }
    }

    /// The format, without a byte being stepped over.
    private static func guess(_ input: DumpInput) throws(FileError) -> DumpFormat {
        guard try input.has(1) else { return .kcat }
        let held = input.bytes
        return held.bytes(in: input.place(0..<1)).array == [UInt8(ascii: "{")] ? .kcat : .segment
    }
}
