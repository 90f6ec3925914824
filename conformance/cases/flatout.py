"""Stock clients at full speed: nothing is refused, lost or doubled, also when connections are cut.

python -m conformance.cases.flatout [--path direct|waxwing] [--megabytes 200]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial

from conformance import batches, cluster, proc, report
from conformance.cases import end, options
from conformance.clients.confluent import QUIET, Deliveries
from conformance.clients.kcat import Kcat
from conformance.cluster import Cluster, Topic
from conformance.proc import Failed, Skipped
from conformance.records import new_marker
from conformance.relay import Cutter, Relay
from conformance.waxwing import PLAIN, SEALED, Settings, Waxwing, Way, open_way

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

RECORD_BYTES = 1024
# Ends a record on kcat's input; random bytes do not hold it by chance.
DELIMITER = b"<end-of-record>\n"
# Where clients find the relays that stand before Waxwing.
RELAYED = "127.0.0.2"


def value(number: int, compressible: bool) -> bytes:
    head = b"%012d" % number
    if not compressible:
        return head + os.urandom(RECORD_BYTES - len(head))
    text = b'{"number": %d, "name": "Bohemian waxwing", "eats": "berries"}, ' % (number % 1000)
    return head + (text * 20)[: RECORD_BYTES - len(head)]


@dataclass
class Flow:
    """What to send: how many records, of which sort, with which further client settings."""

    count: int
    compressible: bool
    settings: dict

    @property
    def bytes_on_the_wire(self) -> int:
        """About what the client sends; zstd leaves about a hundredth of these records."""
        return self.count * RECORD_BYTES // (100 if self.compressible else 1)

    def send(self, bootstrap: str, topic: str) -> float:
        """With confluent-kafka; returns MB/s."""
        start = time.monotonic()
        producer = Producer({"bootstrap.servers": bootstrap, **self.settings, **QUIET})
        deliveries = Deliveries()
        for number in range(self.count):
            content = value(number, self.compressible)
            while True:
                try:
                    producer.produce(topic, content, on_delivery=deliveries)
                    break
                except BufferError:
                    producer.poll(0.05)
            if number % 1000 == 0:
                producer.poll(0)
        producer.flush(600)
        deliveries.check(self.count)
        return self.count * RECORD_BYTES / 1e6 / (time.monotonic() - start)

    def send_with_kcat(self, bootstrap: str, topic: str) -> float:
        start = time.monotonic()
        with tempfile.NamedTemporaryFile() as file:
            for number in range(self.count):
                file.write(value(number, self.compressible) + DELIMITER)
            file.flush()
            argv = ["kcat", "-P", "-b", bootstrap, "-t", topic, "-D", DELIMITER.decode()]
            for name, setting in self.settings.items():
                argv += ["-X", "%s=%s" % (name, setting)]
            with open(file.name, "rb") as content:
                child = proc.Child(argv, stdin=content, log=proc.temp_dir("kcat") / "log")
                status = child.wait(900)
                log = child.log_tail()
                child.stop()
        if status != 0 or "ailed" in log:
            raise Failed("kcat: status %s: %s" % (status, log))
        return self.count * RECORD_BYTES / 1e6 / (time.monotonic() - start)


def check_everything_is_there(bootstrap: str, topic: str, flow: Flow, exactly: bool) -> None:
    """Every number is there, in order within its partition (`exactly`: once), and unchanged."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "check.crcs": True,
            **QUIET,
        }
    )
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    seen = bytearray(flow.count)
    last = dict.fromkeys(partitions, -1)
    open_ends = set(partitions)
    doubles = 0
    guard = time.monotonic() + 600
    try:
        while open_ends:
            if time.monotonic() > guard:
                raise Failed("the consumer does not reach the end of %s" % topic)
            for message in consumer.consume(5000, 0.5):
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        open_ends.discard(message.partition())
                        continue
                    if error.retriable():
                        continue
                    raise Failed("consuming: %s" % error)
                content, partition = message.value(), message.partition()
                number = int(content[:12])
                if len(content) != RECORD_BYTES or (
                    flow.compressible and content != value(number, True)
                ):
                    raise Failed("record %d came back changed" % number)
                doubles += seen[number]
                seen[number] = 1
                if exactly and number <= last[partition]:
                    raise Failed("record %d after %d" % (number, last[partition]))
                last[partition] = number
    finally:
        consumer.close()
    if lost := flow.count - sum(seen):
        raise Failed("%d of %d records lost" % (lost, flow.count))
    if exactly and doubles:
        raise Failed("%d records are there twice" % doubles)


def kind_of(way: Way) -> str:
    return SEALED if way.seals else PLAIN


