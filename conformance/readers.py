"""Stock clients that log in: each reads a topic to its end, or writes to it, as one user."""

from __future__ import annotations

import asyncio
import enum
import shutil
import tempfile
import time

from conformance import proc
from conformance.clients.base import deadline, give_up
from conformance.logins import NOBODY, Login
from conformance.proc import Failed, Skipped
from conformance.records import Got, Record


class Stock(enum.Enum):
    """Which client."""

    CONFLUENT = "confluent-kafka"
    KCAT = "kcat"
    KAFKA_PYTHON = "kafka-python"
    AIOKAFKA = "aiokafka"
    JAVA = "java"

    @property
    def is_there(self) -> bool:
        from conformance.cluster import kafka_home

        if self is Stock.KCAT:
            return shutil.which("kcat") is not None
        return self is not Stock.JAVA or kafka_home() is not None


def read_as(
    stock: Stock, bootstrap: str, topic: str, count: int, login: Login = NOBODY, **more
) -> list[Got]:
    """All records of a topic, which must be at least `count`. `more` holds settings of librdkafka
    or, for Java, arguments of `login.java`."""
    if not stock.is_there:
        raise Skipped("%s is not at hand" % stock.value)
    return _READ[stock](bootstrap, topic, count, login, **more)


def write_as(
    stock: Stock, bootstrap: str, topic: str, records: list[Record], login: Login = NOBODY,
    codec: str = "none", idempotent: bool = False,
) -> None:  # fmt: skip
    """Writes with confluent-kafka or kcat, and waits for every acknowledgement."""
    if stock is Stock.KCAT:
        from conformance.clients.kcat import _lines

        argv = ["kcat", "-P", "-b", bootstrap, "-t", topic, "-K", r"\t", "-z", codec]
        proc.run([*argv, *login.kcat()], input=_lines(records))
        return
    from confluent_kafka import Producer

    from conformance.clients.confluent import Deliveries, send

    settings = {
        "bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 20, "log_level": 0,
        "enable.idempotence": idempotent, "message.max.bytes": 8 << 20,
    }  # fmt: skip
    producer = Producer(settings | login.librdkafka())
    deliveries = Deliveries()
    send(producer, topic, records, deliveries)
    producer.flush(deadline() - time.monotonic())
    deliveries.check(len(records))


def consumer_as(bootstrap: str, login: Login = NOBODY, **more):
    """A consumer of confluent-kafka that reports the ends of partitions."""
    from confluent_kafka import Consumer

    settings = {
        "bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "enable.partition.eof": True, "check.crcs": True,
        "fetch.wait.max.ms": 100, "log_level": 0,
    }  # fmt: skip
    named = {name.replace("_", "."): value for name, value in more.items()}
    return Consumer(settings | login.librdkafka() | named)


def _confluent(bootstrap, topic, count, login, **more):
    from conformance.clients.confluent import read_to_end

    consumer = consumer_as(bootstrap, login, **more)
    try:
        return read_to_end(consumer, topic, count)
    finally:
        consumer.close()


def _kcat(bootstrap, topic, count, login):
    from conformance.clients.kcat import FORM, parse

    argv = ["kcat", "-C", "-e", "-q", "-b", bootstrap, "-t", topic, "-o", "beginning"]
    argv += ["-X", "check.crcs=true", "-X", "fetch.wait.max.ms=100", FORM, *login.kcat()]
    got, rest = parse(proc.run(argv).stdout)
    if rest or len(got) < count:
        raise Failed("kcat: %d of %d records, then %r" % (len(got), count, rest[:80]))
    return got


def _kafka_python(bootstrap, topic, count, login):
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    from conformance.clients.kafkapython import to_got

    consumer = None
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap.split(","), auto_offset_reset="earliest",
            enable_auto_commit=False, fetch_max_wait_ms=100, **login.kafka_python(),
        )  # fmt: skip
        parts = [TopicPartition(topic, id) for id in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(parts)
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        got: list[Got] = []
        end = deadline()
        while len(got) < count or any(consumer.position(part) < ends[part] for part in parts):
            if time.monotonic() > end:
                raise give_up("kafka-python", topic, len(got), count)
            for batch in consumer.poll(200).values():
                got += map(to_got, batch)
        return got
    except KafkaError as error:
        raise Failed("kafka-python: %r" % error) from None
    finally:
        if consumer:
            consumer.close()


def _aiokafka(bootstrap, topic, count, login):
    from aiokafka import AIOKafkaConsumer
    from aiokafka.errors import KafkaError

    from conformance.clients.aio import to_got

    async def work():
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest",
            enable_auto_commit=False, fetch_max_wait_ms=100, **login.aiokafka(),
        ) as consumer:  # fmt: skip
            parts = consumer.assignment()
            ends = await consumer.end_offsets(parts)
            got: list[Got] = []
            end = deadline()
            while len(got) < count or [p for p in parts if await consumer.position(p) < ends[p]]:
                if time.monotonic() > end:
                    raise give_up("aiokafka", topic, len(got), count)
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    got += map(to_got, batch)
            return got

    try:
        return asyncio.run(work())
    except (KafkaError, asyncio.TimeoutError) as error:
        raise Failed("aiokafka: %r" % error) from None


def _java(bootstrap, topic, count, login, idle_ms: int = 60_000, **more):
    """The console consumer, which ends by itself after `count` records."""
    from conformance.clients.java import FIELD, NULL, _parse

    with tempfile.NamedTemporaryFile("w", suffix=".properties") as file:
        file.write(login.java(**more))
        file.flush()
        argv = ["kafka-console-consumer.sh", "--bootstrap-server", bootstrap, "--topic", topic]
        argv += ["--from-beginning", "--max-messages", str(count), "--timeout-ms", str(idle_ms)]
        argv += ["--command-config", file.name]
        for setting in (
            "print.timestamp=true", "print.partition=true", "print.offset=true",
            "print.headers=true", "print.key=true", "key.separator=" + FIELD,
            "null.literal=" + NULL,
        ):  # fmt: skip
            argv += ["--formatter-property", setting]
        return [_parse(line) for line in java_tool(argv).splitlines()]


def java_tool(argv: list[str], input: bytes | None = None) -> bytes:
    """Runs one of Kafka's tools, which must not complain, and returns its output."""
    from conformance.clients.java import Java
    from conformance.cluster import kafka_home

    home = kafka_home()
    if home is None:
        raise Skipped("no Kafka tools at hand ($KAFKA_HOME)")
    return Java(home)._run([str(home / "bin" / argv[0]), *argv[1:]], input)


_READ = {
    Stock.CONFLUENT: _confluent,
    Stock.KCAT: _kcat,
    Stock.KAFKA_PYTHON: _kafka_python,
    Stock.AIOKAFKA: _aiokafka,
    Stock.JAVA: _java,
}
