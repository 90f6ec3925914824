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
        if last < memories.count, isOne(memories[last], program, mode) {
            memories[last].lastUse = uses
            return memories[last]
        }
        return found(program, mode) ?? made(program, mode)
    }

    private func found(_ program: PathProgram, _ mode: FieldScanner.Mode) -> ShapeMemory? {
        guard let place = memories.firstIndex(where: { isOne($0, program, mode) }) else {
            return nil
        }
        last = place
        memories[place].lastUse = uses
        return memories[place]
    }

    private func made(_ program: PathProgram, _ mode: FieldScanner.Mode) -> ShapeMemory? {
        if memories.count < FieldLimits.shapeMemoriesMax {
            last = memories.count
            memories.append(ShapeMemory(program, mode))
        } else {
            let idle = memories.indices.min { memories[$0].lastUse < memories[$1].lastUse } ?? 0
            guard uses - memories[idle].lastUse > FieldLimits.shapeMemoryIdle else { return nil }
            last = idle
            memories[idle] = ShapeMemory(program, mode)
        }
        memories[last].lastUse = uses
        return memories[last]
    }

    @inline(__always)
    private func isOne(
        _ memory: ShapeMemory, _ program: PathProgram, _ mode: FieldScanner.Mode
    ) -> Bool {
        memory.program === program && memory.mode == mode
    }
}
