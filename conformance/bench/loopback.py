#!/usr/bin/env python3
"""Compares the ways to a broker on loopback: direct, HAProxy, Waxwing, and any other proxy.

    python3 conformance/bench/loopback.py --quick|--full [--write docs/PERFORMANCE.md]

Needs what conformance/setup.sh prepares and a Kafka ($KAFKA_HOME). Another proxy joins with
`--port N --proxy NAME,HOST:PORT,PID`, where N is the broker's port that it forwards to.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))
if importlib.util.find_spec("confluent_kafka") is None:
    inside = REPOSITORY / ".venv" / "bin" / "python"
    if not inside.exists() or sys.executable == str(inside):
        raise SystemExit("run conformance/setup.sh first: it makes the Python environment")
    os.execv(inside, [str(inside), *sys.argv])

from conformance import proc  # noqa: E402
from conformance.bench import probes, report, tools  # noqa: E402
from conformance.bench.paths import BenchCluster, Way, available  # noqa: E402
from conformance.cluster import kafka_home  # noqa: E402

GIB = 1 << 30


@dataclass
class Size:
    """How much each part of the benchmark does."""

    rounds: int
    # Record size in bytes to records in a run.
    records: dict[int, int]
    moderate_seconds: int
    sidecar_seconds: int
    latency_turns: int
    starts: int
    idle_connections: int


FULL = Size(3, {1024: 1_000_000, 100: 4_000_000}, 20, 60, 20, 9, 1000)
QUICK = Size(1, {1024: 200_000, 100: 400_000}, 5, 10, 5, 3, 200)


@dataclass
class Run:
    """One produce or consume run over one way."""

    way: str
    direction: str
    record_bytes: int
    megabytes_per_second: float
    cpu_seconds_per_gib: float
    rss_mb: float
    p50_ms: int | None = None
    p99_ms: int | None = None


@dataclass
class Steady:
    """A run at a fixed rate."""

    way: str
    cpu_seconds: float
    p50_ms: int
    p99_ms: int
    rss_mb: float
    rss_idle_mb: float = 0
    start_ms: float | None = None


@dataclass
class Results:
    ways: list[str]
    missing: list[str]
    size: Size
    runs: list[Run] = field(default_factory=list)
    moderate: list[Steady] = field(default_factory=list)
    sidecar: list[Steady] = field(default_factory=list)
    # Name of the way to p50 and p99 in microseconds.
    round_trips: dict[str, tuple[float, float]] = field(default_factory=dict)
    idle_connection_bytes: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    micro: str = ""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def mb(count: int) -> float:
    return count / 1e6


def throughput(cluster: BenchCluster, way: Way, record_bytes: int, records: int) -> list[Run]:
    """Produces to a new topic, consumes it, and deletes it."""
    topic = tools.new_topic(cluster, way.topic_prefix)
    gib = records * record_bytes / GIB
    before = way.cpu_seconds()
    sent = tools.produce(
        cluster, way.bootstrap, topic, records, record_bytes, properties=tools.PRODUCER
    )
    between = way.cpu_seconds()
    produced = Run(
        way.name, "produce", record_bytes, sent.megabytes_per_second, (between - before) / gib,
        mb(way.rss_bytes()), sent.p50_ms, sent.p99_ms,
    )  # fmt: skip
    between = way.cpu_seconds()
    read = tools.consume(cluster, way.bootstrap, topic, records)
    consumed = Run(
        way.name, "consume", record_bytes, read.megabytes_per_second,
        (way.cpu_seconds() - between) / gib, mb(way.rss_bytes()),
    )  # fmt: skip
    tools.delete_topic(cluster, topic)
    return [produced, consumed]


def throughput_rounds(cluster: BenchCluster, ways: list[Way], results: Results) -> None:
    """The ways take turns, each round beginning with another, so that drift hits all alike."""
    for record_bytes, records in results.size.records.items():
        # The broker's own warm-up belongs to no way.
        warm_up = next((way for way in ways if way.name == "direct"), ways[0])
        throughput(cluster, warm_up, record_bytes, records // 4)
        for turn in range(results.size.rounds):
            shift = turn % len(ways)
            for way in ways[shift:] + ways[:shift]:
                for run in throughput(cluster, way, record_bytes, records):
                    results.runs.append(run)
                    say(
                        "%4d B  %-8s %-18s %7.1f MB/s  %6.2f CPU s/GiB  %5.1f MB resident"
                        % (run.record_bytes, run.direction, run.way, run.megabytes_per_second,
                           run.cpu_seconds_per_gib, run.rss_mb)
                    )  # fmt: skip


def steady(cluster: BenchCluster, way: Way, per_second: int, seconds: int, fresh: bool) -> Steady:
    """1 KiB records at a fixed rate with the producer's default settings."""
    start_ms = None
    if fresh and way.can_restart:
        way.stop()
        starts = [way.seconds_to_accept() for _ in range(3)]
        start_ms = statistics.median(starts) * 1000
        way.start()
    topic = tools.new_topic(cluster, way.topic_prefix)
    idle = mb(way.rss_bytes())
    # What a fresh process has used to start belongs to its first minute.
    before = 0.0 if start_ms is not None else way.cpu_seconds()
    sent = tools.produce(
        cluster, way.bootstrap, topic, per_second * seconds, 1024, per_second=per_second
    )
    result = Steady(
        way.name, way.cpu_seconds() - before, sent.p50_ms, sent.p99_ms, mb(way.rss_bytes()),
        idle, start_ms,
    )  # fmt: skip
    tools.delete_topic(cluster, topic)
    say(
        "%5d records/s  %-18s %5.2f CPU s  p50 %d ms  p99 %d ms"
        % (per_second, way.name, result.cpu_seconds, result.p50_ms, result.p99_ms)
    )
    return result


