// FieldViewTests: what readers with different views are given of documents with sealed fields.

import Bytes
import Envelope
import KafkaWire
import Masks
import TestSupport
import Testing

@testable import Records

@Suite struct FieldViewTests {
    let reader = Reader()

    private let fields = ["$.card.number", "$.mails[*].to", "$..secret"]
    private let first = """
        {"id" :1,  "card":{"number":"4111111111111111","type":"visa"},
         "mails": [ {"to":"ada@example.com"} , {"to":null, "x":1} ],
         "deep":[{"secret":{"a":[1.50e3]}}]}
        """
    private let second = "{\"card\":{\"number\":4111111111111111}}"
    private let third = "{\"nothing\":\"here\"}"
    private var plain: [PlainRecord] { documents([first, nil, second, third]) }
    private let secrets = ["4111111111111111", "ada@example.com", "1.50e3"]

    private func expectHidden(_ bytes: [UInt8], _ comment: Comment? = nil) {
        for secret in secrets { #expect(!bytes.contains(run: [UInt8](secret.utf8)), comment) }
    }

    @Test(arguments: [false, true])
    func `clear restores the documents byte for byte`(_ lean: Bool) throws {
        let pair = try KeyPair()
        let stored = try sealedBatch(plain, pair, fields: fields, lean: lean)
        expectHidden(stored)
        let shown = try reader.open(stored, try view(rest: .clear), pair.keys)
        #expect(shown.bytes == (try batch(plain).array))
        #expect(shown.counts.opened == 5)
        #expect(shown.counts.plain == 1)
    }

    @Test(arguments: [false, true])
    func `a view of sealed fields changes nothing and asks for no key`(_ lean: Bool) throws {
        let pair = try KeyPair()
        let stored = try sealedBatch(plain, pair, fields: fields, lean: lean)
        for view in [
            try view(whole: .clear, rest: .sealed),
            try view([("$.card.number", .sealed), ("$.id", .clear)], rest: .sealed),
            try view([("$.card", .sealed), ("$.id", .clear)], rest: .sealed),
        ] {
            let shown = try reader.open(stored, view, KeysAtHand())
            #expect(shown.result == .unchanged)
            #expect(shown.counts.leftSealed == 5)
        }
    }

    @Test(arguments: [false, true])
    func `without a grant every sealed field is redacted`(_ lean: Bool) throws {
        let pair = try KeyPair()
        let stored = try sealedBatch(plain, pair, fields: fields, lean: lean)
        let shown = try reader.open(stored, try view(), pair.keys)
        expectHidden(shown.bytes)
        #expect(
            try shown.texts() == [
                """
                {"id" :1,  "card":{"number":"********","type":"visa"},
                 "mails": [ {"to":"********"} , {"to":null, "x":1} ],
                 "deep":[{"secret":{"a":[0.0]}}]}
                """,
                nil, "{\"card\":{\"number\":0}}", third,
            ])
        #expect(try shown.records().map(\.headers) == plain.map(\.headers))
        #expect(shown.counts.masked == 5)
    }

