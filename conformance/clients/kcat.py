"""kcat as Debian ships it: an old librdkafka (2.0), with its own habits."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import uuid

from conformance import proc
from conformance.clients.base import Client, Member
from conformance.proc import Child, Failed
from conformance.records import Got

# One record a line. It is the only form of kcat's in which any header can be taken apart again.
FORM = "-J"


def parse(output: bytes) -> tuple[list[Got], bytes]:
    """The records in kcat's output and the incomplete rest.

    kcat escapes what JSON must have escaped and leaves all else as it is, whether it is UTF-8 or
    not; so one character of Latin-1 is one byte.
    """
    lines = output.split(b"\n")
    return [_record(json.loads(line.decode("latin-1"))) for line in lines[:-1]], lines[-1]


def _record(line: dict) -> Got:
    headers = line.get("headers", [])
    return Got(
        line["partition"], line["offset"], line["ts"], _bytes(line["key"]),
        _bytes(line["payload"]),
        tuple(
            (_bytes(name).decode(errors="replace"), _bytes(value))
            for name, value in zip(headers[::2], headers[1::2], strict=True)
        ),
    )  # fmt: skip


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")


class Kcat(Client):
    name = "kcat"
    binary = False

    def unavailable(self):
        return None if shutil.which("kcat") else "kcat is not installed"

    def _produce(self, bootstrap, topic, records, codec, settings) -> list[str]:
        argv = ["kcat", "-P", "-b", bootstrap, "-t", topic, "-K", r"\t", "-z", codec]
        argv += ["-X", "linger.ms=20", *settings]
        for name, value in records[0].headers:
            argv += ["-H", name if value is None else "%s=%s" % (name, value.decode())]
        return argv

    def produce(self, bootstrap, topic, records, codec, idempotent=False):
        settings = ["-X", "enable.idempotence=%s" % str(idempotent).lower()]
        argv = self._produce(bootstrap, topic, records, codec, settings)
        proc.run(argv, input=_lines(records))

    def transact(self, bootstrap, topic, steps, codec):
        """One kcat per transaction: it commits at the end of its input.

        One that is interrupted leaves its transaction open, and the next one with the same id
        makes the broker abort it; so the last step must be a commit.
        """
        settings = ["-X", "transactional.id=tx-" + uuid.uuid4().hex]
        sent = 0
        for records, commit in steps:
            sent += len(records)
            argv = self._produce(bootstrap, topic, records, codec, settings)
            if commit:
                proc.run(argv, input=_lines(records))
                continue
            child = Child(argv, stdin=subprocess.PIPE, log=proc.temp_dir("kcat") / "log")
            child.popen.stdin.write(_lines(records))
            child.popen.stdin.flush()
            proc.eventually(
                "kcat has sent what shall be aborted",
                # It keeps the last line until another comes.
                lambda: self._count(bootstrap, topic) >= sent - 1, pause=0.3,
            )  # fmt: skip
            child.signal(signal.SIGKILL)
            child.stop()

    def _count(self, bootstrap: str, topic: str) -> int:
        """The number of records of the topic, uncommitted ones included."""
        argv = ["kcat", "-C", "-e", "-q", "-b", bootstrap, "-t", topic, "-o", "beginning"]
        argv += ["-X", "isolation.level=read_uncommitted", "-f", "."]
        return len(proc.run(argv).stdout)

    def consume(self, bootstrap, topic, count, committed=False):
        level = "read_committed" if committed else "read_uncommitted"
        argv = ["kcat", "-C", "-e", "-q", "-b", bootstrap, "-t", topic, "-o", "beginning"]
        argv += ["-X", "isolation.level=" + level, "-X", "check.crcs=true", FORM]
        got, rest = parse(proc.run(argv).stdout)
        if rest:
            raise Failed("kcat: unreadable output %r" % rest[:80])
        return got

    def member(self, bootstrap, topic, group, protocol="classic"):
        return KcatMember(bootstrap, topic, group)


def _lines(records) -> bytes:
    return b"".join((one.key or b"") + b"\t" + one.value + b"\n" for one in records)


class KcatMember(Member):
    def __init__(self, bootstrap: str, topic: str, group: str):
        log = proc.temp_dir("kcat") / "member.log"
        argv = ["kcat", "-b", bootstrap, FORM, "-u"]
        for setting in ("auto.offset.reset=earliest", "session.timeout.ms=10000",
                        "heartbeat.interval.ms=500", "auto.commit.interval.ms=100"):  # fmt: skip
            argv += ["-X", setting]
        argv += ["-G", group, topic]
        self._child = Child(argv, log=log, stdout=subprocess.PIPE)
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

    def assigned(self):
        """kcat tells its rebalances on standard error."""
        assigned: set[int] = set()
        for line in self._child.log.read_text(errors="replace").splitlines():
            if "rebalanced" in line or "assigned" in line or "revoked" in line:
                partitions = {int(number) for number in re.findall(r"\[(\d+)\]", line)}
                if "revoked" in line:
                    assigned -= partitions
                elif "assigned" in line:
                    assigned = partitions
        return assigned

    def received(self):
        if not self._child.running:
            raise Failed("kcat: the group member ended: " + self._child.log_tail())
        return parse(bytes(self._output))[0]

    def stop(self):
        self._child.stop(grace=30)
        self._thread.join(10)
