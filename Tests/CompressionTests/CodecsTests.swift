// CodecsTests: what holds for every codec: round trips, limits, hostile streams.

import Bytes
import Compression
import TestSupport
import Testing

private let realCodecs: [CompressionCodec] = [.gzip, .snappy, .lz4, .zstd]

@Suite struct CodecsTests {
    @Test(arguments: CompressionCodec.allCases)
    func `content of any size comes back, from contexts used again`(
        _ codec: CompressionCodec
    ) throws {
        let codecs = Codecs()
        var random = SeededRandom(seed: 1)
        let kibibyte = 1024
        for size in [
            0, 1, 2, 61, 31 * kibibyte, 32 * kibibyte, 32 * kibibyte + 1, 64 * kibibyte,
            200_000, 1024 * kibibyte,
        ] {
            for content in [random.bytes(size), random.compressibleBytes(size)] {
                let stream = try compressed(codec, content, by: codecs)
                // The limit is exact: one byte less is refused below.
                let result = attempt(codec, stream, outputBytesMax: size, by: codecs)
                #expect(result.error == nil, "\(codec), \(size) bytes")
                #expect(result.produced == content, "\(codec), \(size) bytes")
                guard size > 0 else { continue }
                let refused = attempt(codec, stream, outputBytesMax: size - 1, by: codecs)
                #expect(refused.error == .outputTooLarge(limit: size - 1), "\(codec), \(size)")
            }
        }
    }

    @Test(arguments: realCodecs)
    func `records become smaller`(_ codec: CompressionCodec) throws {
        var random = SeededRandom(seed: 2)
        let content = random.compressibleBytes(100_000)
        #expect(try compressed(codec, content).count < 60_000)
    }

