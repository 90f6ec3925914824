"""The report: what was measured, on which machine, by which command, against which goals."""

from __future__ import annotations

import os
import platform
import re
import shutil
import statistics
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.bench.loopback import Results

REPOSITORY = Path(__file__).resolve().parents[2]
HAPROXY, PASSING, SEALING = "HAProxy, TCP", "Waxwing, no rule", "Waxwing, sealing"


def first_line(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=30)
    except OSError:
        return ""
    lines = (done.stdout or done.stderr).decode(errors="replace").splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else ""


def executable() -> Path:
    """The executable under test, whether it is there or not."""
    return Path(os.environ.get("WAXWING", REPOSITORY / ".build" / "release" / "waxwing"))


def machine_facts(kafka_version: str) -> dict[str, str]:
    """What a reader needs to judge the numbers; nothing that identifies the machine."""
    cpu = re.search(r"(?m)^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    haproxy = shutil.which("haproxy") or "/usr/sbin/haproxy"
    facts = {
        "cores": str(os.cpu_count()),
        "processor": cpu[1] if cpu else platform.machine(),
        "memory": "%d GiB" % (int(memory[1]) >> 20) if memory else "",
        "kernel": platform.release().split("-")[0],
        "Kafka": kafka_version,
        "Java": first_line(["java", "--version"]),
        "HAProxy": first_line([haproxy, "-v"]).split(" - ")[0].replace("HAProxy version ", ""),
        "OpenSSL": first_line(["openssl", "version"]),
        "Waxwing": first_line([str(executable()), "--version"]),
    }
    return {name: value for name, value in facts.items() if value}


def micro_output() -> str:
    """What the micro benchmark prints, when it is built."""
    bench = executable().with_name("Bench")
    if not os.access(bench, os.X_OK):
        return ""
    done = subprocess.run([str(bench), "micro"], capture_output=True, timeout=900)
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


class Medians:
    """Medians over the rounds, by way, direction and record size."""

    def __init__(self, results: Results):
        self.runs = results.runs

    def _of(self, name: str, way: str, direction: str, record_bytes: int) -> float | None:
        found = [
            getattr(run, name)
            for run in self.runs
            if (run.way, run.direction, run.record_bytes) == (way, direction, record_bytes)
        ]
        return statistics.median(found) if found and None not in found else None

    def rate(self, *key) -> float | None:
        return self._of("megabytes_per_second", *key)

    def cpu(self, *key) -> float | None:
        return self._of("cpu_seconds_per_gib", *key)

    def p50(self, *key) -> float | None:
        return self._of("p50_ms", *key)

    def p99(self, *key) -> float | None:
        return self._of("p99_ms", *key)

    def rss(self, way: str, record_bytes: int) -> float:
        return max(
            (r.rss_mb for r in self.runs if (r.way, r.record_bytes) == (way, record_bytes)),
            default=0,
        )


def number(value: float | None, digits: int = 0, zero: str = "0") -> str:
    if value is None:
        return "-"
    return zero if value == 0 else "%.*f" % (digits, value)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def throughput_tables(results: Results) -> str:
    medians = Medians(results)
    text = ""
    head = ["way", "produce MB/s", "CPU s/GiB", "p50 ms", "p99 ms", "consume MB/s", "CPU s/GiB",
            "resident MB"]  # fmt: skip
    for record_bytes, records in results.size.records.items():
        rows = []
        for way in results.ways:
            produce, consume = (way, "produce", record_bytes), (way, "consume", record_bytes)
            rows.append(
                [
                    way,
                    number(medians.rate(*produce)),
                    number(medians.cpu(*produce), 2, "-"),
                    number(medians.p50(*produce)),
                    number(medians.p99(*produce)),
                    number(medians.rate(*consume)),
                    number(medians.cpu(*consume), 2, "-"),
                    number(medians.rss(way, record_bytes), 1, "-"),
                ]
            )
        rounds = results.size.rounds
        how = "medians of %d rounds" % rounds if rounds > 1 else "one run"
        megabytes = record_bytes * records // 1_000_000
        text += "\n### %d B records, %d MB a run, %s\n\n" % (record_bytes, megabytes, how)
        text += table(head, rows)
    return text


def steady_table(rows: list) -> str:
    head = ["way", "CPU s", "p50 ms", "p99 ms", "start ms", "resident before MB", "after MB"]
    return table(
        head,
        [
            [
                row.way,
                number(row.cpu_seconds, 2, "-"),
                str(row.p50_ms),
                str(row.p99_ms),
                number(row.start_ms, 1),
                number(row.rss_idle_mb, 1, "-"),
                number(row.rss_mb, 1, "-"),
            ]
            for row in rows
        ],
    )


def round_trip_table(results: Results) -> str:
    direct = results.round_trips.get("direct")
    rows = []
    for way, (p50, p99) in results.round_trips.items():
        row = [way, "%.0f" % p50, "%.0f" % p99]
        if direct and way != "direct":
            row += ["%+.0f" % (p50 - direct[0]), "%+.0f" % (p99 - direct[1])]
        rows.append(row + ["-"] * (5 - len(row)))
    return table(["way", "p50 us", "p99 us", "added p50 us", "added p99 us"], rows)


def micro_rows(micro: str) -> list[dict[str, float]]:
    """The lines of the micro benchmark as numbers, by the heads of their columns."""
    lines = micro.splitlines()
    head = next((line for line in lines if "raw seal" in line and "seal/raw" in line), "")
    names = re.split(r"\s{2,}", head.strip())
    rows = []
    for line in lines:
        numbers = re.findall(r"[\d.]+", line) if re.fullmatch(r"[\d.\s/]+", line) else []
        if len(numbers) >= len(names) > 1:
            rows.append(dict(zip(names, map(float, numbers))))
    return rows


# Cases of the document benchmark that have a goal, and what their ratios are to.
DOCUMENT_GOALS = {
    "seal 3 fields": "sealing the whole value",
    "open 3 fields": "opening the whole value",
    "mask 3 fields": "opening the whole value",
    "mask 3 plain fields": "opening the whole value",
}


def document_rows(micro: str) -> dict[str, dict[str, float]]:
    """The lines of the document benchmark: by case, nanoseconds, ratio and allocations."""
    rows = {}
    for line in micro.splitlines():
        found = re.fullmatch(r"(\w.*?)\s{2,}([\d.]+)\s+([\d.]+)\s+(\d+)", line.strip())
        if found:
            values = map(float, found.groups()[1:])
            rows[found[1]] = dict(zip(("ns", "ratio", "allocations"), values))
    return rows


def evp_seconds_per_gib(micro: str, record_bytes: int) -> float | None:
    """What AES-256-GCM alone, with a new nonce per record, costs at that size."""
    found = [row["raw seal"] for row in micro_rows(micro) if row["value B"] == record_bytes]
    return statistics.median(found) * (1 << 30) / record_bytes / 1e9 if found else None


def goals(results: Results) -> list[list[str]]:
    """What the design promises beside what was measured, where both sides were measured."""
    medians = Medians(results)
    rows: list[list[str]] = []

    def add(what: str, goal: str, measured: float | None, limit: float, unit: str, most=True):
        if measured is None:
            return
        met = measured <= limit if most else measured >= limit
        rows.append([what, goal, "%.2f%s" % (measured, unit), "yes" if met else "**no**"])

    def ratio(above: float | None, below: float | None) -> float | None:
        return above / below if above is not None and below else None

    for size in results.size.records:
        for direction in ("produce", "consume"):
            haproxy, passing, sealing, direct = (
                (way, direction, size) for way in (HAPROXY, PASSING, SEALING, "direct")
            )
            where = "%s, %d B: " % (direction, size)
            add(where + "pass-through CPU / HAProxy's", "at most 0.90",
                ratio(medians.cpu(*passing), medians.cpu(*haproxy)), 0.90, "")  # fmt: skip
            add(where + "pass-through rate / direct", "at least 0.97",
                ratio(medians.rate(*passing), medians.rate(*direct)), 0.97, "", False)  # fmt: skip
            evp = evp_seconds_per_gib(results.micro, size)
            limit = (medians.cpu(*haproxy) or 0) + evp if evp else None
            add(where + "sealing CPU / (HAProxy + EVP)", "at most 1.30",
                ratio(medians.cpu(*sealing), limit), 1.30, "")  # fmt: skip
            add(where + "sealing rate / direct", "at least 0.90",
                ratio(medians.rate(*sealing), medians.rate(*direct)), 0.90, "", False)  # fmt: skip
    for row in micro_rows(results.micro):
        least = 0.75 if row["value B"] >= 1024 else 0.60
        for what in ("seal", "open"):
            add("%s without sockets, %d records of %d B: rate / EVP's"
                % (what, row["records"], row["value B"]),
                "at least %.2f" % least, row.get(what + "/raw"), least, "", False)  # fmt: skip
    documents = document_rows(results.micro)
    for case, base in DOCUMENT_GOALS.items():
        if case in documents:
            add("%s of a 1 KiB document / %s" % (case, base),
                "at most 2.50", documents[case]["ratio"], 2.5, "")  # fmt: skip
    if documents:
        add("allocations per batch of 100 documents, sealed and shown in any way", "none",
            max(row["allocations"] for row in documents.values()), 0, "")  # fmt: skip
    minute = {row.way: row for row in results.sidecar}
    if SEALING in minute and HAPROXY in minute:
        add("sidecar's CPU / HAProxy's", "at most 1.50",
            ratio(minute[SEALING].cpu_seconds, minute[HAPROXY].cpu_seconds), 1.5, "")  # fmt: skip
        add("sidecar's p99 over direct", "at most 1 ms",
            minute[SEALING].p99_ms - minute["direct"].p99_ms, 1, " ms")  # fmt: skip
        add("start to first accepted connection", "under 50 ms",
            minute[SEALING].start_ms, 50, " ms")  # fmt: skip
        add("resident when idle", "under 20 MB", minute[SEALING].rss_idle_mb, 20, " MB")
    if SEALING in results.round_trips and "direct" in results.round_trips:
        direct, sealing = results.round_trips["direct"], results.round_trips[SEALING]
        add("added latency, p50", "under 0.1 ms", (sealing[0] - direct[0]) / 1000, 0.1, " ms")
        add("added latency, p99", "under 1 ms", (sealing[1] - direct[1]) / 1000, 1, " ms")
    if SEALING in results.idle_connection_bytes:
        add("memory of an idle connection", "under 16 KiB",
            results.idle_connection_bytes[SEALING] / 1024, 16, " KiB")  # fmt: skip
    return rows


EXPLANATION = """\
Every way leads to the same broker on loopback, and the ways take turns within a round. MB/s and
the percentiles are what Kafka's own perf tools print (`acks=1`, 4 partitions, `linger.ms=5`,
`batch.size=131072`, no compression; consuming is the tool's fetch rate, group joining left out).
CPU is user and system time of the proxy's own process, per GiB of record payload. Resident memory
is the largest seen. In the throughput runs the latency is mostly queueing in the producer.

The machine runs the broker, the clients and the proxy at once, and other things too: trust ratios
within one run, not absolute figures between runs. With a load of other work before the run that is
not far below the number of cores, trust neither.
"""


def markdown(results: Results, command: str) -> str:
    text = "# Performance\n\n```\n%s\n```\n\n" % command
    text += "".join("- %s: %s\n" % fact for fact in results.facts.items())
    text += "\n" + EXPLANATION
    if results.missing:
        text += "\nLeft out, because it was not there:\n\n"
        text += "".join("- %s\n" % reason for reason in results.missing)
    rows = goals(results)
    if rows:
        text += "\n## Against the goals\n\n" + table(["what", "goal", "measured", "met"], rows)
    text += "\n## Throughput\n" + throughput_tables(results)
    size = results.size
    text += "\n## Moderate load: 10 MiB/s of 1 KiB records for %d s, default settings\n\n" % (
        size.moderate_seconds
    )
    text += steady_table(results.moderate)
    text += "\n## One request at a time: Produce of one 1 KiB record, acks=1, microseconds\n\n"
    text += round_trip_table(results)
    text += "\n## A sidecar's first %d s: fresh start, 1 MiB/s of 1 KiB records, defaults\n\n" % (
        size.sidecar_seconds
    )
    text += "The CPU includes the start; `start ms` is exec to the first accepted connection.\n\n"
    text += steady_table(results.sidecar)
    if results.idle_connection_bytes:
        text += "\n## Memory of %d idle connections\n\n" % size.idle_connections
        text += table(
            ["way", "KiB each"],
            [[w, "%.1f" % (b / 1024)] for w, b in results.idle_connection_bytes.items()],
        )
    text += "\n## Sealing and opening without sockets\n\n"
    if results.micro:
        text += "```\nswift run -c release Bench micro\n```\n\n```\n%s\n```\n" % results.micro
    else:
        text += "Not measured: `Bench` was not built (`swift build -c release`).\n"
    return text
