// MessageLayout: the description of a message's fields that walk programs are compiled from.

/// Whether a message asks or answers.
package enum MessageKind: UInt8, Sendable { case request, response }

/// How a field's value is encoded.
package enum FieldType: UInt8, Sendable {
    case bool, int8, int16, int32, int64, uint16, uint32, float64, uuid
    case string, bytes, records, structure

    /// Bytes of a value whose size is fixed; nil for the others.
    internal var fixedBytes: Int? {
        switch self {
        case .bool, .int8: 1
        case .int16, .uint16: 2
        case .int32, .uint32: 4
        case .int64, .float64: 8
        case .uuid: 16
        case .string, .bytes, .records, .structure: nil
        }
    }
}

/// A run of versions; empty when it starts above its end.
package struct VersionRun: Sendable {
    internal let from: Int16
    internal let to: Int16

    internal func contains(_ version: Int16) -> Bool { from <= version && version <= to }

    internal static let none = VersionRun(from: 1, to: 0)
}

/// One field, followed in its layout by the fields of its struct.
package struct MessageField: Sendable {
    internal let name: String
    internal let type: FieldType
    internal let role: FieldRole
    internal let versions: VersionRun
    internal let isArray: Bool
    internal let nullable: VersionRun
    /// The tag's number in the versions of `tagged`.
    internal let tag: Int32
    internal let tagged: VersionRun
    /// Keeps its old length prefix in flexible versions.
    internal let oldLengths: Bool
    /// Fields below this one, at any depth.
    internal let children: Int
}

/// The fields of a message for a run of versions, in the order of the definition.
package struct MessageLayout: Sendable {
    /// Stands for "and every later version".
    internal static let last = Int16.max

    package let apiKey: Int16
    package let kind: MessageKind
    package let versions: ClosedRange<Int16>
    package let flexibleFrom: Int16
    internal let fields: [MessageField]

    /// One row of a generated table.
    internal static func field(
        _ name: String, _ type: FieldType, _ role: FieldRole, _ from: Int16, _ to: Int16,
        isArray: Bool = false,
        nullable nullableFrom: Int16 = 1, _ nullableTo: Int16 = 0,
        tag: Int32 = -1, _ taggedFrom: Int16 = 1, _ taggedTo: Int16 = 0,
        oldLengths: Bool = false, children: Int = 0
    ) -> MessageField {
        MessageField(
            name: name, type: type, role: role, versions: VersionRun(from: from, to: to),
            isArray: isArray, nullable: VersionRun(from: nullableFrom, to: nullableTo),
            tag: tag, tagged: VersionRun(from: taggedFrom, to: taggedTo),
            oldLengths: oldLengths, children: children)
    }
}
