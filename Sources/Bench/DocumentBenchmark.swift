// DocumentBenchmark: JSON documents, sealed and shown in every way, against their whole values.

import Bytes
import Crypto
import Envelope
import Fields
import KafkaWire
import Masks
import Records

/// Seals and shows batches of 1 KiB documents in one run, interleaved in rounds. What is done on
/// the way in is compared with sealing whole values, what is done on the way out with opening
/// them, round by round.
enum DocumentBenchmark {
    private static let rounds = 61
    private static let repeats = 8

    /// One thing that is measured.
    private struct Case {
        let name: String
        /// Which case it is compared with.
        let base: Int
        let run: () throws -> Void
        var times: [Double] = []
    }

    private static func allCases() throws -> [Case] {
        let bench = try DocumentBench()
        let sealing = try sealingCases(bench)
        return sealing + (try showingCases(bench, base: sealing.count))
    }

    /// Runs one case and measures nothing.
    static func run(_ name: String, times: Int) throws {
        guard let found = try allCases().first(where: { $0.name == name }) else {
            print("no such case:", name)
            return
        }
        for _ in 0..<times { try found.run() }
    }

    static func run() throws {
        var cases = try allCases()
        for item in cases { try item.run() }
        let per = Double(repeats * DocumentBench.records)
        for _ in 0..<rounds {
            for index in cases.indices {
                let run = cases[index].run
                let taken = try Measurement.time { for _ in 0..<repeats { try run() } }
                cases[index].times.append(taken / per)
            }
        }
        print(
            "JSON documents of \(SampleDocument.byteCount) B, \(DocumentBench.records) a batch; "
                + "nanoseconds per record; allocations per batch;")
        print("ratios: to sealing whole values on the way in, to opening them on the way out")
        print("document                          ns    ratio  allocations")
        for item in cases {
            let allocations = try AllocationCounter.count { try item.run() }
            let ratio = Measurement.ratio(item.times, to: cases[item.base].times)
            let blank = String(repeating: " ", count: 26 - item.name.count)
            print(
                item.name + blank, Measurement.tenths(Measurement.median(item.times), 9),
                Measurement.hundredths(ratio, 8), Measurement.pad("\(allocations)", 12))
        }
    }

    private static func sealingCases(_ bench: DocumentBench) throws -> [Case] {
        let whole = bench.plan()
        let fields = try bench.fieldPlan()
        // Paths of its own: what is learned of these documents is nothing for others.
        let unlikeFields = try bench.fieldPlan()
        var lean = whole
        lean.leanForm = true
        var leanFields = fields
        leanFields.leanForm = true
        var lz4 = whole
        lz4.compression = .lz4
        var zstd = whole
        zstd.compression = .zstd
        let plans = [
            ("seal whole", whole), ("seal 3 fields", fields), ("seal whole, lean", lean),
            ("seal 3 fields, lean", leanFields), ("seal whole, lz4", lz4),
            ("seal whole, zstd", zstd),
        ]
        return plans.map { name, plan in
            Case(name: name, base: 0, run: { try bench.seal(plan, bench.plain) })
        } + [
            Case(
                name: "seal 3 fields, none alike", base: 0,
                run: { try bench.seal(unlikeFields, bench.unlike) })
        ]
    }

    private static func showingCases(_ bench: DocumentBench, base: Int) throws -> [Case] {
        let whole = try bench.stored(bench.plan())
        var leanPlan = bench.plan()
        leanPlan.leanForm = true
        let lean = try bench.stored(leanPlan)
        let fields = try bench.stored(try bench.fieldPlan())
        var zstdPlan = bench.plan()
        zstdPlan.compression = .zstd
        let zstd = try bench.stored(zstdPlan)
        let masks = [
            try Mask.make(kind: "keepLast", arguments: [("count", .integer(4))]),
            try Mask.make(kind: "email"), Mask.redact,
        ]
        let token = try Mask.make(kind: "token")
        let digest = try Mask.make(kind: "sha256")
        let shows: [(String, ByteBuffer, RecordView)] = [
            ("open whole", whole, .clear),
            ("open 3 fields", fields, .clear),
            ("mask 3 fields", fields, try bench.view(masks.map { .mask($0) })),
            (
                "mask 3 plain fields", bench.plain,
                try bench.view(masks.map { .mask($0) }, plain: .mask)
            ),
            ("mask 3 fields, token", fields, try bench.view(3, .mask(token))),
            ("mask 3 fields, sha256", fields, try bench.view(3, .mask(digest))),
            ("redact 3 fields, no rule", fields, try bench.view([], rest: .mask(.redact))),
            ("drop 3 fields", fields, try bench.view(3, .drop)),
            ("open whole, lean", lean, .clear),
            ("open whole, zstd", zstd, .clear),
        ]
        let sealed = try bench.view(3, .sealed)
        let kept = Case(
            name: "leave 3 fields sealed", base: base, run: { try bench.leave(fields, sealed) })
        return shows.map { name, stored, view in
            Case(name: name, base: base, run: { try bench.show(stored, view) })
        } + [kept]
    }
}