    @Test func `ids are those of the batch attributes and no others`() {
        #expect(CompressionCodec(rawValue: 1) == .gzip)
        #expect(CompressionCodec(rawValue: 2) == .snappy)
        #expect(CompressionCodec(rawValue: 3) == .lz4)
        #expect(CompressionCodec(rawValue: 4) == .zstd)
        for id in UInt8(5)...7 { #expect(CompressionCodec(rawValue: id) == nil) }
    }

    @Test(arguments: CompressionCodec.allCases)
    func `output is appended behind what is there`(_ codec: CompressionCodec) throws {
        let codecs = Codecs()
        let output = ByteBuffer()
        output.append([9, 8, 7])
        let content = rowanText
        // SAFETY: UInt8 has no padding.
        try codecs.compress(codec, unsafe content.span.bytes, into: output)
        #expect(Array(output.array.prefix(3)) == [9, 8, 7])
        let stream = Array(output.array.dropFirst(3))
        #expect(try decompressed(codec, stream, by: codecs) == rowanText)
    }

    @Test(arguments: realCodecs)
    func `no bytes at all are a truncated stream`(_ codec: CompressionCodec) {
        #expect(failure(codec, []) == .corrupt(codec, at: 0, .truncated))
    }

    @Test func `no bytes are no content without a codec`() throws {
        #expect(try decompressed(.none, []) == [])
    }

    @Test(arguments: realCodecs)
    func `contexts that were freed are made anew`(_ codec: CompressionCodec) throws {
        let codecs = Codecs()
        for _ in 0..<3 {
            let stream = try compressed(codec, rowanText, by: codecs)
            #expect(try decompressed(codec, stream, by: codecs) == rowanText)
            codecs.releaseContexts()
        }
    }

    @Test(arguments: realCodecs)
    func `a context works after it met a corrupt stream`(_ codec: CompressionCodec) throws {
        let codecs = Codecs()
        let stream = try compressed(codec, rowanText, by: codecs)
        for cut in [stream.count / 2, stream.count - 1] {
            let broken = Array(stream.prefix(cut))
            #expect(attempt(codec, broken, outputBytesMax: 1000, by: codecs).error != nil)
            #expect(try decompressed(codec, stream, by: codecs) == rowanText)
        }
    }

    @Test(arguments: realCodecs)
    func `a bomb stops at the limit and costs no more storage`(_ codec: CompressionCodec) throws {
        let codecs = Codecs()
        let stream = try compressed(codec, [UInt8](repeating: 0, count: 8 << 20), by: codecs)
        for limit in [0, 1, 1000, 64 * 1024, 100_000, 1 << 20, (8 << 20) - 1] {
            let result = attempt(codec, stream, outputBytesMax: limit, by: codecs)
            #expect(result.error == .outputTooLarge(limit: limit), "limit \(limit)")
        }
        #expect(try decompressed(codec, stream, outputBytesMax: 8 << 20).count == 8 << 20)
    }

    @Test(arguments: [CompressionCodec.gzip, .lz4, .zstd])
    func `a stream cut anywhere is an error`(_ codec: CompressionCodec) throws {
        let codecs = Codecs()
        var random = SeededRandom(seed: 3)
        for content in [[], rowanText, random.bytes(300), random.compressibleBytes(3000)] {
            let stream = try compressed(codec, content, by: codecs)
            for cut in 0..<stream.count {
                let result = attempt(
                    codec, Array(stream.prefix(cut)), outputBytesMax: 10_000, by: codecs)
                guard case .corrupt(codec, let at, .truncated) = result.error else {
                    Issue.record("\(codec) cut at \(cut): \(String(describing: result.error))")
                    continue
                }
                #expect(at <= cut)
            }
        }
    }

    @Test(arguments: realCodecs)
    func `bytes behind the stream are an error`(_ codec: CompressionCodec) throws {
        let stream = try compressed(codec, rowanText)
        for tail: [UInt8] in [[0], [0xff], [0, 0, 0, 0], Array("more than a header".utf8)] {
            guard case .corrupt(codec, let at, _) = failure(codec, stream + tail) else {
                Issue.record("\(codec) took \(tail.count) bytes behind its end")
                continue
            }
            #expect(at >= stream.count && at <= stream.count + tail.count)
        }
    }

    @Test(arguments: realCodecs)
    func `damaged streams never pass the limit`(_ codec: CompressionCodec) throws {
        let codecs = Codecs()
        var random = SeededRandom(seed: 4 + UInt64(codec.rawValue))
        let content = random.compressibleBytes(2000) + random.bytes(500)
        let stream = try compressed(codec, content, by: codecs)
        var errors = 0
        for _ in 0..<3000 {
            var damaged = stream
            for _ in 0...random.next() % 4 {
                let at = Int(random.next() % UInt64(damaged.count))
                damaged[at] = UInt8(truncatingIfNeeded: random.next())
            }
            let result = attempt(codec, damaged, outputBytesMax: 4000, by: codecs)
            if result.error != nil { errors += 1 }
            // A CRC-32 covers the whole content, and nothing less than all of it may come out.
            if codec == .gzip, let produced = result.produced { #expect(produced == content) }
        }
        #expect(errors > 500)
    }

    @Test(arguments: realCodecs)
    func `garbage never passes the limit`(_ codec: CompressionCodec) throws {
        let codecs = Codecs()
        var random = SeededRandom(seed: 40 + UInt64(codec.rawValue))
        let head = try compressed(codec, rowanText, by: codecs)
        for round in 0..<3000 {
            // Half of it starts like a stream, to get past the first check.
            let kept = round % 2 == 0 ? 0 : Int(random.next() % UInt64(min(head.count, 24)))
            let garbage = head.prefix(kept) + random.bytes(Int(random.next() % 200))
            _ = attempt(codec, Array(garbage), outputBytesMax: 3000, by: codecs)
        }
    }

    @Test func `errors say where and never what`() {
        let error = CompressionError.corrupt(.zstd, at: 17, .checksum)
        #expect("\(error)" == "corrupt zstd stream at byte 17: wrong checksum")
        let tooLarge = CompressionError.outputTooLarge(limit: 5)
        #expect("\(tooLarge)" == "decompresses to more than 5 bytes")
    }
}
