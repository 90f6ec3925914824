// ShapeMemoryTests: a scanner that has seen documents finds what one finds that has seen none.

import Bytes
import Limits
import TestSupport
import Testing

@testable import Fields

@Suite struct ShapeMemoryTests {
    /// All that a scan tells.
    private enum Outcome: Equatable {
        case found([FieldHit], names: [UInt8])
        case refused(FieldScanError)
    }

    private func scan(
        _ bytes: [UInt8], _ set: FieldPathSet, _ mode: FieldScanner.Mode, _ scanner: FieldScanner
    ) -> Outcome {
        let buffer = ByteBuffer(capacity: bytes.count)
        buffer.append(bytes)
        do throws(FieldScanError) {
            switch mode {
            case .selected: try scanner.scan(buffer.bytes, set, notesSealedText: false)
            case .selectedAndSealed: try scanner.scan(buffer.bytes, set, notesSealedText: true)
            case .sealed: try scanner.scanSealedText(buffer.bytes, set)
            }
            return .found(scanner.hits, names: scanner.names.array)
        } catch {
            return .refused(error)
        }
    }

    private static let modes: [FieldScanner.Mode] = [.selected, .selectedAndSealed, .sealed]
    private static let scalars = [
        "0", "-1", "17", "12345678", "123456789", "1.5", "1e5", "-0.25", "true", "false", "null",
        #""""#, #""x""#, #""a longer text of more than sixteen bytes""#, #""wax1:AAAA""#,
        #""wax1""#, #""\u0077ax1:A""#, #""w\u0061x1:A""#, #""caf\u00e9""#, "\"caf\u{e9}\"",
        #""say \"no\"""#, #""wax \n""#, "\"\u{1f600}\"", #""wax2:AAAA""#,
    ]
    private static let wrong = [
        "01", "1.", "-", "tru", "nul", "\"\u{1}\"", #""\x""#, "", "+1", "\"",
    ]

    /// The text with other scalar values in the places of its own.
    private func varied(
        _ bytes: [UInt8], _ random: inout SeededRandom, _ scalars: [String] = scalars,
        only: Int? = nil
    ) -> [UInt8] {
        var output: [UInt8] = []
        var at = 0
        for (number, value) in PlainSearch.find(bytes).enumerated() {
            output += bytes[at..<value.lowerBound]
            let isKept = only.map { $0 != number } ?? (random.next() % 3 == 0)
            output += isKept ? Array(bytes[value]) : Array(scalars.random(&random).utf8)
            at = value.upperBound
        }
        return output + bytes[at...]
    }

    private func paths(_ random: inout SeededRandom) throws -> FieldPathSet {
        let names = Array(RandomDocument.names.prefix(6))
        let models = (0..<1 + random.next() % 4).map { _ in
            ModelPath.random(&random, names: names)
        }
        return try FieldPathSet(models.map { try FieldPath($0.text(&random)) })
    }

