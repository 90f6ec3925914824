// ProcessMemoryReading: how much memory this process uses.

import Foundation
import Testing

/// Resident memory in bytes.
func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    let pages = try #require(Int(text.split(separator: " ")[1]))
    return pages * 4096
}
