// Mask: the kinds of masks, with their settings, as rules name them.

internal import Bytes

/// What is shown in place of a value. docs/MASKS.md lists the settings and the exact results.
package struct Mask: Hashable, Sendable {
    /// The names that rules use, in the order of the documentation.
    internal enum Kind: String, Hashable, Sendable, CaseIterable {
        case redact, null, constant, maskFirst, maskLast, keepFirst, keepLast, keepEnds, card
        case email, shape, type, sha256, token, dateTruncate, dateShift, bucket
    }

    /// What is done to a value. Most cases are plain bytes, so that a copy counts no reference;
    /// the few with settings of any length are boxed.
    internal enum Action: Hashable, Sendable {
        /// What `Redaction()` says.
        case hide
        case null
        case characters(CharacterMask)
        case card(CardMask)
        case email(EmailMask)
        case shape
        case sha256
        case token(TokenForm)
        case truncateDate(DateUnit)
        case bucket(BucketStep)
        indirect case redact(Redaction)
        indirect case constant(Constant)
        /// Some scalars stay and do not count.
        indirect case counted(CharacterMask, ignored: ScalarSet)
        indirect case shiftDate(DateShift)
    }

    private let name: Kind
    /// Whether a value that is not a string may become one.
    package let allowsTypeChange: Bool
    internal let action: Action

    internal init(kind: Kind, action: Action, allowsTypeChange: Bool = false) {
        name = kind
        self.action = action
        self.allowsTypeChange = allowsTypeChange
    }

    /// The kind's name, one of `kinds`.
    package var kind: String { name.rawValue }

    /// A value of the same type that says nothing: `"********"`, `0`, `false`.
    package static let redact = Mask(kind: .redact, action: .hide)

    /// `null` in place of any value.
    package static let null = Mask(kind: .null, action: .null)

    /// Whether it needs the key of `Masker`; without one the values are redacted.
    package var needsKey: Bool {
        switch action {
        case .token, .shiftDate: true
        default: false
        }
    }
}

extension Mask: CustomStringConvertible {
    /// The kind's name.
    package var description: String { kind }
}

/// What stands in place of the values of each type. All texts are JSON, escapes and quotes
/// included.
internal struct Redaction: Hashable, Sendable {
    internal var text = Redaction.hidden
    /// Nil: 0, or 0.0 in place of a number with a fraction or an exponent.
    internal var number: [UInt8]?
    internal var boolean = false

    /// What stands for a text by default. Always eight stars, so that its length is hidden.
    internal static let hidden = Array("\"********\"".utf8)

    /// Appends `hidden`.
    internal static func hide(_ output: ByteBuffer) {
        output.append(int64: 0x222a_2a2a_2a2a_2a2a)
        output.append(int16: 0x2a22)
    }
}

/// One value for all.
internal struct Constant: Hashable, Sendable {
    internal enum ValueType: Hashable, Sendable { case text, number, boolean }

    internal let type: ValueType
    /// JSON, quotes included.
    internal let json: [UInt8]
}

/// Which characters of a text are hidden.
internal struct CharacterMask: Hashable, Sendable {
    internal enum Part: Hashable, Sendable {
        case hideFirst(Int)
        case hideLast(Int)
        case keep(first: Int, last: Int)
    }

    internal let part: Part
    /// The Unicode scalar that stands for a hidden one.
    internal var with = UInt32(UInt8(ascii: "*"))
}

/// A few Unicode scalars; asking for one of ASCII is one shift.
internal struct ScalarSet: Hashable, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private var others: [UInt32] = []

    internal init() {}

    internal init(_ scalars: [Unicode.Scalar]) {
        for scalar in scalars {
            switch scalar.value {
            case 0..<64: low |= 1 << UInt64(scalar.value)
            case 64..<128: high |= 1 << UInt64(scalar.value - 64)
            default: others.append(scalar.value)
            }
        }
        others = Set(others).sorted()
    }

    internal var isEmpty: Bool { low | high == 0 && others.isEmpty }

    @inline(__always)
    internal func contains(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0..<64: low >> UInt64(scalar) & 1 == 1
        case 64..<128: high >> UInt64(scalar - 64) & 1 == 1
        default: others.contains(scalar)
        }
    }
}

/// How many digits of a card number are kept.
internal struct CardMask: Hashable, Sendable {
    internal var first = 6
    internal var last = 4
    internal var with = UInt32(UInt8(ascii: "*"))
}

/// What is shown of an address.
internal struct EmailMask: Hashable, Sendable {
    internal enum Style: String, Hashable, Sendable, CaseIterable { case domain, first, partial }

    internal var style = Style.domain
    internal var with = UInt32(UInt8(ascii: "*"))
}

/// How a token is written.
internal enum TokenForm: String, Hashable, Sendable, CaseIterable { case hex, base64, base64url16 }

/// What a date is cut to.
internal enum DateUnit: String, Hashable, Sendable, CaseIterable { case day, month, year, decade }

/// By how much a date is moved.
internal struct DateShift: Hashable, Sendable {
    /// At most this many days in either direction.
    internal var days = 100
    /// Whose dates move together, for all values of the rule; empty: the caller says, or else the
    /// date itself decides.
    internal var entity: [UInt8] = []
}

/// The width of a bucket: `units` times 10 to the power of minus `decimals`.
internal struct BucketStep: Hashable, Sendable {
    internal let units: UInt64
    internal let decimals: Int
}
