// ConfigurationFileTests: files on disk, their directory, and files that cannot be read.

import Foundation
import Testing

@testable import Config

@Suite struct ConfigurationFileTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "config-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url.path)
    }

    @Test func `paths in a file start from its directory`() throws {
        try withDirectory { directory in
            let path = directory + "/waxwing.yaml"
            try (least + "keys: {local: {file: keyring.json}}")
                .write(toFile: path, atomically: false, encoding: .utf8)
            let found = try Configuration.load(path: path, environment: [:])
            #expect(found.keyServices[0].source == .file(path: directory + "/keyring.json"))
        }
    }

    @Test func `a file that is wrong is named as it was given`() throws {
        try withDirectory { directory in
            let path = directory + "/waxwing.yaml"
            try (least + "threads: x").write(toFile: path, atomically: false, encoding: .utf8)
            let error = #expect(throws: ConfigurationErrors.self) {
                try Configuration.load(path: path, environment: [:])
            }
            #expect(error?.description.hasPrefix(path + ":7:10: `threads`") == true)
        }
    }

    @Test func `a file that cannot be read says why`() throws {
        try withDirectory { directory in
            let missing = #expect(throws: ConfigurationErrors.self) {
                try Configuration.load(path: directory + "/none.yaml")
            }
            #expect(
                missing?.description
                    == directory
                    + "/none.yaml: the file cannot be opened: No such file or directory")
            let folder = #expect(throws: ConfigurationErrors.self) {
                try Configuration.load(path: directory)
            }
            #expect(folder?.description == directory + ": the file cannot be read: Is a directory")
        }
        let endless = #expect(throws: ConfigurationErrors.self) {
            try Configuration.load(path: "/dev/zero")
        }
        #expect(endless?.description == "/dev/zero: the file has more than 1MiB")
    }

    @Test func `the environment of the process can be referred to`() {
        #expect(Environment.process["PATH"] != nil)
        #expect(Environment.process["WAXWING_NO_SUCH_VARIABLE"] == nil)
    }

    @Test(arguments: [
        ("Name:\tx\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n", 2),
        ("Cpus_allowed:\tf,ffffffff,00000001\n", 37), ("Name:\tx\n", nil),
        ("Cpus_allowed:\t0\n", nil),
    ])
    func `processors are counted from the mask of the process`(_ status: String, _ count: Int?) {
        #expect(Processors.allowedCount(status: status) == count)
    }
}
