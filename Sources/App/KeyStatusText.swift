// KeyStatusText: data keys and key services as JSON lines and as a table.

internal import Bytes
internal import JSON
internal import KeyService
internal import Proxy

/// Writes one snapshot.
internal struct KeyStatusText {
    private let status: KeyStatus

    init(_ status: KeyStatus) { self.status = status }

    // MARK: JSON

    /// One object per line: `type` is `dataKey`, `service`, or `more` for opening keys that are
    /// held but not listed. Members without a value are left out.
    var json: [UInt8] {
        let output = ByteBuffer(capacity: 4_096)
        for (loop, held) in status.loops.enumerated() {
            for key in held.dataKeys { append(key, loop: loop, to: output) }
            let listed = held.dataKeys.count { $0.use == .opening }
            if listed < held.openingKeys {
                var line = JSONLine("more", output)
                line.add("loop", UInt64(loop))
                line.add("openingKeys", UInt64(held.openingKeys - listed))
                line.end()
            }
        }
        for service in status.services { append(service, to: output) }
        return output.array
    }

    private func append(_ key: DataKeyStatus, loop: Int, to output: ByteBuffer) {
        var line = JSONLine("dataKey", output)
        line.add("loop", UInt64(loop))
        line.add("kek", key.reference.text)
        if let version = key.keyVersion { line.add("version", UInt64(version)) }
        line.add("id", KeyStatusText.hex(key.id))
        line.add("use", key.use.rawValue)
        line.add("ageSeconds", key.ageSeconds)
        if let records = key.records { line.add("records", records) }
        if let bytes = key.bytes { line.add("bytes", bytes) }
        line.add("expiresInSeconds", key.expiresInSeconds)
        line.end()
    }

    private func append(_ service: ServiceStatus, to output: ByteBuffer) {
        var line = JSONLine("service", output)
        line.add("name", service.service)
        line.add("breaker", service.state.rawValue)
        line.add("failuresInRow", service.failuresInRow)
        if service.state == .open { line.add("retryInMilliseconds", service.retryInMilliseconds) }
        line.add("underWay", UInt64(service.underWay))
        line.add("queued", UInt64(service.queued))
        line.add("calls", service.counts.made)
        line.add("failed", service.counts.failed)
        line.add("refused", service.counts.refused)
        line.add("joined", service.counts.joined)
        if let failure = service.lastFailure { line.add("lastFailure", failure) }
        line.end()
    }

    private static func hex(_ id: UInt64) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: table

    /// Data keys by key-encryption key, those that seal first; then the key services.
    var table: [UInt8] {
        let keys = status.loops.flatMap(\.dataKeys).sorted { left, right in
            (left.reference.text, KeyStatusText.rank(left), left.ageSeconds)
                < (right.reference.text, KeyStatusText.rank(right), right.ageSeconds)
        }
        var rows = [
            ["KEK", "VERSION", "DATA KEY", "USE", "AGE", "RECORDS", "BYTES", "EXPIRES"]
        ]
        for key in keys {
            rows.append([
                key.reference.text, KeyStatusText.text(key.keyVersion.map(UInt64.init)),
                KeyStatusText.hex(key.id), key.use.rawValue,
                KeyStatusText.duration(key.ageSeconds), KeyStatusText.text(key.records),
                KeyStatusText.text(key.bytes), KeyStatusText.duration(key.expiresInSeconds),
            ])
        }
        var text = TextTable.text(rows)
        let listed = keys.count { $0.use == .opening }
        let held = status.loops.map(\.openingKeys).reduce(0, +)
        if listed < held { text += "and \(held - listed) more that open\n" }
        if !status.services.isEmpty { text += "\n" + TextTable.text(serviceRows) }
        return Array(text.utf8)
    }

    private var serviceRows: [[String]] {
        [["SERVICE", "BREAKER", "CALLS", "FAILED", "NEXT TRY", "LAST FAILURE"]]
            + status.services.map { service in
                [
                    service.service, service.state.rawValue, String(service.counts.made),
                    String(service.counts.failed),
                    service.state == .open
                        ? KeyStatusText.duration((service.retryInMilliseconds + 999) / 1_000)
                        : "-",
                    service.lastFailure.map(KeyStatusText.printable) ?? "-",
                ]
            }
    }

    private static func rank(_ key: DataKeyStatus) -> Int {
        switch key.use {
        case .sealing: 0
        case .successor: 1
        case .opening: 2
        }
    }

    private static func text(_ number: UInt64?) -> String { number.map(String.init) ?? "-" }

    /// The two largest units.
    static func duration(_ seconds: UInt64) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3_600: "\(seconds / 60)m\(seconds % 60)s"
        case ..<86_400: "\(seconds / 3_600)h\(seconds % 3_600 / 60)m"
        default: "\(seconds / 86_400)d\(seconds % 86_400 / 3_600)h"
        }
    }

    /// What a service said, without what could move a terminal's cursor or reverse its text.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: "?"
                    default: scalar
                    }
                }))
    }
}

/// One JSON object in a line.
private struct JSONLine {
    private let output: ByteBuffer

    init(_ type: String, _ output: ByteBuffer) {
        self.output = output
        output.append("{\"type\":\"\(type)\"")
    }

    private func name(_ name: StaticString) { output.append(",\"\(name)\":") }

    mutating func add(_ name: StaticString, _ number: UInt64) {
        self.name(name)
        output.append(String(number))
    }

    mutating func add(_ name: StaticString, _ text: String) {
        self.name(name)
        JSONWriter.append(string: text, to: output)
    }

    mutating func end() { output.append("}\n") }
}
