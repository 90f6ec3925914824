// OpenCommand: `waxwing open`, which opens the records of a dump.

internal import Bytes
internal import Config
internal import Rules
internal import Telemetry

/// Opens a dump with the configured keys, past all read rules: for whoever may use the keys.
internal struct OpenCommand {
    let request: OpenRequest
    let terminal: Terminal

    func run(_ configuration: Configuration) -> Int32 {
        let log = Log(level: .error, format: .text)
        let keys = DumpKeys(configuration.keyServices, log)
        defer { keys.close() }
        let output = DumpOutput(terminal)
        var counts = Counts()
        do throws(FileError) {
            var reader = try Dump.reader(request.input, request.format)
            var opener = RecordOpener(keys: keys)
            while !output.isClosed, let item = try reader.next() {
                switch item {
                case .fault(let fault):
                    output.complain(fault.place, fault.reason, records: fault.records)
                case .record(let record):
                    open(record, &opener, configuration.rules, output, &counts)
                    output.flushIfLarge()
                }
            }
        } catch {
            _ = output.end()
            terminal.error("waxwing: \(error)\n")
            return ExitCode.failure
        }
        let code = output.end()
        terminal.error(
            "waxwing: \(counts.opened) opened, \(counts.plain) not sealed,"
                + " \(output.lost) not opened\n")
        return code
    }

    private struct Counts {
        var opened = 0
        var plain = 0
    }

    private func open(
        _ record: StoredRecord, _ opener: inout RecordOpener, _ rules: RuleSet,
        _ output: DumpOutput, _ counts: inout Counts
    ) {
        guard let topic = topic(of: record) else {
            return output.complain(
                record.place,
                record.topic == nil
                    ? "of which topic it is has to be said: --topic TOPIC"
                    : "the record is of another topic than --topic says", records: 1)
        }
        var value = record.value
        switch opener.open(record, topic: OpenCommand.boundTopic(topic, rules)) {
        case .plain: counts.plain += 1
        case .opened(let opened):
            counts.opened += 1
            value = opened
        case .failed(let reason): return output.complain(record.place, reason, records: 1)
        }
        if request.isRaw {
            if let value { output.lines.append(value) }
            output.lines.append("\n")
        } else {
            RecordLine.append(record, value: value, to: output.lines)
        }
    }

    private func topic(of record: StoredRecord) -> String? {
        guard let asked = request.topic else { return record.topic }
        guard let own = record.topic else { return asked }
        return own.utf8.elementsEqual(asked.utf8) ? asked : nil
    }

    /// The name that values of the topic are bound to: that of the topic which it mirrors, where a
    /// rule says so.
    private static func boundTopic(_ topic: String, _ rules: RuleSet) -> String {
        rules.protectRule(for: topic).flatMap { rules.protect[$0].sealedAs } ?? topic
    }
}
