"""What is read is what was written: every size, codec, header shape and batch size.

python -m conformance.cases.roundtrip [--path direct|waxwing]
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial

from conformance import batches, cluster, report, wire
from conformance.cases import end, options
from conformance.clients.aio import AIOKafka
from conformance.clients.confluent import QUIET, Deliveries, read_to_end, send
from conformance.cluster import Topic
from conformance.proc import Failed, Skipped
from conformance.records import Record, compare_with_direct, compare_with_sent, new_marker
from conformance.report import expect
from conformance.waxwing import PLAIN, SEALED, Way, open_way

from confluent_kafka import Consumer, Producer

SIZES = {"empty": 0, "1 B": 1, "100 B": 100, "1 KiB": 1024, "5 MiB": 5 << 20}
BIG = {"max.message.bytes": str(16 << 20)}
HEADERS = {
    "no headers": (),
    "duplicate headers": (("a", b"1"), ("a", b"2"), ("b", b"3"), ("a", b"1")),
    "null and empty headers": (("n", None), ("e", b""), ("", b"no name"), ("n", None)),
    "binary headers": (("bin", bytes(range(256))), ("\u00fcml\u00e4ut", b"\xff\x00")),
}


def produce_big(bootstrap: str, topic: str, records: list[Record], codec: str, **more) -> None:
    """As `Confluent.produce`, for records that are larger than a client's default allows."""
    settings = {
        "bootstrap.servers": bootstrap,
        "compression.type": codec,
        "message.max.bytes": 16 << 20,
        "linger.ms": 50,
        # A broker that does not lead a new topic yet has batches sent again, out of order without.
        "enable.idempotence": True,
        **QUIET,
        **more,
    }
    producer = Producer(settings)
    deliveries = Deliveries()
    send(producer, topic, records, deliveries)
    producer.flush(120)
    deliveries.check(len(records))


def consume_big(bootstrap: str, topic: str, count: int):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "check.crcs": True,
            "fetch.max.bytes": 64 << 20,
            "max.partition.fetch.bytes": 16 << 20,
            **QUIET,
        }
    )
    try:
        return read_to_end(consumer, topic, count)
    finally:
        consumer.close()


def check_topic(way: Way, topic: str, sent: list[Record]) -> None:
    """The topic read through the way under test equals what was sent and what is stored."""
    got = consume_big(way.bootstrap, topic, len(sent))
    expect(compare_with_sent(sent, got))
    if way.waxwing:
        stored = consume_big(way.cluster.bootstrap, topic, len(sent))
        expect(compare_with_direct(got, stored, way.seals and topic.startswith(SEALED)))


def topic_name(kind: str) -> str:
    return "%s-%s" % (kind, new_marker().decode()[-10:])


