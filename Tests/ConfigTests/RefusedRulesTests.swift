// RefusedRulesTests: protect rules that are refused, with the exact messages.

import Testing

@testable import Config

@Suite struct RefusedRulesTests {
    private func errorsOfRules(_ rules: String) -> [String] {
        errors(adding: "keys: {local: {file: f}, corp: {file: g}}\n" + rules)
    }

    @Test(arguments: [
        ("protect: []", ["f:8:10: `protect` is an empty list; leave it out or fill it in"]),
        (
            "protect: {topics: [a]}",
            ["f:8:10: `protect` must be a list, such as `- topics: [payments]`"]
        ),
        (
            "protect: [{}]",
            [
                "f:8:11: a protect rule needs `topics`", "f:8:11: a protect rule needs `key`",
            ]
        ),
        (
            "protect: [{topics: a, key: local/k}]",
            ["f:8:20: `topics` must be a list, such as `[payments, \"orders.*\"]`"]
        ),
        (
            "protect: [{topics: [], key: local/k}]",
            ["f:8:20: `topics` is an empty list; leave it out or fill it in"]
        ),
        (
            "protect: [{topics: [a, 'b c', \"d,e\", ''], key: local/k}]",
            [
                "f:8:24: `topics`: `b c` fits no topic, because no name has ` `; `*` is any run of"
                    + " characters, `?` is one",
                "f:8:31: `topics`: `d,e` fits no topic, because no name has `,`; `*` is any run of"
                    + " characters, `?` is one",
                "f:8:38: `topics` is empty",
            ]
        ),
        (
            "protect: [{topics: [a, b, a], key: local/k}]",
            ["f:8:27: `topics` lists `a` twice (line 8)"]
        ),
        (
            "protect: [{topics: [a], except: [b], key: local/k}]",
            ["f:8:34: `except`: `b` fits none of the rule's `topics`"]
        ),
        (
            "protect: [{topics: [a], key: k}]",
            [
                "f:8:30: `key` must be a key service and the name of a key, like `local/payments`,"
                    + " not `k`"
            ]
        ),
        (
            "protect: [{topics: [a], key: locl/k}]",
            ["f:8:30: `key`: there is no key service `locl`; did you mean `local`?"]
        ),
        (
            "protect: [{topics: [a], key: local/}]",
            ["f:8:30: `key`: the name of a key is missing"]
        ),
        (
            "protect: [{topics: [a], key: local/a/b}]",
            [
                "f:8:30: `key`: the name of a key cannot have \"/\"; it has letters, digits, `.`,"
                    + " `_` and `-`"
            ]
        ),
        (
            "protect: [{topics: [a], key: \"local/$(user)\"}]",
            ["f:8:30: `key`: a key may use `$(topic)` and `$(header:name)` only, not \"$(user)\""]
        ),
        (
            "protect: [{topics: ['a*'], key: local/k, sealedAs: b}]",
            [
                "f:8:52: `sealedAs` needs a rule of its own for each topic: `topics` with one name"
                    + " and no wildcards"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, sealedAs: b*}]",
            ["f:8:49: `sealedAs` must be the name of a topic, not `b*`"]
        ),
        (
            "protect: [{topic: [a], key: local/k}]",
            [
                "f:8:11: a protect rule needs `topics`",
                "f:8:12: a protect rule has no key `topic`; did you mean `topics`?",
            ]
        ),
    ])
    func `a protect rule is refused`(_ rules: String, _ messages: [String]) {
        #expect(errorsOfRules(rules) == messages)
    }

    @Test func `a key without any key service is refused`() {
        #expect(
            errors(adding: "protect: [{topics: [a], key: local/k}]") == [
                "f:7:30: `key`: there is no key service `local`; the file has no `keys`"
            ])
    }

    @Test(arguments: [
        (
            "protect: [{topics: [a], key: local/k, fields: []}]",
            [
                "f:8:47: `fields` is an empty list; leave it out or fill it in"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: $.x}]",
            [
                "f:8:47: `fields` must be a list, such as `[\"$.card.number\"]`"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: [$]}]",
            [
                "f:8:48: `fields`: `$` is the whole value; leave `fields` out to seal "
                    + "it"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: [$.x, \"$['x']\"]}]",
            [
                "f:8:53: `fields` lists `$['x']` twice (line 8)"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: [$.x, $.x.y]}]",
            [
                "f:8:53: `fields`: `$.x.y` lies in `$.x` (line 8), which is sealed as "
                    + "a whole"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: [$.x.y, $.x]}]",
            [
                "f:8:55: `fields`: `$.x.y` (line 8) lies in `$.x`, which is sealed as "
                    + "a whole"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: [$.*, $.x]}]",
            [
                "f:8:53: `fields`: `$.x` is selected by `$.*` (line 8) already"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: [x, '$.a[', \"$.a[?@.b]\", "
                + "'$..', $.ab-c!]}]",
            [
                "f:8:48: `fields`: a path begins with '$'",
                "f:8:56: `fields`: ']' is missing",
                "f:8:64: `fields`: filters are not part of field paths",
                "f:8:76: `fields`: a name or '*' is missing behind '.'",
                "f:8:83: `fields`: a name with such a character is written ['name']",
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: ['${F}']}]",
            [
                "f:8:48: `fields`: the environment has no `F`, and there is no default"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, fields: [$.x], compress: zstd}]",
            [
                "f:8:64: `compress` is for rules without `fields`: a sealed field is "
                    + "too short to gain"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, notJSON: seal}]",
            [
                "f:8:48: `notJSON` is for rules with `fields`: whole values need no "
                    + "JSON"
            ]
        ),
        (
            "protect: [{topics: [a], key: local/k, compress: gzip, wrappedKey: "
                + "perbatch, plain: hide, unopenable: x, dryRun: maybe, notJSON: y}]",
            [
                "f:8:49: `compress` must be `zstd`, `lz4` or `none`, not `gzip`",
                "f:8:67: `wrappedKey` must be `auto`, `perRecord` or `perBatch`, not "
                    + "`perbatch`; did you mean `perBatch`?",
                "f:8:84: `plain` must be `deliver`, `mask` or `refuse`, not `hide`",
                "f:8:102: `unopenable` must be `refuse` or `deliver`, not `x`",
                "f:8:113: `dryRun` must be `true` or `false`, not `maybe`",
                "f:8:129: `notJSON` must be `refuse`, `seal` or `pass`, not `y`",
                "f:8:129: `notJSON` is for rules with `fields`: whole values need no "
                    + "JSON",
            ]
        ),
        (
            "protect: [{topics: [a], key: 'local/$(header:wax)'}]",
            [
                "f:8:30: `key`: `$(header:wax)` is the header that marks sealed "
                    + "records; producers cannot send it"
            ]
        ),
        (
            "protect: [{topics: [a], key: 'local/$(header:a)$(header:b)'}]",
            [
                "f:8:30: `key`: a key may use one `$(header:name)` only"
            ]
        ),
        (
            "protect: [{topics: [a], key: 'local/..'}]",
            [
                "f:8:30: `key`: a key cannot be named `.` or `..`"
            ]
        ),
    ])
    func `a way to seal is refused`(_ rules: String, _ messages: [String]) {
        #expect(errorsOfRules(rules) == messages)
    }

    @Test func `a topic under two protect rules is refused`() {
        #expect(
            errorsOfRules(
                """
                protect:
                  - {topics: [payments, "orders.*"], key: local/a}
                  - {topics: [payments], key: local/b}
                  - topics: [clicks, "*.eu"]
                    key: corp/c
                """) == [
                    "f:10:15: `payments` (line 9) and `payments` protect the same topics, such as"
                        + " `payments`; leave them out of one rule with `except`",
                    "f:11:22: `orders.*` (line 9) and `*.eu` protect the same topics, such as"
                        + " `orders.eu`; leave them out of one rule with `except`",
                ])
    }

    @Test func `an exception in either rule lets two patterns meet`() {
        #expect(
            errorsOfRules(
                """
                protect:
                  - {topics: ["orders.*"], except: [orders.eu], key: local/a}
                  - {topics: [orders.eu], key: local/b}
                  - {topics: ["*-log"], except: ["orders.*"], key: local/c}
                """) == [])
        #expect(
            errorsOfRules(
                """
                protect:
                  - {topics: ["orders.*"], except: ["orders.e?"], key: local/a}
                  - {topics: ["orders.e*"], key: local/b}
                """) == [
                    "f:10:15: `orders.*` (line 9) and `orders.e*` protect the same topics, such as"
                        + " `orders.e`; leave them out of one rule with `except`"
                ])
    }

    @Test func `too many patterns are refused before they are compared`() {
        let topics = (0..<700).map { "t\($0)*" }.joined(separator: ", ")
        let rule = "  - {topics: [\(topics)], key: local/k}\n"
        #expect(
            errorsOfRules("protect:\n" + rule + rule + rule) == [
                "f:9:3: the rules have 2100 patterns; at most 2000 are accepted"
            ])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a thousand patterns are compared in time`() {
        let rules = (0..<10).map { rule in
            let topics = (0..<100).map { "r\(rule)t\($0)*-?" }.joined(separator: ", ")
            return "  - {topics: [\(topics)], key: local/k}\n"
        }
        #expect(errorsOfRules("protect:\n" + rules.joined()) == [])
    }
}
