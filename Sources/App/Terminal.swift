// Terminal: where the commands write what they have to say.

internal import Glibc

/// Standard output and standard error, or what tests put in their place.
package struct Terminal {
    /// For results.
    package let output: (String) -> Void
    /// For errors.
    package let error: (String) -> Void

    package init(output: @escaping (String) -> Void, error: @escaping (String) -> Void) {
        self.output = output
        self.error = error
    }

    /// The descriptors of the process.
    package static var standard: Terminal {
        Terminal(output: { write($0, to: 1) }, error: { write($0, to: 2) })
    }

    /// Writes all of `text`, or as much as the descriptor takes: there is nowhere left to complain.
    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // SAFETY: the slice's own bytes and count; write keeps no pointer.
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
