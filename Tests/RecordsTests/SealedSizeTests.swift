// SealedSizeTests: measures what sealing adds, and holds the table in docs/FORMAT.md to it.

import Bytes
import Envelope
import Foundation
import KafkaWire
import Testing

@testable import Records

@Suite struct SealedSizeTests {
    let records = SealAndOpen()

    /// How keys are wrapped: the name in the table, the reference, and the wrapped key's bytes.
    struct Wrapping: CustomTestStringConvertible {
        let name: String
        let reference: String
        let wrappedBytes: Int
        var testDescription: String { name }
    }

    static let wrappings = [
        Wrapping(name: "file keyring", reference: "corp/kek-orders", wrappedBytes: 41),
        Wrapping(
            name: "Vault transit, name of 10 letters", reference: "vault/kek-orders",
            wrappedBytes: 61),
    ]

    private func pair(_ wrapping: Wrapping) throws -> KeyPair {
        try KeyPair(
            reference: wrapping.reference,
            wrapped: [UInt8](repeating: 1, count: wrapping.wrappedBytes))
    }

    /// Bytes that sealing `count` records of `value` adds to their batch.
    private func added(
        _ value: [UInt8], count: Int, _ wrapping: Wrapping, _ plan: SealingPlan
    ) throws -> Int {
        let original = try batch((0..<count).map { PlainRecord(key: [UInt8($0)], value: value) })
        let sealed = try records.seal(original, plan, .one(try pair(wrapping).sealing))
        #expect(sealed.parts.count == 1)
        return sealed.bytes.count - original.count
    }

    private static let document = FileText.at("docs/FORMAT.md")

    @Test(arguments: wrappings)
    func `the format's table says what is measured`(_ wrapping: Wrapping) throws {
        var single: [Int] = []
        var lean: [Double] = []
        for size in [0, 20, 40, 60, 100, 1_000, 8_190] {
            let value = [UInt8](repeating: 1, count: size)
            single.append(try added(value, count: 1, wrapping, try plan()))
            lean.append(Double(try added(value, count: 100, wrapping, try plan(lean: true))) / 100)
        }
        let leastLean = String(format: "%.1f", lean.min() ?? 0)
        let mostLean = String(format: "%.1f", lean.max() ?? 0)
        let row =
            "| \(wrapping.name) | \(wrapping.reference.utf8.count) bytes, `\(wrapping.reference)`"
            + " | \(wrapping.wrappedBytes) bytes | \(single.min() ?? 0) to \(single.max() ?? 0)"
            + " bytes | \(leastLean) to \(mostLean) bytes |"
        #expect(Self.document.contains(row), "docs/FORMAT.md lacks: \(row)")
    }

    @Test func `a ten letter Vault key adds at most 130 bytes, or 45 in the lean form`() throws {
        for size in [0, 1, 20, 35, 36, 50, 63, 64, 100, 200, 1_000, 8_163, 8_164, 8_191] {
            let value = [UInt8](repeating: 1, count: size)
            let full = try added(value, count: 100, Self.wrappings[1], try plan())
            #expect(full <= 130 * 100)
            let lean = try added(value, count: 100, Self.wrappings[1], try plan(lean: true))
            // For values of some sizes both the value's and the record's length grow by a byte.
            let bothGrow = (36...63).contains(size) || (8_164...8_191).contains(size)
            #expect(lean <= (bothGrow ? 46 : 45) * 100, "\(size): \(lean)")
        }
    }

    @Test(arguments: [0, 1, 2, 16, 19, 36, 100])
    func `the table of fields says what is measured`(_ letters: Int) throws {
        let plainBytes = letters + 2
        let value = Array(#"{"a":"\#(String(repeating: "x", count: letters))"}"#.utf8)
        let one = try added(value, count: 1, Self.wrappings[0], try plan(fields: ["$.a"]))
        let header = 6 + 11 + 15 + 41
        let text = FieldText.byteCount(plainBytes: plainBytes)
        #expect(one - header - (text - plainBytes) <= 3)
        guard [0, 16, 36, 100].contains(letters) else { return }
        let row = "| \(letters) letters | \(plainBytes) bytes | \(text) bytes |"
        #expect(Self.document.contains(row), "docs/FORMAT.md lacks: \(row)")
    }
}

/// Text files of the repository.
private enum FileText {
    static func at(_ path: String) -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }
}
