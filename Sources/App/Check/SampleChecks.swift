// SampleChecks: paths that select nothing in samples, and masks that do not fit them.

internal import Bytes
internal import Config
internal import Fields
internal import Limits
internal import Masks
internal import Proxy
internal import Rules

/// Goes through the samples of one topic.
internal struct SampleChecks {
    private let configuration: Configuration
    private let file: String
    private let topic: String
    private let path: String
    private let content: [UInt8]
    private let scanner = FieldScanner()

    init(
        _ configuration: Configuration, file: String, topic: String, path: String
    ) throws(FileError) {
        self.configuration = configuration
        self.file = file
        self.topic = topic
        self.path = path
        content = try SmallFile.bytes(path, bytesMax: CommandLimits.sampleBytesMax)
    }

    /// One path of a rule, and what the samples showed of it.
    private struct Watch {
        /// The rule's line.
        let line: Int
        let path: FieldPath
        let set: FieldPathSet
        let mask: Mask?
        var hasHit = false
        /// Kinds of values that the mask was seen not to fit.
        var misfits: [String] = []
    }

    func warnings() throws(FileError) -> [String] {
        let rules = configuration.rules
        let prefix = "warning: sample \(path) of topic \(topic): "
        guard rules.concerns(topic: topic) else {
            return ["\(file): \(prefix)no rule names the topic"]
        }
        let samples = documents
        var watches: [Watch]
        do {
            watches = try self.watches()
        } catch {
            throw FileError(path: path, reason: "\(error)")
        }
        var warnings = sealingWarnings(samples).map { "\(file): \(prefix)\($0)" }
        for range in samples { look(range, &watches) }
        for watch in watches {
            let place = "\(file):\(watch.line): \(prefix)"
            if !watch.hasHit {
                warnings.append("\(place)nothing is selected by \(watch.path.text)")
            }
            if let mask = watch.mask, !watch.misfits.isEmpty {
                let kinds = watch.misfits.joined(separator: ", ")
                warnings.append(
                    "\(place)mask `\(mask)` does not fit what \(watch.path.text) selects"
                        + " (\(kinds)), which is redacted in its place")
            }
        }
        return Array(warnings.prefix(CommandLimits.sampleWarningsMax))
    }

    /// Where the samples stand: the whole file when it is one document, else its lines.
    private var documents: [Range<Int>] {
        // SAFETY: UInt8 has no padding; the array outlives the span.
        let span = unsafe content.span.bytes
        if let none = try? FieldPathSet([]),
            (try? scanner.scan(span, none, notesSealedText: false)) != nil
        {
            return [0..<content.count]
        }
        var ranges: [Range<Int>] = []
        var start = 0
        for (place, byte) in content.enumerated() where byte == UInt8(ascii: "\n") {
            ranges.append(start..<place)
            start = place + 1
        }
        ranges.append(start..<content.count)
        let space = Set(" \t\r".utf8)
        return ranges.filter { !content[$0].allSatisfy(space.contains) }
    }

    private func watches() throws -> [Watch] {
        let rules = configuration.rules
        var watches: [Watch] = []
        if let place = rules.protectRule(for: topic) {
            let line = configuration.protectPositions[place].line
            for path in rules.protect[place].sealing.fields?.paths ?? [] {
                watches.append(
                    Watch(line: line, path: path, set: try FieldPathSet([path]), mask: nil))
            }
        }
        for (place, rule) in rules.read.enumerated() where rule.names(topic: topic) {
            let line = configuration.readPositions[place].line
            for field in rule.fields where !field.path.isRoot {
                var mask: Mask?
                if case .mask(let own) = field.showing { mask = own }
                watches.append(
                    Watch(
                        line: line, path: field.path, set: try FieldPathSet([field.path]),
                        mask: mask))
            }
        }
        return watches
    }

    // MARK: sealing

    /// What would be refused, each reason once.
    private func sealingWarnings(_ samples: [Range<Int>]) -> [String] {
        guard !samples.isEmpty else { return ["there is no sample in it"] }
        let explanation: Explanation
        do {
            explanation = try Explanation(
                configuration, file: file, topic: topic, principal: .unknown)
        } catch {
            return []
        }
        if let refusal = explanation.refusal { return ["it would be refused: \(refusal)"] }
        // Which header a record has is not known here.
        guard case .fixed? = explanation.protection?.key else { return [] }
        var reasons: [String] = []
        var known: Set<String> = []
        for (place, range) in samples.enumerated() {
            let record = SampleRecord(value: Array(content[range]))
            let number = samples.count == 1 ? "the value" : "value \(place + 1)"
            switch record.produce(explanation.outlook, explanation.protection) {
            case .refused(let reason) where known.insert(reason).inserted:
                reasons.append("\(number) would be refused: \(PlainText.printable(reason))")
            case .asItCame
            where !explanation.outlook.isOff && known.insert("as it came").inserted:
                reasons.append("\(number) would be stored in clear: nothing of it is sealed")
            case .whole
            where explanation.sealing?.fields != nil && known.insert("whole").inserted:
                reasons.append("\(number) would be sealed whole: it is no JSON document")
            default: break
            }
            if reasons.count >= CommandLimits.sampleWarningsMax { break }
        }
        return reasons
    }

    // MARK: reading

    private func look(_ range: Range<Int>, _ watches: inout [Watch]) {
        // SAFETY: UInt8 has no padding; the array outlives the span.
        let sample = unsafe content.span.bytes.extracting(range)
        let masks = MaskFit(configuration.tokenKey != nil)
        for place in watches.indices {
            if watches[place].hasHit, watches[place].mask == nil { continue }
            guard
                (try? scanner.scan(sample, watches[place].set, notesSealedText: false)) != nil
            else { return }
            for hit in scanner.hits {
                watches[place].hasHit = true
                guard let mask = watches[place].mask else { break }
                for misfit in masks.misfits(mask, sample.extracting(hit.value))
                where !watches[place].misfits.contains(misfit) {
                    watches[place].misfits.append(misfit)
                }
            }
        }
    }
}
