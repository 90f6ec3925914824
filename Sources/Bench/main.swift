// Bench: the command line of the benchmarks that need no sockets.

import Glibc

let benchmarks: [(name: String, run: () throws -> Void)] = [
    ("micro", { try MicroBenchmark.run() }),
    ("documents", { try DocumentBenchmark.run() }),
]

let wanted = CommandLine.arguments.dropFirst()
if wanted.first == "profile", wanted.count > 2, let times = Int(wanted.dropFirst().first ?? "") {
    // One case again and again, for a profiler to look at.
    try DocumentBenchmark.run(wanted.dropFirst(2).joined(separator: " "), times: times)
    exit(0)
}
let unknown = wanted.first { name in !benchmarks.contains { $0.name == name } }
if wanted.isEmpty || unknown != nil {
    let names = benchmarks.map(\.name).joined(separator: " | ")
    print("usage: swift run -c release Bench \(names) | profile <times> <document case>")
    exit(2)
}
for benchmark in benchmarks where wanted.contains(benchmark.name) { try benchmark.run() }
