"""Runs clients in another place, say a network namespace, told by JSON lines on standard input."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

from conformance import proc
from conformance.cluster import REPOSITORY
from conformance.proc import Child, Failed


class Remote:
    """The near end: each call is one line to the worker and one line back."""

    def __init__(self, enter=lambda argv: argv):
        argv = enter([sys.executable, "-m", "conformance.worker"])
        self._child = Child(
            argv, log=proc.temp_dir("worker") / "log", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={"PYTHONPATH": str(REPOSITORY)}, name="worker",
        )  # fmt: skip

    def call(self, do: str, **arguments):
        line = json.dumps({"do": do, **arguments}) + "\n"
        self._child.popen.stdin.write(line.encode())
        self._child.popen.stdin.flush()
        answer = self._child.popen.stdout.readline()
        if not answer:
            raise Failed("the worker ended: " + self._child.log_tail())
        result = json.loads(answer)
        if "error" in result:
            raise Failed(result["error"])
        return result["result"]

    def close(self) -> None:
        self._child.stop()


# -- the far end


class Flow:
    """A producer and a consumer that go on while something happens to the cluster."""

    def __init__(self, bootstrap: str, topic: str, partitions: int):
        from confluent_kafka import Consumer, Producer

        self.partitions = partitions
        self.sent = 0
        self.acknowledged = 0
        self.errors: list[str] = []
        self.received: dict[bytes, int] = {}
        self._topic = topic
        self._stop = threading.Event()
        self._done = threading.Event()
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0,
             "message.timeout.ms": 120_000}
        )  # fmt: skip
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "flow-" + topic, "log_level": 0,
             "auto.offset.reset": "earliest", "enable.auto.commit": True}
        )  # fmt: skip
        self._consumer.subscribe([topic])
        self._threads = [
            threading.Thread(target=self._send, daemon=True),
            threading.Thread(target=self._read, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _delivered(self, error, _message) -> None:
        if error:
            self.errors.append(str(error))
        else:
            self.acknowledged += 1

    def _send(self) -> None:
        while not self._stop.wait(0.005):
            self._producer.produce(
                self._topic, b"flow-%d" % self.sent, partition=self.sent % self.partitions,
                on_delivery=self._delivered,
            )  # fmt: skip
            self.sent += 1
            self._producer.poll(0)
        self._producer.flush(120)

    def _read(self) -> None:
        while not self._done.is_set():
            for message in self._consumer.consume(500, 0.2):
                if message.error() is None:
                    value = message.value()
                    self.received[value] = self.received.get(value, 0) + 1
        self._consumer.close()

    def progress(self) -> list[int]:
        return [self.acknowledged, len(self.received)]

    def stop(self) -> dict:
        self._stop.set()
        self._threads[0].join()
        guard = time.monotonic() + 90
        while len(self.received) < self.acknowledged and time.monotonic() < guard:
            time.sleep(0.1)
        self._done.set()
        self._threads[1].join()
        return {
            "sent": self.sent,
            "acknowledged": self.acknowledged,
            "received": len(self.received),
            "strange": sum(1 for value in self.received if not value.startswith(b"flow-")),
            "errors": self.errors[:3],
        }


class Work:
    """What the worker can do."""

    flow: Flow | None = None

    def metadata(self, bootstrap: str, topic: str) -> dict:
        """The nodes and the leaders of a topic, as librdkafka learns them."""
        from confluent_kafka import Producer

        seen = Producer({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=30)
        partitions = seen.topics[topic].partitions if topic in seen.topics else {}
        return {
            "nodes": {node.id: [node.host, node.port] for node in seen.brokers.values()},
            "leaders": {part.id: part.leader for part in partitions.values()},
        }

    def reach(self, addresses: list) -> list[str]:
        """Those of the addresses that accept a connection from here."""
        import socket

        open_ones = []
        for host, port in addresses:
            try:
                socket.create_connection((host, port), 2).close()
                open_ones.append("%s:%d" % (host, port))
            except OSError:
                pass
        return open_ones

    def round_trip(
        self, client: str, bootstrap: str, topic: str, partitions: int, home: str | None
    ) -> list[str]:
        """Writes to every partition and reads everything back."""
        from conformance.clients import all_clients
        from conformance.records import (
            Record,
            compare_with_sent,
            make_binary,
            make_text,
            new_marker,
        )

        clients = {one.name: one for one in all_clients(Path(home) if home else None)}
        chosen = clients[client]
        if chosen.binary:
            sent = make_binary(new_marker(), 20 * partitions, partitions, chosen.null_headers)
        else:
            sent = [
                Record(b"%d" % index, one.value, one.headers)
                for index, one in enumerate(make_text(new_marker(), 40 * partitions))
            ]
        chosen.produce(bootstrap, topic, sent, "lz4")
        got = chosen.consume(bootstrap, topic, len(sent))
        problems = compare_with_sent(sent, got)
        used = {one.partition for one in got}
        if used != set(range(partitions)):
            problems.append("only partitions %s were used" % sorted(used))
        return problems

    def administer(self, bootstrap: str, topic: str) -> list[str]:
        """All that an admin client can ask; returns the addresses that it was told."""
        from confluent_kafka import TopicCollection
        from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec, ResourceType
        from confluent_kafka import TopicPartition

        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        described = admin.describe_cluster().result(30)
        told = {"%s:%d" % (node.host, node.port) for node in described.nodes}
        told.add("%s:%d" % (described.controller.host, described.controller.port))
        topics = admin.describe_topics(TopicCollection([topic]))[topic].result(30)
        for part in topics.partitions:
            for node in [part.leader, *part.replicas, *part.isr]:
                told.add("%s:%d" % (node.host, node.port))
        admin.list_consumer_groups().result(30)
        spec = {TopicPartition(topic, 0): OffsetSpec.latest()}
        for future in admin.list_offsets(spec).values():
            future.result(30)
        for future in admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values():
            future.result(30)
        return sorted(told)

    def broker_configs(self, bootstrap: str, id: int) -> dict:
        """Configuration values of a broker that may hold addresses."""
        from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        resource = ConfigResource(ResourceType.BROKER, str(id))
        entries = admin.describe_configs([resource])[resource].result(30)
        names = ("listeners", "advertised.listeners", "controller.quorum.voters")
        return {name: entries[name].value for name in names if name in entries}

    def flow_start(self, bootstrap: str, topic: str, partitions: int) -> None:
        self.flow = Flow(bootstrap, topic, partitions)

    def flow_progress(self) -> list[int]:
        return self.flow.progress()

    def flow_stop(self) -> dict:
        result = self.flow.stop()
        self.flow = None
        return result


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr
    work = Work()
    for line in sys.stdin:
        arguments = json.loads(line)
        try:
            answer = {"result": getattr(work, arguments.pop("do"))(**arguments)}
        except Failed as error:
            answer = {"error": str(error)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
