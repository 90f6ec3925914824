"""Waxwing as its users run it: a configuration, a keyring, one process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.admin import AdminClient

from conformance import proc
from conformance.cluster import (
    REPOSITORY,
    Cluster,
    Embedded,
    Topic,
    create_topics,
    wait_for_leaders,
)
from conformance.proc import Child, Failed, Skipped

SEALED = "sealed"
PLAIN = "plain"


def binary() -> Path:
    """The executable under test: $WAXWING, else the release build of this checkout."""
    path = Path(os.environ.get("WAXWING", REPOSITORY / ".build" / "release" / "waxwing"))
    if not os.access(path, os.X_OK):
        raise Failed("%s is not there; build it: swift build -c release" % path)
    return path


@dataclass
class Way:
    """How clients reach the cluster: straight, or through Waxwing. Tests are written against it."""

    cluster: Cluster | Embedded
    bootstrap: str
    seals: bool = False
    waxwing: "Waxwing | None" = None

    @property
    def name(self) -> str:
        return "waxwing" if self.waxwing else "direct"

    def create_topics(self, topics: dict[str, Topic]) -> None:
        """Creates topics the way clients would, and waits until their leaders are seen there."""
        if self.cluster.embedded:
            self.cluster.create_topics(topics)
        else:
            admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
            create_topics(admin, topics, max_replicas=len(self.cluster.nodes))
            wait_for_leaders(admin, topics)

    def check(self) -> None:
        """Fails when Waxwing is no longer there."""
        if self.waxwing and not self.waxwing.child.running:
            raise Failed("Waxwing ended:\n" + self.waxwing.child.log_tail())

    def close(self) -> None:
        if self.waxwing:
            self.waxwing.stop()


def direct(cluster: Cluster | Embedded) -> Way:
    return Way(cluster, cluster.bootstrap)


def through(cluster: Cluster | Embedded, **options) -> Way:
    waxwing = Waxwing(cluster, **options)
    return Way(cluster, waxwing.bootstrap, seals=True, waxwing=waxwing)


def open_way(cluster: Cluster | Embedded, path: str, **options) -> Way:
    """`path` is "direct" or "waxwing"."""
    return direct(cluster) if path == "direct" else through(cluster, **options)


@dataclass
class Settings:
    """What a test may want to be different in the configuration."""

    bind: str = "127.0.0.1"
    advertise: str = "127.0.0.1"
    # Topic globs that are sealed, and that everybody may read in clear.
    sealed: list[str] = field(default_factory=lambda: ["sealed*"])
    grants: list[str] = field(default_factory=lambda: ["sealed*"])
    upstream: list[str] | None = None
    key: str = "customers"
    # Sections that stand in place of those that are made of the above, in YAML, with their names.
    keys: str | None = None
    protect: str | None = None
    read: str | None = None
    # Listener names, and who their clients are. `bootstrap` is the first one's.
    listeners: dict[str, str] = field(
        default_factory=lambda: {"clients": '{fixed: "User:conformance"}'}
    )
    # More sections.
    extra: str = ""


class Waxwing:
    """One process, started in the constructor."""

    def __init__(
        self,
        cluster: Cluster | Embedded,
        settings: Settings | None = None,
        keyring: Path | None = None,
        base: int | None = None,
        hosts_file: Path | None = None,
        mapped: tuple[int, ...] = (),
    ):
        """`base` is the port of bootstrap; node n is at `base + 1 + n`, or at a port of its own
        when it is in `mapped`. `keyring` is one of an earlier instance, to open what that one
        sealed. With `hosts_file`, only this process resolves the names in it (needs root or user
        namespaces).
        """
        self.settings = settings or Settings()
        self.directory = proc.temp_dir("run")
        ids = sorted(cluster.addresses)
        # Every port of the range is bound, whether or not there is a node for it.
        ranged = [id for id in ids if id not in mapped]
        count = 2 + max(ranged + [16])
        self.base = base or proc.free_base(list(range(count)))
        # The port of bootstrap of each listener. Only the first has ports of its own for nodes in
        # `mapped`.
        self.bases = {
            name: proc.free_base(list(range(count))) if index else self.base
            for index, name in enumerate(self.settings.listeners)
        }
        self.mapped = {id: proc.free_port() for id in mapped}
        self.ports = {id: self.base + 1 + id for id in ranged} | self.mapped
        self.last_port = self.base + count - 1
        self.keyring = keyring
        if self.keyring is None and self.settings.keys is None:
            self.keyring = make_keyring(self.directory)
        self.config = self.directory / "waxwing.yaml"
        self.config.write_text(self._yaml(cluster))
        argv = [str(binary()), "run", "--config", str(self.config)]
        if hosts_file:
            argv = with_hosts_file(hosts_file, argv)
        self.child = Child(argv, log=self.directory / "waxwing.log", name="waxwing")
        self.seconds_to_start = proc.wait_for_port(self.settings.bind, self.base, self.child)

    def _yaml(self, cluster: Cluster | Embedded) -> str:
        settings = self.settings
        upstream = settings.upstream or cluster.upstream.split(",")
        text = "cluster:\n  bootstrap: %s\nlisteners:\n" % json.dumps(upstream)
        span = self.last_port - self.base
        for name, base in self.bases.items():
            nodes = ", nodes: %s" % _flow(self.mapped) if self.mapped and base == self.base else ""
            text += """\
  - name: %s
    bind: %s
    advertise: %s
    ports: {bootstrap: %d, brokers: %d-%d%s}
    principal: %s
