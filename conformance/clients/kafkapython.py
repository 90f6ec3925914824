"""kafka-python: the pure Python client."""

from __future__ import annotations

import logging
import time
import uuid

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from conformance.clients.base import Client, Member, deadline, give_up
from conformance.proc import Failed
from conformance.records import Got, Record

logging.getLogger("kafka").setLevel(logging.CRITICAL)


def to_got(record) -> Got:
    headers = tuple((name, value) for name, value in record.headers or ())
    return Got(record.partition, record.offset, record.timestamp, record.key, record.value, headers)


def send(producer: KafkaProducer, topic: str, records: list[Record]) -> list:
    return [
        producer.send(
            topic, value=one.value, key=one.key, headers=list(one.headers),
            partition=one.partition, timestamp_ms=one.timestamp,
        )
        for one in records
    ]  # fmt: skip


class KafkaPython(Client):
    name = "kafka-python"
    null_headers = False

    def produce(self, bootstrap, topic, records, codec, idempotent=False):
        producer = KafkaProducer(
            bootstrap_servers=bootstrap.split(","),
            compression_type=None if codec == "none" else codec,
            enable_idempotence=idempotent,
            acks="all",
            linger_ms=20,
        )
        try:
            for future in send(producer, topic, records):
                future.get(60)
        except KafkaError as error:
            raise Failed("%s: %r" % (self.name, error)) from None
        finally:
            producer.close(10)

    def transact(self, bootstrap, topic, steps, codec):
        producer = KafkaProducer(
            bootstrap_servers=bootstrap.split(","),
            compression_type=None if codec == "none" else codec,
            transactional_id="tx-" + uuid.uuid4().hex,
        )
        try:
            producer.init_transactions()
            for records, commit in steps:
                producer.begin_transaction()
                futures = send(producer, topic, records)
                producer.flush(60)
                for future in futures:
                    future.get(60)
                producer.commit_transaction() if commit else producer.abort_transaction()
        except KafkaError as error:
            raise Failed("%s: transaction: %r" % (self.name, error)) from None
        finally:
            producer.close(10)

    def consume(self, bootstrap, topic, count, committed=False):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap.split(","),
            isolation_level="read_committed" if committed else "read_uncommitted",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
        )
        try:
            parts = [TopicPartition(topic, id) for id in consumer.partitions_for_topic(topic)]
            ends = consumer.end_offsets(parts)
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)
            got: list[Got] = []
            end = deadline()
            while len(got) < count or any(consumer.position(part) < ends[part] for part in parts):
                if time.monotonic() > end:
                    raise give_up(self.name, topic, len(got), count)
                for batch in consumer.poll(200).values():
                    got += map(to_got, batch)
            return got
        except KafkaError as error:
            raise Failed("%s: consuming: %r" % (self.name, error)) from None
        finally:
            consumer.close()

    def member(self, bootstrap, topic, group, protocol="classic"):
        return KafkaPythonMember(bootstrap, topic, group)


class KafkaPythonMember(Member):
    def __init__(self, bootstrap: str, topic: str, group: str):
        self._consumer = KafkaConsumer(
            topic,
            bootstrap_servers=bootstrap.split(","),
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=500,
        )
        self._got: list[Got] = []

    def assigned(self):
        self.received()
        return {part.partition for part in self._consumer.assignment()}

    def received(self):
        found = self._consumer.poll(200)
        for batch in found.values():
            self._got += map(to_got, batch)
        if found:
            self._consumer.commit()
        return self._got

    def stop(self):
        self._consumer.close()
