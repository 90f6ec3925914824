// CommandFixtures: a directory with a configuration and keys, and dumps of sealed records.

import Bytes
import Compression
import Crypto
import Envelope
import Fields
import FileKeys
import Foundation
import KafkaWire
import KeyService
import Records
import TestSupport
import Testing

@testable import App

/// What a command printed, and its exit code.
struct CommandResult: Equatable, Sendable {
    var code: Int32 = -1
    var bytes: [UInt8] = []
    var error = ""

    var output: String { String(decoding: bytes, as: UTF8.self) }
    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// The lines as JSON objects.
    func objects() throws -> [[String: Any]] {
        try lines.map { line in
            try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }
}

/// A directory that goes with this object.
final class Workbench: Sendable {
    let directory: String
    let keyring: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "cli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        directory = url.path
        keyring = url.path + "/keyring.json"
        let file = KeyringFile(path: keyring)
        for name in ["customers", "tokens"] { _ = try file.create(name) }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// - Returns: the path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = directory + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    /// A configuration with these rules; its path.
    func configure(_ rules: String) throws -> String {
        try write(
            "waxwing.yaml",
            """
            cluster: {bootstrap: [k:1]}
            listeners:
              - {name: a, bind: 127.0.0.1, ports: {bootstrap: 1, brokers: 2-3},
                 principal: {sasl: {groupsClaim: groups}}}
            keys: {local: {file: keyring.json}}
            \(rules)
            """)
    }

    /// On a thread that the command may block.
    func run(_ arguments: String...) async -> CommandResult { await run(arguments) }

    func run(_ arguments: [String]) async -> CommandResult {
        await withCheckedContinuation { continuation in
            BlockingThread.start {
                var printed = CommandResult()
                let terminal = Terminal(
                    output: { printed.bytes += $0.utf8 },
                    outputBytes: {
                        printed.bytes += $0
                        return true
                    }, error: { printed.error += $0 })
                let code = App.waxwing(arguments: arguments, terminal: terminal)
                printed.code = code
                continuation.resume(returning: printed)
            }
        }
    }

    /// A new data key under a key of the keyring.
    func dataKey(_ name: String = "customers", id: UInt64 = 0xab) async throws -> SealingKey {
        let made = try await FileKeyService(path: keyring).generateDataKey(under: name)
        return try SealingKey(
            id: id, reference: "local/\(name)", wrapped: made.wrapped, key: made.plaintext,
            salt: 7)
    }
}

/// A record to seal.
struct Plain {
    var key: String?
    var value: String?
    var headers: [(key: String, value: [UInt8]?)] = []
}

func filled(_ bytes: [UInt8]) -> ByteBuffer {
    let buffer = ByteBuffer(capacity: max(bytes.count, 16))
    buffer.append(bytes)
    return buffer
}

/// Batches as a broker stores them.
enum Stored {
    /// One batch from `offset` on, with these records in it, codec none.
    static func batch(_ records: [Plain], offset: Int64 = 0, attributes: UInt16 = 0) -> [UInt8] {
        let buffer = ByteBuffer()
        var writer = RecordBatchWriter(buffer, baseTimestamp: 1_000, attributes: attributes)
        for (place, record) in records.enumerated() {
            writer.append(
                key: record.key.map { Array($0.utf8) }, value: record.value.map { Array($0.utf8) },
                headers: record.headers, timestamp: 1_000 + Int64(place), into: buffer)
        }
        writer.finish(buffer)
        return move(buffer.array, to: offset)
    }

    /// The same, sealed.
    static func sealed(
        _ records: [Plain], _ key: SealingKey, topic: String = "customers", offset: Int64 = 0,
        _ change: (inout SealingPlan) -> Void = { _ in }
    ) throws -> [UInt8] {
        var plan = SealingPlan(topic: topic, bytesMax: 1 << 20)
        change(&plan)
        let output = ByteBuffer()
        let plain = filled(batch(records))
        _ = try BatchSealer().seal(
            batch: plain.bytes, plan: plan, keys: .one(key), into: output)
        return move(output.array, to: offset)
    }

    /// As the leader does: the base offset is not under the checksum.
    static func move(_ batch: [UInt8], to offset: Int64) -> [UInt8] {
        let moved = filled(batch)
        moved.set(int64: offset, at: RecordBatchHeader.At.baseOffset)
        return moved.array
    }

    /// As a broker with its own `compression.type` does.
    static func compressed(_ batch: [UInt8], _ codec: CompressionCodec) throws -> [UInt8] {
        let whole = filled(batch)
        let start = RecordBatchHeader.byteCount
        let output = filled(Array(batch[..<start]))
        try Codecs().compress(codec, whole.bytes(in: start..<whole.count), into: output)
        let attributes = UInt16(batch[21]) << 8 | UInt16(batch[22])
        output.set(
            int16: Int16(bitPattern: attributes | UInt16(codec.rawValue)),
            at: RecordBatchHeader.At.attributes)
        RecordBatchWriter.seal(output, from: 0)
        return output.array
    }

    /// The records of a segment, by the code that is tested elsewhere.
    static func records(_ segment: [UInt8], _ bench: Workbench) throws -> [StoredRecord] {
        let path = try bench.write("records-\(UUID().uuidString)", segment)
        return try items(path, .segment).compactMap { item in
            if case .record(let record) = item { record } else { nil }
        }
    }

    /// Everything in a dump.
    static func items(_ path: String, _ format: DumpFormat?) throws -> [DumpItem] {
        var reader = try Dump.reader(path, format)
        var items: [DumpItem] = []
        while let item = try reader.next() { items.append(item) }
        return items
    }

    /// The line that kcat prints for a record: strings with their bytes as they are.
    static func kcatLine(_ record: StoredRecord, topic: String, partition: Int = 0) -> [UInt8] {
        var line = Array("{\"topic\":\"\(topic)\",\"partition\":\(partition)".utf8)
        line += Array(",\"offset\":\(record.offset),\"tstype\":\"create\"".utf8)
        line += Array(",\"ts\":\(record.timestamp),\"broker\":1".utf8)
        if !record.headers.isEmpty {
            let parts = record.headers.flatMap { [$0.key, $0.value] }
            line += Array(",\"headers\":[".utf8) + parts.map(string).joined(separator: [0x2c])
            line += Array("]".utf8)
        }
        line += Array(",\"key\":".utf8) + string(record.key)
        line += Array(",\"payload\":".utf8) + string(record.value)
        return line + Array("}\n".utf8)
    }

    private static func string(_ bytes: [UInt8]?) -> [UInt8] {
        guard let bytes else { return Array("null".utf8) }
        let quote = UInt8(ascii: "\"")
        return [quote]
            + bytes.flatMap { byte -> [UInt8] in
                switch byte {
                case quote, UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
                case UInt8(ascii: "\n"): Array("\\n".utf8)
                case 0..<0x20: Array(String(format: "\\u%04X", byte).utf8)
                default: [byte]
                }
            } + [quote]
    }
}
