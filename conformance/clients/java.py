"""Kafka's own command-line tools: the Java client. Every call starts a JVM, so calls are few."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import uuid
from collections import Counter
from pathlib import Path

from conformance import proc
from conformance.clients.base import Client, Member
from conformance.proc import Child, Failed
from conformance.records import Got, Record

# The tools read and write lines; these stand in no test record.
FIELD = "|"
NULL = "<null>"
ENVIRONMENT = {"KAFKA_HEAP_OPTS": "-Xmx160m", "KAFKA_TIER": "1"}


class Java(Client):
    name = "java"
    binary = False

    def __init__(self, home: Path | None):
        self.home = home
        self.log_directory = proc.temp_dir("java")

    def unavailable(self):
        return None if self.home else "no Kafka tools at hand ($KAFKA_HOME)"

    def _tool(self, name: str) -> str:
        return str(self.home / "bin" / name)

    def _environment(self) -> dict[str, str]:
        return ENVIRONMENT | {"LOG_DIR": str(self.log_directory)}

    def _run(self, argv: list[str], input: bytes | None = None) -> bytes:
        done = proc.run(argv, input=input, env=self._environment())
        complaint = done.stderr.decode(errors="replace")
        # The producers go on after an error and end with status 0.
        if "ERROR" in complaint or "Exception" in complaint:
            raise Failed("%s: %s" % (Path(argv[0]).name, complaint[-1500:]))
        return done.stdout

    @property
    def _producer_option(self) -> str:
        from conformance.cluster import kafka_version

        old = kafka_version(self.home).startswith("3")
        return "--producer-property" if old else "--command-property"

    # -- console producer and consumer

    def produce(self, bootstrap, topic, records, codec, idempotent=False):
        argv = [self._tool("kafka-console-producer.sh"), "--bootstrap-server", bootstrap]
        argv += ["--topic", topic, "--compression-codec", codec]
        for setting in (
            "enable.idempotence=" + str(idempotent).lower(), "acks=all", "linger.ms=20",
        ):  # fmt: skip
            argv += [self._producer_option, setting]
        for setting in (
            "parse.key=true", "parse.headers=true", "key.separator=" + FIELD,
            "headers.delimiter=" + FIELD, "null.marker=" + NULL,
        ):  # fmt: skip
            argv += ["--property" if self._is_old else "--reader-property", setting]
        self._run(argv, input=b"".join(map(_line, records)))

    @property
    def _is_old(self) -> bool:
        return self._producer_option == "--producer-property"

    def consume(self, bootstrap, topic, count, committed=False):
        argv = [self._tool("kafka-console-consumer.sh"), "--bootstrap-server", bootstrap]
        argv += ["--topic", topic, "--from-beginning", "--max-messages", str(count)]
        argv += ["--timeout-ms", "60000"]
        argv += ["--isolation-level", "read_committed" if committed else "read_uncommitted"]
        for setting in (
            "print.timestamp=true", "print.partition=true", "print.offset=true",
            "print.headers=true", "print.key=true", "key.separator=" + FIELD,
            "null.literal=" + NULL,
        ):  # fmt: skip
            argv += ["--property" if self._is_old else "--formatter-property", setting]
        return [_parse(line) for line in self._run(argv).splitlines()]

    # -- the perf tool, for transactions

    def transact(self, bootstrap, topic, steps, codec):
        """The perf tool sends records by lot from a file and commits; it never aborts."""
        for records, _ in steps:
            with tempfile.NamedTemporaryFile(suffix=".txt") as file:
                file.write(b"\n".join(one.value for one in records))
                file.flush()
                argv = [self._tool("kafka-producer-perf-test.sh"), "--topic", topic]
                argv += ["--num-records", str(len(records)), "--throughput", "-1"]
                argv += ["--payload-file", file.name, "--transactional-id", uuid.uuid4().hex]
                argv += ["--transaction-duration-ms", "100"]
                argv += [
                    "--producer-props" if self._is_old else "--command-property",
                    "bootstrap.servers=" + bootstrap, "compression.type=" + codec,
                ]  # fmt: skip
                self._run(argv)

    # -- verifiable tools

    def verifiable_produce(
        self, bootstrap: str, topic: str, prefix: int, count: int, codec: str
    ) -> list[Record]:
        """Idempotent, as the Java client is by default; returns the records that it tells of."""
        with tempfile.NamedTemporaryFile("w", suffix=".properties") as file:
            file.write("compression.type=%s\nlinger.ms=20\n" % codec)
            file.flush()
            argv = [self._tool("kafka-verifiable-producer.sh"), "--bootstrap-server", bootstrap]
            argv += ["--topic", topic, "--max-messages", str(count), "--value-prefix", str(prefix)]
            argv += ["--repeating-keys", "5"]
            argv += ["--producer.config" if self._is_old else "--command-config", file.name]
            events = list(map(json.loads, self._run(argv).splitlines()))
        kinds = Counter(event["name"] for event in events)
        if kinds["producer_send_success"] != count or kinds["producer_send_error"]:
            raise Failed("kafka-verifiable-producer: %s" % dict(kinds))
        return [
            Record(event["key"].encode(), event["value"].encode(), (), None, event["partition"])
            for event in events
            if event["name"] == "producer_send_success"
        ]

    def member(self, bootstrap, topic, group, protocol="classic"):
        argv = [self._tool("kafka-verifiable-consumer.sh"), "--bootstrap-server", bootstrap]
        argv += ["--topic", topic, "--group-id", group, "--verbose"]
        argv += ["--group-protocol", protocol]
        if protocol == "classic":
            argv += ["--session-timeout", "10000"]
        return JavaMember(argv, self._environment(), self.log_directory)

    def share(self, bootstrap, topic, group, count):
        argv = [self._tool("kafka-verifiable-share-consumer.sh"), "--bootstrap-server", bootstrap]
        argv += ["--topic", topic, "--group-id", group, "--verbose"]
        argv += ["--max-messages", str(count), "--acknowledgement-mode", "sync"]
        argv += ["--offset-reset-strategy", "earliest"]
        return _records(self._run(argv))


def _line(one: Record) -> bytes:
    headers = ",".join(
        "%s:%s" % (name, NULL if value is None else value.decode()) for name, value in one.headers
    )
    key = NULL.encode() if one.key is None else one.key
    # The null marker for "no headers at all", which an empty field would not be.
    front = headers.encode() if headers else NULL.encode()
    return front + FIELD.encode() + key + FIELD.encode() + one.value + b"\n"


def _parse(line: bytes) -> Got:
    stamp, partition, offset, headers, key, value = line.split(FIELD.encode(), 5)
    null = NULL.encode()
    pairs = []
    if headers != b"NO_HEADERS":
        for pair in headers.split(b","):
            name, _, content = pair.partition(b":")
            pairs.append((name.decode(), None if content == null else content))
    return Got(
        int(partition.split(b":")[1]),
        int(offset.split(b":")[1]),
        int(stamp.split(b":")[1]),
        None if key == null else key,
        None if value == null else value,
        tuple(pairs),
    )


def _records(output: bytes) -> list[Got]:
    """The records in the JSON lines of a verifiable consumer, which tells no headers or times."""
    got = []
    for line in output.splitlines():
        if b'"record_data"' not in line:
            continue
        event = json.loads(line)
        key, value = event["key"], event["value"]
        got.append(
            Got(
                event["partition"],
                event["offset"],
                None,
                None if key is None else key.encode(),
                None if value is None else value.encode(),
            )
        )
    return got


class JavaMember(Member):
    def __init__(self, argv: list[str], environment: dict[str, str], directory: Path):
        self._child = Child(
            argv, log=directory / "member.log", env=environment, stdout=subprocess.PIPE
        )
        self._output = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        descriptor = self._child.popen.stdout.fileno()
        try:
            while part := os.read(descriptor, 1 << 16):
                self._output += part
        except OSError:
            pass

    def _lines(self) -> list[bytes]:
        if not self._child.running:
            raise Failed("the Java group member ended: " + self._child.log_tail())
        return bytes(self._output).rpartition(b"\n")[0].splitlines()

    def assigned(self):
        assigned: set[int] = set()
        for line in self._lines():
            if b'"partitions_' not in line:
                continue
            event = json.loads(line)
            partitions = {part["partition"] for part in event["partitions"]}
            if event["name"] == "partitions_assigned":
                assigned |= partitions
            elif event["name"] == "partitions_revoked":
                assigned -= partitions
        return assigned

    def received(self):
        return _records(b"\n".join(self._lines()))

    def stop(self):
        self._child.stop(grace=30)
        self._thread.join(10)
