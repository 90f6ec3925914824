// RecordViewTests: what readers with different views are given of values that were sealed whole.

import Bytes
import Envelope
import KafkaWire
import Masks
import TestSupport
import Testing

@testable import Records

@Suite struct RecordViewTests {
    let reader = Reader()
    typealias At = RecordBatchHeader.At

    private static let secret = "4111111111111111"
    /// Long enough to be compressed; the second has a null value, the last is no JSON.
    private static let padding = String(repeating: "padding ", count: 20)
    private let plain = documents([
        "{ \"card\" : \"\(secret)\", \"n\": 4111111111111111, \"pad\": \"\(padding)\" }", nil,
        "\"\(secret)\"", "card \(secret) of nobody, \(padding)",
    ])

    // MARK: the four ways

    @Test(arguments: Form.allCases)
    func `clear shows the batch as it was produced`(_ form: Form) throws {
        let pair = try KeyPair()
        let stored = try form.stored(plain, pair)
        #expect(!stored.contains(run: [UInt8](Self.secret.utf8)))
        let shown = try reader.open(stored, try view(whole: .clear), pair.keys)
        #expect(shown.bytes == (try batch(plain).array))
        #expect(shown.counts.opened == 3)
        #expect(pair.keys.questions == 1)
    }

    @Test(arguments: Form.allCases)
    func `sealed shows the batch as it is stored and asks for no key`(_ form: Form) throws {
        let pair = try KeyPair()
        let stored = try form.stored(plain, pair)
        let shown = try reader.open(stored, try view(whole: .sealed), KeysAtHand())
        #expect(shown.result == .unchanged)
        #expect(shown.counts.leftSealed == 3)
        #expect(try reader.open(stored, try view(whole: .sealed), pair.keys).bytes == stored)
        #expect(pair.keys.questions == 0)
    }

    @Test(arguments: Form.allCases)
    func `drop leaves records out like compaction and asks for no key`(_ form: Form) throws {
        let pair = try KeyPair()
        let stored = try form.stored(plain, pair)
        let shown = try reader.open(stored, try view(whole: .drop), pair.keys)
        let before = try #require(try read(stored).first)
        let after = try #require(try read(shown.bytes).first)
        #expect(after.checksumHolds)
        #expect(after.records == [before.records[1]])
        #expect(after.records[0].offsetDelta == 1)
        var expected = before.header
        expected.recordCount = 1
        expected.batchLength = after.header.batchLength
        expected.crc = after.header.crc
        #expect(after.header == expected)
        #expect(after.header.lastOffsetDelta == 3)
        #expect(shown.counts.droppedRecords == 3)
        #expect(pair.keys.questions == 0)
    }

    @Test(arguments: Form.allCases)
    func `a mask shows JSON masked and hides everything else`(_ form: Form) throws {
        let pair = try KeyPair()
        let stored = try form.stored(plain, pair)
        let shown = try reader.open(
            stored, try view(whole: try mask("keepLast", .integer(4))), pair.keys)
        let texts = try shown.texts()
        #expect(texts[0]?.hasPrefix("{ \"card\" : \"************1111\", \"n\": 0, \"pad\"") == true)
        #expect(texts[1] == nil)
        #expect(texts[2] == "\"************1111\"")
        #expect(texts[3] == "********")
        #expect(!shown.bytes.contains(run: [UInt8](Self.secret.utf8)))
        #expect(try shown.records().map(\.headers) == plain.map(\.headers))
        #expect(try shown.records().map(\.key) == plain.map(\.key))
        #expect(shown.counts.masked == 3)
        #expect(shown.counts.notJSON == 1)
        #expect(try #require(try read(shown.bytes).first).checksumHolds)
    }

    @Test func `the null mask shows null, and a null value for what is not JSON`() throws {
        let pair = try KeyPair()
        let stored = try sealedBatch(plain, pair)
        let shown = try reader.open(stored, try view(whole: .mask(.null)), pair.keys)
        #expect(try shown.texts() == ["null", nil, "null", nil])
        #expect(try shown.records()[3].headers == plain[3].headers)
    }

