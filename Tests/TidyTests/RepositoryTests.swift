// RepositoryTests: the rules, held against every file of this checkout.

import Testing

@Suite struct RepositoryTests {
    private func expectNone(_ violations: [Violation]) {
        for violation in violations { Issue.record("\(violation)") }
    }

    @Test func `the whole repository is looked at`() {
        #expect(Repository.files.contains { $0.path == "Package.swift" })
        #expect(Repository.files.contains { $0.path == "docs/STYLE.md" })
        #expect(Repository.files.contains { $0.path == "Sources/Bytes/ByteBuffer.swift" })
        #expect(Repository.swiftFiles.count > 20)
    }

    @Test func `every target imports only what the table allows`() {
        expectNone(Repository.swiftFiles.flatMap(ImportTable.violations))
    }

    @Test func `the table, the manifest and the folders name the same targets`() throws {
        let file = try #require(Repository.files.first { $0.path == "Package.swift" })
        let manifest = PackageManifest(file.text)
        expectNone(manifest.violations)
        let table = ImportTable.targets.merging(ImportTable.cTargets) { first, _ in first }
        for name in Set(manifest.targets.keys).union(table.keys).sorted() {
            #expect(manifest.targets[name] == table[name], "dependencies of \(name)")
        }
        let declared = Set(manifest.targets.keys)
        let folders = Repository.folders(in: "Sources").union(Repository.folders(in: "Tests"))
        #expect(folders.subtracting(declared).sorted() == [], "folders without a target")
        #expect(declared.subtracting(folders).sorted() == [], "targets without a folder")
    }

    @Test func `C is called from few targets`() {
        let callers = ImportTable.targets.filter { !$0.value.isDisjoint(with: cModules) }.keys
        #expect(Set(callers).subtracting(ImportTable.mayCallC).sorted() == [])
    }

    private var cModules: Set<String> { Set(ImportTable.cTargets.keys) }

    @Test func `the design names every target`() throws {
        let design = try #require(Repository.files.first { $0.path == "docs/DESIGN.md" })
        for name in ImportTable.targets.keys where !name.hasSuffix("Tests") {
            #expect(design.text.contains("`\(name)`"), "docs/DESIGN.md does not name \(name)")
        }
    }

    @Test func `every file begins with what it owns`() {
        expectNone(Repository.files.flatMap(ShapeRules.header))
    }

    @Test func `files, lines and functions are short`() {
        expectNone(Repository.files.flatMap(ShapeRules.lengths))
        expectNone(Repository.swiftFiles.flatMap(ShapeRules.functionLengths))
    }

    @Test func `names say what a thing is`() {
        expectNone(Repository.swiftFiles.flatMap(ShapeRules.names))
    }

    @Test func `nothing banned is called`() {
        expectNone(Repository.swiftFiles.flatMap(CallRules.bannedCalls))
        expectNone(Repository.swiftFiles.flatMap(CallRules.crashes))
    }

    @Test func `what the compiler cannot check is explained`() {
        expectNone(Repository.swiftFiles.flatMap(CallRules.unchecked))
        expectNone(Repository.swiftFiles.flatMap(CallRules.unsafe))
    }

    @Test func `no secrets, open marks or registries`() {
        expectNone(Repository.files.flatMap(TextRules.secrets))
        expectNone(Repository.files.flatMap(TextRules.openMarks))
        expectNone(Repository.files.flatMap(TextRules.registries))
    }

    @Test func `every link in the documents leads somewhere`() {
        let pages = Dictionary(
            Repository.files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        expectNone(
            Repository.files.flatMap { file in
                TextRules.links(file, exists: Repository.exists, text: { pages[$0] })
            })
    }
}
