// Terminal: where the commands write what they have to say.

internal import Glibc

/// Standard output and standard error, or what tests put in their place.
package struct Terminal {
    /// For results.
    package let output: (String) -> Void
    /// For results that are not text; false when nothing can be written any more.
    package let outputBytes: ([UInt8]) -> Bool
    /// For errors.
    package let error: (String) -> Void

    package init(output: @escaping (String) -> Void, error: @escaping (String) -> Void) {
        self.init(
            output: output,
            outputBytes: { bytes in
                output(String(decoding: bytes, as: UTF8.self))
                return true
            }, error: error)
    }

    package init(
        output: @escaping (String) -> Void, outputBytes: @escaping ([UInt8]) -> Bool,
        error: @escaping (String) -> Void
    ) {
        self.output = output
        self.outputBytes = outputBytes
        self.error = error
    }

    /// The descriptors of the process.
    package static var standard: Terminal {
        Terminal(
            output: { _ = write(Array($0.utf8), to: 1) }, outputBytes: { write($0, to: 1) },
            error: { _ = write(Array($0.utf8), to: 2) })
    }

    /// Writes all of `bytes`, or as much as the descriptor takes.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the slice's own bytes and count; write keeps no pointer.
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
