"""Kafka's own performance tools: how they are called, and what they print."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from conformance import proc
from conformance.cluster import Cluster, Topic
from conformance.proc import Failed

PARTITIONS = 4
# The producer of the throughput runs; the sidecar and moderate runs take the tool's defaults.
PRODUCER = {"acks": "1", "linger.ms": "5", "batch.size": "131072"}
_CLIENT_ENVIRONMENT = {"KAFKA_HEAP_OPTS": "-Xms512m -Xmx512m"}
_TIMEOUT_SECONDS = 900


@dataclass
class Produced:
    """The last line of kafka-producer-perf-test.sh."""

    records: int
    megabytes_per_second: float
    p50_ms: int
    p99_ms: int


@dataclass
class Consumed:
    """What kafka-consumer-perf-test.sh says of its fetching, group joining left out."""

    records: int
    megabytes_per_second: float


def _is_since(cluster: Cluster, version: tuple[int, int]) -> bool:
    return tuple(int(part) for part in cluster.version.split(".")[:2]) >= version


def _tool(cluster: Cluster, name: str) -> str:
    return str(cluster.home / "bin" / name)


def new_topic(cluster: Cluster, prefix: str) -> str:
    name = "%s-bench-%s" % (prefix, uuid.uuid4().hex[:8])
    config = {"file.delete.delay.ms": "1000"}
    cluster.create_topics({name: Topic(partitions=PARTITIONS, replicas=1, config=config)})
    return name


def delete_topic(cluster: Cluster, name: str) -> None:
    for future in cluster.admin().delete_topics([name]).values():
        future.result()


def produce(
    cluster: Cluster,
    bootstrap: str,
    topic: str,
    records: int,
    record_bytes: int,
    per_second: int = -1,
    properties: dict[str, str] | None = None,
) -> Produced:
    """Sends `records` records; `per_second` of -1 is as fast as it goes."""
    flag = "--command-property" if _is_since(cluster, (4, 2)) else "--producer-props"
    settings = {"bootstrap.servers": bootstrap, **(properties or {})}
    argv = [_tool(cluster, "kafka-producer-perf-test.sh"), "--topic", topic]
    argv += ["--num-records", str(records), "--record-size", str(record_bytes)]
    argv += ["--throughput", str(per_second), flag]
    argv += ["%s=%s" % item for item in settings.items()]
    done = proc.run(argv, env=_CLIENT_ENVIRONMENT, timeout=_TIMEOUT_SECONDS)
    text = done.stdout.decode(errors="replace")
    found = re.findall(
        r"(\d+) records sent, .*?\(([\d.]+) MB/sec\).*? (\d+) ms 50th.*? (\d+) ms 99th", text
    )
    if not found or int(found[-1][0]) != records:
        errors = done.stderr.decode(errors="replace")[-1000:]
        raise Failed("producing to %s: %s\n%s" % (bootstrap, text[-1000:], errors))
    sent, rate, p50, p99 = found[-1]
    return Produced(int(sent), float(rate), int(p50), int(p99))


def consume(cluster: Cluster, bootstrap: str, topic: str, records: int) -> Consumed:
    """Reads `records` records from the beginning in a new group."""
    count = "--num-records" if _is_since(cluster, (4, 2)) else "--messages"
    argv = [_tool(cluster, "kafka-consumer-perf-test.sh"), "--bootstrap-server", bootstrap]
    argv += ["--topic", topic, count, str(records), "--hide-header", "--timeout", "60000"]
    argv += ["--group", "bench-" + uuid.uuid4().hex]
    done = proc.run(argv, env=_CLIENT_ENVIRONMENT, timeout=_TIMEOUT_SECONDS)
    text = done.stdout.decode(errors="replace")
    for line in reversed(text.splitlines()):
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 10 and fields[4].isdigit():
            if int(fields[4]) < records:
                raise Failed("%s of %d records came through %s" % (fields[4], records, bootstrap))
            return Consumed(int(fields[4]), float(fields[8]))
    errors = done.stderr.decode(errors="replace")[-1000:]
    raise Failed("consuming from %s: %s\n%s" % (bootstrap, text[-1000:], errors))
