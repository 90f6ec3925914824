// TestRules: rules written in few words, and the documents that they are about.

import Fields
import Masks
import Rules

/// Rules as a configuration file would have them.
enum TestRules {
    static func protect(
        _ topic: String, key: String = "kek-$(topic)", fields: [String]? = nil,
        _ change: (inout Sealing) -> Void = { _ in }
    ) throws -> ProtectRule {
        var sealing = Sealing()
        if let fields {
            sealing.fields = try FieldPathSet(try fields.map { try FieldPath($0) })
        }
        change(&sealing)
        return ProtectRule(
            topics: [try Glob(topic)], service: "keys",
            key: try KeyTemplate(key), sealing: sealing)
    }

    /// - Parameters:
    ///   - principal: a pattern such as `User:analyst-*`, or `*`.
    ///   - show: how everything is shown that `fields` does not select.
    static func read(
        _ principal: String, _ topic: String, show: Showing? = nil,
        fields: [(String, Showing)] = []
    ) throws -> ReadRule {
        ReadRule(
            principals: [try PrincipalPattern(principal)], topics: [try Glob(topic)],
            show: show, fields: try fields.map { .init(try FieldPath($0.0), $0.1) })
    }

    static func keepLast(_ count: Int64) throws -> Showing {
        .mask(try Mask.make(kind: "keepLast", arguments: [("", .integer(count))]))
    }

    static func email() throws -> Showing { .mask(try Mask.make(kind: "email")) }
}

/// A customer as a producer sends it, with everything that must not be seen.
enum TestDocument {
    static let card = "4556737586899855"
    static let email = "grace.hopper@navy.example"
    static let pin = "9371"
    /// What rules of the tests seal.
    static let fields = ["$.card", "$.mail", "$.pin"]
    /// Values that no client without a grant and no broker may see.
    static let secrets = [card, "grace.hopper", pin].map { Array($0.utf8) }

    /// Awkward on purpose: what is not sealed has to come back byte for byte.
    static func make(
        card: String = "\"\(card)\"", mail: String = "\"\(email)\"", pin: String = pin
    ) -> String {
        "{ \"id\" :1e2,\"card\":\(card), \"mail\": \(mail),\t\"pin\":\(pin) ,\"note\":\"\\u00e9\"}"
    }

    /// The same without a member, as a client sees it to whom it is not shown at all.
    static let withoutCard =
        "{ \"id\" :1e2, \"mail\": \"\(email)\",\t\"pin\":\(pin) ,\"note\":\"\\u00e9\"}"
    static let redacted = make(card: "\"********\"", mail: "\"********\"", pin: "0")
    static let masked = make(
        card: "\"************9855\"", mail: "\"*****@navy.example\"", pin: "0")
}
