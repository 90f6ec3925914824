// ExplainCommand: `waxwing explain`: which rules count for a client and a topic, and what they do.

internal import Bytes
internal import Config
internal import Crypto
internal import Fields
internal import JSON
internal import Limits
internal import Masks
internal import Rules
internal import Telemetry

/// Explains by doing: the sample goes through the code that records go through.
internal struct ExplainCommand {
    let request: ExplainRequest
    let terminal: Terminal

    /// What became of the sample.
    private struct Sample {
        let stored: SampleRecord.Stored
        let seen: SampleRecord.Seen
        /// How keyed masks differ from what clients see.
        let note: String?
    }

    func run(_ configuration: Configuration) -> Int32 {
        let explanation: Explanation
        do throws(FieldPathError) {
            explanation = try Explanation(
                configuration, file: request.config, topic: request.topic,
                principal: request.principal)
        } catch {
            terminal.error(
                "waxwing: the paths of all rules are too many for this client, so that nothing is"
                    + " opened for it: \(error.reason)\n")
            return ExitCode.usage
        }
        var sample: Sample?
        if let path = request.value {
            do throws(FileError) {
                let value = try SmallFile.bytes(path, bytesMax: CommandLimits.sampleBytesMax)
                sample = self.sample(value, explanation)
            } catch {
                terminal.error("waxwing: \(error)\n")
                return ExitCode.failure
            }
        }
        if request.json {
            terminal.output(json(explanation, sample))
        } else {
            terminal.output(ExplanationText(explanation).text + (sample.map(text) ?? ""))
        }
        return ExitCode.success
    }

    // MARK: the sample

    private func sample(_ given: [UInt8], _ explanation: Explanation) -> Sample {
        // Files end with a newline that records do not have.
        let value = given.last == UInt8(ascii: "\n") ? given.dropLast() : given
        var record = SampleRecord(value: Array(value))
        record.recordKey = request.recordKey.map { Array($0.utf8) }
        record.keyHeader = request.keyHeader.map { ($0.name, $0.value) }
        let stored = record.produce(explanation.outlook, explanation.protection)
        if let refusal = explanation.refusal {
            return Sample(stored: .refused(refusal), seen: .refused(refusal), note: nil)
        }
        let secret = self.secret(explanation)
        let seen = record.fetch(explanation.outlook, Masker(tokenKey: secret.key))
        return Sample(stored: stored, seen: seen, note: secret.note)
    }

    /// The secret of keyed masks, or another one in its place.
    private func secret(_ explanation: Explanation) -> (key: SecretBytes?, note: String?) {
        guard explanation.needsTokenKey else { return (nil, nil) }
        var reason = "--offline was given"
        if !request.isOffline {
            let settings = explanation.configuration
            let services = settings.keyServices.filter { $0.name == settings.tokenKey?.service }
            do throws(KeysNotUsable) {
                let keys = try KeyServices(services, Log(level: .error, format: .text))
                defer { keys.close() }
                if let key = try keys.tokenKey(settings.tokenKey) { return (key, nil) }
                reason = "the configuration has no `tokenKey`"
            } catch {
                reason = error.reasons.joined(separator: "; ")
            }
        }
        return (
            try? SecretBytes.random(count: AESGCM.keyBytes),
            "tokens and shifted dates are made with a key that nobody keeps, and differ from what"
                + " clients see: \(reason)"
        )
    }

    // MARK: text

    private func text(_ sample: Sample) -> String {
        var lines = ["", "stored          \(ExplainCommand.text(sample.stored))"]
        if case .refused = sample.stored {
            // There is nothing to be seen.
        } else {
            lines.append("seen            \(ExplainCommand.text(sample.seen))")
        }
        if let note = sample.note { lines.append("note            \(PlainText.printable(note))") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func text(_ stored: SampleRecord.Stored) -> String {
        switch stored {
        case .refused(let reason): "the record is refused: \(PlainText.printable(reason))"
        case .asItCame(let value): "as it came: \(SampleText.readable(value))"
        case .whole(let value): "sealed whole, \(value.count) bytes"
        case .fields(let value): SampleText.readable(SampleText.shortened(value))
        }
    }

    private static func text(_ seen: SampleRecord.Seen) -> String {
        switch seen {
        case .asStored: "as it is stored"
        case .value(let value):
            SampleText.readable(SampleText.shortened(value))
        case .null: "null"
        case .dropped: "the record is not delivered"
        case .refused(let reason):
            "the partition answers with an error: \(PlainText.printable(reason))"
        }
    }

    // MARK: JSON

    private func json(_ explanation: Explanation, _ sample: Sample?) -> String {
        let output = ByteBuffer(capacity: 4_096)
        var json = JSONObject(output)
        ExplanationJSON.append(explanation, to: &json)
        if let sample {
            json.object("stored") { object in
                switch sample.stored {
                case .refused(let reason): object.add("refused", reason)
                case .asItCame(let value): ExplainCommand.add(value, "plain", to: &object)
                case .whole(let value):
                    object.add("form", "whole")
                    object.add("bytes", Int64(value.count))
                case .fields(let value):
                    ExplainCommand.add(SampleText.shortened(value), "fields", to: &object)
                }
            }
            json.object("seen") { object in
                switch sample.seen {
                case .asStored: object.add("form", "asStored")
                case .value(let value):
                    ExplainCommand.add(SampleText.shortened(value), "value", to: &object)
                case .null: object.add("form", "null")
                case .dropped: object.add("form", "dropped")
                case .refused(let reason): object.add("refused", reason)
                }
            }
            if let note = sample.note { json.add("note", note) }
        }
        json.end()
        output.append("\n")
        return output.bytes.text
    }

    private static func add(_ value: [UInt8], _ form: String, to object: inout JSONObject) {
        object.add("form", form)
        if let text = String(validating: value, as: UTF8.self) {
            object.add("value", text)
        } else {
            let text = ByteBuffer(capacity: Base64.encodedCount(value.count, .standard))
            // SAFETY: UInt8 has no padding; the array outlives the call.
            Base64.append(unsafe value.span.bytes, .standard, to: text)
            object.add("valueBase64", text.bytes.text)
        }
    }
}