def sizes_and_headers(way: Way, kind: str, codec: str) -> None:
    """All sizes, null, all header shapes, in one topic; every record once alone in a batch."""
    topic = topic_name(kind)
    way.create_topics({topic: Topic(3, config=BIG)})
    now = int(time.time() * 1000)
    sent = []
    for size in SIZES.values():
        for headers in HEADERS.values():
            if size > 1 << 20 and headers:
                continue
            value = os.urandom(size // 2) + b"p" * (size - size // 2)
            sent.append(Record(b"k%d" % size, value, headers, now + len(sent), len(sent) % 3))
    for headers in HEADERS.values():
        sent.append(Record(b"gone", None, headers, now + len(sent), len(sent) % 3))
        sent.append(Record(None, None, headers, now + len(sent), len(sent) % 3))
        sent.append(Record(b"", b"", headers, now + len(sent), len(sent) % 3))
    produce_big(way.bootstrap, topic, sent, codec)
    alone = [Record(one.key, one.value, one.headers, one.timestamp, one.partition) for one in sent]
    produce_big(way.bootstrap, topic, alone, codec, **{"batch.num.messages": 1})
    check_topic(way, topic, sent + alone)


def ten_thousand(way: Way, kind: str, codec: str) -> None:
    """Ten thousand records in one batch, sent by hand so that it is one batch for certain."""
    topic = topic_name(kind)
    way.create_topics({topic: Topic(1, config=BIG)})
    contents = [(b"k%d" % (i % 10), b"value %d" % i, (("i", b"%d" % i),)) for i in range(10_000)]
    batch = batches.build_batch(contents, codec, base_timestamp=int(time.time() * 1000) - 20_000)
    with wire.Connection(leader_address(way, topic, 0)) as connection:
        answer = connection.exchange(wire.produce(topic, 0, batch))
        if answer is None:
            raise Failed("the connection was closed")
        error, offset, message = wire.produce_answer(answer)
    if (error, offset) != (0, 0):
        raise Failed("Produce: error %d, base offset %d, %s" % (error, offset, message))
    check_topic(way, topic, [Record(*content) for content in contents])


def leader_address(way: Way, topic: str, partition: int) -> tuple[str, int]:
    host, port = way.bootstrap.split(",")[0].rsplit(":", 1)
    with wire.Connection((host, int(port))) as connection:
        nodes, topics = wire.metadata_answer(connection.exchange(wire.metadata([topic])))
    return nodes[topics[topic][partition]]


def untouched_bytes(way: Way) -> None:
    """A batch that no rule concerns is stored and delivered byte for byte."""
    topic = topic_name(PLAIN)
    way.create_topics({topic: Topic(1)})
    contents = [(b"k", b"value %d" % i * 5, (("h", None),)) for i in range(20)]
    sent = [batches.build_batch(contents, codec) for codec in batches.CODECS]
    # A stream that no encoder here would write again: stored blocks, and a header with a name.
    import gzip
    import io

    body = batches.read_batches(sent[0]).__next__().payload
    stream = io.BytesIO()
    with gzip.GzipFile("named", "wb", 0, stream, mtime=7) as file:
        file.write(body)
    sent.append(batches.build_batch(contents, "gzip", payload=stream.getvalue()))
    with wire.Connection(leader_address(way, topic, 0)) as connection:
        for batch in sent:
            error, _, message = wire.produce_answer(
                connection.exchange(wire.produce(topic, 0, batch))
            )
            if error:
                raise Failed("Produce: error %d, %s" % (error, message))
        _, _, through = wire.fetch_answer(connection.exchange(wire.fetch(topic, 0, 0)))
    stored = b"".join(path.read_bytes() for path in way.cluster.segments(topic))
    if through != stored:
        raise Failed("fetched bytes differ from the segment")
    # The broker writes the base offset and the leader epoch; all else is the producer's.
    at = 0
    for number, batch in enumerate(sent):
        kept = stored[at : at + len(batch)]
        if (kept[8:12], kept[16:]) != (batch[8:12], batch[16:]):
            raise Failed("batch %d was changed on its way to the broker" % number)
        at += len(batch)


def broker_rewrites(way: Way, config: dict[str, str]) -> None:
    """The broker changes batches by its own configuration; what comes back is what it stored."""
    topic = topic_name(SEALED)
    way.create_topics({topic: Topic(1, config=config)})
    sent = [Record(b"k%d" % i, b"value %d" % i, (("h", b"%d" % i),), None, 0) for i in range(100)]
    for codec in ("none", "lz4"):
        produce_big(way.bootstrap, topic, sent[:50] if codec == "none" else sent[50:], codec)
    check_topic(way, topic, sent)


def acks_zero(way: Way) -> None:
    """Produce without an answer, between requests that have one, on one connection."""
    topic = topic_name(SEALED)
    way.create_topics({topic: Topic(1)})
    sent = []
    with wire.Connection(leader_address(way, topic, 0)) as connection:
        for number in range(30):
            content = (b"k", b"value %d" % number, ())
            acks = 0 if number % 3 else 1
            frame = wire.produce(topic, 0, batches.build_batch([content]), acks, correlation=number)
            sent.append(Record(*content))
            if acks:
                answer = connection.exchange(frame)
                if answer is None or answer.data[:4] != number.to_bytes(4, "big"):
                    raise Failed("request %d has no answer of its own" % number)
                if error := wire.produce_answer(answer)[0]:
                    raise Failed("Produce: error %d" % error)
            else:
                connection.send(frame)
        connection.exchange(wire.metadata([topic], correlation=99))
    check_topic(way, topic, sent)


def asyncio_client(way: Way) -> None:
    """A second implementation of the protocol with large values."""
    topic = topic_name(SEALED)
    way.create_topics({topic: Topic(1, config=BIG)})
    now = int(time.time() * 1000)
    sent = [Record(b"k", os.urandom(900_000), (("n", None),), now + i, 0) for i in range(5)]
    client = AIOKafka()
    client.produce(way.bootstrap, topic, sent, "snappy")
    expect(compare_with_sent(sent, client.consume(way.bootstrap, topic, len(sent))))


def main() -> int:
    chosen = options(__doc__).parse_args()
    suite = report.Suite("Round trip, %s" % chosen.path)
    try:
        running = cluster.start_real()
    except Skipped as reason:
        suite.result("SKIP", "round trip", str(reason))
        return suite.finish()
    way = open_way(running, chosen.path)
    cases = {}
    for kind in (SEALED, PLAIN) if way.seals else (PLAIN,):
        for codec in batches.CODECS:
            name = "%s topic, %s" % (kind, codec)
            cases["sizes, nulls and headers: " + name] = partial(
                sizes_and_headers, way, kind, codec
            )
            cases["10,000 records in a batch: " + name] = partial(ten_thousand, way, kind, codec)
    cases["a plain batch stays the same byte for byte"] = partial(untouched_bytes, way)
    cases["a topic with LogAppendTime"] = partial(
        broker_rewrites, way, {"message.timestamp.type": "LogAppendTime"}
    )
    cases["a topic that the broker compresses again"] = partial(
        broker_rewrites, way, {"compression.type": "zstd"}
    )
    cases["acks=0 between requests with answers"] = partial(acks_zero, way)
    cases["aiokafka with large values"] = partial(asyncio_client, way)
    for name, work in cases.items():
        with suite.case(name):
            work()
            way.check()
    end(suite, way)
    running.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