    @Test func `each field is shown as its path says and the others as the rest`() throws {
        let pair = try KeyPair()
        let stored = try sealedBatch(plain, pair, fields: fields)
        let mixed = try view(
            [
                ("$.card.number", try mask("keepLast", .integer(4))), ("$.mails[*].to", .clear),
                ("$.deep[0].secret", .drop),
            ], rest: .mask(.redact))
        let shown = try reader.open(stored, mixed, pair.keys)
        #expect(
            try shown.texts() == [
                """
                {"id" :1,  "card":{"number":"************1111","type":"visa"},
                 "mails": [ {"to":"ada@example.com"} , {"to":null, "x":1} ],
                 "deep":[{}]}
                """,
                nil, "{\"card\":{\"number\":0}}", third,
            ])
        #expect(try shown.records().allSatisfy { $0.headers.map(\.key) == ["trace"] })
        #expect(shown.counts.opened == 2)
        #expect(shown.counts.masked == 2)
        #expect(shown.counts.droppedFields == 1)
    }

    @Test func `fields left out need no key and leave a document`() throws {
        let pair = try KeyPair()
        let stored = try sealedBatch(plain, pair, fields: fields)
        let shown = try reader.open(stored, try view(rest: .drop), KeysAtHand())
        #expect(
            try shown.texts() == [
                """
                {"id" :1,  "card":{"type":"visa"},
                 "mails": [ {} , {"x":1} ],
                 "deep":[{}]}
                """,
                nil, "{\"card\":{}}", third,
            ])
        #expect(shown.counts.droppedFields == 5)
    }

    @Test func `the first path that selects a field counts`() throws {
        let pair = try KeyPair()
        let stored = try sealedBatch(plain, pair, fields: fields)
        let shown = try reader.open(
            stored,
            try view([("$.card.*", .mask(.redact)), ("$.card.number", .clear)], rest: .drop),
            pair.keys)
        #expect(try shown.texts()[2] == "{\"card\":{\"number\":0}}")
    }

    // MARK: paths around fields

    @Test func `the first path that selects a field or something around it counts`() throws {
        let pair = try KeyPair()
        let text = #"{"a":{"s":"one","t":"two","u":{"s":"three"}},"s":"four"}"#
        let stored = try sealedBatch(documents([text]), pair, fields: ["$..s", "$.a.t"])
        func shown(_ fields: [(String, ViewAction)]) throws -> String? {
            try reader.open(stored, try view(fields), pair.keys).texts()[0]
        }
        let hidden = "\"********\""
        #expect(
            try shown([("$.a", .clear)])
                == #"{"a":{"s":"one","t":"two","u":{"s":"three"}},"s":\#(hidden)}"#)
        #expect(
            try shown([("$.a", .clear), ("$.a.s", .mask(.redact))])
                == #"{"a":{"s":"one","t":"two","u":{"s":"three"}},"s":\#(hidden)}"#)
        #expect(
            try shown([("$.a.s", .mask(.redact)), ("$.a", .clear)])
                == #"{"a":{"s":\#(hidden),"t":"two","u":{"s":"three"}},"s":\#(hidden)}"#)
        #expect(
            try shown([("$.a.u", .mask(.redact)), ("$.a", .clear)])
                == #"{"a":{"s":"one","t":"two","u":{"s":\#(hidden)}},"s":\#(hidden)}"#)
        #expect(
            try shown([("$.a.t", .drop), ("$", .clear)])
                == #"{"a":{"s":"one","u":{"s":"three"}},"s":"four"}"#)
    }

    @Test func `paths into a sealed object select nothing`() throws {
        let pair = try KeyPair()
        let text = #"{"a":{"b":"one","c":"two"}}"#
        let stored = try sealedBatch(documents([text]), pair, fields: ["$.a"])
        let shown = try reader.open(stored, try view([("$.a.b", .clear)]), pair.keys)
        #expect(try shown.texts() == [#"{"a":{"b":"********","c":"********"}}"#])
    }

    @Test func `what is not sealed is not masked in a document with seals`() throws {
        let pair = try KeyPair()
        let text = #"{"card":{"number":"1"},"open":"word"}"#
        let stored = try sealedBatch(documents([text]), pair, fields: fields)
        let fields: [(String, ViewAction)] = [("$.open", .mask(.redact))]
        let shown = try reader.open(stored, try view(fields), pair.keys)
        #expect(try shown.texts() == [#"{"card":{"number":"********"},"open":"word"}"#])
        // Unless plain values are shown like sealed ones.
        let masked = try reader.open(
            stored, try view(fields, plain: .mask, protected: self.fields), pair.keys)
        #expect(try masked.texts() == [#"{"card":{"number":"********"},"open":"********"}"#])
    }

    // MARK: headers

    @Test func `the header stays while anything in the record is sealed`() throws {
        let pair = try KeyPair()
        let stored = try sealedBatch(plain, pair, fields: fields, lean: true)
        let partial = try reader.open(
            stored, try view([("$.card.number", .clear)], rest: .sealed), pair.keys)
        let records = try partial.records()
        #expect(records[0].headers.map(\.key) == ["wax", "trace"])
        #expect(records[2].headers.map(\.key) == ["trace"])
        #expect(records[2].value == plain[2].value)
        #expect(partial.counts.leftSealed == 3)
        #expect(partial.counts.opened == 2)
        // What was left is opened by the next reader.
        let rest = try reader.open(partial.bytes, try view(rest: .clear), pair.keys)
        #expect(rest.bytes == (try batch(plain).array))
    }

    @Test func `a lean record left behind an opened one is given the wrapped key`() throws {
        let pair = try KeyPair()
        let records = documents([second, first, second, first])
        let stored = try sealedBatch(records, pair, fields: fields, lean: true)
        let partial = try reader.open(
            stored, try view([("$.card.number", .clear)], rest: .sealed), pair.keys)
        let sizes = try partial.records().map { $0.headers[0].value?.count }
        #expect(sizes[0] == 1 && sizes[2] == 1)
        #expect(try #require(sizes[1]) > 40)
        #expect(sizes[3] == 10)
        let rest = try reader.open(partial.bytes, try view(rest: .clear), pair.keys)
        #expect(rest.bytes == (try batch(records).array))
        // The same where the record that named the key was left out.
        let mixed = documents(["no document", first, "none", first])
        let whole = try sealedBatch(mixed, pair, fields: fields, lean: true, notJSON: .seal)
        let dropped = try reader.open(whole, try view(whole: .drop, rest: .sealed), KeysAtHand())
        #expect(try dropped.records().map(\.offsetDelta) == [1, 3])
        let opened = try reader.open(dropped.bytes, try view(rest: .clear), pair.keys)
        #expect(try opened.texts() == [first, first])
    }

    @Test func `what a reader is shown does not depend on the views before`() throws {
        let pair = try KeyPair()
        // The last document is one of which much is remembered.
        let plain = documents([third, nil, second, first])
        let stored = try sealedBatch(plain, pair, fields: fields) + batch(plain).array
        let views = [
            try view([("$.deep", .clear), ("$..secret", .drop)], plain: .mask, protected: fields),
            try view(
                [("$.card", .clear), ("$.card.number", .drop), ("$.mails[*].to", .drop)],
                rest: .drop, plain: .mask, protected: fields),
            try view(
                [("$.card.number", try mask("keepLast", .integer(4)))], plain: .mask,
                protected: fields),
            try view([("$.mails[*].to", .drop), ("$..secret", .drop)], rest: .clear),
            try view([("$.card.number", .drop)], rest: .sealed), try view(rest: .drop),
            try view([("$.mails[*].to", try mask("email"))], rest: .clear),
        ]
        for (former, before) in views.enumerated() {
            for (latter, after) in views.enumerated() {
                let used = Reader()
                _ = try used.open(stored, before, pair.keys)
                let shown = try used.open(stored, after, pair.keys)
                let fresh = try Reader().open(stored, after, pair.keys)
                #expect(shown.bytes == fresh.bytes, "view \(latter) after \(former)")
                #expect(shown.counts == fresh.counts, "view \(latter) after \(former)")
            }
        }
    }

    @Test func `documents and whole values in one batch have their own views`() throws {
        let pair = try KeyPair()
        let records = documents(["no document", first, "none"])
        let stored = try sealedBatch(records, pair, fields: fields, lean: true, notJSON: .seal)
        let clear = try reader.open(stored, try view(whole: .clear, rest: .clear), pair.keys)
        #expect(clear.bytes == (try batch(records).array))
        let wholeSealed = try reader.open(stored, try view(rest: .clear), pair.keys)
        #expect(try wholeSealed.texts()[1] == first)
        #expect(wholeSealed.counts.leftSealed == 2)
        let again = try reader.open(wholeSealed.bytes, try view(whole: .clear), pair.keys)
        #expect(again.bytes == (try batch(records).array))
        let fieldsSealed = try reader.open(
            stored, try view(whole: .clear, rest: .sealed), pair.keys)
        let last = try reader.open(fieldsSealed.bytes, try view(rest: .clear), pair.keys)
        #expect(last.bytes == (try batch(records).array))
    }

    // MARK: keys

    @Test func `only documents with something to open wait for a key`() throws {
        let pair = try KeyPair()
        let one = try sealedBatch(documents([#"{"a":1}"#]), pair, fields: ["$.a", "$.b"])
        let two = try sealedBatch(documents([#"{"a":1,"b":2}"#]), pair, fields: ["$.a", "$.b"])
        let view = try view([("$.b", .mask(.redact))], rest: .sealed)
        #expect(try reader.open(one, view, KeysAtHand()).result == .unchanged)
        let keys = KeysAtHand()
        #expect(try reader.open(one + two, view, keys).result == .missingKeys)
        #expect(reader.opener.readableBytes == one.count)
        #expect(keys.misses == [pair.sealing.id])
    }

    @Test func `all missing keys of documents are noted in one pass`() throws {
        let pairs = try (1...3).map { try KeyPair(id: UInt64($0), fill: UInt8($0)) }
        let stored = try pairs.flatMap { try sealedBatch(plain, $0, fields: fields) }
        let keys = KeysAtHand()
        keys.keys = pairs[1].keys.keys
        #expect(try reader.open(stored, try view(), keys).result == .missingKeys)
        #expect(keys.misses == [1, 3])
    }

    @Test func `a registry's prefix stays`() throws {
        let pair = try KeyPair()
        let value = [0, 0, 0, 0, 9] + [UInt8](second.utf8)
        let records = [PlainRecord(key: nil, value: value)]
        let stored = try sealedBatch(records, pair, fields: fields)
        expectHidden(stored)
        #expect(
            try reader.open(stored, try view(rest: .clear), pair.keys).bytes
                == (try batch(records).array))
        let shown = try reader.open(stored, try view(), pair.keys)
        #expect(
            try shown.records()[0].value
                == [0, 0, 0, 0, 9] + [UInt8]("{\"card\":{\"number\":0}}".utf8))
    }
}
