// SampleDocument: orders as JSON, 1 KiB each, of different contents.

/// Orders of one length, no two alike, so that the processor cannot learn one by heart. The same
/// index gives the same order.
struct SampleDocument {
    static let byteCount = 1024
    /// What a rule would protect in it.
    static let protectedPaths = ["$.card.number", "$.customer.email", "$.customer.name"]

    private static let names = [
        "Ada Lovelace", "Grace Hopper", "Alan Turing", "Barbara Liskov", "Edsger Dijkstra",
        "Radia Perlman", "Tony Hoare", "Frances Allen", "Donald Knuth", "Margaret Hamilton",
    ]
    private static let titles = [
        "Mechanical keyboard, 87 keys", "USB-C cable, 2 m", "Notebook, ruled", "Desk lamp",
        #"Fountain pen \"Classic\""#, "Ink, bottle of 50 ml", "Paper, 500 sheets", "Chair",
    ]
    private static let cities = ["Arlington", "Oslo", "Porto", "Kyoto", "Valparaíso", "Graz"]

    private var state: UInt64

    /// - Parameter isUnlike: it has a member that no other index gives, in front.
    static func bytes(index: Int, isUnlike: Bool = false) -> [UInt8] {
        var sample = SampleDocument(state: UInt64(index &* 7919 &+ 12345))
        var members = sample.members()
        if isUnlike { members[0] = #"{"n\#(index)":1,"# + members[0].dropFirst() }
        let start = members.joined(separator: ",") + #","note":""#
        var bytes = Array(start.utf8)
        precondition(bytes.count <= byteCount - 2, "a sample is too long")
        let note = Array("Leave it at the door. ".utf8)
        while bytes.count < byteCount - 2 { bytes.append(note[bytes.count % note.count]) }
        return bytes + Array(#""}"#.utf8)
    }

    private mutating func members() -> [String] {
        let name = SampleDocument.names[number(10)]
        let login = name.lowercased().split(separator: " ").joined(separator: ".")
        let day = "2026-0\(1 + number(9))-1\(number(10))"
        let street = "\(1 + number(200)) Harbour Lane"
        let items = (0..<2 + number(2)).map { _ in item() }.joined(separator: ",")
        return [
            #"{"orderId":"ord-\#(digits(12))""#,
            #""createdAt":"\#(day)T0\#(number(10)):26:53.\#(digits(3))Z""#,
            #""currency":"EUR","total":\#(number(2000)).\#(digits(2)),"paid":\#(number(2) == 0)"#,
            #""coupon":null,"customer":{"id":\#(number(99999)),"name":"\#(name)""#,
            #""email":"\#(login)@example.com","phone":"+1 202 555 0\#(digits(3))""#,
            #""language":"en","address":{"street":"\#(street)""#,
            #""city":"\#(SampleDocument.cities[number(6)])","postalCode":"\#(digits(5))""#,
            #""country":"US"}},"card":{"number":"4111 1111 \#(digits(4)) \#(digits(4))""#,
            #""holder":"\#(name.uppercased())","expires":"2029-1\#(number(3))""#,
            #""network":"visa"},"items":[\#(items)],"shipping":{"carrier":"post""#,
            #""service":"standard","tracking":"\#(digits(18))"}"#,
        ]
    }

    private mutating func item() -> String {
        let title = SampleDocument.titles[number(8)]
        return #"{"sku":"A-\#(digits(4))","title":"\#(title)","quantity":\#(1 + number(4)),"#
            + #""price":\#(number(300)).\#(digits(2)),"taxed":\#(number(2) == 0)}"#
    }

    private mutating func number(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    private mutating func digits(_ count: Int) -> String {
        (0..<count).map { _ in "\(number(10))" }.joined()
    }
}
