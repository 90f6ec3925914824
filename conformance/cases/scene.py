"""A cluster behind Waxwing with an honest client at work, for cases that misbehave beside it."""

from __future__ import annotations

import os
import threading
import time

from conformance import cluster, proc, wire
from conformance.cluster import Topic
from conformance.proc import Failed
from conformance.waxwing import SEALED, Way, through

from confluent_kafka import Consumer, Producer

TOPIC = SEALED + "-bad"
GOOD = SEALED + "-good"
BIG = SEALED + "-big"
PLAIN_TOPIC = "plain-bad"

MEBIBYTE = 1 << 20


class Bystander:
    """An honest client that works all the time; its records and errors are counted."""

    def __init__(self, bootstrap: str):
        self.sent = self.received = 0
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0,
             "error_cb": self._error, "message.timeout.ms": 60_000}
        )  # fmt: skip
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "bystander", "log_level": 0,
             "auto.offset.reset": "earliest", "error_cb": self._error}
        )  # fmt: skip
        self._consumer.subscribe([GOOD])
        self._threads = [
            threading.Thread(target=self._send, daemon=True),
            threading.Thread(target=self._read, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _error(self, error) -> None:
        self.errors.append(str(error))

    def _delivered(self, error, _message) -> None:
        if error:
            self.errors.append(str(error))

    def _send(self) -> None:
        while not self._stop.is_set():
            self._producer.produce(GOOD, b"good-%d" % self.sent, on_delivery=self._delivered)
            self.sent += 1
            self._producer.poll(0)
            self._stop.wait(0.01)
        self._producer.flush(60)

    def _read(self) -> None:
        guard = None
        while not (self._stop.is_set() and self.received >= self.sent):
            for message in self._consumer.consume(100, 0.2):
                if message.error():
                    self.errors.append(str(message.error()))
                elif message.value().startswith(b"good-"):
                    self.received += 1
                else:
                    self.errors.append("a strange value came")
            if self._stop.is_set():
                guard = guard or time.monotonic() + 60
                if time.monotonic() > guard:
                    break
        self._consumer.close()

    def check(self) -> None:
        if self.errors:
            raise Failed("an honest client was disturbed: %s" % self.errors[:3])
        before = self.received
        proc.eventually("the honest client goes on", lambda: self.received > before + 10)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.received != self.sent or self.errors:
            raise Failed("sent %d, received %d, %s" % (self.sent, self.received, self.errors[:3]))


class Scene:
    def __init__(self):
        self.cluster = cluster.start_real()
        self.way: Way = through(self.cluster)
        self.waxwing = self.way.waxwing
        self.address = ("127.0.0.1", self.waxwing.ports[1])
        self.way.create_topics(
            {
                TOPIC: Topic(1),
                GOOD: Topic(2),
                BIG: Topic(1, config={"max.message.bytes": str(16 * MEBIBYTE)}),
                PLAIN_TOPIC: Topic(1),
            }
        )
        self.bystander = Bystander(self.way.bootstrap)
        self.rss_most = 0
        self._watching = threading.Event()
        self._watch = threading.Thread(target=self._measure, daemon=True)
        self._watch.start()

    def _measure(self) -> None:
        while not self._watching.wait(0.05) and self.waxwing.child.running:
            try:
                self.rss_most = max(self.rss_most, self.waxwing.rss_bytes())
            except OSError:
                return

    def end_watch(self) -> None:
        self._watching.set()
        self._watch.join()

    def stored(self, topic: str) -> bytes:
        return b"".join(path.read_bytes() for path in self.cluster.segments(topic))

    def descriptors(self) -> int:
        return len(os.listdir("/proc/%d/fd" % self.waxwing.pid))


def expect_closed(connection: wire.Connection, patience: float = 30) -> None:
    """The peer must close; anything that it says before is allowed."""
    connection.socket.settimeout(patience)
    try:
        while connection.socket.recv(65536):
            pass
    except TimeoutError:
        raise Failed("the connection stays open") from None
    except ConnectionError:
        pass


def says_why(scene: Scene, text: str) -> None:
    """The log tells of it. A line that repeats is written only a few times in ten seconds, so the
    whole log is looked through."""
    proc.eventually("a log line with `%s`" % text, lambda: text in scene.waxwing.log, timeout=10)


def refuses(scene: Scene, data: bytes, says: str, keep_writing: bool = False) -> None:
    """The bytes get the connection closed, and a line in the log says why."""
    with wire.Connection(scene.address) as connection:
        try:
            connection.send(data)
            if keep_writing:
                for _ in range(64):
                    connection.send(bytes(MEBIBYTE))
        except OSError:
            pass
        expect_closed(connection)
    says_why(scene, says)
