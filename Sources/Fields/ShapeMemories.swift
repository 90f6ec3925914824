// ShapeMemories: a memory for each set of paths that documents are scanned for.

internal import Limits

/// Each set has its own, so that documents that are never alike spoil nobody else's.
internal final class ShapeMemories {
    private var memories: [ShapeMemory] = []
    /// Place of the one that was asked for last.
    private var last = 0
    private var uses: UInt64 = 0

    /// The memory for a set of paths; nil when others are in use.
    internal func memory(of program: PathProgram, _ mode: FieldScanner.Mode) -> ShapeMemory? {
        uses += 1
        if last >= memories.count || !isOne(memories[last], program, mode) {
            guard let place = found(program, mode) ?? made(program, mode) else { return nil }
            last = place
        }
        memories[last].lastUse = uses
        return memories[last]
    }

    private func found(_ program: PathProgram, _ mode: FieldScanner.Mode) -> Int? {
        memories.firstIndex { isOne($0, program, mode) }
    }

    /// Place of a new one; nil when there is no room.
    private func made(_ program: PathProgram, _ mode: FieldScanner.Mode) -> Int? {
        if memories.count < FieldLimits.shapeMemoriesMax {
            memories.append(ShapeMemory(program, mode))
            return memories.count - 1
        }
        let idle = memories.indices.min { memories[$0].lastUse < memories[$1].lastUse } ?? 0
        guard uses - memories[idle].lastUse > FieldLimits.shapeMemoryIdle else { return nil }
        memories[idle] = ShapeMemory(program, mode)
        return idle
    }

    @inline(__always)
    private func isOne(
        _ memory: ShapeMemory, _ program: PathProgram, _ mode: FieldScanner.Mode
    ) -> Bool {
        memory.program === program && memory.mode == mode
    }
}
