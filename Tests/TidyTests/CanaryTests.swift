// CanaryTests: each rule finds the violation that is planted for it, and only that.

import Testing

@Suite struct CanaryTests {
    private let path = "Sources/Proxy/Planted.swift"

    private func source(_ text: String, path: String? = nil) -> SwiftSource {
        SwiftSource(path: path ?? self.path, text)
    }

    private func lines(_ violations: [Violation]) -> [Int] { violations.map(\.line) }

    // MARK: reading Swift

    @Test func `strings, comments and quoted names are not code`() {
        let planted = source(
            #"""
            let a = "try! \(f("as!")) try!" // try!
            /* try! /* as! */ try! */ let b = 1
            let c = """
                try! "as!"
                """
            func `try! to find me`() {}
            let d = try! f()
            """# + "\nlet e = #\"try! \\\"#; let f = try! g()\n")
        #expect(lines(CallRules.bannedCalls(planted)) == [7, 8])
    }

    @Test func `functions are measured from declaration to brace`() {
        let planted = source(
            """
            protocol P {
                func none() -> Int
                var value: Int { get }
            }
            func one() { }
            func two(
                a: Int = { 1 }(), b: [Int]
            ) throws(E) -> Int
            where A: B {
                func three() {
                    self.init()
                }
            }
            init?(x: Int) {
            }
            """)
        let functions = planted.functions.filter { !$0.isProperty }.map(\.lines)
        #expect(functions == [5...5, 6...13, 10...12, 14...15])
    }

    // MARK: imports

    @Test func `an import that the table does not allow is found`() {
        let planted = source(
            """
            internal import Foundation
            @testable import Records
            import struct Config.Rules
            internal import COpenSSL
            internal import Glibc
            let important = "import Foundation"
            """)
        #expect(lines(ImportTable.violations(planted)) == [1, 3, 4, 5])
        let edge = source("import FoundationEssentials\n", path: "Sources/FileKeys/A.swift")
        #expect(ImportTable.violations(edge) == [])
        let test = source("import Foundation\nimport Config\n", path: "Tests/LoopTests/A.swift")
        #expect(lines(ImportTable.violations(test)) == [2])
        let unknown = source("import Bytes\n", path: "Sources/Unknown/A.swift")
        #expect(lines(ImportTable.violations(unknown)) == [0])
    }

    @Test func `the manifest is read, and dependencies are refused`() {
        let text = """
            let package = Package(
                name: "x",
                dependencies: [],
                targets: [
                    .target(name: "CLinux"),
                    .systemLibrary(name: "CZ", pkgConfig: "z", providers: [.apt(["z-dev"])]),
                    library("Bytes", ["CLinux"], settings: spans),
                    tests(
                        "BytesTests",
                        ["Bytes", "TestSupport"]),
                ]
            )
            """
        let manifest = PackageManifest(text)
        #expect(
            manifest.targets == [
                "CLinux": [], "CZ": [], "Bytes": ["CLinux"],
                "BytesTests": ["Bytes", "TestSupport"],
            ])
        #expect(manifest.violations == [])
        let broken = text.replacing(
            "    dependencies: [],", with: "    dependencies: [.package(path: \"y\")],")
        #expect(lines(PackageManifest(broken).violations) == [0, 3])
    }

    // MARK: shape

    @Test func `long lines, functions and files are found`() {
        let long = TextFile(path: path, text: "//\n" + String(repeating: "a", count: 101) + "\n")
        #expect(lines(ShapeRules.lengths(long)) == [2])
        let fits = TextFile(path: path, text: String(repeating: "ü", count: 100) + "\n")
        #expect(ShapeRules.lengths(fits) == [])
        let file = TextFile(path: path, text: String(repeating: "a\n", count: 501))
        #expect(lines(ShapeRules.lengths(file)) == [0])
        let generated = TextFile(path: "Sources/KafkaWire/Generated/A.swift", text: file.text)
        #expect(ShapeRules.lengths(generated) == [])
        let body = String(repeating: "    a()\n", count: 69)
        #expect(lines(ShapeRules.functionLengths(source("func f() {\n" + body + "}\n"))) == [1])
        let shorter = String(body.dropFirst("    a()\n".count))
        #expect(ShapeRules.functionLengths(source("func f() {\n" + shorter + "}\n")) == [])
    }

    @Test func `a missing, foreign or empty header is found`() {
        for text in ["import Bytes\n", "// Other: it owns.\n", "// Planted:\n", ""] {
            #expect(lines(ShapeRules.header(TextFile(path: path, text: text))) == [1])
        }
        let stub = TextFile(path: path, text: "// Planted: place" + "holder.\n")
        #expect(lines(ShapeRules.header(stub)) == [1])
        let good = TextFile(path: path, text: "// Planted: the seed of a canary.\n")
        #expect(ShapeRules.header(good) == [])
        let main = TextFile(path: "Sources/waxwing/main.swift", text: "// waxwing: the start.\n")
        #expect(ShapeRules.header(main) == [])
    }

    @Test func `names of drawers are found`() {
        #expect(lines(ShapeRules.names(source("struct WireHelpers {}\nenum Corelation {}"))) == [1])
        let file = source("struct A {}", path: "Sources/Bytes/ByteUtils.swift")
        #expect(lines(ShapeRules.names(file)) == [0])
    }

    // MARK: calls

    @Test(arguments: [
        "let a = try! f()", "let a = b as! C", "nonisolated(unsafe) var a = 1",
        "Task.detached { }", "print(a)", "let a = Data(b)", "DispatchQueue.main.async {}",
        "Thread.sleep(forTimeInterval: 1)", "@MainActor func a() {}", "await Task.yield()",
        "try await Task.sleep(for: a)", "Task { await a() }",
    ])
    func `a banned call is found`(_ call: String) {
        #expect(lines(CallRules.bannedCalls(source("//\n" + call))) == [2])
    }

    @Test(arguments: [
        "let a = try f()", "let a = b as? C", "let print = 1", "sealedData(b)", "blueprint(a)",
        "a.print(b)", "Task(executorPreference: loop) { }",
    ])
    func `what only looks like a banned call is not`(_ call: String) {
        #expect(CallRules.bannedCalls(source(call)) == [])
    }

    @Test func `one file may leave the loop`() {
        let text = "Task { await a() }"
        #expect(CallRules.bannedCalls(source(text, path: "Sources/Proxy/LoopKeys.swift")) == [])
        #expect(CallRules.bannedCalls(source(text, path: "Sources/App/A.swift")) == [])
    }

    @Test func `executables and tests may print`() {
        #expect(CallRules.bannedCalls(source("print(a)", path: "Sources/waxwing/main.swift")) == [])
        #expect(CallRules.bannedCalls(source("print(a)", path: "Tests/LoopTests/A.swift")) == [])
    }

    @Test func `a crash without a sentence is found`() {
        let planted = source(
            """
            fatalError()
            fatalError("oops")
            preconditionFailure(message)
            fatalError("the loop has stopped")
            fatalError(
                "the loop has stopped")
            """)
        #expect(lines(CallRules.crashes(planted)) == [1, 2, 3])
    }

    @Test func `an unexplained unchecked Sendable is found`() {
        let planted = source(
            """
            final class A: @unchecked Sendable {}
            // SENDABLE: one thread owns it.
            @safe
            final class B: @unchecked Sendable {}
            final class C: @unchecked Sendable {}  // SENDABLE: immutable.
            """)
        #expect(lines(CallRules.unchecked(planted)) == [1])
    }

    @Test func `an unexplained unsafe is found`() {
        let planted = source(
            """
            func a() {
                unsafe b()
            }
            func c() {
                // SAFETY: checked.
                unsafe b()
                unsafe b()
            }
            var d: Int {
                unsafe e
            }
            // SAFETY: set once.
            let f = unsafe g
            let h = unsafe g
            /// SAFETY: the caller owns it.
            func i() { unsafe b() }
            @unsafe struct J {}
            """)
        #expect(lines(CallRules.unsafe(planted)) == [1, 9, 14])
    }

    // MARK: text

    @Test func `secrets are found outside tests and vectors`() {
        let key = String(repeating: "0123456789abcdef", count: 4)
        let text = "-----" + "BEGIN PRIVATE KEY-----\nkey: \(key)\n\(key)0\n"
        #expect(lines(TextRules.secrets(TextFile(path: "docs/A.md", text: text))) == [1, 2])
        for path in ["conformance/vectors/a.json", "Tests/CryptoTests/A.swift"] {
            #expect(TextRules.secrets(TextFile(path: path, text: text)) == [])
        }
    }

    @Test func `open marks and registries are found`() {
        let marks = TextFile(path: "a.py", text: "# TO" + "DO: later\nTO" + "DOS\nok\n# X" + "XX\n")
        #expect(lines(TextRules.openMarks(marks)) == [1, 4])
        let hosts = TextFile(path: "a.sh", text: "curl https://py" + "pi.org/simple\nok\n")
        #expect(lines(TextRules.registries(hosts)) == [1])
    }

    @Test func `dead links are found`() {
        let page = TextFile(
            path: "docs/A.md",
            text: """
                # One: a title
                [a](B.md) [b](C.md) [c](../LICENSE) [d](https://a.example/x) [e](#one-a-title)
                [f](#two) [g](B.md#here) [h](B.md#there) `[i](gone.md)` [j](../../out)
                ```
                [k](gone.md)
                ```
                """)
        let other = TextFile(path: "docs/B.md", text: "## Here\n")
        let found = TextRules.links(
            page, exists: { ["docs/A.md", "docs/B.md", "LICENSE"].contains($0) },
            text: { $0 == "docs/B.md" ? other : $0 == "docs/A.md" ? page : nil })
        #expect(lines(found) == [2, 3, 3, 3])
    }
}