def check_detours(cluster: BenchCluster, ways: list[Way]) -> None:
    """Fails when a proxy tells clients the broker's own address: they would go round it."""
    for way in ways:
        topic = tools.new_topic(cluster, way.topic_prefix)
        told = probes.leader_address(way.bootstrap, topic)
        tools.delete_topic(cluster, topic)
        if way.name != "direct" and told[1] in {node.port for node in cluster.nodes.values()}:
            raise proc.Failed(
                "%s tells clients the broker's own address: they go round it" % way.name
            )


def measure(cluster: BenchCluster, ways: list[Way], results: Results) -> None:
    size = results.size
    throughput_rounds(cluster, ways, results)
    for way in ways:
        results.moderate.append(steady(cluster, way, 10 * 1024, size.moderate_seconds, fresh=False))
    topics = [(way, tools.new_topic(cluster, way.topic_prefix)) for way in ways]
    results.round_trips = probes.round_trips(topics, 1024, size.latency_turns, 100)
    for name, (p50, p99) in results.round_trips.items():
        say("round trip  %-18s p50 %4.0f us  p99 %5.0f us" % (name, p50, p99))
    for way in ways:
        results.sidecar.append(steady(cluster, way, 1024, size.sidecar_seconds, fresh=True))
    for way in ways:
        if way.can_restart:
            way.stop()
            way.start()
            used = probes.bytes_per_idle_connection(way, size.idle_connections)
            results.idle_connection_bytes[way.name] = used
            say("idle connections  %-18s %5.1f KiB each" % (way.name, used / 1024))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--quick", action="store_true", help="about three minutes, one round")
    amount.add_argument("--full", action="store_true", help="about twenty minutes, medians of 3")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument(
        "--proxy", action="append", default=[], metavar="NAME,HOST:PORT,PID",
        help="another proxy that runs already; its topics are plain-bench-* (PID 0: no CPU)",
    )  # fmt: skip
    parser.add_argument("--port", type=int, help="the broker's port (a free one unless given)")
    parser.add_argument("--ways", metavar="WORDS", help="only ways with one of these words")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    home = kafka_home()
    if home is None:
        raise SystemExit("no Kafka with Java at hand: set KAFKA_HOME")
    os.environ.setdefault("KAFKA_HEAP_OPTS", "-Xms1g -Xmx1g")
    began = time.monotonic()
    load = os.getloadavg()[0]
    if load > os.cpu_count() / 4:
        say("other work runs on this machine (load %.1f): the figures will be off" % load)
    cluster = BenchCluster(home, given.port)
    ways: list[Way] = []
    try:
        ways, missing = available(cluster, given.proxy, given.ways)
        results = Results([way.name for way in ways], missing, FULL if given.full else QUICK)
        for reason in missing:
            say("left out: " + reason)
        check_detours(cluster, ways)
        results.micro = report.micro_output()
        measure(cluster, ways, results)
    finally:
        for way in ways:
            if way.can_restart:
                way.stop()
        cluster.stop()
    results.facts = report.machine_facts(cluster.version)
    results.facts["load before the run"] = "%.1f" % load
    results.facts["duration"] = "%d s" % (time.monotonic() - began)
    script = str(Path(__file__).resolve().relative_to(REPOSITORY))
    command = shlex.join(["python3", script, *sys.argv[1:]])
    text = report.markdown(results, command)
    out = REPOSITORY / "conformance" / "out"
    out.mkdir(exist_ok=True)
    (out / "bench.json").write_text(json.dumps(asdict(results), indent=1))
    if given.write:
        given.write.write_text(text)
        say("written to %s" % given.write)
    else:
        print(text)


if __name__ == "__main__":
    try:
        main()
    except proc.Failed as failure:
        raise SystemExit("bench: %s" % failure) from None