/// One batch of documents with what is needed to seal and to show it.
private final class DocumentBench: OpeningKeys {
    static let records = 100
    private static let topic = "orders"
    private static let timestamp: Int64 = 1_700_000_000_000

    /// Records with documents of few shapes, and with one of its own each.
    let plain: ByteBuffer
    let unlike: ByteBuffer
    private let output = ByteBuffer()
    private let sealingKey: SealingKey
    private let opening: OpeningKey
    private let sealer = BatchSealer()
    private let opener: BatchOpener

    init() throws {
        let secret = try SecretBytes.random(count: 32)
        let reference = "corp/kek-orders"
        sealingKey = try SealingKey(
            id: 1, reference: reference, wrapped: Array(repeating: 0xab, count: 61), key: secret,
            salt: 5)
        opening = try OpeningKey(id: 1, reference: reference, key: secret)
        opener = BatchOpener(masker: Masker(tokenKey: try SecretBytes.random(count: 32)))
        plain = DocumentBench.batch(isUnlike: false)
        unlike = DocumentBench.batch(isUnlike: true)
    }

    private static func batch(isUnlike: Bool) -> ByteBuffer {
        let batch = ByteBuffer()
        var writer = RecordBatchWriter(batch, baseTimestamp: timestamp)
        for index in 0..<records {
            writer.append(
                key: Array("key-\(index)".utf8),
                value: SampleDocument.bytes(index: index, isUnlike: isUnlike),
                timestamp: timestamp + Int64(index), into: batch)
        }
        writer.finish(batch)
        return batch
    }

    func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey? { opening }

    func plan() -> SealingPlan { SealingPlan(topic: DocumentBench.topic, bytesMax: 1 << 30) }

    func fieldPlan() throws -> SealingPlan {
        var plan = plan()
        plan.fields = try paths(SampleDocument.protectedPaths.count)
        return plan
    }

    private func paths(_ count: Int) throws -> FieldPathSet {
        try FieldPathSet(try SampleDocument.protectedPaths.prefix(count).map { try FieldPath($0) })
    }

    /// A view with one action for each of the first protected paths.
    func view(
        _ actions: [RecordView.ViewAction], rest: RecordView.ViewAction = .sealed,
        plain: PlainRecordChoice = .deliver
    ) throws -> RecordView {
        try RecordView(
            whole: .sealed, fields: try paths(actions.count), actions: actions, rest: rest,
            plain: plain, unopenable: .refuse, protectedFields: try paths(3))
    }

    func view(_ count: Int, _ action: RecordView.ViewAction) throws -> RecordView {
        try view(Array(repeating: action, count: count))
    }

    func stored(_ plan: SealingPlan) throws -> ByteBuffer {
        try seal(plan, plain)
        let stored = ByteBuffer()
        stored.append(output.array)
        return stored
    }

    func seal(_ plan: SealingPlan, _ batch: ByteBuffer) throws {
        output.removeAll()
        let sealed = try sealer.seal(
            batch: batch.bytes, plan: plan, keys: .one(sealingKey), into: output)
        precondition(sealed.sealedCount == DocumentBench.records, "a document was not sealed")
    }

    func show(_ stored: ByteBuffer, _ view: RecordView) throws {
        output.removeAll()
        guard case .opened = try open(stored, view) else {
            preconditionFailure("the batch is shown as it is stored")
        }
    }

    /// Looks through a batch that stays as it is.
    func leave(_ stored: ByteBuffer, _ view: RecordView) throws {
        output.removeAll()
        guard case .unchanged = try open(stored, view) else {
            preconditionFailure("the batch is not shown as it is stored")
        }
    }

    private func open(_ stored: ByteBuffer, _ view: RecordView) throws -> OpenResult {
        try opener.open(
            records: stored.bytes, topic: DocumentBench.topic, view: view, keys: self,
            mayDrop: false, into: output)
    }
}
