// KeyServiceReader: the key services of a file, and the key of keyed masks.

internal import Limits
internal import Rules

internal struct KeyServiceReader {
    let reading: Reading

    /// The names under `keys`, also of services that could not be read.
    func names(_ node: Node) -> [String] {
        guard case .map(let entries) = node.content else { return [] }
        return entries.map(\.key)
    }

    func keyServices(_ node: Node) -> [KeyServiceSettings] {
        guard case .map(let entries) = node.content else {
            reading.refuse(node, "`keys` must be a mapping from names to key services")
            return []
        }
        if entries.isEmpty {
            reading.report(node.position, "`keys` is empty; leave it out or fill it in")
        }
        if entries.count > Bounds.keyServicesMax {
            reading.report(
                node.position, "`keys` has at most \(Bounds.keyServicesMax) key services")
        }
        return entries.compactMap { entry in
            if !Reading.isName(entry.key) {
                reading.report(
                    entry.keyPosition,
                    "a key service is named with \(Reading.nameRule), not \(quoted(entry.key))")
            }
            return keyService(entry)
        }
    }

    private func keyService(_ entry: Node.Entry) -> KeyServiceSettings? {
        let what = "key service \(quoted(entry.key))"
        guard
            let section = Section(entry.value, what, keys: ["file", "vault"], in: reading),
            let kind = section.one(of: ["file", "vault"])
        else { return nil }
        if kind.key == "file" {
            return reading.path(kind.value, "file").map {
                KeyServiceSettings(name: entry.key, source: .file(path: $0))
            }
        }
        return VaultReader(reading: reading).source(kind.value).map {
            KeyServiceSettings(name: entry.key, source: .vault($0))
        }
    }

    // MARK: tokenKey

    func tokenKey(_ node: Node, services: [String]) -> TokenKeySettings? {
        guard
            let section = Section(node, "`tokenKey`", keys: ["key", "wrapped"], in: reading)
        else { return nil }
        let key = section.required("key").flatMap { self.key($0, services: services) }
        let wrapped = section.required("wrapped").flatMap(wrapped)
        guard let key, let wrapped else { return nil }
        guard key.template.isFixed else {
            reading.report(
                section["key"]?.position, "`key` of `tokenKey` is one key, without `$(...)`")
            return nil
        }
        return TokenKeySettings(service: key.service, key: key.template.text, wrapped: wrapped)
    }

    /// A key service and the name of a key there, `local/payments`.
    func key(_ node: Node, services: [String]) -> (service: String, template: KeyTemplate)? {
        guard let text = reading.text(node, "key") else { return nil }
        guard let slash = text.filled.firstIndex(of: "/") else {
            reading.report(
                text.position,
                "`key` must be a key service and the name of a key, like `local/payments`, not"
                    + " \(text.shown)")
            return nil
        }
        let service = String(text.filled[..<slash])
        var isKnown = true
        if !services.contains(service) {
            isKnown = false
            let shown = text.isVerbatim ? quoted(service) : "of \(text.shown)"
            let hint =
                services.isEmpty
                ? "; the file has no `keys`" : Spelling.suggestion(for: service, among: services)
            reading.report(text.position, "`key`: there is no key service \(shown)\(hint)")
        }
        do {
            let name = String(text.filled[text.filled.index(after: slash)...])
            let template = try KeyTemplate(name)
            return isKnown ? (service, template) : nil
        } catch {
            reading.report(text.position, "`key`: \(error)")
            return nil
        }
    }

    private func wrapped(_ node: Node) -> [UInt8]? {
        guard let text = reading.text(node, "wrapped") else { return nil }
        guard let bytes = Base64URL.decode(text.filled),
            (1...RecordLimits.wrappedKeyBytesMax).contains(bytes.count)
        else {
            reading.report(
                text.position,
                "`wrapped` must be 1 to \(RecordLimits.wrappedKeyBytesMax) bytes in base64url, as"
                    + " `waxwing keys token` prints them")
            return nil
        }
        return bytes
    }
}

/// Base64 with `-` and `_`, without padding (RFC 4648 section 5).
internal enum Base64URL {
    /// - Returns: nil for anything else, and for texts that another text stands for too.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            guard let value = value(byte) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
            bits &= 1 << UInt32(count) - 1
        }
        // One letter is left over, or bits that stand for nothing.
        guard count < 6, bits == 0 else { return nil }
        return bytes
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
