// RandomScanTests: random documents, whole, cut and garbled, against the tree.

import Bytes
import Fields
import Foundation
import TestSupport
import Testing

@Suite struct RandomScanTests {
    private func paths(_ random: inout SeededRandom) throws -> ([ModelPath], FieldPathSet) {
        let count = 1 + Int(random.next() % 4)
        let models = (0..<count).map { _ in
            ModelPath.random(&random, names: Array(RandomDocument.names.prefix(8)))
        }
        return (models, try FieldPathSet(models.map { try FieldPath($0.text(&random)) }))
    }

    @Test(arguments: 0..<8)
    func `what is found is what the tree says`(_ part: UInt64) throws {
        let scanner = FieldScanner()
        var random = SeededRandom(seed: part)
        var hits = 0
        for index in 0..<150 {
            // Few names make paths hit, many make all kinds of them.
            let names = Array(RandomDocument.names.prefix(index % 2 == 0 ? 5 : 100))
            let text = RandomDocument.text(seed: part << 32 + UInt64(index), names: names)
            let bytes = Array(text.utf8)
            let root = try #require(DocumentTree.read(bytes))
            let (models, set) = try paths(&random)
            for mode in ScanMode.allCases {
                let found = try scanner.find(bytes, set, mode)
                #expect(found == ScanExpectation.fields(root, models, mode), "\(text)")
                hits += found.count
            }
        }
        #expect(hits > 100)
    }

    @Test func `Foundation reads the same documents`() throws {
        // What Foundation cannot represent: numbers out of range.
        for seed in UInt64(0)..<400 {
            let text = RandomDocument.text(seed: 9_000 + seed)
            let bytes = Array(text.utf8)
            _ = try FieldScanner().find(bytes, FieldPathSet([]))
            #expect(throws: Never.self, "\(text)") {
                try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            }
        }
    }

    @Test func `Foundation refuses the same documents`() throws {
        var random = SeededRandom(seed: 650)
        let signs = Array("{}[]:,\"\\x".utf8)
        var refused = 0
        for _ in 0..<600 {
            var bytes = Array(RandomDocument.text(seed: random.next()).utf8)
            let place = Int(random.next() % UInt64(bytes.count))
            switch random.next() % 3 {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(signs.random(&random), at: place)
            default: bytes[place] = signs.random(&random)
            }
            let own = try? FieldScanner().find(bytes, FieldPathSet([]))
            let theirs = try? JSONSerialization.jsonObject(
                with: Data(bytes), options: .fragmentsAllowed)
            #expect((own == nil) == (theirs == nil), "\(String(decoding: bytes, as: UTF8.self))")
            if own == nil { refused += 1 }
        }
        #expect(refused > 100)
    }

    @Test func `a document that is cut is refused wherever it is cut`() throws {
        let scanner = FieldScanner()
        let set = try pathSet("$..*")
        for seed in UInt64(0)..<60 {
            let bytes = Array(RandomDocument.text(seed: 500 + seed).utf8)
            let buffer = ByteBuffer(capacity: bytes.count)
            buffer.append(bytes)
            for count in 0..<bytes.count {
                // What follows the part is still in memory: reading on would accept it.
                let part = buffer.bytes(in: 0..<count)
                let isDocument = DocumentTree.read(Array(bytes[..<count])) != nil
                let found = try? scanner.find(part, set)
                #expect((found != nil) == isDocument)
            }
        }
    }

    /// Compares the judgement and, for a document, what is found.
    private func compare(
        _ bytes: [UInt8], _ scanner: FieldScanner, _ models: [ModelPath], _ set: FieldPathSet
    ) throws -> Bool {
        let root = DocumentTree.read(bytes)
        do {
            let found = try scanner.find(bytes, set, .selectedAndSealed)
            let expected = try #require(root, "accepted: \(bytes)")
            #expect(found == ScanExpectation.fields(expected, models, .selectedAndSealed))
        } catch let error as FieldScanError {
            #expect(root == nil, "refused: \(error): \(bytes)")
            #expect((0...bytes.count).contains(error.offset))
        }
        return root != nil
    }

    @Test(arguments: 0..<4)
    func `a document with some bytes changed is judged as the tree judges it`(
        _ part: UInt64
    ) throws {
        let scanner = FieldScanner()
        var random = SeededRandom(seed: 700 + part)
        let signs =
            Array("{}[]:,\"\\/ \n\t0123456789-+.eEtrufalsn'*$wax1:".utf8) + [
                0, 0x1f, 0x7f, 0x80, 0xc2, 0xed, 0xf4, 0xff,
            ]
        var counts = [false: 0, true: 0]
        for _ in 0..<500 {
            var bytes = Array(RandomDocument.text(seed: random.next()).utf8)
            for _ in 0...random.next() % 2 where !bytes.isEmpty {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(signs.random(&random), at: place)
                case 2: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                default: bytes[place] = signs.random(&random)
                }
            }
            let (models, set) = try paths(&random)
            counts[try compare(bytes, scanner, models, set), default: 0] += 1
        }
        #expect(counts.values.allSatisfy { $0 > 25 }, "\(counts)")
    }

    @Test func `garbage is judged as the tree judges it`() throws {
        let scanner = FieldScanner()
        var random = SeededRandom(seed: 800)
        let signs = Array("{}[]:,\"\\ 01-.e\"\"[[{{".utf8)
        for _ in 0..<3_000 {
            let count = Int(random.next() % 24)
            let bytes =
                random.next() % 3 == 0
                ? random.bytes(count) : (0..<count).map { _ in signs.random(&random) }
            let (models, set) = try paths(&random)
            _ = try compare(bytes, scanner, models, set)
        }
    }
}
