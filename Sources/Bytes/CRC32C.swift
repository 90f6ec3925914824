// CRC32C: the Castagnoli checksum of record batches.

internal import CLinux

/// CRC-32C (RFC 3720 appendix B.4), by the processor's instruction where there is one.
package enum CRC32C {
    /// - Parameter before: the value of the bytes that came before, 0 at the start.
    package static func checksum(_ span: RawSpan, after before: UInt32 = 0) -> UInt32 {
        // SAFETY: the callee reads `count` bytes and keeps nothing.
        unsafe span.withUnsafeBytes { unsafe wax_crc32c(before, $0.baseAddress, $0.count) }
    }

    /// The table version, whatever the processor has.
    package static func softwareChecksum(_ span: RawSpan) -> UInt32 {
        // SAFETY: the callee reads `count` bytes and keeps nothing.
        unsafe span.withUnsafeBytes { unsafe wax_crc32c_software(0, $0.baseAddress, $0.count) }
    }

    /// Whether `checksum` uses the processor's instruction.
    package static var isHardware: Bool { wax_crc32c_is_hardware() != 0 }
}
