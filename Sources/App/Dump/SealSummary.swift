// SealSummary: sums over the records of a dump.

internal import Bytes
internal import Envelope
internal import Limits

/// Counts records by their form and by key.
internal struct SealSummary {
    /// What is sealed under one key-encryption key.
    struct Sums: Equatable {
        var records = 0
        var lean = 0
        var dataKeys: Set<UInt64> = []
        var fields = 0
        var compressed = 0
        var plainBytes = 0
        var addedBytes = 0
    }

    private(set) var forms: [SealFacts.Form: Int] = [:]
    /// By reference; the empty one is of records whose key is not named in the dump.
    private(set) var sums: [String: Sums] = [:]
    private var heldKeys = 0
    private var isCut = false

    mutating func add(_ facts: SealFacts) {
        forms[facts.form, default: 0] += 1
        guard facts.form == .whole || facts.form == .fields, let id = facts.dataKeyID else {
            return
        }
        let reference = facts.reference ?? ""
        let isFull = heldKeys >= CommandLimits.summaryKeysMax
        guard sums[reference] != nil || !isFull else {
            isCut = true
            return
        }
        var sum = sums[reference] ?? Sums()
        // In place: a set that two hold is copied with each record.
        sums[reference] = nil
        sum.records += 1
        if facts.isLean { sum.lean += 1 }
        if facts.form == .fields { sum.fields += facts.sealedValues }
        if facts.compression != .none { sum.compressed += 1 }
        sum.plainBytes += facts.plainBytes
        sum.addedBytes += facts.addedBytes
        if isFull {
            isCut = isCut || !sum.dataKeys.contains(id)
        } else if sum.dataKeys.insert(id).inserted {
            heldKeys += 1
        }
        sums[reference] = sum
    }

    private static let shownForms: [SealFacts.Form] = [.whole, .fields, .plain, .null, .invalid]

    func append(text output: ByteBuffer) {
        let total = forms.values.reduce(0, +)
        let parts = SealSummary.shownForms.compactMap { form in
            forms[form].map { "\($0) \(SealSummary.word(form))" }
        }
        output.append(
            "\(total) records" + (parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))") + "\n")
        guard !sums.isEmpty else { return }
        var rows = [
            [
                "KEK", "RECORDS", "BY ID", "DATA KEYS", "FIELDS", "COMPRESSED", "PLAIN BYTES",
                "ADDED BYTES", "ADDED PER RECORD",
            ]
        ]
        for (reference, sum) in sums.sorted(by: { $0.key < $1.key }) {
            let tenths = (sum.addedBytes * 10 + sum.records / 2) / sum.records
            rows.append([
                reference.isEmpty ? "not named" : PlainText.printable(reference),
                String(sum.records), String(sum.lean), String(sum.dataKeys.count),
                String(sum.fields), String(sum.compressed), String(sum.plainBytes),
                String(sum.addedBytes), "\(tenths / 10).\(tenths % 10)",
            ])
        }
        output.append("\n" + TextTable.text(rows))
        if isCut { output.append("there are more keys than are counted\n") }
    }

    private static func word(_ form: SealFacts.Form) -> String {
        switch form {
        case .whole: "sealed whole"
        case .fields: "with sealed fields"
        case .plain: "not sealed"
        case .null: "without value"
        case .invalid: "of an unknown form"
        }
    }

    func append(json output: ByteBuffer) {
        var json = JSONObject(output)
        json.add("type", "records")
        json.add("records", Int64(forms.values.reduce(0, +)))
        json.add("whole", Int64(forms[.whole] ?? 0))
        json.add("fields", Int64(forms[.fields] ?? 0))
        json.add("plain", Int64(forms[.plain] ?? 0))
        json.add("null", Int64(forms[.null] ?? 0))
        json.add("invalid", Int64(forms[.invalid] ?? 0))
        json.end()
        output.append("\n")
        for (reference, sum) in sums.sorted(by: { $0.key < $1.key }) {
            var json = JSONObject(output)
            json.add("type", "kek")
            if !reference.isEmpty { json.add("kek", reference) }
            json.add("records", Int64(sum.records))
            json.add("byID", Int64(sum.lean))
            json.add("dataKeys", Int64(sum.dataKeys.count))
            json.add("sealedFields", Int64(sum.fields))
            json.add("compressed", Int64(sum.compressed))
            json.add("plainBytes", Int64(sum.plainBytes))
            json.add("addedBytes", Int64(sum.addedBytes))
            json.end()
            output.append("\n")
        }
    }
}
