// LoopTests: placeholder.