    @Test(arguments: 0..<12)
    func `documents of few shapes are read as by a scanner that knows none`(
        _ part: UInt64
    ) throws {
        var random = SeededRandom(seed: 77 + part)
        let scanner = FieldScanner()
        var found = 0
        for round in 0..<6 {
            let originals = (0..<3).map { index in
                Array(
                    RandomDocument.text(
                        seed: part << 20 + UInt64(round * 3 + index),
                        names: Array(RandomDocument.names.prefix(8)), isDeep: true
                    ).utf8)
            }
            let sets = try (0..<2).map { _ in try paths(&random) }
            for _ in 0..<40 {
                let bytes = varied(originals.random(&random), &random)
                let set = sets.random(&random)
                let mode = Self.modes.random(&random)
                let expected = scan(bytes, set, mode, FieldScanner())
                #expect(
                    scan(bytes, set, mode, scanner) == expected,
                    "\(String(decoding: bytes, as: UTF8.self))")
                if case .found(let hits, _) = expected { found += hits.count }
            }
        }
        #expect(found > 50)
    }

    private static let order =
        Array(
            #"{"id": 5,"card":{"number":"4111 1111","cvc":123,"tags":["a","b",{}]},"#.utf8)
        + Array("\"who\":{\"e\u{301}\":null,\"email\":\"a@b.example\"}, \"ok\":true }\n".utf8)
    private static func orderPaths() throws -> FieldPathSet {
        try FieldPathSet(
            ["$.card.number", "$..email", "$.card.tags[1]"].map { try FieldPath($0) })
    }

    @Test func `a document that is cut or has another byte anywhere is read anew`() throws {
        let set = try Self.orderPaths()
        var random = SeededRandom(seed: 4)
        for mode in Self.modes {
            let scanner = FieldScanner()
            for _ in 0..<3 { _ = scan(Self.order, set, mode, scanner) }
            for count in 0..<Self.order.count {
                let cut = Array(Self.order[..<count])
                #expect(scan(cut, set, mode, scanner) == scan(cut, set, mode, FieldScanner()))
                for byte in Array("{}[]:,\"\\ 0x\u{1}".utf8) + [0xc3, 0xff] {
                    var changed = Self.order
                    changed[count] = byte
                    #expect(
                        scan(changed, set, mode, scanner)
                            == scan(changed, set, mode, FieldScanner()),
                        "byte \(count): \(byte)")
                }
                _ = scan(varied(Self.order, &random), set, mode, scanner)
            }
        }
    }

    @Test func `what is no scalar value does not fit a shape`() throws {
        let set = try Self.orderPaths()
        var random = SeededRandom(seed: 5)
        let scanner = FieldScanner()
        for number in PlainSearch.find(Self.order).indices {
            for wrong in Self.wrong + ["{}", "[]", "[1]", "1,2", "1 2", "\"a\",\"b\"", "\"a\":1"] {
                _ = scan(Self.order, set, .selected, scanner)
                let bytes = varied(Self.order, &random, [wrong], only: number)
                #expect(
                    scan(bytes, set, .selected, scanner)
                        == scan(bytes, set, .selected, FieldScanner()))
            }
        }
    }

    @Test func `a sealed text in another place is found`() throws {
        let set = try Self.orderPaths()
        var random = SeededRandom(seed: 6)
        let sealed = [#""wax1:AAAA""#, #""\u0077ax1:AAAA""#, #""wax\u0031:AAAA""#]
        for mode in Self.modes {
            let scanner = FieldScanner()
            for number in PlainSearch.find(Self.order).indices {
                for text in sealed {
                    _ = scan(Self.order, set, mode, scanner)
                    let bytes = varied(Self.order, &random, [text], only: number)
                    #expect(
                        scan(bytes, set, mode, scanner) == scan(bytes, set, mode, FieldScanner()))
                }
            }
        }
    }

    @Test func `a shape fits where only values differ`() throws {
        let memory = ShapeMemory(try Self.orderPaths().program, .selected)
        let marks = TextMarks()
        let values = ScalarValues()
        let scanner = FieldScanner()
        _ = scan(Self.order, try Self.orderPaths(), .selected, scanner)
        let original = ByteBuffer()
        original.append(Self.order)
        marks.begin()
        #expect(memory.shape(of: original.bytes, marks, values) == nil)
        memory.remember(
            original.bytes, marks, values, hits: scanner.hits, names: scanner.names)
        let text = String(decoding: Self.order, as: UTF8.self)
        for (old, new, fits) in [
            ("4111 1111", "x", true), ("null", "-0.5e10", true), ("true", "\"wax1\"", true),
            ("true", "\"wax1:\"", false), ("true", "[]", false), ("email", "e-mail", false),
            ("\n", "", false), ("\n", "\n ", false),
        ] {
            let other = ByteBuffer()
            other.append(text.replacing(old, with: new))
            marks.begin()
            let shape = memory.shape(of: other.bytes, marks, values)
            #expect((shape != nil) == fits, "\(old) -> \(new)")
        }
    }

    @Test func `every set of paths and every mode has a memory of its own`() throws {
        let memories = ShapeMemories()
        let programs = try (0..<FieldLimits.shapeMemoriesMax / 2).map {
            try FieldPathSet([FieldPath("$.a\($0)")]).program
        }
        let all = programs.flatMap { program in
            [FieldScanner.Mode.selected, .sealed].map { memories.memory(of: program, $0) }
        }
        #expect(Set(all.compactMap { $0.map { ObjectIdentifier($0) } }).count == all.count)
        #expect(memories.memory(of: programs[0], .selected) === all[0])
        // There is no room for another one before these have been idle for long.
        let other = try FieldPathSet([FieldPath("$.b")]).program
        #expect(memories.memory(of: other, .selected) == nil)
        for _ in 0...FieldLimits.shapeMemoryIdle { _ = memories.memory(of: programs[0], .sealed) }
        let made = try #require(memories.memory(of: other, .selected))
        #expect(memories.memory(of: other, .selected) === made)
        // It was made in the place of the one that had been idle for longest.
        #expect(memories.memory(of: programs[0], .selected) === all[0])
        #expect(memories.memory(of: programs[1], .selected) !== all[2])
    }

    @Test func `documents that are never alike are not remembered for long`() throws {
        let set = try FieldPathSet([FieldPath("$.id")])
        let scanner = FieldScanner()
        for index in 0..<3_000 {
            let bytes = Array(#"{"id":\#(index),"m\#(index)":[1,2]}"#.utf8)
            #expect(
                scan(bytes, set, .selected, scanner) == scan(bytes, set, .selected, FieldScanner()))
        }
        // The first of these may come while it rests.
        for index in 0..<2_000 {
            let bytes = Array(#"{"id":\#(index),"m":[1,2]}"#.utf8)
            let expected = scan(bytes, set, .selected, FieldScanner())
            #expect(scan(bytes, set, .selected, scanner) == expected)
        }
    }

    @Test func `one bit of a word is enough for each shape that was tried`() {
        #expect(FieldLimits.shapesMax <= UInt64.bitWidth)
    }

    @Test func `the gap of an offset is the last that begins there or before`() throws {
        let buffer = ByteBuffer()
        buffer.append(Self.order)
        let values = ScalarValues()
        let isFound = values.find(buffer.bytes, TextMarks())
        #expect(isFound)
        for offset in Self.order.indices {
            let expected = (0...values.count).last { values.gapStart($0) <= offset }
            #expect(values.lastGap(at: offset) == expected)
        }
    }

    @Test func `what is beyond the limits of a shape is scanned`() throws {
        let set = try FieldPathSet([FieldPath("$[*].a")])
        let scanner = FieldScanner()
        for count in [1, 60, 65, 511, 512, 513, 5_000] {
            let items = (0..<count).map { #"{"a":\#($0)}"# }.joined(separator: ",")
            let bytes = Array("[\(items)]".utf8)
            for _ in 0..<3 {
                let expected = scan(bytes, set, .selected, FieldScanner())
                #expect(scan(bytes, set, .selected, scanner) == expected)
                guard case .found(let hits, _) = expected else {
                    Issue.record("a document was refused")
                    return
                }
                #expect(hits.count == count)
            }
        }
    }
}

/// Finds scalar values by looking at one byte after another.
private enum PlainSearch {
    static func find(_ bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var at = 0
        while at < bytes.count {
            let start = at
            if bytes[at] == UInt8(ascii: "\"") {
                at += 1
                while bytes[at] != UInt8(ascii: "\"") {
                    at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
                }
                at += 1
                let next = bytes[at...].first { !" \t\r\n".utf8.contains($0) }
                if next != UInt8(ascii: ":") { found.append(start..<at) }
            } else if "0123456789-tfn".utf8.contains(bytes[at]) {
                while at < bytes.count, !",]} \t\r\n".utf8.contains(bytes[at]) { at += 1 }
                found.append(start..<at)
            } else {
                at += 1
            }
        }
        return found
    }
}
