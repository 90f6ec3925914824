// MicroBenchmark: sealing and opening batches against the cipher alone, in one run.

import Bytes
import Crypto
import Envelope
import KafkaWire
import Records

/// Seals and opens batches and compares with AES-256-GCM over the same values with nothing around
/// it: same record size, a new nonce per record, no associated data.
///
/// All are interleaved in rounds, in CPU time of this thread, and compared round by round, so that
/// a busy machine shifts them alike.
enum MicroBenchmark {
    private static let rounds = 101
    private static let bytesPerRound = 2 << 20
    private static let topic = "orders"

    private static let shapes = [
        Shape(valueBytes: 1024, records: 15), Shape(valueBytes: 1024, records: 120),
        Shape(valueBytes: 1024, records: 900), Shape(valueBytes: 100, records: 120),
        Shape(valueBytes: 100, records: 1000), Shape(valueBytes: 100, records: 8000),
    ]

    private struct Shape {
        let valueBytes: Int
        let records: Int
    }

    static func run() throws {
        print("nanoseconds per record; allocations per batch; raw: AES-256-GCM by EVP alone")
        print(
            "value B  records  raw seal  raw open  own+AAD       seal      open      scan"
                + "  seal/raw  open/raw  allocations: seal / open")
        for shape in shapes { try run(shape) }
        print("")
        try DocumentBenchmark.run()
    }

    private static func run(_ shape: Shape) throws {
        let bench = try SealBench(shape.valueBytes, shape.records, topic)
        let repeats = max(1, bytesPerRound / (shape.valueBytes * shape.records))
        var raw: [Double] = []
        var rawOpen: [Double] = []
        var bound: [Double] = []
        var seal: [Double] = []
        var open: [Double] = []
        var scan: [Double] = []
        let per = Double(repeats * shape.records)
        for _ in 0..<rounds {
            raw.append(Measurement.time { for _ in 0..<repeats { bench.raw() } } / per)
            seal.append(try Measurement.time { for _ in 0..<repeats { try bench.seal() } } / per)
            open.append(try Measurement.time { for _ in 0..<repeats { try bench.open() } } / per)
            rawOpen.append(Measurement.time { for _ in 0..<repeats { bench.rawOpen() } } / per)
            bound.append(
                try Measurement.time { for _ in 0..<repeats { try bench.rawBound() } } / per)
            scan.append(try Measurement.time { for _ in 0..<repeats { try bench.scan() } } / per)
        }
        let sealAllocations = try AllocationCounter.count { try bench.seal() }
        let openAllocations = try AllocationCounter.count { try bench.open() }
        let cells = [raw, rawOpen, bound, seal, open, scan].map {
            Measurement.tenths(Measurement.median($0), 9)
        }
        print(
            Measurement.pad("\(shape.valueBytes)", 7), Measurement.pad("\(shape.records)", 8),
            cells.joined(separator: " "),
            Measurement.hundredths(Measurement.ratio(raw, to: seal), 9),
            Measurement.hundredths(Measurement.ratio(rawOpen, to: open), 9),
            Measurement.pad("\(sealAllocations)", 19), "/", openAllocations)
    }
}

/// One batch with what is needed to seal it, to open it, and to run the cipher over its values.
private final class SealBench: OpeningKeys {
    private let plain = ByteBuffer()
    private let stored = ByteBuffer()
    private let output = ByteBuffer()
    private let value = ByteBuffer()
    private let associated = ByteBuffer()
    private let evp = EVPRate()
    private var rawValue: [UInt8] = []
    private var rawSealed: [UInt8] = []
    private let records: Int
    private let topic: String
    private let cipher: AESGCM
    private var counter: UInt64 = 0
    private let sealingKey: SealingKey
    private let opening: OpeningKey
    private let sealer = BatchSealer()
    private let opener = BatchOpener()

    init(_ valueBytes: Int, _ records: Int, _ topic: String) throws {
        self.records = records
        self.topic = topic
        let secret = try SecretBytes.random(count: 32)
        let reference = "corp/kek-orders"
        cipher = try AESGCM(key: secret)
        sealingKey = try SealingKey(
            id: 1, reference: reference, wrapped: Array(repeating: 0xab, count: 61), key: secret,
            salt: 5)
        opening = try OpeningKey(id: 1, reference: reference, key: secret)
        for index in 0..<valueBytes { value.append(UInt8(truncatingIfNeeded: index &* 31)) }
        for index in 0..<58 { associated.append(UInt8(index)) }
        var writer = RecordBatchWriter(plain, baseTimestamp: 1_700_000_000_000)
        for index in 0..<records {
            writer.append(
                key: Array("key-\(index)".utf8), value: value.array,
                timestamp: 1_700_000_000_000 + Int64(index), into: plain)
        }
        writer.finish(plain)
        rawValue = value.array
        rawSealed = Array(repeating: 0, count: valueBytes + AESGCM.overheadBytes)
        evp.seal(rawValue, into: &rawSealed)
        try seal()
        stored.append(output.array)
    }

    func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey? { opening }

    /// The cipher alone, by OpenSSL's documented calls.
    func raw() {
        for _ in 0..<records { evp.seal(rawValue, into: &rawSealed) }
    }

    /// The cipher alone, in the other direction.
    func rawOpen() {
        for _ in 0..<records { evp.open(&rawSealed, into: &rawValue) }
    }

    /// The cipher with associated data of the length that the format has.
    func rawBound() throws {
        output.removeAll()
        let value = value
        let associated = associated
        for _ in 0..<records {
            if output.count > 256 << 10 { output.removeAll() }
            counter += 1
            try cipher.seal(
                value.bytes, nonce: Nonce(salt: 9, counter: counter), aad: associated.bytes,
                into: output)
        }
    }

    func seal() throws {
        output.removeAll()
        let plain = plain
        _ = try sealer.seal(
            batch: plain.bytes, topic: topic, key: sealingKey, batchBytesMax: 1 << 30,
            into: output)
    }

    func open() throws {
        output.removeAll()
        let stored = stored
        let result = try opener.open(
            records: stored.bytes, topic: topic, keys: self, into: output)
        guard case .opened = result else { preconditionFailure("the batch did not open") }
    }

    /// Looks through a batch in which nothing is sealed.
    func scan() throws {
        let plain = plain
        let result = try opener.open(
            records: plain.bytes, topic: topic, keys: self, into: output)
        guard case .unchanged = result else { preconditionFailure("nothing is sealed in it") }
    }
}