""" % (
                name, settings.bind, settings.advertise, base, base + 1, base + span, nodes,
                settings.listeners[name],
            )  # fmt: skip
        text += settings.keys or "keys:\n  local: {file: %s}\n" % self.keyring
        if settings.protect is not None:
            text += settings.protect
        elif settings.sealed:
            topics = json.dumps(settings.sealed)
            text += "protect:\n  - topics: %s\n    key: local/%s\n" % (topics, settings.key)
        if settings.read is not None:
            text += settings.read
        elif settings.grants:
            text += 'read:\n  - {principals: ["*"], topics: %s, show: clear}\n' % json.dumps(
                settings.grants
            )
        return text + settings.extra

    def at(self, listener: str) -> str:
        """What clients of that listener have for bootstrap."""
        return "%s:%d" % (self.settings.advertise, self.bases[listener])

    @property
    def bootstrap(self) -> str:
        return "%s:%d" % (self.settings.advertise, self.base)

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def log(self) -> str:
        return self.child.log.read_text(errors="replace")

    def rss_bytes(self) -> int:
        return proc.rss_bytes(self.pid)

    def cpu_seconds(self) -> float:
        return proc.cpu_seconds(self.pid)

    def stop(self) -> None:
        """SIGTERM, and the process must end by itself with status 0."""
        if not self.child.running:
            status = self.child.stop()
            raise Failed("Waxwing had ended with status %d:\n%s" % (status, self.child.log_tail()))
        self.child.signal(signal.SIGTERM)
        status = self.child.wait(60)
        self.child.stop()
        if status is None:
            raise Failed("Waxwing does not stop on SIGTERM:\n" + self.child.log_tail())
        if status != 0:
            raise Failed("Waxwing ended with status %d:\n%s" % (status, self.child.log_tail()))

    def kill(self) -> None:
        self.child.stop()


def _flow(mapping: dict[int, int]) -> str:
    return "{%s}" % ", ".join("%d: %d" % item for item in mapping.items())


def make_keyring(directory: Path) -> Path:
    """A new keyring file with one key, made with Waxwing's own command."""
    keyring = directory / "keyring.json"
    proc.run([str(binary()), "keys", "create", "--keyring", str(keyring), "customers"])
    mode = stat.S_IMODE(keyring.stat().st_mode)
    if mode & 0o077:
        raise Failed("the keyring was made with mode %o: others can read it" % mode)
    return keyring


def with_hosts_file(hosts_file: Path, argv: list[str]) -> list[str]:
    """A command in a mount namespace of its own, where /etc/hosts is `hosts_file`."""
    enter = mount_namespace()
    if enter is None:
        raise Skipped("no mount namespaces (needs root, or user namespaces)")
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    return [*enter, "sh", "-c", script, str(hosts_file), *argv]


def mount_namespace() -> list[str] | None:
    """The command that enters a new mount namespace, or None when this user may not."""
    if shutil.which("unshare") is None:
        return None
    for argv in (["unshare", "--mount"], ["unshare", "--mount", "--user", "--map-root-user"]):
        try:
            if (
                proc.run(
                    [*argv, "mount", "--bind", "/etc/hostname", "/etc/hosts"], check=False
                ).returncode
                == 0
            ):
                return argv
        except Failed:
            pass
    return None
