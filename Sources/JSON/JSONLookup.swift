// JSONLookup: finds single values in a JSON text and reads them.

internal import Bytes
package import Crypto
internal import Limits

/// What kind of value stands somewhere.
package enum JSONKind: Sendable {
    case object
    case array
    case string
    case number
    case boolean
    case null
}

/// A value in a text.
package struct JSONSpot: Equatable, Sendable {
    package let kind: JSONKind
    /// Where all of it stands, quotes and brackets included.
    package let range: Range<Int>
}

extension JSONReader {
    // MARK: finding

    /// The one value that a text is, all of which was checked.
    package static func document(_ text: RawSpan) throws(JSONError) -> JSONSpot {
        var cursor = ByteCursor(text)
        let found = try spot(&cursor, depthLeft: JSONLimits.depthMax)
        try expectEnd(&cursor)
        return found
    }

    /// The value under `path`, member by member from the top; nil when a member is missing or its
    /// parent is no object. The whole text is checked.
    ///
    /// - Throws: also when one of these names stands twice in its object, as readers differ in
    ///   which one they take.
    package static func find(
        _ path: [String], in text: RawSpan
    ) throws(JSONError) -> JSONSpot? {
        try find(path, from: try document(text), in: text)
    }

    /// The same from a value that was found before.
    package static func find(
        _ path: [String], from start: JSONSpot, in text: RawSpan
    ) throws(JSONError) -> JSONSpot? {
        var found = start
        for name in path {
            guard found.kind == .object,
                let next = try member(name, of: found, in: text)
            else { return nil }
            found = next
        }
        return found
    }

    private static func member(
        _ wanted: String, of object: JSONSpot, in text: RawSpan
    ) throws(JSONError) -> JSONSpot? {
        var cursor = ByteCursor(text)
        try go(to: object, &cursor)
        var found: JSONSpot?
        var isFirst = true
        try expect("{", &cursor)
        while let name = try nextMember(&cursor, isFirst: &isFirst) {
            let isWanted = try isSame(name, wanted, in: cursor)
            guard !isWanted || found == nil else {
                throw JSONError(offset: name.range.lowerBound, expected: "each member once")
            }
            let value = try spot(&cursor, depthLeft: JSONLimits.depthMax)
            if isWanted { found = value }
        }
        return found
    }

    private static func isSame(
        _ name: JSONText, _ wanted: String, in cursor: borrowing ByteCursor
    ) throws(JSONError) -> Bool {
        guard name.hasEscapes || name.range.count == wanted.utf8.count else { return false }
        return try decoded(name, in: cursor).utf8.elementsEqual(wanted.utf8)
    }

    /// The elements of an array, in order; nil when it is none.
    ///
    /// - Throws: also when there are more than `JSONLimits.elementsMax`.
    package static func elements(
        of array: JSONSpot, in text: RawSpan
    ) throws(JSONError) -> [JSONSpot]? {
        guard array.kind == .array else { return nil }
        var cursor = ByteCursor(text)
        try go(to: array, &cursor)
        var found: [JSONSpot] = []
        var isFirst = true
        try expect("[", &cursor)
        while try nextElement(&cursor, isFirst: &isFirst) {
            guard found.count < JSONLimits.elementsMax else {
                throw JSONError(offset: cursor.offset, expected: "fewer elements")
            }
            found.append(try spot(&cursor, depthLeft: JSONLimits.depthMax))
        }
        return found
    }

    /// Steps over a value.
    private static func spot(
        _ cursor: inout ByteCursor, depthLeft: Int
    ) throws(JSONError) -> JSONSpot {
        skipSpace(&cursor)
        let kind: JSONKind =
            switch cursor.peek() {
            case UInt8(ascii: "{"): .object
            case UInt8(ascii: "["): .array
            case UInt8(ascii: "\""): .string
            case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
            case UInt8(ascii: "n"): .null
            default: .number
            }
        return JSONSpot(kind: kind, range: try value(&cursor, depthLeft: depthLeft))
    }

    /// Steps to a value that was found before.
    private static func go(
        to spot: JSONSpot, _ cursor: inout ByteCursor
    ) throws(JSONError) {
        do throws(WireError) {
            try cursor.skip(spot.range.lowerBound)
        } catch {
            throw JSONError(offset: cursor.remaining, expected: "a value of this text")
        }
    }

    // MARK: reading

    /// A string's characters where they stand, for secrets; nil when the value is no string.
    package static func text(of spot: JSONSpot, in text: RawSpan) throws(JSONError) -> JSONText? {
        guard spot.kind == .string else { return nil }
        var cursor = ByteCursor(text)
        try go(to: spot, &cursor)
        return try string(&cursor)
    }

    /// A string that is no secret; nil when the value is no string.
    ///
    /// - Throws: when it takes more than `bytesMax` bytes in the text, or is not Unicode.
    package static func string(
        _ spot: JSONSpot, in text: RawSpan, bytesMax: Int
    ) throws(JSONError) -> String? {
        guard let found = try self.text(of: spot, in: text) else { return nil }
        guard found.range.count <= bytesMax else {
            throw JSONError(offset: spot.range.lowerBound, expected: "a shorter string")
        }
        return try decoded(found, in: ByteCursor(text))
    }

    /// A whole number; nil when the value is no number, has a fraction or an exponent, or does not
    /// fit.
    package static func integer(_ spot: JSONSpot, in text: RawSpan) -> Int64? {
        guard spot.kind == .number, spot.range.count <= 20 else { return nil }
        return Int64(text.extracting(spot.range).text)
    }

    /// A number, rounded as `Double` does; nil when the value is no number or is infinite.
    package static func number(_ spot: JSONSpot, in text: RawSpan) -> Double? {
        guard spot.kind == .number, spot.range.count <= 400,
            let number = Double(text.extracting(spot.range).text), number.isFinite
        else { return nil }
        return number
    }

    /// True or false; nil when the value is neither.
    package static func boolean(_ spot: JSONSpot, in text: RawSpan) -> Bool? {
        guard spot.kind == .boolean else { return nil }
        return spot.range.count == 4
    }

    /// The bytes of a string in base64, with no copy of its characters; nil when the value is no
    /// string, has escapes, or is not base64.
    package static func secret(
        _ spot: JSONSpot, in text: RawSpan, _ form: Base64.Form, count: Int? = nil
    ) throws(JSONError) -> SecretBytes? {
        guard let found = try self.text(of: spot, in: text), !found.hasEscapes else { return nil }
        return Base64.secret(text.extracting(found.range), form, count: count)
    }
}
