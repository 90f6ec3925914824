// FieldScanner: finds the selected values of a JSON document in one pass over its bytes.

package import Bytes
internal import Limits

/// One per event loop; its storage is used for every document and nothing is allocated per value.
@safe
package final class FieldScanner {
    /// Selected values of the last document in the order of its bytes; none lies in another.
    package private(set) var hits: [FieldHit] = []
    /// Normalized paths of the hits.
    package private(set) var names = ByteBuffer(capacity: 256)

    /// The containers around the value at hand, outermost first; the document's own place is first.
    private let frames: UnsafeMutablePointer<Frame>
    /// Where the paths are at the value at hand, when anything can be selected there.
    private var states = StateSet.none
    /// The container that is a hit and not yet closed, or -1, and the depth around it.
    private var openHit = -1
    private var openDepth = 0
    /// A name with escapes, as its path would say it.
    private var decoded = ByteBuffer(capacity: 256)
    private let marks = TextMarks()

    /// Limits that are asked for often, copied here since constants of another module are called.
    private let depthMax = FieldLimits.depthMax
    private let hitsMax = FieldLimits.hitsMax
    private let nameBytesMax = FieldLimits.nameBytesMax
    private let namesBytesMax = FieldLimits.namesBytesMax

    /// What becomes a hit.
    private enum Mode { case selected, selectedAndSealed, sealed }

    /// An object or array that was opened, and its member or element at hand.
    private struct Frame {
        /// Where it begins; -1 around the document.
        var container = -1
        /// Where the paths are; none when nothing in it can be selected.
        var states = StateSet.none
        /// What everything in it is selected by; -1 for nothing.
        var path = -1
        /// The byte that closes it; zero, which the end of the text reads as, around the document.
        var close: UInt8 = 0
        /// Whether the name of the member has escapes.
        var hasEscapes = false
        var index = 0
        /// Where the member or element begins.
        var item = 0
        /// Behind the closing quotation mark of the member's name.
        var nameEnd = 0
    }

    /// Where a pass stands: what is asked at every token. What takes it `inout` is inlined, so
    /// that it is kept in registers; the innermost frame has the rest, and older copies of some.
    private struct Pass {
        var at = 0
        var depth = 0
        var close: UInt8 = 0
        var hasEscapes = false
        /// Whether anything in the container at hand can be selected, and in the value.
        var isFollowed = false
        var isValueFollowed = false
        /// What everything in the container is selected by, and what the value is; -1 for nothing.
        var containerPath = -1
        var path = -1
        var index = 0
        var item = 0
        var nameEnd = 0
    }

    package init() {
        // SAFETY: freed in deinit only. A frame is no object, and may be overwritten.
        unsafe frames = UnsafeMutablePointer.allocate(capacity: FieldLimits.depthMax + 1)
        unsafe frames.initialize(repeating: Frame(), count: FieldLimits.depthMax + 1)
    }

    deinit {
        // SAFETY: nobody else holds the storage.
        unsafe frames.deallocate()
    }

    /// Where the JSON document of a record's value begins: behind the prefix that serializers with
    /// a schema registry write (a zero byte and the four bytes of the schema's id), or at 0.
    package static func bodyStart(of value: RawSpan) -> Int {
        value.byteCount > 5 && ScanText.byte(value, 0) == 0 ? 5 : 0
    }

    /// Reads `document` as one JSON text (RFC 8259, UTF-8 checked) and notes what `set` selects.
    /// Where a selected value lies in a selected value, the outer one is noted.
    ///
    /// Names of members are compared by what they say, byte by byte of their UTF-8, however they
    /// are escaped. A name may come several times: each of these members is a value.
    ///
    /// - Parameter notesSealedText: also note strings that begin with `wax1:` and are not selected.
    /// - Throws: when it is not such a text or is beyond `FieldLimits`; then there are no hits.
    package func scan(
        _ document: RawSpan, _ set: FieldPathSet, notesSealedText: Bool
    ) throws(FieldScanError) {
        try scan(document, set, notesSealedText ? .selectedAndSealed : .selected)
    }

    /// Like `scan`, but the hits are the strings that begin with `wax1:`, all of them, wherever
    /// they stand. The `path` of each is the first path of `set` that selects it or a value that
    /// it lies in, and -1 when there is none.
    package func scanSealedText(
        _ document: RawSpan, _ set: FieldPathSet
    ) throws(FieldScanError) {
        try scan(document, set, .sealed)
    }

    private func scan(
        _ document: RawSpan, _ set: FieldPathSet, _ mode: Mode
    ) throws(FieldScanError) {
        forget()
        marks.begin()
        guard document.byteCount <= FieldLimits.documentBytesMax else {
            throw FieldScanError(
                offset: FieldLimits.documentBytesMax, "too long a document", isLimit: true)
        }
        do throws(FieldScanError) {
            try read(document, set.program, mode)
        } catch {
            forget()
            throw error
        }
    }

    private func forget() {
        if !hits.isEmpty { hits.removeAll(keepingCapacity: hits.count <= FieldLimits.hitsKept) }
        if names.count > FieldLimits.namesBytesKept { names = ByteBuffer(capacity: 256) }
        names.removeAll()
        if decoded.count > FieldLimits.namesBytesKept { decoded = ByteBuffer(capacity: 256) }
        decoded.removeAll()
    }

    // MARK: the pass

    private func read(
        _ text: RawSpan, _ program: PathProgram, _ mode: Mode
    ) throws(FieldScanError) {
        var pass = Pass()
        let marks = marks
        begin(program, mode, &pass)
        _ = ScanText.token(text, &pass.at)
        pass.item = pass.at
        while true {
            let isOver = try value(text, marks, mode, &pass)
            if isOver, try !next(text, &pass) { break }
            pass.item = pass.at
            pass.path = pass.containerPath
            pass.isValueFollowed = false
            if pass.close == UInt8(ascii: "}") {
                let member = try member(text, marks, pass.at)
                pass.at = member.value
                pass.nameEnd = member.nameEnd
                pass.hasEscapes = member.hasEscapes
                if pass.isFollowed { followName(text, program, mode, &pass) }
            } else if pass.isFollowed {
                follow(program.taking(index: pass.index), program, mode, &pass)
            }
        }
        guard pass.at == text.byteCount else {
            throw FieldScanError(offset: pass.at, "something behind the document")
        }
    }

    @inline(__always)
    private func begin(_ program: PathProgram, _ mode: Mode, _ pass: inout Pass) {
        // SAFETY: there is a first frame.
        unsafe frames[0] = Frame()
        openHit = -1
        states = program.start
        pass.path = program.rootPath
        pass.isValueFollowed = !states.isEmpty && (pass.path < 0 || mode == .sealed)
    }

    /// Steps over a value, or into an object or array to its first member or element.
    ///
    /// - Returns: whether the value is over.
    @inline(__always)
    private func value(
        _ text: RawSpan, _ marks: TextMarks, _ mode: Mode, _ pass: inout Pass
    ) throws(FieldScanError) -> Bool {
        let start = pass.at
        let kind: JSONKind
        let first = ScanText.byte(text, start)
        switch first {
        case ScanText.quote:
            let string = try ScanText.string(text, marks, start &+ 1)
            pass.at = string.end
            let isSealed = StringUnits.isSealed(text, start, hasEscapes: string.hasEscapes)
            if isSealed || pass.path >= 0 {
                save(pass)
                try noteString(text, start..<pass.at, isSealed, mode, pass.depth, pass.path)
            }
            return true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return try open(text, first, mode, &pass)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            kind = .number
            pass.at = try ScanText.number(text, start)
        default:
            kind = first == UInt8(ascii: "n") ? .null : .bool
            pass.at = try ScanText.literal(text, start)
        }
        if pass.path >= 0, mode != .sealed {
            save(pass)
            try note(text, start..<pass.at, kind, false, pass.depth, pass.path)
        }
        return true
    }

    @inline(__always)
    private func open(
        _ text: RawSpan, _ byte: UInt8, _ mode: Mode, _ pass: inout Pass
    ) throws(FieldScanError) -> Bool {
        let start = pass.at
        guard pass.depth < depthMax else {
            throw FieldScanError(offset: start, "too deep a nesting", isLimit: true)
        }
        save(pass)
        // In ASCII an opening bracket and its end are two apart.
        let close = byte &+ 2
        pass.at = start &+ 1
        let isEmpty = ScanText.token(text, &pass.at) == close
        if isEmpty { pass.at &+= 1 }
        if pass.path >= 0, mode != .sealed {
            let kind = byte == UInt8(ascii: "{") ? JSONKind.object : .array
            let end = isEmpty ? pass.at : start + 1
            try note(text, start..<end, kind, false, pass.depth, pass.path)
            if !isEmpty {
                openHit = hits.count - 1
                openDepth = pass.depth
            }
        }
        if isEmpty { return true }
        pass.depth &+= 1
        pass.close = close
        pass.index = 0
        pass.isFollowed = pass.isValueFollowed
        pass.containerPath = mode == .sealed ? pass.path : -1
        // SAFETY: the depth is at most `depthMax`, checked above, and there is one frame more.
        unsafe frames[pass.depth] = Frame(
            container: start, states: pass.isFollowed ? states : .none, path: pass.containerPath,
            close: close)
        return false
    }

    /// Writes what the frame has older copies of.
    @inline(__always)
    private func save(_ pass: Pass) {
        // SAFETY: a depth that was opened.
        let frame = unsafe frames + pass.depth
        unsafe frame.pointee.hasEscapes = pass.hasEscapes
        unsafe frame.pointee.index = pass.index
        unsafe frame.pointee.item = pass.item
        unsafe frame.pointee.nameEnd = pass.nameEnd
    }

    /// Behind a value: steps to the next member or element, out of all containers that end before
    /// it.
    ///
    /// - Returns: whether there is a next one in the document.
    @inline(__always)
    private func next(_ text: RawSpan, _ pass: inout Pass) throws(FieldScanError) -> Bool {
        while true {
            let byte = ScanText.token(text, &pass.at)
            if pass.depth == 0 { return false }
            if byte == UInt8(ascii: ",") {
                pass.at &+= 1
                pass.index &+= 1
                _ = ScanText.token(text, &pass.at)
                return true
            }
            guard byte == pass.close else {
                throw FieldScanError(offset: pass.at, "neither ',' nor the end of its container")
            }
            pass.at &+= 1
            pass.depth &-= 1
            // SAFETY: the depth was above zero.
            let frame = unsafe frames + pass.depth
            pass.close = unsafe frame.pointee.close
            pass.index = unsafe frame.pointee.index
            pass.containerPath = unsafe frame.pointee.path
            pass.isFollowed = unsafe !frame.pointee.states.isEmpty
            if openHit >= 0, openDepth == pass.depth { closeHit(pass.at) }
        }
    }

    @inline(never)
    private func closeHit(_ end: Int) {
        let hit = hits[openHit]
        hits[openHit].value = hit.value.lowerBound..<end
        hits[openHit].member = hit.member.lowerBound..<end
        openHit = -1
    }

    /// Steps to the value of the member that begins at `start`.
    ///
    /// - Returns: also where its name ends, behind the closing quotation mark, and whether the
    ///   name has escapes.
    private func member(
        _ text: RawSpan, _ marks: TextMarks, _ start: Int
    ) throws(FieldScanError) -> (value: Int, nameEnd: Int, hasEscapes: Bool) {
        guard ScanText.byte(text, start) == ScanText.quote else {
            throw FieldScanError(offset: start, "no name of a member")
        }
        let name = try ScanText.string(text, marks, start &+ 1)
        var at = name.end
        guard ScanText.token(text, &at) == UInt8(ascii: ":") else {
            throw FieldScanError(offset: at, "no ':' behind a name")
        }
        at &+= 1
        _ = ScanText.token(text, &at)
        return (at, name.end, name.hasEscapes)
    }

    @inline(__always)
    private func followName(
        _ text: RawSpan, _ program: PathProgram, _ mode: Mode, _ pass: inout Pass
    ) {
        let (start, end) = (pass.item &+ 1, pass.nameEnd &- 1)
        if program.takesNamedOnly, !pass.hasEscapes, !program.mayName(text, start, end) { return }
        let taking = taking(text, start..<end, pass.hasEscapes, program)
        follow(taking, program, mode, &pass)
    }

    @inline(never)
    private func taking(
        _ text: RawSpan, _ name: Range<Int>, _ hasEscapes: Bool, _ program: PathProgram
    ) -> StateSet {
        guard hasEscapes else { return program.taking(text, name) }
        decoded.removeAll()
        var at = name.lowerBound
        while at < name.upperBound { StringUnits.append(StringUnits.next(text, &at), to: decoded) }
        let decoded = decoded
        return program.taking(decoded.bytes, 0..<decoded.count)
    }

    /// Moves the paths whose positions are in `taking` on to the value.
    @inline(__always)
    private func follow(
        _ taking: StateSet, _ program: PathProgram, _ mode: Mode, _ pass: inout Pass
    ) {
        pass.path = select(taking, program, mode, pass.depth, pass.path)
        pass.isValueFollowed = !states.isEmpty
    }

    /// - Returns: the path that selects the value.
    @inline(never)
    private func select(
        _ taking: StateSet, _ program: PathProgram, _ mode: Mode, _ depth: Int, _ path: Int
    ) -> Int {
        // SAFETY: a depth that was opened.
        let around = unsafe frames[depth].states
        let matched = around & taking
        let selecting = matched & program.last
        if selecting.isEmpty || mode == .sealed {
            states = matched.advanced(without: program.last) | (around & program.descendants)
        } else {
            states = .none
        }
        if selecting.isEmpty { return path }
        let first = program.firstPath(of: selecting)
        return path < 0 ? first : min(first, path)
    }

    // MARK: hits

    @inline(never)
    private func noteString(
        _ text: RawSpan, _ value: Range<Int>, _ isSealed: Bool, _ mode: Mode, _ depth: Int,
        _ path: Int
    ) throws(FieldScanError) {
        if isSealed, openHit >= 0 { hits[openHit].containsSealedText = true }
        let isHit =
            switch mode {
            case .selected: path >= 0
            case .selectedAndSealed: path >= 0 || (isSealed && openHit < 0)
            case .sealed: isSealed
            }
        if isHit { try note(text, value, .string, isSealed, depth, path) }
    }

    /// Adds the value in the innermost frame.
    @inline(never)
    private func note(
        _ text: RawSpan, _ value: Range<Int>, _ kind: JSONKind, _ isSealed: Bool, _ depth: Int,
        _ path: Int
    ) throws(FieldScanError) {
        guard hits.count < hitsMax else {
            throw FieldScanError(
                offset: value.lowerBound, "too many selected values", isLimit: true)
        }
        let nameStart = names.count
        names.append(UInt8(ascii: "$"))
        // SAFETY: all depths up to this one were opened.
        for level in 0..<depth { try unsafe appendStep(text, frames[level + 1], nameStart) }
        let frame = unsafe frames[depth]
        hits.append(
            FieldHit(
                value: value, kind: kind, path: path, isSealedText: isSealed,
                containsSealedText: false, name: nameStart..<names.count,
                member: frame.item..<value.upperBound, container: frame.container,
                index: frame.index))
    }

    private func appendStep(
        _ text: RawSpan, _ frame: Frame, _ nameStart: Int
    ) throws(FieldScanError) {
        if frame.close == UInt8(ascii: "}") {
            NormalizedPath.append(
                name: text, frame.item + 1..<frame.nameEnd - 1, hasEscapes: frame.hasEscapes,
                to: names)
        } else {
            NormalizedPath.append(index: frame.index, to: names)
        }
        guard names.count - nameStart <= nameBytesMax,
            names.count <= namesBytesMax
        else {
            throw FieldScanError(
                offset: frame.item, "too long a path of a selected value", isLimit: true)
        }
    }
}
