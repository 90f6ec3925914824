// ImportTable: who may import whom. A change here is a change of the architecture.

/// What each target may import, beside what `ImportTable.system` allows.
///
/// It says the same as `Package.swift`, on purpose twice: a new arrow has to be drawn in both.
enum ImportTable {
    static let targets: [String: Set<String>] = [
        "Limits": [],
        "Rules": ["Fields", "Masks"],
        "Bytes": ["CLinux"],
        "Telemetry": ["CLinux"],
        "KafkaWire": ["Bytes", "Limits"],
        "Compression": ["Bytes", "Limits", "CZlib", "CLZ4", "CZstd", "CSnappy"],
        "Crypto": ["Bytes", "COpenSSL", "COpenSSLShims"],
        "Envelope": ["Bytes", "Crypto", "Limits"],
        "KeyService": ["Crypto", "Envelope", "Bytes", "Limits"],
        "JSON": ["Bytes", "Crypto", "Limits"],
        "Fields": ["CJSON", "Bytes", "Limits"],
        "Masks": ["Bytes", "Crypto", "Limits"],
        "Principals": ["Bytes", "Crypto", "Limits", "JSON", "Rules"],
        "FileKeys": ["KeyService", "JSON", "Crypto", "Bytes", "Limits"],
        "VaultKeys": ["KeyService", "JSON", "Crypto", "Bytes", "Limits", "CCurl"],
        "Records": [
            "Bytes", "KafkaWire", "Compression", "Crypto", "Envelope", "Fields", "Masks", "Limits",
        ],
        "Loop": ["CLinux", "Bytes", "Limits"],
        "Transport": ["Loop", "CLinux", "Bytes", "Limits"],
        "Proxy": [
            "Bytes", "KafkaWire", "Records", "Envelope", "Crypto", "KeyService", "Loop",
            "Transport", "Telemetry", "Rules", "Limits", "Principals", "Fields", "Masks",
        ],
        "Config": ["CYAML", "Rules", "Limits", "Fields", "Masks"],
        "App": [
            "Config", "Rules", "Proxy", "Loop", "KeyService", "FileKeys", "VaultKeys", "Telemetry",
            "Limits", "Fields", "Masks", "Records", "Envelope", "Crypto", "KafkaWire", "Principals",
            "Compression", "JSON", "Bytes", "Transport",
        ],
        "waxwing": ["App"],
        "Bench": [
            "Bytes", "KafkaWire", "Records", "Envelope", "Crypto", "Compression", "Fields", "Masks",
            "CMallocCount", "COpenSSL",
        ],
        "TestSupport": ["Bytes", "KafkaWire"],

        "BytesTests": ["Bytes", "TestSupport"],
        "KafkaWireTests": ["KafkaWire", "Bytes", "TestSupport"],
        "CompressionTests": ["Compression", "Bytes", "TestSupport"],
        "CryptoTests": ["Crypto", "Bytes"],
        "KeyServiceTests": ["KeyService", "Crypto", "Envelope", "Bytes"],
        "JSONTests": ["JSON", "Crypto", "Bytes", "TestSupport"],
        "FieldsTests": ["Fields", "Bytes", "Limits", "TestSupport"],
        "MasksTests": ["Masks", "Crypto", "Bytes", "TestSupport"],
        "PrincipalsTests": ["Principals", "Rules", "Bytes", "TestSupport"],
        "VaultKeysTests": ["VaultKeys", "KeyService", "JSON", "Crypto", "Bytes", "TestSupport"],
        "FileKeysTests": ["FileKeys", "KeyService", "Crypto", "Bytes"],
        "EnvelopeTests": ["Envelope", "Crypto", "Bytes"],
        "RecordsTests": [
            "Records", "Envelope", "Crypto", "KafkaWire", "Compression", "Fields", "Masks",
            "Bytes", "TestSupport",
        ],
        "LoopTests": ["Loop", "Bytes", "TestSupport"],
        "TransportTests": ["Transport", "Loop", "Bytes", "Limits", "TestSupport"],
        "ProxyTests": [
            "Proxy", "Records", "Envelope", "Crypto", "KeyService", "KafkaWire", "Transport",
            "Loop", "Bytes", "Rules", "Telemetry", "Limits", "Principals", "Fields", "Masks",
            "TestSupport",
        ],
        "RulesTests": ["Rules", "Fields", "Masks"],
        "ConfigTests": ["Config", "Rules", "Fields", "Masks"],
        "TelemetryTests": ["Telemetry"],
        "AppTests": [
            "App", "Config", "Rules", "Fields", "Masks", "Proxy", "KeyService", "Transport",
            "Telemetry", "Crypto", "Bytes", "KafkaWire", "Records", "Compression", "Envelope",
            "FileKeys", "JSON", "TestSupport",
        ],
        "TidyTests": [],
    ]

    /// Targets of C, which import nothing of ours but the library that they wrap.
    static let cTargets: [String: Set<String>] = [
        "CLinux": [], "CJSON": [], "CMallocCount": [], "COpenSSL": [],
        "COpenSSLShims": ["COpenSSL"],
        "CZlib": [], "CLZ4": [],
        "CZstd": [], "CSnappy": [], "CYAML": [], "CCurl": [],
    ]

    /// The only targets that may call C: where memory can go wrong.
    static let mayCallC: Set<String> = [
        "Bytes", "Telemetry", "Compression", "Crypto", "Loop", "Transport", "Config", "Bench",
        "VaultKeys", "Fields",
    ]

    /// The only targets beside the tests that may use Foundation, and which part of it.
    static let foundation: [String: Set<String>] = ["FileKeys": ["FoundationEssentials"]]

    /// Targets that decide and transform but never call the operating system.
    private static let pure: Set<String> = [
        "Limits", "Rules", "KafkaWire", "Envelope", "Records", "Proxy", "Fields", "Masks",
        "Principals",
    ]

    /// What `target` may import of the toolchain.
    static func system(_ target: String) -> Set<String> {
        var allowed: Set<String> = ["Synchronization"]
        if !pure.contains(target) { allowed.insert("Glibc") }
        if target.hasSuffix("Tests") { allowed.formUnion(["Testing", "Foundation", "Dispatch"]) }
        return allowed.union(foundation[target] ?? [])
    }

    static func violations(_ source: SwiftSource) -> [Violation] {
        guard let target = source.file.target else { return [] }
        guard let own = targets[target] else {
            return [source.file.violation(0, "target \(target) is not in the import table")]
        }
        let allowed = own.union(system(target))
        return imports(source).compactMap { module, line in
            allowed.contains(module)
                ? nil : source.file.violation(line, "\(target) may not import \(module)")
        }
    }

    /// The modules that a file imports, and the lines that say so.
    static func imports(_ source: SwiftSource) -> [(module: String, line: Int)] {
        source.lines(containing: "import ").compactMap { line in
            var words = source.code[line - 1].split(separator: " ").map(String.init)
            guard let at = words.firstIndex(of: "import"),
                words[..<at].allSatisfy({ $0.hasPrefix("@") || access.contains($0) })
            else { return nil }
            words.removeFirst(at + 1)
            if words.count > 1, kinds.contains(words[0]) { words.removeFirst() }
            guard let module = words.first?.split(separator: ".").first else { return nil }
            return (String(module), line)
        }
    }

    private static let access: Set<String> = [
        "public", "package", "internal", "fileprivate", "private",
    ]
    private static let kinds: Set<String> = [
        "struct", "class", "enum", "protocol", "typealias", "func", "let", "var",
    ]
}
