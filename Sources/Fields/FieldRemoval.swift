// FieldRemoval: which bytes go when members or elements of a document are left out.

/// Says what to cut out so that the rest is still JSON, for any choice of hits of one scan.
package struct FieldRemoval {
    package init() {}

    /// Forgets the last document.
    package mutating func begin() {}

    /// The bytes to leave out for `hit`: its member and the comma that is then one too many. Asked
    /// for in the order of the hits, for those that go. Nil for the document itself.
    package mutating func removal(of hit: FieldHit, in document: RawSpan) -> Range<Int>? { nil }
}
