// FieldRemoval: which bytes go when members or elements of a document are left out.

internal import Bytes

/// Says what to cut out so that the rest is still JSON, for any choice of hits of one scan.
///
/// As long as a container has lost all its members so far, each takes the comma behind it along;
/// a later one takes the comma before it. That no more than the last cut has to be remembered is
/// because hits do not lie in each other: a cut within a container's member leaves that member
/// there, and with it a value before all later members.
package struct FieldRemoval {
    /// The last member that was left out, if it and all before it in its container were.
    private var container = -1
    private var index = -1

    package init() {}

    /// Forgets the last document.
    package mutating func begin() {
        container = -1
        index = -1
    }

    /// The bytes to leave out for `hit`: its member and the comma that is then one too many. Asked
    /// for in the order of the hits, for those that go. Nil for the document itself.
    ///
    /// The ranges of one document do not overlap and come in order.
    package mutating func removal(of hit: FieldHit, in document: RawSpan) -> Range<Int>? {
        guard hit.container >= 0 else { return nil }
        let isLeading =
            hit.index == 0 || (hit.container == container && hit.index == index + 1)
        guard isLeading else {
            var start = hit.member.lowerBound - 1
            while start >= 0, ScanText.byte(document, start) != UInt8(ascii: ",") { start -= 1 }
            precondition(start >= 0, "a hit of another document")
            return start..<hit.member.upperBound
        }
        container = hit.container
        index = hit.index
        var end = hit.member.upperBound
        ScanText.skipSpace(document, &end)
        guard ScanText.byte(document, end) == UInt8(ascii: ",") else { return hit.member }
        end += 1
        ScanText.skipSpace(document, &end)
        return hit.member.lowerBound..<end
    }
}
