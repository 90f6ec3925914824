"""confluent-kafka: librdkafka of today."""

from __future__ import annotations

import time
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from conformance.clients.base import Client, Member, deadline, give_up
from conformance.proc import Failed
from conformance.records import Got, Record

QUIET = {"log_level": 0}


def to_got(message: Message) -> Got:
    return Got(
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        tuple((name, value) for name, value in message.headers() or ()),
    )


class Deliveries:
    """Counts acknowledgements and keeps the first errors."""

    def __init__(self):
        self.good = 0
        self.errors: list[str] = []

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.good += 1
        elif len(self.errors) < 5:
            self.errors.append("%s: %s" % (error.name(), error.str()))

    def check(self, wanted: int) -> None:
        if self.errors or self.good != wanted:
            raise Failed("%d of %d records acknowledged %s" % (self.good, wanted, self.errors))


def send(producer: Producer, topic: str, records: list[Record], deliveries: Deliveries) -> None:
    for one in records:
        place = {} if one.partition is None else {"partition": one.partition}
        if one.timestamp is not None:
            place["timestamp"] = one.timestamp
        while True:
            try:
                producer.produce(
                    topic, value=one.value, key=one.key, headers=list(one.headers),
                    on_delivery=deliveries, **place,
                )  # fmt: skip
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)


class Confluent(Client):
    name = "confluent-kafka"

    def __init__(self, check_crcs: bool = True):
        self.check_crcs = check_crcs

    def produce(self, bootstrap, topic, records, codec, idempotent=False):
        producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "compression.type": codec,
                "enable.idempotence": idempotent,
                "linger.ms": 20,
                **QUIET,
            }
        )
        deliveries = Deliveries()
        send(producer, topic, records, deliveries)
        producer.flush(deadline() - time.monotonic())
        deliveries.check(len(records))

    def transact(self, bootstrap, topic, steps, codec):
        producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "compression.type": codec,
                "transactional.id": "tx-" + uuid.uuid4().hex,
                **QUIET,
            }
        )
        try:
            producer.init_transactions(60)
            for records, commit in steps:
                deliveries = Deliveries()
                producer.begin_transaction()
                send(producer, topic, records, deliveries)
                producer.flush(60)
                deliveries.check(len(records))
                producer.commit_transaction(60) if commit else producer.abort_transaction(60)
        except KafkaException as error:
            raise Failed("transaction: %s" % error) from None

    def consume(self, bootstrap, topic, count, committed=False):
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "unused",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed" if committed else "read_uncommitted",
                "enable.partition.eof": True,
                "check.crcs": self.check_crcs,
                "fetch.wait.max.ms": 100,
                **QUIET,
            }
        )
        try:
            return read_to_end(consumer, topic, count)
        finally:
            consumer.close()

    def member(self, bootstrap, topic, group, protocol="classic"):
        return ConfluentMember(bootstrap, topic, group, protocol)

    def share(self, bootstrap, topic, group, count):
        from confluent_kafka import ShareConsumer

        consumer = ShareConsumer({"bootstrap.servers": bootstrap, "group.id": group, **QUIET})
        got: list[Got] = []
        end = deadline()
        with consumer:
            consumer.subscribe([topic])
            while len(got) < count:
                if time.monotonic() > end:
                    raise give_up(self.name, topic, len(got), count)
                for message in consumer.poll(1):
                    if message.error():
                        raise Failed("share group: %s" % message.error())
                    got.append(to_got(message))
            consumer.commit_sync(30)
        return got


def read_to_end(consumer: Consumer, topic: str, count: int) -> list[Got]:
    seen = consumer.list_topics(topic, timeout=30).topics[topic]
    open_ends = set(seen.partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in open_ends])
    got: list[Got] = []
    end = deadline()
    while open_ends or len(got) < count:
        if time.monotonic() > end:
            raise give_up("confluent-kafka", topic, len(got), count)
        for message in consumer.consume(1000, 0.2):
            error = message.error()
            if error is None:
                got.append(to_got(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ends.discard(message.partition())
            elif not error.retriable():
                raise Failed("consuming %s: %s" % (topic, error))
    return got


class ConfluentMember(Member):
    def __init__(self, bootstrap: str, topic: str, group: str, protocol: str):
        settings = {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "group.protocol": protocol,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            **QUIET,
        }
        if protocol == "classic":
            settings |= {"session.timeout.ms": 10_000, "heartbeat.interval.ms": 500}
        self._consumer = Consumer(settings)
        self._consumer.subscribe([topic])
        self._got: list[Got] = []

    def assigned(self):
        self.received()
        return {part.partition for part in self._consumer.assignment()}

    def received(self):
        before = len(self._got)
        for message in self._consumer.consume(500, 0.2):
            error = message.error()
            if error is None:
                self._got.append(to_got(message))
            elif not error.retriable():
                raise Failed("group member: %s" % error)
        if len(self._got) > before:
            self._consumer.commit(asynchronous=False)
        return self._got

    def stop(self):
        self._consumer.close()
