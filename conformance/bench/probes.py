"""Measurements that Kafka's tools are too coarse for: round trips in microseconds, connections."""

from __future__ import annotations

import resource
import socket
import statistics
import time

from conformance import proc, wire
from conformance.batches import build_batch
from conformance.bench.paths import Way
from conformance.proc import Failed


def leader_address(bootstrap: str, topic: str) -> tuple[str, int]:
    """Where the way says that partition 0 is led."""
    host, port = bootstrap.rsplit(":", 1)
    with wire.Connection((host, int(port))) as connection:
        reader = connection.exchange(wire.metadata([topic]))
        if reader is None:
            raise Failed("%s closed the connection on a Metadata request" % bootstrap)
        brokers, topics = wire.metadata_answer(reader)
    return brokers[topics[topic][0]]


class RoundTrips:
    """One connection that sends one small Produce request after the other (acks=1)."""

    def __init__(self, way: Way, topic: str, record_bytes: int):
        self.way = way
        self.connection = wire.Connection(leader_address(way.bootstrap, topic))
        self.connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        now = int(time.time() * 1000)
        batch = build_batch([(None, bytes(record_bytes), [])], base_timestamp=now)
        self.frame = wire.produce(topic, 0, batch, acks=1)
        self.microseconds: list[float] = []

    def measure(self, count: int, pause: float, keep: bool = True) -> None:
        for _ in range(count):
            time.sleep(pause)
            begin = time.perf_counter_ns()
            reader = self.connection.exchange(self.frame)
            taken = (time.perf_counter_ns() - begin) / 1000
            if reader is None:
                raise Failed("%s: the connection was closed" % self.way.name)
            error, _, message = wire.produce_answer(reader)
            if error:
                raise Failed("%s: error %d %s" % (self.way.name, error, message or ""))
            if keep:
                self.microseconds.append(taken)

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.microseconds, n=100, method="inclusive")[percent - 1]


def round_trips(
    topics: list[tuple[Way, str]], record_bytes: int, turns: int, per_turn: int
) -> dict[str, tuple[float, float]]:
    """Name of the way to p50 and p99 in microseconds; the ways take turns."""
    probes = [RoundTrips(way, topic, record_bytes) for way, topic in topics]
    try:
        for probe in probes:
            probe.measure(per_turn, 0.001, keep=False)
        for _ in range(turns):
            for probe in probes:
                probe.measure(per_turn, 0.001)
        return {probe.way.name: (probe.percentile(50), probe.percentile(99)) for probe in probes}
    finally:
        for probe in probes:
            probe.connection.socket.close()


def bytes_per_idle_connection(way: Way, count: int) -> float:
    """What `count` connections that answered one request and then wait add to resident memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 100), hard))
    host, port = way.bootstrap.rsplit(":", 1)
    before = proc.rss_bytes(way.pid)
    connections: list[wire.Connection] = []
    try:
        for _ in range(count):
            connection = wire.Connection((host, int(port)))
            connections.append(connection)
            if connection.exchange(wire.api_versions()) is None:
                raise Failed("%s closed connection %d" % (way.name, len(connections)))
        time.sleep(1)
        return (proc.rss_bytes(way.pid) - before) / count
    finally:
        for connection in connections:
            connection.socket.close()
