// DocumentedResultsTests: every exact result that docs/MASKS.md gives is what is shown.

import Foundation
import Masks
import Testing

@Suite struct DocumentedResultsTests {
    /// A row of a table of results.
    struct Row: CustomStringConvertible, Sendable {
        let line: Int
        let mask: String
        let value: String
        let shown: String

        var description: String { "line \(line): \(mask) of \(value)" }
    }

    static let page = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "docs/MASKS.md")

    /// The rows of all tables whose columns are mask, value and shown.
    static func rows() throws -> [Row] {
        var rows: [Row] = []
        var isResults = false
        let lines = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n")
        for (index, line) in lines.enumerated() {
            guard line.hasPrefix("|") else {
                isResults = false
                continue
            }
            if line == "| mask | value | shown |" {
                isResults = true
            } else if isResults, !line.hasPrefix("| ---") {
                let cells = line.components(separatedBy: " | ").map(code)
                #expect(cells.count == 3, "line \(index + 1) of the page has not three cells")
                guard cells.count == 3 else { continue }
                rows.append(
                    Row(line: index + 1, mask: cells[0], value: cells[1], shown: cells[2]))
            }
        }
        return rows
    }

    /// What stands in backquotes in a cell, put together.
    private static func code(_ cell: String) -> String {
        let parts = cell.components(separatedBy: "`")
        return parts.indices.filter { !$0.isMultiple(of: 2) }.map { parts[$0] }.joined()
    }

    @Test func `every documented result is what is shown`() throws {
        let rows = try Self.rows()
        #expect(rows.count > 100)
        // The page's key is used for both, as it says.
        let masker = Masker(tokenKey: documentedKey(), shiftKey: documentedKey())
        for row in rows {
            let mask = try MaskText.mask(row.mask)
            #expect(masker.shown(mask, row.value) == row.shown, "\(row)")
        }
    }

    @Test func `every kind is in the table of kinds and in the results`() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let used = Set(try Self.rows().map { try MaskText.mask($0.mask).kind })
        for kind in Mask.kinds {
            #expect(text.contains("\n| `\(kind)` |"), "\(kind) is not described")
            #expect(used.contains(kind), "\(kind) has no result")
        }
    }
}
