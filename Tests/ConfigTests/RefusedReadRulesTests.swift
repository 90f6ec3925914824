// RefusedReadRulesTests: read rules that are refused, with the exact messages.

import Testing

@testable import Config

/// Two key services, a topic of which fields are sealed, and one of which whole values are; the
/// rules follow in line 9.
internal let sealedTopics = """
    keys: {local: {file: f}, corp: {file: g}}
    protect: [{topics: [a, 'f*'], key: local/k, fields: [$.card, $.customer.email]},\
     {topics: [w], key: local/k}]

    """

@Suite struct RefusedReadRulesTests {
    @Test(arguments: [
        ("read: []", ["f:9:7: `read` is an empty list; leave it out or fill it in"]),
        ("read: [{topics: [a], show: clear}]", ["f:9:8: a read rule needs `principals`"]),
        (
            "read: [{principals: ['*'], topics: [a], show: clera}]",
            [
                "f:9:47: `show` must be `clear`, `sealed`, `drop` or `redact`, not `clera`; did you"
                    + " mean `clear`?"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], show: clear, drop: [$.x]}]",
            ["f:9:54: a read rule has no key `drop`"]
        ),
        (
            "read: [{principals: [ada, 'user:ada', 'group:', '*x', 'User:a', "
                + "'User:a'], topics: [a], show: clear}]",
            [
                "f:9:22: `principals` must list `User:name`, `group:name` or `*`, not "
                    + "`ada`; did you mean `User:ada`?",
                "f:9:27: `principals` must list `User:name`, `group:name` or `*`, not "
                    + "`user:ada`",
                "f:9:39: `principals` must list `User:name`, `group:name` or `*`, not "
                    + "`group:`",
                "f:9:49: `principals` must list `User:name`, `group:name` or `*`, not "
                    + "`*x`",
                "f:9:65: `principals` lists `User:a` twice (line 9)",
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], show: clear, mask: {$.card: "
                + "email}}]",
            [
                "f:9:54: a read rule has `show` and `mask`; it is one of them"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], show: clear, others: redact}]",
            [
                "f:9:62: `others` is for rules with `mask`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], others: redact}]",
            [
                "f:9:8: a read rule needs `show` or `mask`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {}}]",
            [
                "f:9:47: `mask` is empty; leave it out or fill it in"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: [a]}]",
            [
                "f:9:47: `mask` must be a mapping from paths to masks, such as "
                    + "`{$.email: email}`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: emial, "
                + "$.customer.email: }}]",
            [
                "f:9:56: `mask`: there is no mask `emial`; did you mean `email`?",
                "f:9:81: `mask` must be a single value; it has no value",
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: null, "
                + "$.customer.email: clear}, others: hide}]",
            [
                "f:9:96: `others` must be `clear`, `sealed`, `drop` or `redact`, not "
                    + "`hide`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {keepLast: x}}}]",
            [
                "f:9:67: `mask`: `count` of mask `keepLast` must be a whole number "
                    + "from 1 to 1000"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {keepLast: {cuont: "
                + "1}}}}]",
            [
                "f:9:68: `mask`: mask `keepLast` has no setting `cuont`; did you mean "
                    + "`count`?"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {keepLast: {count: "
                + "1, with: ab}}}}]",
            [
                "f:9:84: `mask`: `with` of mask `keepLast` must be one character"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {keepLast: 1, "
                + "email: x}}}]",
            [
                "f:9:56: `mask`: a path has one mask, such as `{keepLast: 4}`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {keeplast: 4}}}]",
            [
                "f:9:57: `mask`: there is no mask `keeplast`; did you mean `keepLast`?"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: [a]}}]",
            [
                "f:9:56: `mask`: a mask is a name or a mapping, such as `{keepLast: 4}`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {keepLast: {}}}}]",
            [
                "f:9:67: `mask`: mask `keepLast` needs `count`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {dateTruncate: "
                + "dya}}}]",
            [
                "f:9:71: `mask`: `unit` of mask `dateTruncate` must be `day` or "
                    + "`month` or `year` or `decade`; did you mean `day`?"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {constant: {value: "
                + "5, allowTypeChange: maybe}}}}]",
            [
                "f:9:95: `mask`: `allowTypeChange` of mask `constant` must be true or "
                    + "false"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: token}}]",
            [
                "f:9:56: mask `token` needs the file's `tokenKey`; `waxwing keys "
                    + "token` makes one"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: {dateShift: {days: "
                + "3}}}}]",
            [
                "f:9:56: mask `dateShift` needs the file's `tokenKey`; `waxwing keys "
                    + "token` makes one"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card: email, "
                + "\"$['card']\": clear}}]",
            [
                "f:9:63: `mask` lists `$['card']` twice (line 9 as `$.card`)"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {'$..[': email, $.a b: "
                + "clear}}]",
            [
                "f:9:53: `mask`: ']' is missing",
                "f:9:67: `mask`: expected '.' or '['",
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], shwo: clear}]",
            [
                "f:9:8: a read rule needs `show` or `mask`",
                "f:9:41: a read rule has no key `shwo`; did you mean `show`?",
            ]
        ),
    ])
    func `a read rule is refused`(_ rules: String, _ messages: [String]) {
        #expect(errors(adding: sealedTopics + rules) == messages)
    }

    @Test(arguments: [
        (
            "read: [{principals: ['group:x'], topics: [a], show: clear}]",
            [
                "f:9:22: `principals`: no listener reads groups, so `group:x` fits "
                    + "nobody; say `principal: {sasl: {groupsClaim: ...}}`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$..*: email, $.card: "
                + "clear}}]",
            [
                "f:9:61: `mask`: `$.card` never counts, because `$..*` (line 9) comes "
                    + "first and selects it too"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$.card.number: redact}}]",
            [
                "f:9:48: `mask`: `$.card.number` selects nothing that is sealed but "
                    + "what lies in `$.card` (line 8), which is shown as one value; say how "
                    + "that is shown"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [a], mask: {$..number: redact, "
                + "$.customer: redact}}]",
            [
                "f:9:48: `mask`: `$..number` selects nothing that is sealed but what "
                    + "lies in `$.card` (line 8), which is shown as one value; say how that "
                    + "is shown"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: [w], mask: {$.card: redact}}]",
            [
                "f:9:48: `mask`: values of these topics are sealed whole (line 8), so "
                    + "that only `$` selects them; give that rule `fields`"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: ['*'], show: sealed}, {principals: "
                + "['User:a'], topics: [a], show: clear}]",
            [
                "f:9:58: this rule never counts: the rule in line 9 says already how "
                    + "all of these topics are shown to all of these principals"
            ]
        ),
        (
            "read: [{principals: ['*'], topics: ['*'], mask: {$.card: redact}}, "
                + "{principals: ['User:a'], topics: [a], mask: {$.card: clear, "
                + "$.customer.email: clear}}]",
            [
                "f:9:113: `mask`: `$.card` never counts: the rule in line 9 says "
                    + "already how it is shown to all of these principals"
            ]
        ),
        (
            "read: [{principals: ['User:a*'], topics: [a], show: redact},\n "
                + "{principals: ['User:b*'], topics: [a], show: redact},\n {principals: "
                + "['User:ab', 'User:bc'], topics: [a], show: clear}]",
            [
                "f:11:2: this rule never counts: the rules before it say already how "
                    + "all of these topics are shown to all of these principals"
            ]
        ),
    ])
    func `a read rule that never counts is refused`(_ rules: String, _ messages: [String]) {
        #expect(errors(adding: sealedTopics + rules) == messages)
    }
}
