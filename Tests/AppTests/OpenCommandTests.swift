// OpenCommandTests: `waxwing open` on dumps of sealed records.

import Bytes
import Compression
import Config
import Crypto
import Envelope
import Fields
import FileKeys
import Foundation
import Records
import TestSupport
import Testing

@testable import App

@Suite struct OpenCommandTests {
    private let bench: Workbench
    private let config: String
    private let document = #"{"id": 7, "card": "4111-1111", "to": ["a", "b"]}"#
    private let some: [Plain]

    init() throws {
        bench = try Workbench()
        config = try bench.configure(
            "protect: [{topics: [mirror], key: local/customers, sealedAs: customers}]")
        some = [
            Plain(key: "k", value: "first secret", headers: [("h", [0xff]), ("n", nil)]),
            Plain(key: nil, value: nil), Plain(key: nil, value: ""),
            Plain(key: nil, value: "last secret, with \"quotes\" and\nlines"),
        ]
    }

    private func open(_ segment: [UInt8], _ more: String...) async throws -> CommandResult {
        let path = try bench.write("00000000000000000000.log", segment)
        let topic = more.first ?? "customers"
        return await bench.run("open", "--config", config, "--topic", topic, path)
    }

    private func values(_ result: CommandResult) throws -> [String?] {
        try result.objects().map { $0["value"] as? String }
    }

