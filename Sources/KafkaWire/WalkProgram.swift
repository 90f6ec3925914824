// WalkProgram: a message's fields in one version, compiled to the steps that a walker takes.

/// One step of a walk.
internal struct WalkOp: Sendable {
    internal enum Code: UInt8, Sendable {
        /// Steps over `count` bytes.
        case skip
        /// Reports `count` bytes of a number or a UUID.
        case fixed
        /// Steps over a length and what it counts.
        case skipSized
        /// Reports a length and what it counts.
        case sized
        /// Reports where the records of a partition are, and steps over them.
        case records
        /// Steps over a number of elements of `count` bytes each.
        case skipFixedArray
        /// Reads a number of elements.
        case array
        /// Enters the next element, or leaves the array for `target`.
        case element
        /// Ends an element and goes back to `target`.
        case elementEnd
        /// Reads whether a struct is there; goes to `target` if it is null.
        case nullableStruct
        /// Reads a number of tags; `count` cases follow the next step.
        case tags
        /// Reads the next tag and finds its case, or leaves the section.
        case tag
        /// Data of the step before: tag `count` is walked from `target` on.
        case tagCase
        /// Ends a tag and goes back to `target`.
        case tagEnd
        /// The message must end here.
        case end
    }

    internal enum LengthForm: UInt8, Sendable { case int16, int32, compact }

    internal var code: Code
    internal var role = FieldRole.none
    internal var form = LengthForm.int16
    /// Null is allowed.
    internal var isNullable = false
    /// A number that is never negative.
    internal var isUnsigned = false
    /// A string, whose length Kafka bounds (32,767 bytes) whatever its prefix could hold.
    internal var isString = false
    /// Whether the step reports itself.
    internal var emits = false
    /// Whether the array's elements report where they begin and end.
    internal var emitsElements = false
    internal var count: Int32 = 0
    internal var target: Int32 = 0
}

/// The compiled fields of one message in one version. Immutable and shared by all threads.
package final class WalkProgram: Sendable {
    package let apiKey: Int16
    package let kind: MessageKind
    package let version: Int16
    /// Whether lengths are compact and structs end in tag buffers (KIP-482).
    package let isFlexible: Bool
    internal let ops: [WalkOp]

    /// Arrays and tags that may be open at once; no message of Kafka needs more.
    internal static let depthMax = 8

    internal init(_ layout: MessageLayout, version: Int16) {
        var compiler = WalkCompiler(layout: layout, version: version)
        compiler.compile()
        precondition(compiler.depthSeen <= Self.depthMax, "a message nests deeper than walkers do")
        apiKey = layout.apiKey
        kind = layout.kind
        self.version = version
        isFlexible = version >= layout.flexibleFrom
        ops = compiler.ops
    }

    /// - Returns: nil when Waxwing has no table for the message, or not for this version.
    package static func find(
        _ apiKey: Int16, _ kind: MessageKind, version: Int16
    ) -> WalkProgram? {
        let slot = Int(apiKey) * 2 + Int(kind.rawValue)
        guard apiKey >= 0, slot < table.count else { return nil }
        let versions = table[slot]
        return version >= 0 && version < versions.count ? versions[Int(version)] : nil
    }

    /// Every program, by key and kind, then by version. All are compiled at the first lookup,
    /// which takes about a millisecond and leaves nothing to lock afterwards.
    private static let table: [[WalkProgram?]] = {
        var table = [[WalkProgram?]](repeating: [], count: ApiDefinition.all.count * 2)
        for layout in MessageLayout.requests + MessageLayout.responses {
            let slot = Int(layout.apiKey) * 2 + Int(layout.kind.rawValue)
            for version in layout.versions {
                while table[slot].count <= version { table[slot].append(nil) }
                table[slot][Int(version)] = WalkProgram(layout, version: version)
            }
        }
        return table
    }()
}

/// Turns a layout into steps. It recurses over our own tables only, never over input.
private struct WalkCompiler {
    let layout: MessageLayout
    let version: Int16
    var ops: [WalkOp] = []
    var depthSeen = 0

    /// Tags whose content is compiled behind the message's end.
    private var pending: [(caseIndex: Int, sectionIndex: Int, field: Int, depth: Int)] = []
    /// A step that is jumped to, which a skip before it must not swallow.
    private var barrier = 0
    private var depth = 0

    init(layout: MessageLayout, version: Int16) {
        self.layout = layout
        self.version = version
    }

    private var isFlexible: Bool { version >= layout.flexibleFrom }

    mutating func compile() {
        structure(0..<layout.fields.count)
        ops.append(WalkOp(code: .end))
        while let next = pending.popLast() {
            depth = next.depth
            ops[next.caseIndex].target = Int32(ops.count)
            barrier = ops.count
            value(next.field, isTagged: true)
            ops.append(WalkOp(code: .tagEnd, target: Int32(next.sectionIndex)))
        }
    }