    @Test func `values around JSON are shown masked only where they are surely JSON`() throws {
        let pair = try KeyPair()
        let prefix: [UInt8] = [0, 0, 0, 0, 7]
        let hidden = [UInt8]("********".utf8)
        let cases: [(stored: [UInt8], shown: [UInt8])] = [
            (
                prefix + [UInt8]("{\"a\":\"secret\"}".utf8),
                prefix + [UInt8]("{\"a\":\"********\"}".utf8)
            ),
            (prefix + [UInt8]("[true]".utf8), prefix + [UInt8]("[false]".utf8)),
            // Five bytes and a digit may be any number of six bytes.
            ([0, 1, 2, 3, 4, 0x35], hidden),
            ([0, 1, 2, 3, 4], hidden),
            (prefix, hidden), ([], hidden), ([0], hidden),
            ([UInt8](" \n{\"a\":1}\t".utf8), [UInt8](" \n{\"a\":0}\t".utf8)),
            ([UInt8]("{\"a\":1}{".utf8), hidden),
            ([UInt8]("{\"a\":\"".utf8) + [0xff, 0x22, 0x7d], hidden),
        ]
        let records = cases.map { PlainRecord(key: nil, value: $0.stored) }
        let shown = try reader.open(
            try sealedBatch(records, pair), try view(whole: .mask(.redact)), pair.keys)
        #expect(try shown.records().map(\.value) == cases.map(\.shown))
    }

    // MARK: records left out

    @Test func `a batch that loses all records keeps its place`() throws {
        let pair = try KeyPair()
        let secret = try sealedBatch(documents(["1", "2", "3"]), pair)
        let mixed = filled(try sealedBatch(plain, pair))
        mixed.set(int64: 3, at: At.baseOffset)
        let shown = try reader.open(secret + mixed.array, try view(whole: .drop), pair.keys)
        let batches = try read(shown.bytes)
        #expect(batches.map(\.header.recordCount) == [0, 1])
        #expect(batches.map(\.header.lastOffsetDelta) == [2, 3])
        #expect(batches.map(\.header.baseOffset) == [0, 3])
        #expect(batches.allSatisfy { $0.checksumHolds })
        #expect(batches.allSatisfy { !$0.header.attributes.isControl })
    }

    @Test func `a partition that loses all records ends in a control batch without producer`()
        throws
    {
        let pair = try KeyPair()
        let first = filled(try sealedBatch(documents(["1", "2"]), pair))
        first.set(int64: 77, at: At.producerID)
        first.set(int16: 0x18, at: At.attributes)
        RecordBatchWriter.seal(first, from: 0)
        let empty = filled(try batch([]).array)
        let shown = try reader.open(
            first.array + first.array + empty.array, try view(whole: .drop), pair.keys)
        let batches = try read(shown.bytes)
        #expect(batches.map(\.header.recordCount) == [0, 0, 0])
        #expect(batches.map(\.header.attributes.isControl) == [false, true, false])
        #expect(batches.map(\.header.producerID) == [77, -1, -1])
        #expect(batches[1].header.attributes.rawValue == 0x20)
        #expect(batches[1].header.lastOffsetDelta == 1)
        #expect(batches.prefix(2).allSatisfy { $0.checksumHolds })
        #expect(shown.counts.droppedRecords == 4)
    }

