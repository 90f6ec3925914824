// FieldScanner: finds the selected values of a JSON document in one pass over its bytes.

package import Bytes
internal import CJSON
internal import Limits

/// One per event loop; its storage is used for every document and nothing is allocated per value.
@safe
package final class FieldScanner {
    /// Selected values of the last document in the order of its bytes; none lies in another.
    package private(set) var hits: [FieldHit] = []
    /// Normalized paths of the hits.
    package let names = ByteBuffer(capacity: 256)

    /// The containers around the value at hand, outermost first; the document's own place is first.
    private let frames: UnsafeMutablePointer<Frame>
    /// Where the paths are at the value at hand, when anything can be selected there.
    private var states = StateSet.none
    /// The frame at which no further object or array may be opened.
    private let deepest: UnsafeMutablePointer<Frame>
    /// The container that is a hit and not yet closed, or -1, and the frame around it.
    private var openHit = -1
    private var openFrame: UnsafeMutablePointer<Frame>
    /// A name with escapes, as its path would say it.
    private let decoded = ByteBuffer(capacity: 256)
    private let marks = TextMarks()
    /// What documents looked like that were scanned before.
    private let memories = ShapeMemories()
    private let values = ScalarValues()

    /// Limits that are asked for often, copied here since constants of another module are called.
    private let hitsMax = FieldLimits.hitsMax
    private let nameBytesMax = FieldLimits.nameBytesMax
    private let namesBytesMax = FieldLimits.namesBytesMax
    private let namesBytesKept = FieldLimits.namesBytesKept

    /// What becomes a hit.
    internal enum Mode { case selected, selectedAndSealed, sealed }

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
        /// Whether anything in it can be selected.
        var isFollowed = false
        /// Whether the name of the member has escapes.
        var hasEscapes = false
        var index = 0
        /// Where the member or element begins.
        var item = 0
        /// Where the closing quotation mark of the member's name is.
        var nameEnd = 0
    }

    /// Where a pass stands: what is asked at every token. It is only ever handed to functions that
    /// are inlined, so that it is kept in registers; the innermost frame has the rest.
    @safe
    private struct Pass {
        var at = 0
        /// The innermost frame.
        var frame: UnsafeMutablePointer<Frame>
        var close: UInt8 = 0
        /// Whether anything in the container at hand can be selected, and in the value.
        var isFollowed = false
        var isValueFollowed = false
        /// What the value is selected by; -1 for nothing.
        var path = -1
        /// Whether objects and arrays are stepped over in which nothing is selected.
        var stepsOverTrees = true
    }

    package init() {
        // SAFETY: freed in deinit only. A frame is no object, and may be overwritten.
        unsafe frames = UnsafeMutablePointer.allocate(capacity: FieldLimits.depthMax + 1)
        unsafe frames.initialize(repeating: Frame(), count: FieldLimits.depthMax + 1)
        unsafe deepest = frames + FieldLimits.depthMax
        unsafe openFrame = frames
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
        let program = set.program
        let memory = memories.memory(of: program, mode)
        if let shape = memory?.shape(of: document, marks, values) {
            return takeHits(of: shape, document)
        }
        do throws(FieldScanError) {
            try read(document, program, mode)
        } catch {
            memory?.charge(1)
            forget()
            throw error
        }
        memory?.remember(document, marks, values, hits: hits, names: names)
    }

    /// Notes what a document has that is of a shape that was scanned before.
    private func takeHits(of shape: DocumentShape, _ document: RawSpan) {
        names.append(shape.names)
        for place in shape.places {
            let value = values[place.value]
            hits.append(
                FieldHit(
                    value: value, kind: ScanText.scalarKind(document, value.lowerBound),
                    path: place.path, isSealedText: place.isSealedText,
                    containsSealedText: false, name: place.name,
                    member: value.lowerBound - place.memberBytes..<value.upperBound,
                    container: values.gapStart(place.gap) + place.gapBytes, index: place.index))
        }
    }

    private func forget() {
        if !hits.isEmpty { hits.removeAll(keepingCapacity: hits.count <= FieldLimits.hitsKept) }
        names.removeAll(keepingAtMost: namesBytesKept)
        decoded.removeAll(keepingAtMost: namesBytesKept)
    }

    // MARK: the pass

    private func read(
        _ text: RawSpan, _ program: PathProgram, _ mode: Mode
    ) throws(FieldScanError) {
        var pass = unsafe Pass(frame: frames)
        let marks = marks
        begin(program, mode, &pass)
        _ = ScanText.token(text, &pass.at)
        // SAFETY: the pass stands in a frame that was opened, here and below.
        unsafe pass.frame.pointee.item = pass.at
        pass: while true {
            var isOver = try value(text, marks, program, mode, &pass)
            // The member whose name may be wanted, when there is one.
            var wanted: (nameEnd: Int, value: Int) = (0, 0)
            while true {
                if isOver, try !next(text, &pass) { break pass }
                guard pass.close == UInt8(ascii: "}"), !pass.isFollowed || program.takesNamedOnly
                else { break }
                let names = pass.isFollowed ? program.beginnings : .none
                let levels = pass.stepsOverTrees ? unsafe deepest - pass.frame : 0
                let stop = marks.members(text, pass.at, names, levels: levels)
                // To try again within is to read the same bytes again and again.
                if stop.is_tree_odd != 0 { pass.stepsOverTrees = false }
                pass.at = stop.end
                unsafe pass.frame.pointee.index &+= stop.count
                isOver = stop.is_behind_value != 0
                wanted = (stop.name_end, stop.value)
                if !isOver { break }
            }
            unsafe pass.frame.pointee.item = pass.at
            pass.path = unsafe pass.frame.pointee.path
            pass.isValueFollowed = false
            if pass.close == UInt8(ascii: "}") {
                let start = pass.at &+ 1
                if wanted.value > 0 {
                    pass.at = wanted.value
                    unsafe pass.frame.pointee.nameEnd = wanted.nameEnd
                    unsafe pass.frame.pointee.hasEscapes = false
                } else {
                    let name = try ScanText.name(text, marks, pass.at)
                    pass.at = name.value
                    unsafe pass.frame.pointee.nameEnd = name.end
                    unsafe pass.frame.pointee.hasEscapes = name.hasEscapes
                    guard pass.isFollowed, program.mayTake(text, start, name) else { continue }
                }
                pass.path = unsafe follow(
                    text, start..<pass.frame.pointee.nameEnd, pass.frame.pointee.hasEscapes,
                    program, mode, pass.frame, pass.path)
                pass.isValueFollowed = !states.isEmpty
            } else if pass.isFollowed {
                pass.path = unsafe follow(program, mode, pass.frame, pass.path)
                pass.isValueFollowed = !states.isEmpty
            }
        }
        guard pass.at == text.byteCount else {
            throw FieldScanError(offset: pass.at, "something behind the document")
        }
    }

    @inline(__always)
    private func begin(_ program: PathProgram, _ mode: Mode, _ pass: inout Pass) {
        // SAFETY: there is a first frame.
        unsafe frames.pointee = Frame()
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
        _ text: RawSpan, _ marks: TextMarks, _ program: PathProgram, _ mode: Mode,
        _ pass: inout Pass
    ) throws(FieldScanError) -> Bool {
        let start = pass.at
        let first = ScanText.byte(text, start)
        let kind: JSONKind
        switch first {
        case ScanText.quote:
            let string = try ScanText.string(text, marks, start &+ 1)
            pass.at = string.end
            let isSealed = StringUnits.isSealed(text, start, hasEscapes: string.hasEscapes)
            if isSealed || pass.path >= 0 {
                // SAFETY: the frame of this pass.
                try unsafe noteString(
                    text, start, pass.at, isSealed, program, mode, pass.frame, pass.path)
            }
            return true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return try open(text, first, program, mode, &pass)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            kind = .number
            pass.at = try ScanText.number(text, start)
        default:
            kind = first == UInt8(ascii: "n") ? .null : .bool
            pass.at = try ScanText.literal(text, start)
        }
        if pass.path >= 0, mode != .sealed {
            try unsafe note(
                text, start, pass.at, kind, false, program, pass.frame, pass.path)
        }
        return true
    }

    @inline(__always)
    private func open(
        _ text: RawSpan, _ byte: UInt8, _ program: PathProgram, _ mode: Mode,
        _ pass: inout Pass
    ) throws(FieldScanError) -> Bool {
        let start = pass.at
        // SAFETY: the frame stands behind the first one, `depthMax` at most.
        guard unsafe pass.frame < deepest else {
            throw FieldScanError(offset: start, "too deep a nesting", isLimit: true)
        }
        // In ASCII an opening bracket and its end are two apart.
        let close = byte &+ 2
        pass.at = start &+ 1
        let isEmpty = ScanText.token(text, &pass.at) == close
        if isEmpty { pass.at &+= 1 }
        if pass.path >= 0, mode != .sealed {
            let kind = byte == UInt8(ascii: "{") ? JSONKind.object : .array
            let end = isEmpty ? pass.at : start &+ 1
            try unsafe note(text, start, end, kind, false, program, pass.frame, pass.path)
            if !isEmpty {
                openHit = hits.count - 1
                unsafe openFrame = pass.frame
            }
        }
        if isEmpty { return true }
        unsafe pass.frame += 1
        pass.close = close
        pass.isFollowed = pass.isValueFollowed
        unsafe pass.frame.pointee.container = start
        unsafe pass.frame.pointee.states = pass.isFollowed ? states : .none
        unsafe pass.frame.pointee.path = mode == .sealed ? pass.path : -1
        unsafe pass.frame.pointee.close = close
        unsafe pass.frame.pointee.isFollowed = pass.isFollowed
        unsafe pass.frame.pointee.index = 0
        return false
    }

    /// Behind a value: steps to the next member or element, out of all containers that end before
    /// it.
    ///
    /// - Returns: whether there is a next one in the document.
    @inline(__always)
    private func next(_ text: RawSpan, _ pass: inout Pass) throws(FieldScanError) -> Bool {
        while true {
            let byte = ScanText.token(text, &pass.at)
            if byte == UInt8(ascii: ","), pass.close != 0 {
                pass.at &+= 1
                // SAFETY: a frame of this pass.
                unsafe pass.frame.pointee.index &+= 1
                _ = ScanText.token(text, &pass.at)
                return true
            }
            if pass.close == 0 { return false }
            guard byte == pass.close else {
                throw FieldScanError(offset: pass.at, "neither ',' nor the end of its container")
            }
            pass.at &+= 1
            // SAFETY: a container has a frame before its own.
            unsafe pass.frame -= 1
            pass.close = unsafe pass.frame.pointee.close
            pass.isFollowed = unsafe pass.frame.pointee.isFollowed
            if openHit >= 0, unsafe openFrame == pass.frame { closeHit(pass.at) }
        }
    }

    @inline(never)
    private func closeHit(_ end: Int) {
        let hit = hits[openHit]
        hits[openHit].value = hit.value.lowerBound..<end
        hits[openHit].member = hit.member.lowerBound..<end
        openHit = -1
    }

    /// Moves the paths on to the value of a member.
    @inline(never)
    private func follow(
        _ text: RawSpan, _ name: Range<Int>, _ hasEscapes: Bool, _ program: PathProgram,
        _ mode: Mode, _ frame: UnsafeMutablePointer<Frame>, _ path: Int
    ) -> Int {
        let place = hasEscapes ? placeEscaped(text, name, program) : program.place(text, name)
        // SAFETY: the caller's frame.
        return unsafe select(program.taking(place), program, mode, frame, path)
    }

    private func placeEscaped(
        _ text: RawSpan, _ name: Range<Int>, _ program: PathProgram
    ) -> Int {
        decoded.removeAll()
        var at = name.lowerBound
        while at < name.upperBound { StringUnits.append(StringUnits.next(text, &at), to: decoded) }
        let decoded = decoded
        return program.place(decoded.bytes, 0..<decoded.count)
    }

    /// The same of an element.
    @inline(never)
    private func follow(
        _ program: PathProgram, _ mode: Mode, _ frame: UnsafeMutablePointer<Frame>, _ path: Int
    ) -> Int {
        // SAFETY: the caller's frame.
        unsafe select(program.taking(index: frame.pointee.index), program, mode, frame, path)
    }

    /// Moves the paths whose positions are in `taking` on to the value.
    ///
    /// - Returns: the path that selects it.
    @inline(__always)
    private func select(
        _ taking: StateSet, _ program: PathProgram, _ mode: Mode,
        _ frame: UnsafeMutablePointer<Frame>, _ path: Int
    ) -> Int {
        // SAFETY: the caller's frame.
        let around = unsafe frame.pointee.states
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
        _ text: RawSpan, _ start: Int, _ end: Int, _ isSealed: Bool, _ program: PathProgram,
        _ mode: Mode, _ frame: UnsafeMutablePointer<Frame>, _ path: Int
    ) throws(FieldScanError) {
        if isSealed, openHit >= 0 { hits[openHit].containsSealedText = true }
        let isHit =
            switch mode {
            case .selected: path >= 0
            case .selectedAndSealed: path >= 0 || (isSealed && openHit < 0)
            case .sealed: isSealed
            }
        // SAFETY: the caller's frame.
        if isHit {
            try unsafe note(text, start, end, .string, isSealed, program, frame, path)
        }
    }

    /// Adds the value in `innermost`.
    @inline(never)
    private func note(
        _ text: RawSpan, _ start: Int, _ end: Int, _ kind: JSONKind, _ isSealed: Bool,
        _ program: PathProgram, _ innermost: UnsafeMutablePointer<Frame>, _ path: Int
    ) throws(FieldScanError) {
        guard hits.count < hitsMax else {
            throw FieldScanError(offset: start, "too many selected values", isLimit: true)
        }
        let nameStart = names.count
        // SAFETY: the frame of the value.
        let (item, container) = unsafe (innermost.pointee.item, innermost.pointee.container)
        let index = unsafe innermost.pointee.index
        // What lies in a selected value may have the path of that value.
        let isOwn = unsafe path >= 0 && innermost.pointee.path < 0
        if !isOwn || !appendFixedName(program, path) {
            names.append(UInt8(ascii: "$"))
            // SAFETY: all frames up to the innermost were opened.
            var frame = unsafe frames
            while unsafe frame < innermost {
                unsafe frame += 1
                try unsafe appendStep(text, frame.pointee, nameStart)
            }
        }
        hits.append(
            FieldHit(
                value: start..<end, kind: kind, path: path, isSealedText: isSealed,
                containsSealedText: false, name: nameStart..<names.count,
                member: item..<end, container: container, index: index))
    }

    /// Appends the normalized path that a path has in every document.
    @inline(__always)
    private func appendFixedName(_ program: PathProgram, _ path: Int) -> Bool {
        let count = program.fixedNameCount(path)
        guard count > 0, count <= nameBytesMax, names.count + count <= namesBytesMax else {
            return false
        }
        program.appendFixedName(path, to: names)
        return true
    }

    private func appendStep(
        _ text: RawSpan, _ frame: Frame, _ nameStart: Int
    ) throws(FieldScanError) {
        if frame.close == UInt8(ascii: "}") {
            NormalizedPath.append(
                name: text, frame.item + 1..<frame.nameEnd, hasEscapes: frame.hasEscapes,
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