    /// The fields of one struct in this version, by index.
    private func active(_ range: Range<Int>) -> [Int] {
        var found: [Int] = []
        var index = range.lowerBound
        while index < range.upperBound {
            if layout.fields[index].versions.contains(version) { found.append(index) }
            index += 1 + layout.fields[index].children
        }
        return found
    }

    private func children(_ index: Int) -> Range<Int> {
        index + 1..<index + 1 + layout.fields[index].children
    }

    private func reports(_ index: Int) -> Bool {
        layout.fields[index].role != .none || reportsInside(index)
    }

    private func reportsInside(_ index: Int) -> Bool {
        active(children(index)).contains { reports($0) }
    }

    private func isTagged(_ index: Int) -> Bool { layout.fields[index].tagged.contains(version) }

    private mutating func structure(_ range: Range<Int>) {
        let fields = active(range)
        for index in fields where !isTagged(index) { value(index, isTagged: false) }
        guard isFlexible else { return }
        let known = fields.filter { isTagged($0) && reports($0) }
        depthSeen = max(depthSeen, depth + 1)
        ops.append(WalkOp(code: .tags, count: Int32(known.count)))
        let section = ops.count
        ops.append(WalkOp(code: .tag, count: Int32(known.count)))
        for index in known {
            pending.append((ops.count, section, index, depth + 1))
            ops.append(WalkOp(code: .tagCase, count: layout.fields[index].tag))
        }
        barrier = ops.count
    }

    private mutating func value(_ index: Int, isTagged: Bool) {
        let field = layout.fields[index]
        if field.isArray { return array(index) }
        if field.type == .structure { return nestedStructure(index, isTagged: isTagged) }
        single(field, nullable: field.nullable.contains(version))
    }

    /// A value that is neither an array nor a struct.
    private mutating func single(_ field: MessageField, nullable: Bool) {
        let emits = field.role != .none
        if let bytes = field.type.fixedBytes {
            if !emits { return skip(bytes) }
            var op = WalkOp(code: .fixed, role: field.role, emits: true, count: Int32(bytes))
            op.isUnsigned = field.type == .uint16 || field.type == .uint32 || field.type == .bool
            return ops.append(op)
        }
        let compact = isFlexible && !field.oldLengths
        var op = WalkOp(code: emits ? .sized : .skipSized, role: field.role)
        if field.type == .records { op.code = .records }
        op.isString = field.type == .string
        op.form = compact ? .compact : op.isString ? .int16 : .int32
        op.isNullable = nullable
        op.emits = emits
        ops.append(op)
    }

    private mutating func skip(_ bytes: Int) {
        if let last = ops.last, last.code == .skip, ops.count > barrier {
            ops[ops.count - 1].count += Int32(bytes)
        } else {
            ops.append(WalkOp(code: .skip, count: Int32(bytes)))
        }
    }

    private mutating func nestedStructure(_ index: Int, isTagged: Bool) {
        guard layout.fields[index].nullable.contains(version) else {
            return structure(children(index))
        }
        precondition(!isTagged, "no message has a nullable struct with a role in a tag")
        let marker = ops.count
        ops.append(WalkOp(code: .nullableStruct))
        structure(children(index))
        ops[marker].target = Int32(ops.count)
        barrier = ops.count
    }

    private mutating func array(_ index: Int) {
        let field = layout.fields[index]
        let nullable = field.nullable.contains(version)
        let form: WalkOp.LengthForm = isFlexible && !field.oldLengths ? .compact : .int32
        if let bytes = fixedElementBytes(index), !reports(index) {
            return ops.append(
                WalkOp(
                    code: .skipFixedArray, form: form, isNullable: nullable, count: Int32(bytes)))
        }
        depth += 1
        depthSeen = max(depthSeen, depth)
        let emits = field.role != .none || reportsInside(index)
        ops.append(
            WalkOp(code: .array, role: field.role, form: form, isNullable: nullable, emits: emits))
        let loop = ops.count
        let emitsElements = field.type == .structure && reportsInside(index)
        var element = WalkOp(code: .element, role: field.role, emits: emits)
        element.emitsElements = emitsElements
        ops.append(element)
        if field.type == .structure {
            structure(children(index))
        } else {
            single(field, nullable: false)
        }
        ops.append(
            WalkOp(
                code: .elementEnd, role: field.role, emits: emitsElements, target: Int32(loop)))
        ops[loop].target = Int32(ops.count)
        barrier = ops.count
        depth -= 1
    }

    /// Bytes of each element when all have the same size, nil otherwise.
    private func fixedElementBytes(_ index: Int) -> Int? {
        let field = layout.fields[index]
        if let bytes = field.type.fixedBytes { return bytes }
        guard field.type == .structure, !isFlexible else { return nil }
        var total = 0
        for child in active(children(index)) {
            guard let bytes = layout.fields[child].type.fixedBytes, !layout.fields[child].isArray
            else { return nil }
            total += bytes
        }
        return total
    }
}
