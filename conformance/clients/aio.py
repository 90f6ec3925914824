"""aiokafka: the asyncio client, with its own protocol code."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from conformance.clients.base import Client, Member, deadline, give_up
from conformance.proc import Failed
from conformance.records import Got, Record

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def to_got(record) -> Got:
    headers = tuple((name, value) for name, value in record.headers or ())
    return Got(record.partition, record.offset, record.timestamp, record.key, record.value, headers)


async def send(producer: AIOKafkaProducer, topic: str, records: list[Record]) -> None:
    futures = [
        await producer.send(
            topic, value=one.value, key=one.key, headers=list(one.headers),
            partition=one.partition, timestamp_ms=one.timestamp,
        )
        for one in records
    ]  # fmt: skip
    await asyncio.wait_for(asyncio.gather(*futures), 60)


class AIOKafka(Client):
    name = "aiokafka"

    def produce(self, bootstrap, topic, records, codec, idempotent=False):
        async def work():
            async with AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                compression_type=None if codec == "none" else codec,
                enable_idempotence=idempotent,
                acks="all",
                linger_ms=20,
            ) as producer:
                await send(producer, topic, records)

        self._run(work())

    def transact(self, bootstrap, topic, steps, codec):
        async def work():
            async with AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                compression_type=None if codec == "none" else codec,
                transactional_id="tx-" + uuid.uuid4().hex,
            ) as producer:
                for records, commit in steps:
                    await producer.begin_transaction()
                    await send(producer, topic, records)
                    if commit:
                        await producer.commit_transaction()
                    else:
                        await producer.abort_transaction()

        self._run(work())

    def consume(self, bootstrap, topic, count, committed=False):
        async def work():
            async with AIOKafkaConsumer(
                topic,
                bootstrap_servers=bootstrap,
                isolation_level="read_committed" if committed else "read_uncommitted",
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                fetch_max_wait_ms=100,
            ) as consumer:
                parts = consumer.assignment()
                ends = await consumer.end_offsets(parts)
                got: list[Got] = []
                end = deadline()
                while len(got) < count or [
                    p for p in parts if await consumer.position(p) < ends[p]
                ]:
                    if time.monotonic() > end:
                        raise give_up(self.name, topic, len(got), count)
                    for batch in (await consumer.getmany(timeout_ms=200)).values():
                        got += map(to_got, batch)
                return got

        return self._run(work())

    def member(self, bootstrap, topic, group, protocol="classic"):
        return AIOKafkaMember(bootstrap, topic, group)

    def _run(self, work):
        try:
            return asyncio.run(work)
        except (KafkaError, asyncio.TimeoutError) as error:
            raise Failed("%s: %r" % (self.name, error)) from None


class AIOKafkaMember(Member):
    """A member that consumes on an event loop in a thread of its own."""

    def __init__(self, bootstrap: str, topic: str, group: str):
        self._got: list[Got] = []
        self._assigned: set[int] = set()
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._arguments = (bootstrap, topic, group)
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()

    def _main(self) -> None:
        try:
            asyncio.run(self._work(*self._arguments))
        except Exception as error:  # told to the caller by the next call
            self._error = error

    async def _work(self, bootstrap: str, topic: str, group: str) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=500,
        )
        consumer.subscribe([topic], listener=_Nothing())
        await consumer.start()
        try:
            while not self._stop.is_set():
                self._assigned = {part.partition for part in consumer.assignment()}
                found = await consumer.getmany(timeout_ms=200)
                new = [to_got(record) for batch in found.values() for record in batch]
                if new:
                    await consumer.commit()
                    self._got = self._got + new
        finally:
            await consumer.stop()

    def _check(self) -> None:
        if self._error:
            raise Failed("aiokafka: group member: %r" % self._error)

    def assigned(self):
        self._check()
        return self._assigned

    def received(self):
        self._check()
        return self._got

    def stop(self):
        self._stop.set()
        self._thread.join(60)


class _Nothing(ConsumerRebalanceListener):
    async def on_partitions_revoked(self, revoked):
        pass

    async def on_partitions_assigned(self, assigned):
        pass
