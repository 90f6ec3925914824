// MessageVectors: the golden messages of the Vectors folder, and a walk as text to compare.

import Bytes
import Foundation
@testable import KafkaWire

/// One golden message and the events that a walk of it must report.
struct MessageVector: CustomStringConvertible {
    let name: String
    let apiKey: Int16
    let kind: MessageKind
    let version: Int16
    let bytes: [UInt8]
    let events: [String]

    var description: String { "\(name) v\(version), \(bytes.count) bytes" }

    var program: WalkProgram {
        guard let program = WalkProgram.find(apiKey, kind, version: version) else {
            preconditionFailure("no program for \(self)")
        }
        return program
    }

    /// All golden messages, in the order of their files.
    static let all: [MessageVector] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Vectors")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().flatMap { name in
            let text = try? String(
                contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            return parse(text ?? "")
        }
    }()

    static func named(_ apiKey: Int16, _ kind: MessageKind) -> [MessageVector] {
        all.filter { $0.apiKey == apiKey && $0.kind == kind }
    }

    /// The first line names the message, its kind and its key.
    private static func parse(_ text: String) -> [MessageVector] {
        let lines = text.split(separator: "\n")
        let head = lines[0].split { $0 == " " || $0 == ":" }
        let kind: MessageKind = head[2] == "request" ? .request : .response
        return lines.dropFirst().map { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            return MessageVector(
                name: "\(head[1]) \(head[2])", apiKey: Int16(head[3]) ?? -1, kind: kind,
                version: Int16(words[0]) ?? -1, bytes: Hex.bytes(words[1]),
                events: words[2] == "-" ? [] : words[2].split(separator: ";").map(String.init))
        }
    }
}

/// Hexadecimal text.
enum Hex {
    /// The bytes that the text stands for; spaces do not count.
    static func bytes(_ text: some StringProtocol) -> [UInt8] {
        let digits = text.utf8.filter { $0 != 0x20 }.map { $0 < 0x3a ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}

extension ByteBuffer {
    /// A buffer that holds `bytes`.
    static func holding(_ bytes: [UInt8]) -> ByteBuffer {
        let buffer = ByteBuffer(capacity: bytes.count)
        buffer.append(bytes)
        return buffer
    }
}

/// A walk that went wrong in a way that is not the message's fault.
struct WalkFault: Error { let what: String }

/// Walks a message and writes its events as the vectors do.
struct WalkTrace {
    let walker = MessageWalker()
    /// Where the message is placed, to catch offsets that forget it.
    static let origin = 1_000

    /// - Parameters:
    ///   - arrived: how many of the bytes ever arrive; all if nil.
    ///   - step: how many more bytes arrive each time the walker asks.
    func events(
        _ program: WalkProgram, _ bytes: [UInt8], arrived: Int? = nil, step: () -> Int
    ) throws -> [String] {
        let origin = Self.origin
        let source = ByteBuffer.holding(bytes)
        var events: [String] = []
        var low = 0
        let arrived = arrived ?? bytes.count
        var high = min(step(), arrived)
        walker.reset(program, body: origin..<origin + bytes.count)
        while true {
            let before = walker.position
            let event = try walker.next(source.bytes(in: low..<high), at: origin + low)
            if event.kind == .end { return events }
            guard event.kind == .needMore else {
                events.append(try text(event, bytes, origin + low..<origin + high))
                continue
            }
            guard walker.position >= before, event.range.upperBound > origin + high else {
                throw WalkFault(what: "asks for bytes that it has")
            }
            guard high < arrived else { throw WalkFault(what: "asks for more") }
            // Everything before the position may be dropped.
            low = min(max(walker.position - origin, low), high)
            high = min(high + step(), arrived)
        }
    }

    private func text(
        _ event: WalkEvent, _ bytes: [UInt8], _ window: Range<Int>
    ) throws -> String {
        let value = event.value.lowerBound - Self.origin..<event.value.upperBound - Self.origin
        let isLate = event.kind == .field && !event.value.isEmpty
        if isLate, event.value.clamped(to: window) != event.value {
            throw WalkFault(what: "reports a value that is not in the span")
        }
        switch event.kind {
        case .field, .records:
            return event.isNull ? "\(event.role)!" : "\(event.role)=\(Hex.text(bytes[value]))"
        case .beginArray: return "\(event.role)[\(event.number)"
        case .endArray: return "\(event.role)]"
        case .beginElement: return "\(event.role){"
        case .endElement: return "\(event.role)}"
        case .beginTag: return "<\(event.number)"
        case .endTag: return ">\(event.number)"
        case .end, .needMore: throw WalkFault(what: "not an event of the message")
        }
    }
}
