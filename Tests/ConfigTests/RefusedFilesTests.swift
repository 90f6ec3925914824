// RefusedFilesTests: files that are wrong as YAML or as a whole, with the exact messages.

import Testing

@testable import Config

@Suite struct RefusedFilesTests {
    @Test(arguments: [
        ("", ["f:1:1: the file is empty"]),
        ("# only a comment\n", ["f:1:1: the file is empty"]),
        ("just text", ["f:1:1: the file must be a mapping (`key: value`)"]),
        ("- a", ["f:1:1: the file must be a mapping (`key: value`)"]),
        (
            "threads: 1", ["f:1:1: the file needs `cluster`", "f:1:1: the file needs `listeners`"]
        ),
        (
            least + "clusters: 1",
            ["f:7:1: the file has no key `clusters`; did you mean `cluster`?"]
        ),
        (least + "protcet: []", ["f:7:1: the file has no key `protcet`; did you mean `protect`?"]),
        (least + "zebra: 1", ["f:7:1: the file has no key `zebra`"]),
        (
            least + "threads: 1\nlog: {}\nthreads: 2",
            ["f:9:1: `threads` is already set in line 7"]
        ),
        (least + "threads:", ["f:7:9: `threads` must be a single value; it has no value"]),
        (least + "threads: ~", ["f:7:10: `threads` must be a single value; it has no value"]),
        (least + "threads: [1]", ["f:7:10: `threads` must be a single value, not a list"]),
        (least + "[a]: 1", ["f:7:1: a key must be a name, not a list"]),
        (least + "---\na: 1", ["f:7:1: a file has one document only"]),
    ])
    func `a file as a whole is refused`(_ text: String, _ messages: [String]) {
        #expect(errors(text) == messages)
    }

    @Test(arguments: [
        (least + "log:\n\tlevel: info", ["f:8:1: a tab cannot indent; use spaces"]),
        (
            least + "read: [{principals: [*], topics: [a], show: clear}]",
            ["f:7:23: quote a pattern that begins with `*`: \"*\""]
        ),
        (
            least + "log: {level: info",
            [
                "f:8:1: not YAML: did not find expected ',' or '}' while parsing a flow mapping"
            ]
        ),
        (
            "cluster: a: b",
            ["f:1:11: not YAML: mapping values are not allowed in this context"]
        ),
        (least + "threads: &n 2", ["f:7:10: anchors (`&`) are not accepted"]),
        (
            least + "threads: *n",
            [
                "f:7:10: aliases are not accepted; a pattern that begins with `*` is quoted"
            ]
        ),
        (least + "threads: !!int 2", ["f:7:10: tags (`!`) are not accepted"]),
        (least + "log: !x {level: info}", ["f:7:6: tags (`!`) are not accepted"]),
    ])
    func `YAML that is wrong or has no use here is refused`(_ text: String, _ messages: [String]) {
        #expect(errors(text) == messages)
    }

    @Test func `bytes that are not UTF-8 are refused where they are`() {
        let error = #expect(throws: ConfigurationErrors.self) {
            try Configuration.parse(
                bytes: Array("a: 1\n\u{e9}b: ".utf8) + [0xFF, 0x0A], name: "f", environment: [:],
                directory: "")
        }
        #expect(
            error?.description == "f:2:5: not UTF-8 text: invalid leading UTF-8 octet")
    }

    @Test func `control characters are refused`() {
        #expect(
            errors("a: \u{0}") == ["f:1:4: not UTF-8 text: control characters are not allowed"])
    }

    @Test func `deep, long and large files are refused soon`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(errors("a: " + deep) == ["f:1:35: values are nested more than 32 deep"])
        let wide = "a: [" + String(repeating: "1,", count: 60_000) + "]"
        #expect(errors(wide) == ["f:1:99999: the file has more than 50000 values"])
        let large = String(repeating: "# comment\n", count: 110_000)
        #expect(errors(large) == ["f: the file has more than 1MiB"])
    }

    @Test func `an alias bomb is refused at its first anchor`() {
        var bomb = "a0: &a0 [x, x]\n"
        for level in 1..<40 { bomb += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        let found = errors(bomb)
        #expect(found.contains("f:1:5: anchors (`&`) are not accepted"))
        #expect(found.count == 101)
        #expect(found.last == "f: more errors are not shown")
    }

    @Test func `all errors are shown, in the order of the file`() {
        #expect(
            errors(
                """
                cluster: {bootstrap: [kafka], sasl: plain}
                listeners:
                  - advertise: "a b"
                    ports: {bootstrap: 0, brokers: 1-2-3}
                log: {level: loud}
                """) == [
                    "f:1:23: `bootstrap` must list `host:port`, not `kafka`; add the port:"
                        + " `kafka:9092`",
                    "f:1:37: `sasl` must be `passthrough`, not `plain`",
                    "f:3:5: a listener needs `name`",
                    "f:3:16: `advertise` must be a host name or IP address, not `a b`",
                    "f:4:24: `bootstrap` must be 1 to 65535, not `0`",
                    "f:4:36: `brokers` must be a range of ports like `9100-9199`, not `1-2-3`",
                    "f:5:14: `level` must be `error`, `warn`, `info` or `debug`, not `loud`",
                ])
    }

    @Test func `an odd text is shown without its control characters`() {
        #expect(
            errors(least + "log: {level: \"a\\e[2J\\u202e\\nb\"}") == [
                "f:7:14: `level` must be `error`, `warn`, `info` or `debug`, not"
                    + " `a\\u{1b}[2J\\u{202e}\\u{a}b`"
            ])
        let long = String(repeating: "x", count: 100)
        #expect(errors(least + "\(long): 1")[0].contains("x..."))
    }
}
