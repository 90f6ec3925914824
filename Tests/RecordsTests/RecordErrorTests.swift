// RecordErrorTests: errors say where, and map to the protocol's codes.

import Testing

@testable import Records

@Suite struct RecordErrorTests {
    @Test func `the text names the record and the offset`() {
        #expect(RecordError(.openFailed, "does not open").description == "does not open")
        #expect(
            RecordError(.openFailed, "does not open", recordIndex: 3, offset: 77).description
                == "does not open (record 3 of the batch) (offset 77)")
    }

    @Test func `a place that is known is not overwritten`() {
        let error = RecordError(.corruptBatch, "a", recordIndex: 1, offset: 5)
        #expect(error.at(recordIndex: 9, offset: 9) == error)
        #expect(
            RecordError(.corruptBatch, "a").at(offset: 9)
                == RecordError(.corruptBatch, "a", offset: 9))
    }
}
