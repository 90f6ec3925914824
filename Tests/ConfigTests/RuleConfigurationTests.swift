// RuleConfigurationTests: what good rules mean, and what is warned of.

import Fields
import Masks
import Testing

@testable import Config
@testable import Rules

/// The story of the product: card and address of customers.
private let story = """
    cluster: {bootstrap: [k:1]}
    listeners:
      - name: apps
        advertise: h
        ports: {bootstrap: 1, brokers: 2-3}
        principal: {sasl: {groupsClaim: groups}}
    keys: {local: {file: f}}
    tokenKey: {key: local/tokens, wrapped: AAEC}
    protect:
      - topics: [payments]
        key: local/kek-$(topic)
        fields: ["$.card.number", "$.customers[*].email", $.note, $.id, $.x]
        wrappedKey: perBatch
        notJSON: seal
        plain: mask
        unopenable: deliver
      - {topics: ["logs.*"], key: "local/$(header:tenant)-$(topic)", compress: lz4, dryRun: true}
    read:
      - {principals: ["User:fraud"], topics: [payments], show: clear}
      - principals: ["User:analyst-*", "group:analysts"]
        topics: [payments]
        mask:
          $.card.number: {keepLast: 4}
          "$.customers[*].email": email
          $.note: drop
          $.id: clear
          $.x: sealed
      - {principals: ["User:*"], topics: ["pay*"], mask: {$.id: {token: base64}}, others: drop}
    """

@Suite struct RuleConfigurationTests {
    private func field(_ path: String, _ showing: Showing) throws -> ReadRule.Field {
        .init(try FieldPath(path), showing)
    }