def run(way: Way, flow: Flow, send, notes: list[str]) -> None:
    topic = "%s-flat-%s" % (kind_of(way), new_marker().decode()[-8:])
    way.create_topics({topic: Topic(1)})
    rate = send(flow, way.bootstrap, topic)
    check_everything_is_there(way.bootstrap, topic, flow, exactly=True)
    largest = max(batch.size for batch in batches.read_segments(way.cluster.segments(topic)))
    notes.append("%.0f MB/s, largest stored batch %d B" % (rate, largest))
    if way.waxwing:
        notes[-1] += ", Waxwing %.0f MB resident" % (way.waxwing.rss_bytes() / 1e6)
        if largest > 1_048_588:
            raise Failed("a batch of %d B was stored, over the default limit" % largest)


PATIENT = {
    "enable.idempotence": True,
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 100,
    "retry.backoff.ms": 10,
    # Enough for any number of cuts; it bounds nothing that is measured.
    "message.timeout.ms": 600_000,
}


def cut_before(running: Cluster, path: str, flow: Flow, notes: list[str]) -> None:
    """The client's connections are reset again and again, in the middle of whatever they do."""
    if path == "direct":
        raise Skipped("cuts between client and Waxwing need Waxwing")
    waxwing = Waxwing(running, Settings(advertise=RELAYED))
    way = Way(running, waxwing.bootstrap, seals=True, waxwing=waxwing)
    ports = [waxwing.base, *waxwing.ports.values()]
    relays = [Relay((RELAYED, port), ("127.0.0.1", port)) for port in ports]
    try:
        cut_and_check(way, flow, relays, flow.bytes_on_the_wire // 20, notes)
    finally:
        for relay in relays:
            relay.close()
    way.close()


def cut_behind(path: str, flow: Flow, notes: list[str]) -> None:
    """The connections to the broker are reset again and again."""
    outer = proc.free_port()
    relayed = "127.0.0.1:%d" % outer
    running = cluster.start_real(advertised={1: ("127.0.0.1", outer)})
    relay = Relay(("127.0.0.1", outer), ("127.0.0.1", running.nodes[1].port))
    try:
        if path == "direct":
            way = Way(running, relayed)
        else:
            way = open_way(running, path, settings=Settings(upstream=[relayed]))
        # What is sealed does not compress.
        passing = flow.count * RECORD_BYTES if way.seals else flow.bytes_on_the_wire
        cut_and_check(way, flow, [relay], passing // 20, notes)
        way.close()
    finally:
        relay.close()
        running.stop()


def cut_and_check(
    way: Way, flow: Flow, relays: list[Relay], every_bytes: int, notes: list[str]
) -> None:
    topic = "%s-cut-%s" % (kind_of(way), new_marker().decode()[-8:])
    way.create_topics({topic: Topic(2)})
    cutter = Cutter(relays, every_bytes)
    try:
        flow.send(way.bootstrap, topic)
    finally:
        cutter.stop()
    if cutter.cuts < 5:
        raise Failed("only %d connections were cut: nothing was proven" % cutter.cuts)
    check_everything_is_there(way.bootstrap, topic, flow, exactly=True)
    notes.append("%d connections cut" % cutter.cuts)


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    chosen = parser.parse_args()
    suite = report.Suite("Flat out, %s, %d MB each" % (chosen.path, chosen.megabytes))
    try:
        running = cluster.start_real()
    except Skipped as reason:
        suite.result("SKIP", "flat out", str(reason))
        return suite.finish()
    way = open_way(running, chosen.path)
    count = chosen.megabytes * 1_000_000 // RECORD_BYTES
    some = min(count, 60_000)
    random = Flow(count, False, {})
    zstd = Flow(count, True, {"compression.type": "zstd"})
    idempotent = Flow(count, False, {"enable.idempotence": True})
    wild = Flow(some, False, PATIENT)
    wild_zstd = Flow(some, True, {**PATIENT, "compression.type": "zstd"})
    notes: list[str] = []
    cases = {
        "confluent-kafka, defaults, incompressible": partial(run, way, random, Flow.send, notes),
        "confluent-kafka, zstd, compressible": partial(run, way, zstd, Flow.send, notes),
        "confluent-kafka, idempotent": partial(run, way, idempotent, Flow.send, notes),
    }
    if Kcat().unavailable() is None:
        kcat = Flow.send_with_kcat
        cases["kcat, defaults, incompressible"] = partial(run, way, random, kcat, notes)
        cases["kcat, zstd, compressible"] = partial(run, way, zstd, kcat, notes)
    for name, flow in (("incompressible", wild), ("zstd, compressible", wild_zstd)):
        cases["idempotent, client connections cut, " + name] = partial(
            cut_before, running, chosen.path, flow, notes
        )
        cases["idempotent, broker connections cut, " + name] = partial(
            cut_behind, chosen.path, flow, notes
        )
    for name, work in cases.items():
        with suite.case(name):
            work()
            way.check()
        while notes:
            print("      " + notes.pop(0), flush=True)
    end(suite, way)
    running.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
