"""kcat as Debian ships it: an old librdkafka (2.0), with its own habits."""

from __future__ import annotations

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

# Everything with its length in front, so that any value can be taken apart again.
FORMAT = r"%p %o %T %K %S %h\n%k%s\n"
HEAD = re.compile(rb"(\d+) (\d+) (-?\d+) (-?\d+) (-?\d+) ([^\n]*)\n")


def parse(output: bytes) -> tuple[list[Got], bytes]:
    """The records in kcat's output and the incomplete rest."""
    got, at = [], 0
    while head := HEAD.match(output, at):
        partition, offset, timestamp, key_size, value_size = map(int, head.groups()[:5])
        start = head.end()
        middle = start + max(0, key_size)
        end = middle + max(0, value_size)
        if len(output) < end + 1:
            break
        key = output[start:middle] if key_size >= 0 else None
        value = output[middle:end] if value_size >= 0 else None
        got.append(Got(partition, offset, timestamp, key, value, _headers(head[6])))
        at = end + 1
    return got, output[at:]


def _headers(text: bytes) -> tuple:
    """kcat prints `a=1,b=NULL`, so headers must be text without a comma."""
    pairs = [pair.partition(b"=") for pair in text.split(b",") if pair]
    return tuple(
        (name.decode(errors="replace"), None if value == b"NULL" else value)
        for name, _, value in pairs
    )


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
        argv += ["-X", "isolation.level=" + level, "-X", "check.crcs=true", "-f", FORMAT]
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
        argv = ["kcat", "-b", bootstrap, "-f", FORMAT, "-u"]
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
