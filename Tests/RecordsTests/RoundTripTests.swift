// RoundTripTests: what is sealed opens to what it was, byte for byte.

import Bytes
import Compression
import Envelope
import KafkaWire
import Testing

@testable import Records

@Suite struct RoundTripTests {
    let sealer = BatchSealer()
    let opener = BatchOpener()

    static let valueSizes = [0, 1, 100, 1024, 5 << 20]

    func seal(_ batch: ByteBuffer, _ pair: KeyPair, bytesMax: Int = 64 << 20) throws -> [UInt8] {
        let output = filled([1, 2, 3])
        let sealed = try sealer.seal(
            batch: batch.bytes, topic: "orders", key: pair.sealing, batchBytesMax: bytesMax,
            into: output)
        #expect(output.bytes(in: 0..<3).array == [1, 2, 3])
        #expect(sealed.range == 3..<output.count)
        return output.bytes(in: sealed.range).array
    }

    func open(_ records: [UInt8], _ pair: KeyPair) throws -> [UInt8]? {
        let output = filled([9])
        let result = try opener.open(
            records: filled(records).bytes, topic: "orders", keys: pair.keys, into: output)
        guard case .opened(let range) = result else {
            #expect(output.array == [9])
            return nil
        }
        return output.bytes(in: range).array
    }

    @Test(arguments: valueSizes)
    func `a value of any size comes back byte for byte`(_ size: Int) throws {
        let pair = try KeyPair()
        let marker = [UInt8]("MARKER-plaintext".utf8)
        let value = [UInt8]((0..<max(size, 0)).map { marker[$0 % marker.count] })
        let original = try batch([
            PlainRecord(key: [1, 2], value: value),
            PlainRecord(key: nil, value: nil),
            PlainRecord(key: [], value: value, timestamp: baseTime + 70_000),
        ])
        let sealed = try seal(original, pair)
        #expect(sealed != original.array)
        if size >= marker.count { #expect(!sealed.contains(run: marker)) }
        #expect(try open(sealed, pair) == original.array)
    }
}
