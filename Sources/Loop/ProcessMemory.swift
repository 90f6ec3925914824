// ProcessMemory: how the C library's allocator keeps memory.

internal import CLinux

/// Settings of the allocator, for the whole process.
package enum ProcessMemory {
    /// Large buffers go back to the system as soon as they are freed (the loops keep what they use
    /// again in pools of their own), and threads share arenas. Without this the process keeps the
    /// high-water mark of every thread. Call it before threads are started.
    package static func settle() { wax_allocator(2, 256 * 1024, 512 * 1024) }
}
