// InspectCommand: `waxwing inspect`, which says how the records of a dump are sealed.

internal import Bytes
internal import Envelope
internal import JSON

/// Lists or sums up a dump, without a configuration and without keys.
internal struct InspectCommand {
    let request: InspectRequest
    let terminal: Terminal

    func run() -> Int32 {
        let output = DumpOutput(terminal)
        var summary = SealSummary()
        if !request.isSummary, !request.json { output.lines.append(SealLine.heading) }
        do throws(FileError) {
            var reader = try Dump.reader(request.input, request.format)
            var inspector = SealInspector()
            while !output.isClosed, let item = try reader.next() {
                switch item {
                case .fault(let fault):
                    output.complain(fault.place, fault.reason, records: fault.records)
                case .record(let record):
                    let facts = inspector.facts(record)
                    if let problem = facts.problem {
                        output.complain(record.place, problem, records: 1)
                    }
                    if request.isSummary {
                        summary.add(facts)
                    } else if request.json {
                        SealLine.append(json: facts, record, to: output.lines)
                    } else {
                        SealLine.append(columns: facts, record, to: output.lines)
                    }
                    output.flushIfLarge()
                }
            }
        } catch {
            _ = output.end()
            terminal.error("waxwing: \(error)\n")
            return ExitCode.failure
        }
        if request.isSummary {
            if request.json {
                summary.append(json: output.lines)
            } else {
                summary.append(text: output.lines)
            }
        }
        return output.end()
    }
}

/// One record in a line.
internal enum SealLine {
    private static let widths = [9, 10, 8, 7, 5, 11, 10, 10, 8, 17]

    static let heading = line([
        "PARTITION", "OFFSET", "FORM", "VERSION", "SUITE", "COMPRESSION", "PLAIN", "ADDED",
        "FIELDS", "DATA KEY", "KEK",
    ])

    private static func line(_ cells: [String]) -> String {
        var text = ""
        for (place, cell) in cells.enumerated() {
            text += cell
            if place < cells.count - 1 {
                text += String(repeating: " ", count: max(widths[place] - cell.count, 0) + 1)
            }
        }
        return text + "\n"
    }

    static func append(columns facts: SealFacts, _ record: StoredRecord, to output: ByteBuffer) {
        let isSealed = facts.form == .whole || facts.form == .fields
        output.append(
            line([
                record.partition.map(String.init) ?? "-", String(record.offset),
                facts.form.rawValue, facts.version.map { String($0) } ?? "-",
                facts.suite.map { String($0) } ?? "-", compression(facts) ?? "-",
                facts.form == .null ? "-" : String(facts.plainBytes),
                isSealed ? String(facts.addedBytes) : "-",
                facts.form == .fields ? String(facts.sealedValues) : "-",
                facts.dataKey ?? "-", kek(facts),
            ]))
    }

    /// `(by id)` marks a record that does not carry its wrapped key.
    private static func kek(_ facts: SealFacts) -> String {
        guard facts.dataKeyID != nil else { return "-" }
        let name = facts.reference.map(PlainText.printable) ?? "not named before"
        return facts.isLean ? "\(name) (by id)" : name
    }

    private static func compression(_ facts: SealFacts) -> String? {
        switch facts.compression {
        case .none: nil
        case .zstd: "zstd"
        case .lz4: "lz4"
        }
    }

    static func append(json facts: SealFacts, _ record: StoredRecord, to output: ByteBuffer) {
        var json = JSONObject(output)
        if let partition = record.partition { json.add("partition", partition) }
        json.add("offset", record.offset)
        json.add("form", facts.form.rawValue)
        if let version = facts.version { json.add("version", Int64(version)) }
        if let suite = facts.suite { json.add("suite", Int64(suite)) }
        if let compression = compression(facts) { json.add("compression", compression) }
        if facts.dataKeyID != nil { json.add("wrappedKey", !facts.isLean) }
        if let reference = facts.reference { json.add("kek", reference) }
        if let dataKey = facts.dataKey { json.add("dataKey", dataKey) }
        if facts.form == .fields { json.add("fields", Int64(facts.sealedValues)) }
        if facts.form != .null { json.add("plainBytes", Int64(facts.plainBytes)) }
        if facts.addedBytes > 0 { json.add("addedBytes", Int64(facts.addedBytes)) }
        if let problem = facts.problem { json.add("problem", problem) }
        json.end()
        output.append("\n")
    }
}