    @Test func `a record is one JSON object, its bytes exact`() async throws {
        let sealed = try Stored.sealed(some, try await bench.dataKey(), offset: 20)
        let result = try await open(sealed)
        #expect(
            result
                == CommandResult(
                    code: 0,
                    bytes: Array(
                        #"""
                        {"offset":20,"timestamp":1000,"key":"k","headers":[{"key":"h",\#
                        "valueBase64":"/w=="},{"key":"n","value":null}],"value":"first secret"}
                        {"offset":21,"timestamp":1001,"key":null,"headers":[],"value":null}
                        {"offset":22,"timestamp":1002,"key":null,"headers":[],"value":""}
                        {"offset":23,"timestamp":1003,"key":null,"headers":[],\#
                        "value":"last secret, with \"quotes\" and\u000alines"}

                        """#.utf8), error: "waxwing: 3 opened, 1 not sealed, 0 not opened\n"))
    }

    @Test(arguments: CompressionCodec.allCases)
    func `batches that a broker compressed open`(_ codec: CompressionCodec) async throws {
        let sealed = try Stored.sealed(some, try await bench.dataKey()) { $0.leanForm = true }
        let result = try await open(try Stored.compressed(sealed, codec))
        #expect(result.code == 0)
        #expect(try values(result) == some.map(\.value))
    }

    @Test(arguments: [EnvelopeCompression.zstd, .lz4])
    func `compressed values open`(_ compression: EnvelopeCompression) async throws {
        let long = Plain(value: String(repeating: "plaintext ", count: 500))
        let sealed = try Stored.sealed([long], try await bench.dataKey()) {
            $0.compression = compression
        }
        #expect(sealed.count < 1_000)
        #expect(try values(try await open(sealed)) == [long.value])
    }

    @Test func `documents get their fields back byte for byte`() async throws {
        let fields = try FieldPathSet([FieldPath("$.card"), FieldPath("$.to")])
        let records = [
            Plain(value: document), Plain(value: "\u{0}\u{0}\u{0}\u{1}\u{2}" + document),
        ]
        let sealed = try Stored.sealed(records, try await bench.dataKey()) { $0.fields = fields }
        #expect(!String(decoding: sealed, as: UTF8.self).contains("4111"))
        let result = try await open(sealed)
        #expect(result.code == 0)
        #expect(try values(result) == records.map(\.value))
    }

    @Test func `lean records open by the record that named their key`() async throws {
        let key = try await bench.dataKey()
        let lean = try Stored.sealed(some, key) { $0.leanForm = true }
        let records = try Stored.records(lean, bench)
        #expect(records[3].headers.last?.value?.count == 10)
        // Filtered: the rest of the second batch has no record that names the key.
        let lines =
            [0, 3, 3].map { Stored.kcatLine(records[$0], topic: "customers") }.joined()
            + Stored.kcatLine(records[3], topic: "customers", partition: 1)
        let path = try bench.write("dump", Array(lines))
        let result = await bench.run("open", "--config", config, path)
        #expect(result.code == 1)
        #expect(try values(result) == [some[0].value, some[3].value, some[3].value])
        #expect(
            result.error == """
                waxwing: partition 1, offset 3: the record's data key is not named in its batch
                waxwing: 3 opened, 0 not sealed, 1 not opened

                """)
    }

    @Test func `a dump of kcat gives what the segment gives`() async throws {
        var random = SeededRandom(seed: 5)
        let key = try await bench.dataKey()
        let many = (0..<50).map { _ in
            Plain(value: String(decoding: random.compressibleBytes(40), as: UTF8.self))
        }
        let sealed = try Stored.sealed(some + many, key) { $0.leanForm = true }
        let lines = try Stored.records(sealed, bench).map {
            Stored.kcatLine($0, topic: "customers", partition: 4)
        }
        let path = try bench.write("dump", Array(lines.joined()))
        let result = await bench.run("open", "--config", config, "--format", "kcat", path)
        #expect(result.code == 0, "\(result.error)")
        #expect(try values(result) == (some + many).map(\.value))
        let first = try #require(try result.objects().first)
        #expect(first["topic"] as? String == "customers")
        #expect(first["partition"] as? Int == 4)
    }

    @Test func `a record that was changed is named and left out, the others open`() async throws {
        let key = try await bench.dataKey()
        let records = try Stored.records(try Stored.sealed(some, key, offset: 5), bench)
        for part in 0..<3 {
            var changed = records
            switch part {
            case 0: changed[0].value?[20] ^= 1
            case 1: changed[0].headers[0].value?[0] = 9
            default: changed[0].headers.append(changed[0].headers[0])
            }
            let lines = changed.map { Stored.kcatLine($0, topic: "customers") }
            let path = try bench.write("dump", Array(lines.joined()))
            let result = await bench.run("open", "--config", config, path)
            #expect(result.code == 1)
            #expect(try values(result) == [nil, "", some[3].value])
            #expect(result.error.hasPrefix("waxwing: partition 0, offset 5: "))
            #expect(result.error.hasSuffix("2 opened, 1 not sealed, 1 not opened\n"))
        }
    }

    @Test func `a dump that was read as text says so`() async throws {
        let key = try await bench.dataKey()
        let record = try Stored.records(
            try Stored.sealed([Plain(value: "x" + String(repeating: "y", count: 200))], key), bench)
        let line = Stored.kcatLine(record[0], topic: "customers")
        let path = try bench.write("dump", String(decoding: line, as: UTF8.self))
        let result = await bench.run("open", "--config", config, path)
        #expect(result.code == 1)
        #expect(result.output == "")
    }

    @Test func `values are bound to their topic, or to that of the mirror's rule`() async throws {
        let sealed = try Stored.sealed(some, try await bench.dataKey())
        let other = try await open(sealed, "other")
        #expect(other.code == 1)
        #expect(try values(other) == [nil])
        #expect(!other.output.contains("secret"))
        #expect(try values(try await open(sealed, "mirror")) == some.map(\.value))
    }

    @Test func `lines of another topic than was asked for are not opened`() async throws {
        let record = try Stored.records(
            try Stored.sealed(some, try await bench.dataKey()), bench)[0]
        let path = try bench.write("dump", Stored.kcatLine(record, topic: "customers"))
        let result = await bench.run("open", "--config", config, "--topic", "mirror", path)
        #expect(result.code == 1)
        #expect(result.output == "")
        #expect(result.error.contains("of another topic than --topic says"))
    }

    @Test func `a key that is gone costs its own records only`() async throws {
        let good = try Stored.sealed(some, try await bench.dataKey())
        let other = try KeyringFile(path: bench.directory + "/other.json").create("gone")
        #expect(other.version == 1)
        let gone = try SealingKey(
            id: 1, reference: "local/gone", wrapped: [UInt8](repeating: 1, count: 41),
            key: try .random(count: 32), salt: 1)
        let away = try SealingKey(
            id: 2, reference: "away/x", wrapped: [1], key: try .random(count: 32), salt: 1)
        let bad =
            try Stored.sealed([Plain(value: "a")], gone, offset: 4)
            + Stored.sealed([Plain(value: "b")], away, offset: 5)
        let result = try await open(good + bad + Stored.move(good, to: 6))
        #expect(result.code == 1)
        #expect(try values(result).count == 8)
        #expect(result.error.contains("offset 4: key gone: notFound: no version 1 in"))
        #expect(
            result.error.contains(
                "offset 5: the configuration has no key service \"away\"\n"))
    }

    @Test func `--raw gives values and newlines`() async throws {
        let binary = Plain(value: "\u{1}\u{2}")
        let sealed = try Stored.sealed(some + [binary], try await bench.dataKey())
        let path = try bench.write("0.log", sealed)
        let result = await bench.run(
            "open", "--config", config, "--topic", "customers", "--raw", path)
        #expect(
            result.output
                == "first secret\n\n\nlast secret, with \"quotes\" and\nlines\n\u{1}\u{2}\n")
    }

    @Test func `nothing of a key is printed`() async throws {
        let sealed = try Stored.sealed(some, try await bench.dataKey())
        let result = try await open(sealed + sealed.prefix(100))
        let text = try String(contentsOfFile: bench.keyring, encoding: .utf8)
        let keys = text.matches(of: /"k"\s*:\s*"([A-Za-z0-9_-]+)"/).map { String($0.1) }
        #expect(keys.count == 2)
        #expect(keys.allSatisfy { !(result.output + result.error).contains($0) })
        #expect(result.code == 0)
        #expect(result.error.contains("the file ends within a batch"))
    }

    @Test func `a topic is needed for a segment, and an input that is there`() async throws {
        let sealed = try Stored.sealed(some, try await bench.dataKey())
        let path = try bench.write("0.log", sealed)
        let untold = await bench.run("open", "--config", config, path)
        #expect(untold.code == 1)
        #expect(untold.error.contains("of which topic it is has to be said"))
        #expect(untold.output == "")
        let none = await bench.run("open", "--config", config, "--topic", "t", "/none")
        #expect(none.code == 1)
        #expect(none.error == "waxwing: /none: No such file or directory\n")
    }

    @Test func `a full disk is not taken for success`() async throws {
        let sealed = try Stored.sealed(some, try await bench.dataKey())
        let path = try bench.write("0.log", sealed)
        let (config, request) = (
            config, OpenRequest(config: config, topic: "customers", input: path)
        )
        let code = await withCheckedContinuation { continuation in
            BlockingThread.start {
                let terminal = Terminal(
                    output: { _ in }, outputBytes: { _ in false }, error: { _ in })
                let configuration = try? Configuration.load(path: config)
                continuation.resume(
                    returning: configuration.map {
                        OpenCommand(request: request, terminal: terminal).run($0)
                    })
            }
        }
        #expect(code == 1)
    }
}