    @Test func `how a topic is sealed is read`() throws {
        let rules = try parse(story).rules
        let payments = try #require(try rules.protection(topic: "payments"))
        #expect(payments.key == .fixed("kek-payments"))
        #expect(
            payments.sealing.fields?.paths.map(\.text) == [
                "$.card.number", "$.customers[*].email", "$.note", "$.id", "$.x",
            ])
        #expect(payments.sealing.wrappedKey == .perBatch)
        #expect(payments.sealing.compression == .none)
        #expect(payments.sealing.notJSON == .seal)
        #expect(payments.sealing.plainRecords == .mask)
        #expect(payments.sealing.unopenable == .deliver)
        #expect(!payments.sealing.isDryRun)
        let logs = try #require(try rules.protection(topic: "logs.eu"))
        #expect(
            logs.key
                == .byHeader(HeaderKeyName(header: "tenant", prefix: "", suffix: "-logs.eu")))
        #expect(logs.sealing.compression == .lz4)
        #expect(logs.sealing.isDryRun)
        #expect(logs.sealing.fields == nil)
    }

    @Test func `a rule seals as documented when it says nothing`() throws {
        let rules = try parse(
            least + "keys: {k: {file: f}}\nprotect: [{topics: [t], key: k/k}]"
        ).rules
        #expect(try rules.protection(topic: "t")?.sealing == Sealing())
        #expect(Sealing().wrappedKey == .auto)
        #expect(Sealing().notJSON == .refuse)
        #expect(Sealing().plainRecords == .deliver)
        #expect(Sealing().unopenable == .refuse)
    }

    @Test func `each client sees what it may see`() throws {
        let rules = try parse(story).rules
        func view(_ name: String?, _ groups: [String] = []) -> ReadView {
            rules.view(of: "payments", for: Principal(name: name, groups: groups))
        }
        let masked = [
            try field(
                "$.card.number",
                .mask(try Mask.make(kind: "keepLast", arguments: [("", .integer(4))]))),
            try field("$.customers[*].email", .mask(try Mask.make(kind: "email"))),
            try field("$.note", .drop), try field("$.id", .clear), try field("$.x", .sealed),
        ]
        #expect(view("User:fraud") == .clear)
        #expect(view("User:analyst-7") == ReadView(whole: .drop, fields: masked, rest: .drop))
        #expect(
            view("User:ada", ["analysts"]) == ReadView(whole: .drop, fields: masked, rest: .drop))
        let token = try Mask.make(kind: "token", arguments: [("form", .text("base64"))])
        #expect(
            view("User:ada")
                == ReadView(
                    whole: .drop, fields: [try field("$.id", .mask(token))], rest: .drop))
        #expect(view(nil) == ReadView(), "an unknown client sees redactions")
        #expect(rules.view(of: "logs.eu", for: Principal(name: "User:fraud")) == ReadView())
    }

    @Test(
        arguments: [
            ("redact", "redact", []), ("null", "null", []), ("\"null\"", "null", []),
            ("{null: {}}", "null", []), ("{keepLast: 4}", "keepLast", [("", .integer(4))]),
            (
                "{keepEnds: {first: 1, last: 2, with: \"#\", ignore: \"- \"}}", "keepEnds",
                [
                    ("first", .integer(1)), ("last", .integer(2)), ("with", .text("#")),
                    ("ignore", .text("- ")),
                ]
            ),
            ("{constant: n/a}", "constant", [("", .text("n/a"))]),
            ("{constant: \"4\"}", "constant", [("", .text("4"))]),
            ("{constant: 007}", "constant", [("", .text("007"))]),
            ("{constant: 1980-01-01}", "constant", [("", .text("1980-01-01"))]),
            ("{constant: -12}", "constant", [("", .integer(-12))]),
            ("{constant: 1.50}", "constant", [("", .number("1.50"))]),
            ("{constant: 1e400}", "constant", [("", .number("1e400"))]),
            (
                "{constant: 99999999999999999999}", "constant",
                [("", .number("99999999999999999999"))]
            ),
            ("{constant: true}", "constant", [("", .bool(true))]),
            ("{constant: \"true\"}", "constant", [("", .text("true"))]),
            ("{constant: \"\"}", "constant", [("", .text(""))]),
            ("{constant: \"${WORD}\"}", "constant", [("", .text("4"))]),
            ("{constant: ${WORD}}", "constant", [("", .integer(4))]),
            (
                "{maskFirst: {count: 3, ignore: [\"-\", \".\"]}}", "maskFirst",
                [("count", .integer(3)), ("ignore", .list(["-", "."]))]
            ),
            (
                "{redact: {text: x, number: -1.5, boolean: true}}", "redact",
                [("text", .text("x")), ("number", .number("-1.5")), ("boolean", .bool(true))]
            ),
        ] as [(String, String, [(name: String, value: MaskArgument)])])
    func `a mask is read`(
        _ text: String, _ kind: String, _ arguments: [(name: String, value: MaskArgument)]
    ) throws {
        // In a block, where `${WORD}` needs no quotes; within braces it does.
        let block =
            text.contains("{constant: ${")
            ? "\n      constant: ${WORD}" : " " + text
        let rules = try parse(
            least + sealedTopics + """
                read:
                - principals: [User:a]
                  topics: [a]
                  mask:
                    $.card:\(block)
                """, ["WORD": "4"]
        ).rules
        let expected = try Mask.make(kind: kind, arguments: arguments)
        #expect(rules.read.first?.fields == [try field("$.card", .mask(expected))])
    }

    @Test func `rules have places`() throws {
        let found = try parse(story)
        #expect(found.protectPositions.map(\.line) == [10, 17])
        #expect(found.readPositions.map(\.line) == [19, 20, 28])
        #expect(found.readPositions[0] == Position(line: 19, column: 5))
    }

    @Test(arguments: [
        ("{principals: ['User:a'], topics: ['*'], show: clear}", []),
        ("{principals: ['*'], topics: ['*'], show: redact}", []),
        ("{principals: ['*'], topics: [other, a2], show: clear}", []),
        (
            "{principals: ['*'], topics: [w], show: clear}",
            [
                "f:9:47: warning: everybody, also a client that is not known, reads in clear what"
                    + " the rule in line 8 protects"
            ]
        ),
        (
            "{principals: ['*'], topics: [a], mask: {$.card: redact, $.customer.email: clear}}",
            [
                "f:9:64: warning: everybody, also a client that is not known, reads in clear what"
                    + " the rule in line 8 protects"
            ]
        ),
        (
            "{principals: ['*', 'group:x'], topics: [a], show: redact}",
            ["f:9:22: warning: `principals`: `*` is everybody, so the others say nothing"]
        ),
        (
            "{principals: ['User:a'], topics: [a], mask: {$.phone: redact, $.card: redact}}",
            [
                "f:9:53: warning: `mask`: no protect rule of these topics seals what `$.phone`"
                    + " selects; what is not sealed is shown as it is"
            ]
        ),
        (
            "{principals: ['User:a'], topics: [clicks], mask: {$.card: redact}}",
            [
                "f:9:58: warning: `mask`: no protect rule seals fields of these topics, so the"
                    + " paths select nothing; what is not sealed is shown as it is"
            ]
        ),
        (
            "{principals: ['User:a'], topics: [a], mask: {$..email: redact, $..*: redact}}",
            [
                "f:9:53: warning: `mask`: `$..email` selects nothing within `$.card` (line 8),"
                    + " which is sealed and shown as one value"
            ]
        ),
        (
            "{principals: ['User:a'], topics: [a], mask: {$.customer..*: redact}}", []
        ),
        (
            "{principals: ['User:a'], topics: [a], mask: {$.card..email: redact}}", ["refused"]
        ),
    ])
    func `what may not be meant is warned of`(_ rule: String, _ warnings: [String]) throws {
        let listeners = """
            cluster: {bootstrap: [k:1]}
            listeners:
            - name: a
              bind: "::1"
              ports: {bootstrap: 1, brokers: 2-3}
              principal: {sasl: {groupsClaim: g}}

            """
        let text = listeners + sealedTopics + "read: [\(rule)]"
        guard warnings != ["refused"] else {
            #expect(errors(text).count == 1)
            return
        }
        #expect(try parse(text).warnings.map(\.description) == warnings)
    }

    @Test func `plain records that are masked let a path select what is not sealed`() throws {
        let found = try parse(
            least + """
                keys: {k: {file: f}}
                protect: [{topics: [a], key: k/k, fields: [$.card], plain: mask}]
                read: [{principals: ['User:a'], topics: [a], mask: {$.phone: redact}}]
                """)
        #expect(found.warnings.isEmpty)
    }

    @Test func `a path may select fields of one topic only`() throws {
        let found = try parse(
            least + """
                keys: {k: {file: f}}
                protect:
                - {topics: [a], key: k/k, fields: [$.card]}
                - {topics: [b], key: k/k, fields: [$.card.number]}
                read: [{principals: ['User:a'], topics: [a, b], mask: {$.card.number: redact}}]
                """)
        #expect(
            found.warnings.map(\.description) == [
                "f:11:56: warning: `mask`: `$.card.number` selects nothing within `$.card` (line"
                    + " 9), which is sealed and shown as one value"
            ])
    }

    @Test func `an exception keeps rules from meeting`() throws {
        let found = try parse(
            least + """
                keys: {k: {file: f}}
                protect:
                - {topics: ["*"], except: ["clicks*", x], key: k/k, fields: [$.card]}
                read:
                - {principals: ['*'], topics: [clicks.eu, x, "clicks?"], show: clear}
                """)
        #expect(found.warnings.isEmpty)
    }

    @Test func `paths of many rules that one client would get are counted together`() {
        let long = String(repeating: ".a", count: 30)
        func rules(_ principals: (Int) -> String) -> String {
            sealedTopics + "read:\n"
                + (0..<5).map { rule in
                    "- {principals: [\"\(principals(rule))\"], topics: [a],"
                        + " mask: {$.r\(rule)\(long): drop, $.s\(rule)\(long): drop}}\n"
                }.joined()
        }
        #expect(errors(adding: rules { "User:u\($0)" }) == [])
        let together = errors(adding: rules { "User:*m\($0)m*" })
        #expect(together.count == 1)
        #expect(together.first?.contains("too many for a client that all of them name") == true)
    }

    @Test func `a file that ends early is refused or read, and never half a rule`() throws {
        let whole = try parse(story)
        let bytes = Array(story.utf8)
        for count in stride(from: 0, to: bytes.count, by: 5) {
            let text = String(decoding: bytes[..<count], as: UTF8.self)
            guard let found = try? parse(text) else { continue }
            // What is left of the rules is what the whole file says of them, but for the last.
            let protect = found.rules.protect.dropLast()
            #expect(Array(whole.rules.protect.prefix(protect.count)) == Array(protect))
            let read = found.rules.read.dropLast()
            #expect(Array(whole.rules.read.prefix(read.count)) == Array(read))
        }
    }

    @Test func `garbage in rules is refused or read`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % count
        }
        let letters = Array("$.*[]{}:,-'\"\\ \n#&!?@abz09\u{e9}\u{0}".utf8)
        for _ in 0..<150 {
            var bytes = Array(story.utf8)
            for _ in 0...next(4) { bytes[next(bytes.count)] = letters[next(letters.count)] }
            let text = String(decoding: bytes, as: UTF8.self)
            let found = errors(text)
            #expect(found.allSatisfy { $0.hasPrefix("f:") }, "seed \(seed)")
        }
    }
}
