"""The ways from a client to the broker that are compared, and what each of them costs."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from conformance import proc
from conformance.cluster import Cluster
from conformance.proc import Child, Failed, Skipped
from conformance.waxwing import PLAIN, SEALED, Settings, Waxwing, binary, make_keyring

BROKER_ID = 1


class BenchCluster(Cluster):
    """One broker with a second listener that it advertises under a relay's address.

    HAProxy does not know Kafka's protocol: a client that comes through it must be told HAProxy's
    own port, so the broker has a listener that says so.
    """

    def __init__(self, home: Path, port: int | None = None):
        self._port = port
        self.relay_address = ("127.0.0.1", proc.free_port())
        self.behind_relay = ("127.0.0.1", proc.free_port())
        super().__init__(home, (BROKER_ID,))

    def _properties(self, node, voters, quorum, count) -> dict[str, str]:
        node.port = self._port or node.port
        lines = super()._properties(node, voters, quorum, count)
        lines["listeners"] += ",RELAY://%s:%d" % self.behind_relay
        lines["advertised.listeners"] += ",RELAY://%s:%d" % self.relay_address
        lines["listener.security.protocol.map"] += ",RELAY:PLAINTEXT"
        # What topics leave behind is removed at once: a run writes gigabytes.
        lines["log.segment.delete.delay.ms"] = "1000"
        return lines


class Way:
    """One way to the broker. `start` and `stop` may be called again and again."""

    name = ""
    # What topics are called on this way; Waxwing decides by it whether to seal.
    topic_prefix = PLAIN
    bootstrap = ""
    pid: int | None = None

    def start(self) -> None:
        """Runs the proxy afresh."""

    def stop(self) -> None:
        """Ends it."""

    @property
    def can_restart(self) -> bool:
        """Whether the bench itself starts what stands in the way."""
        return self.pid is not None

    def cpu_seconds(self) -> float:
        return proc.cpu_seconds(self.pid) if self.pid else 0.0

    def rss_bytes(self) -> int:
        return proc.rss_bytes(self.pid) if self.pid else 0

    def seconds_to_accept(self) -> float | None:
        """From starting the process to the first connection it accepts; None when not ours."""
        return None


class Direct(Way):
    name = "direct"

    def __init__(self, cluster: BenchCluster):
        self.bootstrap = cluster.bootstrap


class HAProxy(Way):
    """HAProxy in TCP mode with one thread, as Debian ships it."""

    name = "HAProxy, TCP"

    def __init__(self, cluster: BenchCluster):
        if shutil.which("haproxy") is None and not Path("/usr/sbin/haproxy").exists():
            raise Skipped("haproxy is not installed")
        self.address = cluster.relay_address
        self.bootstrap = "%s:%d" % cluster.relay_address
        self.directory = proc.temp_dir("haproxy")
        self.config = self.directory / "haproxy.cfg"
        self.config.write_text(
            "global\n  nbthread 1\n  maxconn 4096\n"
            "defaults\n  mode tcp\n  timeout connect 5s\n"
            "  timeout client 10m\n  timeout server 10m\n"
            "listen kafka\n  bind %s:%d\n" % cluster.relay_address
            + "  server broker %s:%d\n" % cluster.behind_relay
        )
        self.argv = [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", str(self.config)]
        self.child: Child | None = None

    def start(self) -> None:
        self.child = Child(self.argv, log=self.directory / "haproxy.log", name="haproxy")
        proc.wait_for_port(*self.address, self.child)
        self.pid = self.child.pid

    def stop(self) -> None:
        if self.child:
            self.child.stop()
        self.child, self.pid = None, None

    def seconds_to_accept(self) -> float:
        return seconds_to_accept(self.argv, self.address)


class WaxwingWay(Way):
    """Waxwing without a rule, or sealing and opening whole values."""

    def __init__(self, cluster: BenchCluster, seals: bool):
        binary()
        self.cluster = cluster
        self.seals = seals
        self.name = "Waxwing, sealing" if seals else "Waxwing, no rule"
        self.topic_prefix = SEALED if seals else PLAIN
        self.keyring = make_keyring(proc.temp_dir("keyring"))
        self.waxwing: Waxwing | None = None
        rules = [SEALED + "*"] if seals else []
        self.settings = dataclasses.replace(Settings(), sealed=rules, grants=rules)

    def start(self) -> None:
        self.waxwing = Waxwing(self.cluster, self.settings, keyring=self.keyring)
        self.pid, self.bootstrap = self.waxwing.pid, self.waxwing.bootstrap

    def stop(self) -> None:
        if self.waxwing:
            self.waxwing.stop()
        self.waxwing, self.pid = None, None

    def seconds_to_accept(self) -> float:
        """Starts the same configuration again, with the ports that a stopped instance had."""
        instance = Waxwing(self.cluster, self.settings, keyring=self.keyring)
        instance.stop()
        argv = [str(binary()), "run", "--config", str(instance.config)]
        return seconds_to_accept(argv, (self.settings.bind, instance.base))


class Foreign(Way):
    """A proxy that the user started: where it listens and, for its costs, its process id."""

    def __init__(self, description: str):
        parts = description.rsplit(",", 2)
        if len(parts) != 3 or not parts[2].isdigit():
            raise Failed("--proxy wants NAME,HOST:PORT,PID and not %r" % description)
        self.name, self.bootstrap, self.pid = parts[0], parts[1], int(parts[2]) or None
        if self.pid and not Path("/proc/%d/stat" % self.pid).exists():
            raise Failed("--proxy %s: there is no process %d" % (self.name, self.pid))

    @property
    def can_restart(self) -> bool:
        return False


def seconds_to_accept(argv: list[str], address: tuple[str, int], timeout: float = 30) -> float:
    """Starts a command and tries to connect every half millisecond until it accepts."""
    begin = time.monotonic()
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while time.monotonic() - begin < timeout:
            try:
                socket.create_connection(address, 1).close()
                return time.monotonic() - begin
            except OSError:
                if process.poll() is not None:
                    raise Failed("%s ended before it listened" % argv[0]) from None
                time.sleep(0.0005)
        raise Failed("%s does not accept after %d s" % (argv[0], timeout))
    finally:
        process.kill()
        process.wait()


def available(
    cluster: BenchCluster, foreign: list[str], wanted: str | None
) -> tuple[list[Way], list[str]]:
    """The ways that this machine has, started, and why others are missing."""
    makers = [
        lambda: Direct(cluster),
        lambda: HAProxy(cluster),
        lambda: WaxwingWay(cluster, seals=False),
        lambda: WaxwingWay(cluster, seals=True),
    ]
    ways: list[Way] = []
    missing: list[str] = []
    for make in makers:
        try:
            ways.append(make())
        except (Skipped, Failed) as error:
            missing.append(str(error).replace(os.getcwd() + "/", ""))
    ways += [Foreign(description) for description in foreign]
    if wanted:
        ways = [way for way in ways if any(word in way.name for word in wanted.split(","))]
    for way in ways:
        way.start()
    return ways, sorted(set(missing))
