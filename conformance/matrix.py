"""The matrix: every client, codec and mode through Waxwing, compared with going direct.

python -m conformance.matrix [--path direct|waxwing] [--kafka 4|3] [--clients a,b] [--modes a,b]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from conformance import batches, cluster, proc, report
from conformance.cases import end
from conformance.clients import all_clients
from conformance.clients.base import Client
from conformance.clients.confluent import Confluent
from conformance.clients.java import Java
from conformance.cluster import Topic
from conformance.proc import Failed, Skipped
from conformance.records import (
    Got,
    Record,
    by_place,
    compare_with_direct,
    compare_with_sent,
    make_binary,
    make_text,
    new_marker,
)
from conformance.report import print_matrix
from conformance.waxwing import PLAIN, SEALED, Way, direct, open_way

MODES = ("plain", "idempotent", "transactional", "group", "group-848", "compacted", "share")
PARTITIONS = 3
PER_CODEC = 30
CELL = "cell"

COMPACTION = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.01",
    "segment.ms": "500",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1000",
}


class Cell:
    """One mode of one client on one topic: what was sent with each codec, and what came of it."""

    def __init__(self, client: Client, mode: str, kind: str, way: Way):
        self.client, self.mode, self.kind, self.way = client, mode, kind, way
        # Two runs of one cell (the second one direct, after a failure) need two topics.
        self.topic = "%s-%s-%s-%s" % (kind, client.name, mode, new_marker().decode()[-6:])
        self.codecs = codecs_for(client, mode, kind)
        self.sent: dict[str, list[Record]] = {codec: [] for codec in self.codecs}
        self.markers = {codec: new_marker() for codec in self.codecs}
        self.results: dict[str, tuple[str, str]] = {}

    @property
    def sealed(self) -> bool:
        return self.way.seals and self.kind == SEALED

    def make(self, codec: str, text: bool = False, headers=()) -> list[Record]:
        """Fresh records of one codec; their `cell` header tells the codec when they are read.

        `text` makes records that every consumer can show, in partitions of the writer's choice.
        """
        client, marker = self.client, self.markers[codec]
        headers = (*headers, (CELL, codec.encode()))
        if text or not client.binary:
            records = make_text(marker + b"%d" % len(self.sent[codec]), PER_CODEC, headers)
        else:
            records = [
                Record(one.key, one.value, one.headers + headers, one.timestamp, one.partition)
                for one in make_binary(marker, PER_CODEC, PARTITIONS, client.null_headers)
            ]
        return records

    def codec_of(self, one: Got) -> str | None:
        for name, value in one.headers:
            if name == CELL:
                return value.decode()
        for codec, marker in self.markers.items():
            if one.value and marker in one.value:
                return codec
        return None

    def judge(self, codec: str, problems: list[str]) -> None:
        if problems and self.results.get(codec, ("PASS",))[0] == "PASS":
            self.results[codec] = ("FAIL", "; ".join(problems))
        self.results.setdefault(codec, ("PASS", ""))

    def judge_all(self, problems: list[str]) -> None:
        for codec in self.codecs:
            self.judge(codec, problems)

    # -- what is proven of every cell

    def judge_reading(self, got: list[Got], ordered: bool = True) -> None:
        """Everything sent came back, exact and in order, codec by codec."""
        found: dict[str | None, list[Got]] = {}
        for one in got:
            found.setdefault(self.codec_of(one), []).append(one)
        if None in found:
            self.judge_all(["%d records of no codec" % len(found[None])])
        for codec, sent in self.sent.items():
            self.judge(codec, compare_with_sent(sent, found.get(codec, []), ordered))

    def judge_against_direct(self, got: list[Got], committed: bool = False) -> None:
        """The same topic read direct: same places, keys, times, headers; values unreadable."""
        stored = Confluent().consume(self.way.cluster.bootstrap, self.topic, len(got), committed)
        self.judge_all(compare_with_direct(got, stored, self.sealed))

    def judge_segments(self) -> None:
        """No plaintext in a sealed topic's segments. In a plain topic the same search must find it,
        and the batches must have the codec that the client was told to use."""
        paths = self.way.cluster.segments(self.topic)
        if not paths:
            raise Failed("no segments of %s found" % self.topic)
        codecs_seen = {batch.codec for batch in batches.read_segments(paths)}
        damaged = [batch for batch in batches.read_segments(paths) if not batch.crc_is_right]
        if damaged:
            self.judge_all(["%d stored batches with a wrong CRC" % len(damaged)])
        for codec, marker in self.markers.items():
            if not self.sent[codec]:
                continue
            place = batches.contains(paths, marker)
            if self.sealed and place:
                self.judge(codec, ["PLAINTEXT in the segment: " + place])
            elif not self.sealed and place is None:
                self.judge(codec, ["the search does not find the plaintext of a plain topic"])
            elif not self.sealed and codec not in codecs_seen:
                self.judge(codec, ["no batch with codec %s was stored" % codec])


def codecs_for(client: Client, mode: str, kind: str) -> tuple[str, ...]:
    if (
        isinstance(client, Java)
        and kind == PLAIN
        and mode in ("plain", "idempotent", "transactional")
    ):
        return ("none", "zstd")
    return client.codecs


# -- modes


def run_plain(cell: Cell, idempotent: bool = False) -> None:
    cell.way.create_topics({cell.topic: Topic(PARTITIONS)})
    for codec in cell.codecs:
        if idempotent and isinstance(cell.client, Java):
            number = random.randint(1_000_000_000, 2_000_000_000)
            cell.markers[codec] = b"%d." % number
            cell.sent[codec] = cell.client.verifiable_produce(
                cell.way.bootstrap, cell.topic, number, PER_CODEC, codec
            )
            continue
        cell.sent[codec] = cell.make(codec, headers=(("dup", b"1"), ("dup", b"2")))
        cell.client.produce(cell.way.bootstrap, cell.topic, cell.sent[codec], codec, idempotent)
    total = sum(map(len, cell.sent.values()))
    got = cell.client.consume(cell.way.bootstrap, cell.topic, total)
    cell.judge_reading(got)
    for partition in {one.partition for one in got}:
        offsets = [one.offset for one in by_place(got) if one.partition == partition]
        if offsets != list(range(len(offsets))):
            cell.judge_all(["partition %d has offsets %s" % (partition, offsets)])
    cell.judge_against_direct(got)
    cell.judge_segments()


def run_idempotent(cell: Cell) -> None:
    run_plain(cell, idempotent=True)


def run_transactional(cell: Cell) -> None:
    cell.way.create_topics({cell.topic: Topic(PARTITIONS)})
    aborts = not isinstance(cell.client, Java)
    for codec in cell.codecs:
        first, second, third = (cell.make(codec) for _ in range(3))
        if aborts:
            first = [_tag(one, b"1") for one in first]
            second = [_tag(one, b"2") for one in second]
            third = [_tag(one, b"3") for one in third]
            cell.client.transact(
                cell.way.bootstrap, cell.topic,
                [(first, True), (second, False), (third, True)], codec,
            )  # fmt: skip
            cell.sent[codec] = first + third
        else:
            cell.client.transact(cell.way.bootstrap, cell.topic, [(first, True)], codec)
            cell.sent[codec] = first
    total = sum(map(len, cell.sent.values()))
    got = cell.client.consume(cell.way.bootstrap, cell.topic, total, committed=True)
    if aborts:
        cell.judge_reading(got)
        everything = cell.client.consume(cell.way.bootstrap, cell.topic, total)
        if len(everything) <= len(got):
            cell.judge_all(["nothing was aborted"])
        cell.judge_against_direct(everything)
    else:
        judge_lottery(cell, got)
    cell.judge_against_direct(got, committed=True)
    cell.judge_segments()


def _tag(one: Record, number: bytes) -> Record:
    return Record(
        one.key, one.value, one.headers + (("step", number),), one.timestamp, one.partition
    )


def judge_lottery(cell: Cell, got: list[Got]) -> None:
    """The perf tool draws its values from a file: each must be one of them, and the count right."""
    for codec, sent in cell.sent.items():
        mine = [one for one in got if cell.codec_of(one) == codec]
        values = {one.value for one in sent}
        strangers = [one for one in mine if one.value not in values]
        if strangers or len(mine) != len(sent):
            cell.judge(
                codec, ["%d of %d records, %d unknown" % (len(mine), len(sent), len(strangers))]
            )
        cell.judge(codec, [])


def run_group(cell: Cell, protocol: str = "classic") -> None:
    """Two members, a rebalance when the second comes and one when it goes; nothing lost."""
    way, client, topic = cell.way, cell.client, cell.topic
    way.create_topics({topic: Topic(PARTITIONS)})
    writer = Confluent()
    group = "group-" + topic

    def produce_more() -> int:
        for codec in cell.codecs:
            records = cell.make(codec, text=True)
            cell.sent[codec] += records
            writer.produce(way.bootstrap, topic, records, codec)
        return sum(map(len, cell.sent.values()))

    first = client.member(way.bootstrap, topic, group, protocol)
    members = [first]
    try:
        total = produce_more()
        proc.eventually("one member has all", lambda: len(first.received()) >= total)
        second = client.member(way.bootstrap, topic, group, protocol)
        members.append(second)

        def shared() -> bool:
            left, right = first.assigned(), second.assigned()
            return bool(left and right) and not left & right and len(left | right) == PARTITIONS

        proc.eventually("two members share the partitions", shared)
        total = produce_more()
        proc.eventually(
            "two members have all", lambda: len(first.received()) + len(second.received()) >= total
        )
        theirs = list(second.received())
        second.stop()
        members.remove(second)
        proc.eventually(
            "one member has all partitions again", lambda: len(first.assigned()) == PARTITIONS
        )
        total = produce_more()
        proc.eventually(
            "one member has the rest", lambda: len(first.received()) + len(theirs) >= total
        )
        got = list(first.received()) + theirs
    finally:
        for member in members:
            member.stop()
    if got and isinstance(client, Java):
        judge_contents(cell, got)
    else:
        cell.judge_reading(got)
        cell.judge_against_direct(got)
    cell.judge_segments()


def run_group_848(cell: Cell) -> None:
    run_group(cell, "consumer")


def judge_contents(cell: Cell, got: list[Got]) -> None:
    """For consumers that tell no headers and no times: keys and values, each once."""
    for codec, sent in cell.sent.items():
        left = sorted((one.key or b"", one.value or b"") for one in sent)
        mine = [one for one in got if cell.markers[codec] in (one.value or b"")]
        right = sorted((one.key or b"", one.value or b"") for one in mine)
        cell.judge(codec, [] if left == right else ["%d of %d records" % (len(right), len(left))])


def write_compacted(cell: Cell) -> None:
    """Two rounds of updates; the second rolls the segment, so that the first can be compacted."""
    cell.way.create_topics({cell.topic: Topic(1, config=COMPACTION)})
    for round in (b"1", b"2"):
        for codec in cell.codecs:
            writer = Confluent() if isinstance(cell.client, Java) else cell.client
            records = [
                _tag(
                    Record(
                        b"%s-%s" % (codec.encode(), one.key or b"none"),
                        one.value, one.headers, one.timestamp, one.partition and 0,
                    ),
                    round,
                )
                for one in cell.make(codec)
            ]  # fmt: skip
            cell.sent[codec] += records
            writer.produce(cell.way.bootstrap, cell.topic, records, codec)
        if round == b"1":
            time.sleep(1)


def read_compacted(cell: Cell) -> None:
    reference = Confluent()
    total = sum(map(len, cell.sent.values()))

    def compacted() -> list[Got]:
        stored = reference.consume(cell.way.cluster.bootstrap, cell.topic, 0)
        return stored if len(stored) < total * 3 // 4 else []

    stored = proc.eventually("the topic is compacted", compacted, timeout=120, pause=0.5)
    got = cell.client.consume(cell.way.bootstrap, cell.topic, len(stored))
    # The cleaner may go on between the two readings: what was read is then a superset.
    again = reference.consume(cell.way.cluster.bootstrap, cell.topic, 0)
    kept = {one.offset for one in again}
    got = [one for one in got if one.offset in kept]
    cell.judge_all(compare_with_direct(got, again, cell.sealed))
    for codec, sent in cell.sent.items():
        last = {one.key: one for one in sent}
        newest = {one.key: one for one in by_place(got) if cell.codec_of(one) == codec}
        wrong = [
            key
            for key, one in last.items()
            if key not in newest or newest[key].content != one.content
        ]
        gone = [key for key in wrong if last[key].value is None and key not in newest]
        if len(wrong) > len(gone):
            cell.judge(codec, ["%d of %d keys wrong: %r" % (len(wrong), len(last), wrong[:3])])
        cell.judge(codec, [])
    cell.judge_segments()


def run_share(cell: Cell) -> None:
    way = cell.way
    if not way.cluster.version >= "4.1":
        raise Skipped("share groups need Kafka 4.1")
    way.create_topics({cell.topic: Topic(PARTITIONS)})
    writer = Confluent()
    for codec in cell.codecs:
        records = cell.make(codec, text=True)
        cell.sent[codec] = records
        writer.produce(way.bootstrap, cell.topic, records, codec)
    group = "share-" + cell.topic
    way.cluster.set_group_config(group, "share.auto.offset.reset", "earliest")
    total = sum(map(len, cell.sent.values()))
    got = cell.client.share(way.bootstrap, cell.topic, group, total)
    if isinstance(cell.client, Java):
        judge_contents(cell, got)
    else:
        cell.judge_reading(got)
        cell.judge_against_direct(got)
    cell.judge_segments()


RUN = {
    "plain": run_plain,
    "idempotent": run_idempotent,
    "transactional": run_transactional,
    "group": run_group,
    "group-848": run_group_848,
    "share": run_share,
}


# -- the run


def has_mode(client: Client, mode: str) -> bool:
    """The consumer protocol of KIP-848 and share groups are in two of the clients only."""
    return mode not in ("group-848", "share") or client.name in ("confluent-kafka", "java")


def attempt(cell: Cell, work) -> None:
    """Runs one step of a cell; whatever it raises becomes the result of all its codecs."""
    try:
        work(cell)
        cell.way.check()
    except Skipped as reason:
        cell.results = {codec: ("SKIP", str(reason)) for codec in cell.codecs}
    except Failed as reason:
        cell.judge_all([str(reason)])
    except Exception:
        cell.judge_all([traceback.format_exc()])


def excuse(cell: Cell) -> None:
    """A cell that fails direct too says nothing about Waxwing: it is skipped, with the reason."""
    failed = [codec for codec, (status, _) in cell.results.items() if status == "FAIL"]
    if not failed or not cell.way.waxwing:
        return
    again = Cell(cell.client, cell.mode, PLAIN, direct(cell.way.cluster))
    if cell.mode == "compacted":
        attempt(again, write_compacted)
        if not again.results:
            attempt(again, read_compacted)
    else:
        attempt(again, RUN[cell.mode])
    for codec in failed:
        status, detail = again.results.get(codec, ("PASS", ""))
        if status == "FAIL":
            cell.results[codec] = ("SKIP", "fails direct too: " + detail[:200])


def run_cells(way: Way, clients: list[Client], modes: list[str]) -> list[Cell]:
    kinds = (SEALED, PLAIN) if way.seals else (PLAIN,)
    cells = []
    compacted = []
    for mode in modes:
        for client in clients:
            for kind in kinds:
                if not has_mode(client, mode):
                    continue
                cell = Cell(client, mode, kind, way)
                cells.append(cell)
                if reason := client.unavailable():
                    cell.results = {codec: ("SKIP", reason) for codec in cell.codecs}
                elif mode == "compacted":
                    # All are written first and read last: the cleaner works meanwhile.
                    attempt(cell, write_compacted)
                    compacted.append(cell)
                    continue
                else:
                    attempt(cell, RUN[mode])
                finish(cell)
    for cell in compacted:
        if not cell.results:
            attempt(cell, read_compacted)
        finish(cell)
    return cells


def finish(cell: Cell) -> None:
    excuse(cell)
    words = sorted({status for status, _ in cell.results.values()})
    print(
        "   %-16s %-14s %-7s %s" % (cell.client.name, cell.mode, cell.kind, " ".join(words)),
        flush=True,
    )


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--path", choices=("direct", "waxwing"), default="waxwing")
    options.add_argument("--kafka", choices=("4", "3"), default="4")
    options.add_argument("--clients", default="")
    options.add_argument("--modes", default=",".join(MODES))
    chosen = options.parse_args()

    suite = report.Suite(
        "Matrix, client x codec x mode, %s, Kafka %s" % (chosen.path, chosen.kafka)
    )
    start = time.monotonic()
    try:
        running = cluster.start_real(version=chosen.kafka)
        way = open_way(running, chosen.path)
    except Skipped as reason:
        suite.result("SKIP", "matrix", str(reason))
        return suite.finish()
    clients = all_clients(running.home)
    if chosen.clients:
        clients = [client for client in clients if client.name in chosen.clients.split(",")]
    cells = run_cells(way, clients, chosen.modes.split(","))
    end(suite, way)
    for kind in (SEALED, PLAIN):
        if any(cell.kind == kind for cell in cells):
            print_matrix(cells, kind, MODES, batches.CODECS)
    print("\n- not run: a plain batch is relayed unseen, and a JVM takes seconds to start"
          if way.seals else "")  # fmt: skip
    for cell in cells:
        for codec, (status, detail) in cell.results.items():
            suite.counts[status] += 1
            if status == "FAIL":
                suite.failures.append(
                    "%s %s %s %s" % (cell.client.name, cell.mode, cell.kind, codec)
                )
    print("%s, %d cells in %d s" % (running.label, sum(len(cell.results) for cell in cells),
                                    time.monotonic() - start))  # fmt: skip
    running.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
