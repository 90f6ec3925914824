// swift-tools-version: 6.2
// Waxwing: a record-encryption proxy for Apache Kafka. No package dependencies, by rule;
// C libraries come from the operating system.
import PackageDescription

/// One list for every Swift target, with the reason beside each flag.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),  // data races are compile errors
    .treatAllWarnings(as: .error),  // a warning is a failed build
    .strictMemorySafety(),  // every unsafe use says `unsafe`, so it can be found
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409: C modules do not leak
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444: a file imports what it uses
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335: dynamic dispatch is spelled out
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461: async stays put
    // The dynamic exclusivity checks guard class properties on every access; tests (debug) keep
    // them, the shipped binary relies on the state being confined to one thread.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// Only the module that declares span-returning API needs this experimental feature.
let spans = strict + [.enableExperimentalFeature("Lifetimes")]

func library(
    _ name: String, _ dependencies: [Target.Dependency], settings: [SwiftSetting] = strict
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "waxwing",
    products: [.executable(name: "waxwing", targets: ["waxwing"])],
    dependencies: [],
    targets: [
        // C, as small as it can be.
        .target(name: "CLinux"),
        .target(name: "CJSON"),
        .target(name: "CMallocCount"),  // Benchmarks only.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "COpenSSLShims", dependencies: ["COpenSSL"]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CSnappy", pkgConfig: "snappy", providers: [.apt(["libsnappy-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        // Loads libcurl itself, so that it is linked to nothing. Headers: libcurl4-openssl-dev.
        .target(name: "CCurl"),

        // Bottom: bytes, limits, time, log lines.
        library("Limits", []),
        library("Bytes", ["CLinux"], settings: spans),
        library("Telemetry", ["CLinux"]),
        library("Rules", ["Fields", "Masks"]),

        // What a record is, and what is done to it. No sockets here.
        library("KafkaWire", ["Bytes", "Limits"]),
        library("Compression", ["Bytes", "Limits", "CZlib", "CLZ4", "CZstd", "CSnappy"]),
        library("Crypto", ["Bytes", "COpenSSL", "COpenSSLShims"]),
        library("JSON", ["Bytes", "Crypto", "Limits"]),
        library("Fields", ["CJSON", "Bytes", "Limits"]),
        library("Masks", ["Bytes", "Crypto", "Limits"]),
        library("Principals", ["Bytes", "Crypto", "Limits", "JSON", "Rules"]),
        library("KeyService", ["Crypto", "Envelope", "Bytes", "Limits"]),
        library("FileKeys", ["KeyService", "JSON", "Crypto", "Bytes", "Limits"]),
        library("VaultKeys", ["KeyService", "JSON", "Crypto", "Bytes", "Limits", "CCurl"]),
        library("Envelope", ["Bytes", "Crypto", "Limits"]),
        library(
            "Records",
            [
                "Bytes", "KafkaWire", "Compression", "Crypto", "Envelope", "Fields", "Masks",
                "Limits",
            ]),

        // What moves the bytes.
        library("Loop", ["CLinux", "Bytes", "Limits"]),
        library("Transport", ["Loop", "CLinux", "Bytes", "Limits"]),
        library(
            "Proxy",
            [
                "Bytes", "KafkaWire", "Records", "Envelope", "Crypto", "KeyService", "Loop",
                "Transport", "Telemetry", "Limits", "Rules", "Principals", "Fields", "Masks",
            ]),

        // Edge: files, arguments, signals.
        library("Config", ["CYAML", "Limits", "Rules", "Fields", "Masks"]),
        library(
            "App",
            [
                "Config", "Proxy", "Loop", "KeyService", "FileKeys", "VaultKeys", "Telemetry",
                "Limits", "Rules", "Fields", "Masks", "Records", "Envelope", "Crypto", "KafkaWire",
                "Compression", "Principals", "JSON", "Bytes", "Transport",
            ]),
        .executableTarget(name: "waxwing", dependencies: ["App"], swiftSettings: strict),
        .executableTarget(
            name: "Bench",
            dependencies: [
                "Bytes", "KafkaWire", "Records", "Envelope", "Crypto", "Compression",
                "Fields", "Masks", "CMallocCount", "COpenSSL",
            ],
            swiftSettings: strict),
        library("TestSupport", ["Bytes", "KafkaWire"]),

        tests("BytesTests", ["Bytes", "TestSupport"]),
        tests("KafkaWireTests", ["KafkaWire", "Bytes", "TestSupport"], exclude: ["Vectors"]),
        tests("CompressionTests", ["Compression", "Bytes", "TestSupport"]),
        tests("CryptoTests", ["Crypto", "Bytes"]),
        tests("KeyServiceTests", ["KeyService", "Crypto", "Envelope", "Bytes"]),
        tests("JSONTests", ["JSON", "Crypto", "Bytes", "TestSupport"]),
        tests("FieldsTests", ["Fields", "Bytes", "Limits", "TestSupport"]),
        tests("MasksTests", ["Masks", "Crypto", "Bytes", "TestSupport"]),
        tests("PrincipalsTests", ["Principals", "Rules", "Bytes", "TestSupport"]),
        tests("FileKeysTests", ["FileKeys", "KeyService", "Crypto", "Bytes"]),
        tests(
            "VaultKeysTests",
            ["VaultKeys", "KeyService", "JSON", "Crypto", "Bytes", "TestSupport"]),
        tests("EnvelopeTests", ["Envelope", "Crypto", "Bytes"]),
        tests(
            "RecordsTests",
            [
                "Records", "Envelope", "Crypto", "KafkaWire", "Compression", "Fields", "Masks",
                "Bytes", "TestSupport",
            ]),
        tests("LoopTests", ["Loop", "Bytes", "TestSupport"]),
        tests("TransportTests", ["Transport", "Loop", "Bytes", "Limits", "TestSupport"]),
        tests(
            "ProxyTests",
            [
                "Proxy", "Records", "Envelope", "Crypto", "KeyService", "KafkaWire", "Transport",
                "Loop", "Bytes", "Rules", "Telemetry", "Limits", "Principals", "Fields", "Masks",
                "TestSupport",
            ]),
        tests("ConfigTests", ["Config", "Rules", "Fields", "Masks"]),
        tests("TelemetryTests", ["Telemetry"]),
        tests("RulesTests", ["Rules", "Fields", "Masks"]),
        tests(
            "AppTests",
            [
                "App", "Config", "Rules", "Fields", "Masks", "Proxy", "KeyService", "Transport",
                "Telemetry", "Crypto", "Bytes", "KafkaWire", "Records", "Compression", "Envelope",
                "FileKeys", "JSON", "TestSupport",
            ]),
        tests("TidyTests", []),
    ]
)
