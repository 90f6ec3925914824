// FieldScanner: finds the selected values of a JSON document in one pass over its bytes.

package import Bytes
internal import Limits

/// One per event loop; its storage is used for every document and nothing is allocated per value.
package final class FieldScanner {
    /// Selected values of the last document in the order of its bytes; none lies in another.
    package private(set) var hits: [FieldHit] = []
    /// Normalized paths of the hits.
    package private(set) var names = ByteBuffer(capacity: 256)

    /// The containers around the one at hand, outermost first; the document's own place is first.
    private var frames: [Frame] = []
    /// A name with escapes, as its path would say it.
    private var decoded = ByteBuffer(capacity: 256)

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
        /// The byte that closes it.
        var close: UInt8 = 0
        var index = 0
        /// Where the member or element begins.
        var item = 0
        /// Behind the closing quotation mark of the member's name.
        var nameEnd = 0
        /// Where the paths are; none when nothing in it can be selected.
        var states: StateSet
        /// What everything in it is selected by; -1 for nothing.
        var path = -1
    }

    private struct Pass {
        var at = 0
        var depth = 0
        var frame: Frame
        /// Where the paths are at the value at hand, and which of them selects it, or -1.
        var states: StateSet
        var path: Int
        /// The container that is a hit and not yet closed, or -1, and the depth around it.
        var openHit = -1
        var openDepth = 0
    }

    package init() {}

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
        var pass = Pass(
            frame: Frame(states: .none), states: program.start, path: program.rootPath)
        if pass.path >= 0, mode != .sealed { pass.states = .none }
        ScanText.skipSpace(text, &pass.at)
        pass.frame.item = pass.at
        while true {
            let isOver = try value(text, program, mode, &pass)
            if isOver, try !next(text, program, mode, &pass) { break }
        }
        ScanText.skipSpace(text, &pass.at)
        guard pass.at == text.byteCount else {
            throw FieldScanError(offset: pass.at, "something behind the document")
        }
    }

    /// Steps over a value, or into an object or array to its first value.
    ///
    /// - Returns: whether the value is over.
    @inline(__always)
    private func value(
        _ text: RawSpan, _ program: PathProgram, _ mode: Mode, _ pass: inout Pass
    ) throws(FieldScanError) -> Bool {
        let start = pass.at
        let kind: JSONKind
        switch ScanText.byte(text, start) {
        case ScanText.quote:
            pass.at += 1
            let hasEscapes = try ScanText.string(text, &pass.at)
            let isSealed = StringUnits.isSealed(text, start, hasEscapes: hasEscapes)
            if isSealed || pass.path >= 0 { try noteString(text, start, isSealed, mode, &pass) }
            return true
        case UInt8(ascii: "{"):
            return try open(text, program, mode, &pass, .object, UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            return try open(text, program, mode, &pass, .array, UInt8(ascii: "]"))
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            kind = .number
            try ScanText.number(text, &pass.at)
        case UInt8(ascii: "t"):
            kind = .bool
            try ScanText.literal(text, &pass.at, "true")
        case UInt8(ascii: "f"):
            kind = .bool
            try ScanText.literal(text, &pass.at, "false")
        case UInt8(ascii: "n"):
            kind = .null
            try ScanText.literal(text, &pass.at, "null")
        default:
            throw FieldScanError(offset: start, "no JSON value")
        }
        if pass.path >= 0, mode != .sealed { try note(text, start, kind, false, pass) }
        return true
    }

    @inline(__always)
    private func open(
        _ text: RawSpan, _ program: PathProgram, _ mode: Mode, _ pass: inout Pass,
        _ kind: JSONKind, _ close: UInt8
    ) throws(FieldScanError) -> Bool {
        let start = pass.at
        guard pass.depth < depthMax else {
            throw FieldScanError(offset: start, "too deep a nesting", isLimit: true)
        }
        if pass.path >= 0, mode != .sealed {
            try note(text, start, kind, false, pass)
            pass.openHit = hits.count - 1
            pass.openDepth = pass.depth
        }
        if frames.count == pass.depth {
            frames.append(pass.frame)
        } else {
            frames[pass.depth] = pass.frame
        }
        pass.depth += 1
        pass.frame = Frame(
            container: start, close: close, states: pass.states,
            path: mode == .sealed ? pass.path : -1)
        pass.at += 1
        ScanText.skipSpace(text, &pass.at)
        if ScanText.byte(text, pass.at) == close {
            leave(&pass)
            return true
        }
        try item(text, program, mode, &pass)
        return false
    }

    /// Behind a value: steps to the next one, out of all containers that end before it.
    ///
    /// - Returns: whether there is a next one in the document.
    @inline(__always)
    private func next(
        _ text: RawSpan, _ program: PathProgram, _ mode: Mode, _ pass: inout Pass
    ) throws(FieldScanError) -> Bool {
        while pass.depth > 0 {
            ScanText.skipSpace(text, &pass.at)
            let byte = ScanText.byte(text, pass.at)
            if byte == UInt8(ascii: ",") {
                pass.at += 1
                ScanText.skipSpace(text, &pass.at)
                pass.frame.index += 1
                try item(text, program, mode, &pass)
                return true
            }
            guard byte == pass.frame.close else {
                throw FieldScanError(offset: pass.at, "neither ',' nor the end of its container")
            }
            leave(&pass)
        }
        return false
    }

    /// Steps over the closing byte of a container.
    @inline(__always)
    private func leave(_ pass: inout Pass) {
        pass.at += 1
        pass.depth -= 1
        pass.frame = frames[pass.depth]
        if pass.openHit >= 0, pass.openDepth == pass.depth { closeHit(&pass) }
    }

    private func closeHit(_ pass: inout Pass) {
        let hit = hits[pass.openHit]
        hits[pass.openHit].value = hit.value.lowerBound..<pass.at
        hits[pass.openHit].member = hit.member.lowerBound..<pass.at
        pass.openHit = -1
    }

    /// Steps to the value of a member or element that begins here, and moves the paths on to it.
    @inline(__always)
    private func item(
        _ text: RawSpan, _ program: PathProgram, _ mode: Mode, _ pass: inout Pass
    ) throws(FieldScanError) {
        pass.frame.item = pass.at
        pass.states = .none
        pass.path = pass.frame.path
        guard pass.frame.close == UInt8(ascii: "}") else {
            guard !pass.frame.states.isEmpty else { return }
            return select(program.taking(index: pass.frame.index), program, mode, &pass)
        }
        guard ScanText.byte(text, pass.at) == ScanText.quote else {
            throw FieldScanError(offset: pass.at, "no name of a member")
        }
        pass.at += 1
        let hasEscapes = try ScanText.string(text, &pass.at)
        pass.frame.nameEnd = pass.at
        ScanText.skipSpace(text, &pass.at)
        guard ScanText.byte(text, pass.at) == UInt8(ascii: ":") else {
            throw FieldScanError(offset: pass.at, "no ':' behind a name")
        }
        pass.at += 1
        ScanText.skipSpace(text, &pass.at)
        guard !pass.frame.states.isEmpty else { return }
        let name = pass.frame.item + 1..<pass.frame.nameEnd - 1
        let taking = hasEscapes ? takingEscaped(text, name, program) : program.taking(text, name)
        select(taking, program, mode, &pass)
    }

    private func takingEscaped(
        _ text: RawSpan, _ name: Range<Int>, _ program: PathProgram
    ) -> StateSet {
        decoded.removeAll()
        var at = name.lowerBound
        while at < name.upperBound { StringUnits.append(StringUnits.next(text, &at), to: decoded) }
        let decoded = decoded
        return program.taking(decoded.bytes, 0..<decoded.count)
    }

    /// Moves the paths whose positions are in `taking` on to the value.
    @inline(__always)
    private func select(
        _ taking: StateSet, _ program: PathProgram, _ mode: Mode, _ pass: inout Pass
    ) {
        let matched = pass.frame.states & taking
        let selecting = matched & program.last
        if selecting.isEmpty || mode == .sealed {
            let staying = pass.frame.states & program.descendants
            pass.states = matched.advanced(without: program.last) | staying
        }
        guard !selecting.isEmpty else { return }
        let path = program.firstPath(of: selecting)
        pass.path = pass.path < 0 ? path : min(path, pass.path)
    }

    // MARK: hits

    private func noteString(
        _ text: RawSpan, _ start: Int, _ isSealed: Bool, _ mode: Mode, _ pass: inout Pass
    ) throws(FieldScanError) {
        if isSealed, pass.openHit >= 0 { hits[pass.openHit].containsSealedText = true }
        let isHit =
            switch mode {
            case .selected: pass.path >= 0
            case .selectedAndSealed: pass.path >= 0 || (isSealed && pass.openHit < 0)
            case .sealed: isSealed
            }
        if isHit { try note(text, start, .string, isSealed, pass) }
    }

    private func note(
        _ text: RawSpan, _ start: Int, _ kind: JSONKind, _ isSealed: Bool, _ pass: Pass
    ) throws(FieldScanError) {
        guard hits.count < hitsMax else {
            throw FieldScanError(offset: start, "too many selected values", isLimit: true)
        }
        let nameStart = names.count
        names.append(UInt8(ascii: "$"))
        if pass.depth > 0 {
            for level in 1..<pass.depth { try appendStep(text, frames[level], nameStart) }
            try appendStep(text, pass.frame, nameStart)
        }
        hits.append(
            FieldHit(
                value: start..<pass.at, kind: kind, path: pass.path, isSealedText: isSealed,
                containsSealedText: false, name: nameStart..<names.count,
                member: pass.frame.item..<pass.at, container: pass.frame.container,
                index: pass.frame.index))
    }

    private func appendStep(
        _ text: RawSpan, _ frame: Frame, _ nameStart: Int
    ) throws(FieldScanError) {
        if frame.close == UInt8(ascii: "}") {
            NormalizedPath.append(name: text, frame.item + 1..<frame.nameEnd - 1, to: names)
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