    @Test func `a control batch of the broker's own is enough`() throws {
        let pair = try KeyPair()
        let sealed = try sealedBatch(documents(["1"]), pair)
        let control = filled(
            try batch([PlainRecord(key: [0, 0, 0, 1], value: [0, 0, 0, 0, 0, 5])]).array)
        control.set(int16: 0x30, at: At.attributes)
        RecordBatchWriter.seal(control, from: 0)
        let shown = try reader.open(sealed + control.array, try view(whole: .drop), pair.keys)
        #expect(
            try read(shown.bytes).map(\.header.attributes.isControl) == [false, true])
        #expect(Array(shown.bytes.suffix(control.count)) == control.array)
    }

    @Test func `where no record may be left out the view is refused`() throws {
        let pair = try KeyPair()
        let stored = filled(try sealedBatch(plain, pair))
        stored.set(int64: 40, at: At.baseOffset)
        let error = try #require(
            reader.failure(stored.array, try view(whole: .drop), pair.keys, mayDrop: false))
        #expect(error.code == .refused)
        #expect(error.kafkaCode == 29)
        #expect(error.offset == 40)
        #expect(reader.opener.readableBytes == 0)
    }

    // MARK: keys

    @Test func `a mask needs the key as clear does`() throws {
        let pair = try KeyPair()
        let first = try batch([PlainRecord(key: nil, value: [1])]).array
        let stored = first + (try sealedBatch(plain, pair))
        for action in [.clear, .mask(.redact), .mask(.null)] as [ViewAction] {
            let keys = KeysAtHand()
            let shown = try reader.open(stored, try view(whole: action), keys)
            #expect(shown.result == .missingKeys)
            #expect(keys.misses == [pair.sealing.id])
            #expect(reader.opener.readableBytes == first.count)
        }
    }

    // MARK: what does not open

    @Test(arguments: Form.allCases)
    func `what does not open is delivered as stored where the view says so`(
        _ form: Form
    ) throws {
        let pair = try KeyPair()
        let batch = try #require(try read(try form.stored(plain, pair)).first)
        for index in [0, 2, 3] {
            var changed = batch.records
            changed[index].value?[20] ^= 1
            let bytes = try RecordsTests.batch(changed).array
            #expect(
                reader.failure(bytes, try view(whole: .clear), pair.keys)?.code == .openFailed)
            let shown = try reader.open(
                bytes, try view(whole: .clear, unopenable: .deliver), pair.keys)
            let records = try shown.records()
            #expect(shown.counts.unopenable == 1)
            #expect(shown.counts.opened == 2)
            #expect(records[index].value == changed[index].value)
            #expect(records[index].headers.map(\.key) == ["wax", "trace"])
            for other in [0, 1, 2, 3] where other != index {
                #expect(records[other].value == plain[other].value)
                #expect(records[other].headers == plain[other].headers)
            }
        }
    }

    @Test func `forms that are not known are delivered as stored where the view says so`() throws {
        let pair = try KeyPair()
        let good = try #require(try read(try sealedBatch(plain, pair)).first).records
        var forms: [PlainRecord] = []
        func form(_ change: (inout PlainRecord) -> Void) {
            var copy = good[0]
            change(&copy)
            copy.offsetDelta = Int32(forms.count)
            forms.append(copy)
        }
        form { $0.headers[0].value = nil }
        form { $0.headers[0].value = [9] }
        form { $0.headers.append($0.headers[0]) }
        form { $0.value = nil }
        form { $0.headers[0].value = [1, 0x01, 9, 9, 9, 9, 9, 9, 9, 9] }
        form { _ in }
        let stored = try batch(forms).array
        for whole in [.clear, .mask(.redact)] as [ViewAction] {
            let shown = try reader.open(
                stored, try view(whole: whole, unopenable: .deliver), pair.keys)
            #expect(shown.counts.unopenable == 5)
            #expect(Array(try shown.records().prefix(5)) == Array(forms.prefix(5)))
            #expect(try shown.records()[5].headers == plain[0].headers)
        }
    }

    @Test(arguments: [EnvelopeCompression.zstd, .lz4])
    func `what authenticates but does not decompress within bounds does not open`(
        _ compression: EnvelopeCompression
    ) throws {
        let pair = try KeyPair()
        let bomb = ByteBuffer()
        bomb.append(uvarint: UInt32(256 << 20))
        for _ in 0..<(2 << 20) { bomb.append(0xff) }
        for plaintext in [[], [1], [0xff, 0xff, 0xff, 0xff, 0x7f], bomb.array] as [[UInt8]] {
            let (input, value) = (filled(plaintext), ByteBuffer())
            try pair.sealing.bind(topic: "orders")
            try pair.sealing.seal(input.bytes, compression: compression, into: value)
            // The whole record header: behind its name and length comes its value.
            let header = pair.sealing.header(flags: compression.rawValue, isWrapped: true).array
            let record = PlainRecord(
                key: nil, value: value.array, headers: [.init("wax", Array(header.dropFirst(6)))])
            let bytes = try batch([record]).array
            for whole in [.clear, .mask(.redact)] as [ViewAction] {
                let error = reader.failure(bytes, try view(whole: whole), pair.keys)
                #expect(error?.code == .openFailed)
                let shown = try reader.open(
                    bytes, try view(whole: whole, unopenable: .deliver), pair.keys)
                #expect(try shown.records().map(\.value) == [value.array])
                #expect(shown.counts.unopenable == 1)
            }
        }
    }

    @Test func `a lean record that is delivered alone is given the wrapped key`() throws {
        let pair = try KeyPair()
        let lean = try #require(try read(try sealedBatch(plain, pair, lean: true)).first)
        #expect(lean.records[2].headers[0].value?.count == 10)
        var changed = lean.records
        changed[2].value?[20] ^= 1
        let shown = try reader.open(
            try batch(changed).array, try view(whole: .clear, unopenable: .deliver), pair.keys)
        var records = try shown.records()
        #expect(records[2].headers[0].value == lean.records[0].headers[0].value)
        // Mended, it opens by itself.
        records[2].value?[20] ^= 1
        records[2].offsetDelta = 0
        let alone = try reader.open(
            try batch([records[2]]).array, try view(whole: .clear), pair.keys)
        #expect(try alone.records().map(\.value) == [plain[2].value])
    }

    @Test func `counts are those of the last call`() throws {
        let pair = try KeyPair()
        let sealed = try sealedBatch(plain, pair)
        for _ in 0..<2 {
            #expect(try reader.open(sealed, try view(whole: .clear), pair.keys).counts.opened == 3)
        }
        let other = try batch(plain).array
        let counts = try reader.open(other, try view(whole: .clear), pair.keys).counts
        #expect(counts.opened == 0)
        #expect(counts.plain == 3)
    }
}
