"""Kafka clusters on loopback: real ones of one or three nodes, or the mock inside librdkafka."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import struct
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from conformance import proc, wire
from conformance.proc import Child, Failed
from conformance.sasl import Sasl, java_property

REPOSITORY = Path(__file__).resolve().parent.parent

# Ids with gaps: a proxy that counts nodes instead of reading their ids fails with them.
SPARSE_IDS = (1, 20, 300)


def kafka_home(version: str = "4") -> Path | None:
    """Where a Kafka of that major version is: $KAFKA_HOME, else beside the checkout; or None."""
    wanted = os.environ.get("KAFKA_HOME")
    candidates = [Path(wanted)] if wanted else []
    beside = REPOSITORY.parent / "shared" / "kafka"
    candidates += sorted(beside.glob(version + ".*"), reverse=True)
    for home in candidates:
        if kafka_version(home).startswith(version) and java():
            return home
    return None


def kafka_version(home: Path) -> str:
    """The version by the name of the client jar, for example "4.3.1"; "" when there is none."""
    for jar in home.glob("libs/kafka-clients-*.jar"):
        found = re.fullmatch(r"kafka-clients-([\d.]+)\.jar", jar.name)
        if found:
            return found[1]
    return ""


def java() -> str | None:
    """The java command."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else shutil.which("java")


@dataclass
class Topic:
    """What a test wants of a topic."""

    partitions: int = 3
    replicas: int | None = None
    config: dict[str, str] = field(default_factory=dict)


@dataclass
class Node:
    """One broker: where it listens, what it stores, and its process while it runs.

    `port` is the listener that Waxwing uses, which tells `advertised`. The suite's own clients use
    `direct_port`: the same one, or a second listener where they cannot use what is advertised.
    """

    id: int
    port: int
    advertised: tuple[str, int]
    direct_port: int
    directory: Path
    properties: Path
    child: Child | None = None
    # Where clients log in, in a cluster with `Sasl`.
    sasl_port: int = 0


class Cluster:
    """A running cluster. Every node is broker and controller."""

    embedded = False

    def __init__(
        self,
        home: Path,
        ids: tuple[int, ...] = (1,),
        advertised: dict[int, tuple[str, int]] | None = None,
        hosts_file: Path | None = None,
        extra: dict[str, str] | None = None,
        sasl: Sasl | None = None,
        racks: bool = False,
    ):
        """`advertised` is the host and port that a node tells clients, where they are not those
        it listens on (port 0: the same port), and `hosts_file` is what the brokers resolve with.
        `extra` holds more broker properties. With `racks` every node is in a rack of its own,
        `rack-1` and so on, and consumers may read from the replica in theirs.
        """
        self.home = home
        self.version = kafka_version(home)
        self.label = "Kafka %s, %d node%s" % (self.version, len(ids), "s" * (len(ids) > 1))
        self.directory = proc.temp_dir("kafka")
        self.hosts_file = hosts_file
        self._clients: AdminClient | None = None
        # Node id to the port of its controller.
        self.quorum = quorum = {id: proc.free_port() for id in ids}
        voters = ",".join("%d@127.0.0.1:%d" % item for item in quorum.items())
        self.nodes: dict[int, Node] = {}
        for id in ids:
            port = proc.free_port()
            host, advertised_port = (advertised or {}).get(id, ("127.0.0.1", 0))
            node = Node(
                id,
                port,
                (host, advertised_port or port),
                proc.free_port() if advertised else port,
                self.directory / ("node-%d" % id),
                self.directory / ("node-%d.properties" % id),
            )
            node.sasl_port = proc.free_port() if sasl else 0
            self.nodes[id] = node
            lines = self._properties(node, voters, quorum[id], len(ids)) | (extra or {})
            lines |= sasl.properties() if sasl else {}
            if racks:
                lines["broker.rack"] = "rack-%d" % id
                selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
                lines["replica.selector.class"] = selector
            text = "".join(java_property(name, value) for name, value in lines.items())
            node.properties.write_text(text)
        self._format()
        for node in self.nodes.values():
            self._launch(node)
        for node in self.nodes.values():
            proc.wait_for_port("127.0.0.1", node.port, node.child)
        self.wait_until_complete()
        if sasl:
            sasl.create_scram(self)

    def _properties(self, node: Node, voters: str, quorum: int, count: int) -> dict[str, str]:
        replicas, in_sync = str(min(3, count)), str(min(2, count))
        second = ""
        if node.direct_port != node.port:
            second = ",DIRECT://127.0.0.1:%d" % node.direct_port
        if node.sasl_port:
            second += ",SASL://127.0.0.1:%d" % node.sasl_port
        return {
            "process.roles": "broker,controller",
            "node.id": str(node.id),
            "controller.quorum.voters": voters,
            "listeners": "PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d" % (node.port, quorum)
            + second,
            "advertised.listeners": "PLAINTEXT://%s:%d" % node.advertised + second,
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": ",".join(
                name + ":PLAINTEXT" for name in ("CONTROLLER", "PLAINTEXT", "DIRECT")
            )
            + ",SASL:SASL_PLAINTEXT",
            "log.dirs": str(node.directory),
            "num.partitions": "4",
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.num.partitions": "3",
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.num.partitions": "3",
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.num.partitions": "3",
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            "group.initial.rebalance.delay.ms": "0",
            "group.share.min.heartbeat.interval.ms": "500",
            "group.share.heartbeat.interval.ms": "500",
            "group.consumer.min.heartbeat.interval.ms": "500",
            "group.consumer.heartbeat.interval.ms": "500",
            "log.cleaner.backoff.ms": "500",
            "log.cleaner.dedupe.buffer.size": "4194304",
            "broker.session.timeout.ms": "3000",
            "controller.quorum.election.timeout.ms": "500",
            "controller.quorum.fetch.timeout.ms": "1500",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "background.threads": "4",
        }

    def _environment(self) -> dict[str, str]:
        environment = {
            "KAFKA_HEAP_OPTS": os.environ.get("KAFKA_HEAP_OPTS", "-Xmx256m"),
            "LOG_DIR": str(self.directory),
            # The quick compiler alone: a test broker lives too short for the other one.
            "KAFKA_TIER": os.environ.get("KAFKA_TIER", "1"),
        }
        if self.hosts_file:
            environment["KAFKA_OPTS"] = "-Djdk.net.hosts.file=%s" % self.hosts_file
        return environment

    def _format(self) -> None:
        """Formats the first node's directory with Kafka's tool and derives the others from it."""
        first, *others = self.nodes.values()
        cluster_id = random_id()
        argv = [self._tool("kafka-storage.sh"), "format", "-t", cluster_id]
        argv += ["-c", str(first.properties)]
        proc.run(argv, env=self._environment())
        for node in others:
            shutil.copytree(first.directory, node.directory)
            meta = node.directory / "meta.properties"
            text = re.sub(r"(?m)^node\.id=.*$", "node.id=%d" % node.id, meta.read_text())
            text = re.sub(r"(?m)^directory\.id=.*$", "directory.id=%s" % random_id(), text)
            meta.write_text(text)

    def _tool(self, name: str) -> str:
        return str(self.home / "bin" / name)

    def _launch(self, node: Node) -> None:
        node.child = Child(
            [self._tool("kafka-server-start.sh"), str(node.properties)],
            log=self.directory / ("node-%d.log" % node.id),
            env=self._environment(),
            name="Kafka node %d" % node.id,
        )

    # -- what tests ask

    @property
    def bootstrap(self) -> str:
        """For clients that go direct."""
        return ",".join("127.0.0.1:%d" % node.direct_port for node in self.nodes.values())

    @property
    def upstream(self) -> str:
        """For Waxwing."""
        return ",".join("127.0.0.1:%d" % node.port for node in self.nodes.values())

    @property
    def sasl_upstream(self) -> str:
        """For clients that log in, and for Waxwing when they do."""
        return ",".join("127.0.0.1:%d" % node.sasl_port for node in self.nodes.values())

    @property
    def addresses(self) -> dict[int, tuple[str, int]]:
        """Node id to the host and port that the node advertises."""
        return {node.id: node.advertised for node in self.nodes.values()}

    def admin(self) -> AdminClient:
        """An admin client that talks to the brokers directly."""
        if self._clients is None:
            self._clients = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        return self._clients

    def create_topics(self, topics: dict[str, Topic]) -> None:
        create_topics(self.admin(), topics, max_replicas=len(self.nodes))
        wait_for_leaders(self.admin(), topics)

    def set_group_config(self, group: str, name: str, value: str) -> None:
        """Sets one property of a group, as share groups have them."""
        resource = struct.pack(">b", 32) + wire.string(group) + struct.pack(">i", 1)
        resource += wire.string(name) + b"\x00" + wire.string(value)
        body = struct.pack(">i", 1) + resource + b"\x00"
        node = next(iter(self.nodes.values()))
        with wire.Connection(("127.0.0.1", node.direct_port)) as connection:
            answer = connection.exchange(wire.request(44, 0, 1, body))
        answer.int32(), answer.int32()
        if error := answer.int16():
            raise Failed("group %s: error %d: %s" % (group, error, answer.string()))

    def leader(self, topic: str, partition: int) -> int:
        """The id of the node that leads a partition now."""
        found = self.admin().list_topics(topic, timeout=30).topics[topic]
        return found.partitions[partition].leader

    def segments(self, topic: str) -> list[Path]:
        """The log segments of a topic on every node, running or not."""
        found = []
        for node in self.nodes.values():
            for path in sorted(node.directory.glob(topic + "-*/*.log")):
                if re.fullmatch(re.escape(topic) + r"-\d+", path.parent.name):
                    found.append(path)
        return found

    # -- what tests do to it

    def kill(self, id: int) -> None:
        """SIGKILL, as a machine that loses its power."""
        self.nodes[id].child.stop()

    def shut_down(self, id: int) -> None:
        """A controlled shutdown: the node hands its partitions over first."""
        self.nodes[id].child.stop(grace=60)

    def start(self, id: int) -> None:
        """Starts a node that was stopped, and waits until it is back with all its replicas."""
        self._launch(self.nodes[id])
        proc.wait_for_port("127.0.0.1", self.nodes[id].port, self.nodes[id].child)
        self.wait_until_complete()

    def restart(self, id: int) -> None:
        self.shut_down(id)
        self.start(id)

    def freeze(self, id: int, frozen: bool = True) -> None:
        """Stops a node in its tracks without closing a connection, or lets it go on."""
        self.nodes[id].child.signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def wait_until_complete(self, timeout: float = 90) -> None:
        """Waits until every node is in the metadata and every replica is in sync."""

        def complete() -> bool:
            try:
                seen = self.admin().list_topics(timeout=10)
            except KafkaException:
                return False
            in_sync = all(
                len(partition.isrs) == len(partition.replicas) and partition.leader >= 0
                for topic in seen.topics.values()
                for partition in topic.partitions.values()
            )
            return set(seen.brokers) == set(self.nodes) and in_sync

        proc.eventually("all nodes are up and in sync", complete, timeout, pause=0.2)

    def stop(self) -> None:
        for node in self.nodes.values():
            if node.child:
                node.child.stop()
        self._clients = None


class Embedded:
    """The mock cluster inside librdkafka: three brokers without disks, in this process.

    Enough for plain, idempotent, transactional and group clients of librdkafka and Python; it has
    no segments, no compaction, no share groups, and does not check what it stores.
    """

    embedded = True
    version = ""
    home = None
    label = "embedded (the mock cluster of librdkafka, 3 nodes)"

    def __init__(self):
        self._owner = Producer(
            {"bootstrap.servers": "127.0.0.1:1", "test.mock.num.brokers": 3, "log_level": 0}
        )
        seen = self._owner.list_topics(timeout=30)
        self.addresses = {node.id: (node.host, node.port) for node in seen.brokers.values()}
        self.bootstrap = ",".join("%s:%d" % address for address in self.addresses.values())
        self.upstream = self.bootstrap

    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def create_topics(self, topics: dict[str, Topic]) -> None:
        """The mock creates a topic, with four partitions, when somebody asks for it."""
        for topic in topics:
            self._owner.list_topics(topic, timeout=30)
        wait_for_leaders(self._owner, topics)

    def leader(self, topic: str, partition: int) -> int:
        return self._owner.list_topics(topic, timeout=30).topics[topic].partitions[partition].leader

    def segments(self, topic: str) -> list[Path]:
        return []

    def stop(self) -> None:
        self._owner = None


def start(ids: tuple[int, ...] = (1,), version: str = "4", **options) -> Cluster | Embedded:
    """A real cluster where a Kafka of that version is at hand, else the embedded one."""
    home = kafka_home(version)
    if home and os.environ.get("WAXWING_CONFORMANCE") != "embedded":
        return Cluster(home, ids, **options)
    return Embedded()


def start_real(ids: tuple[int, ...] = (1,), version: str = "4", **options) -> Cluster:
    """A real cluster, or `Skipped`."""
    home = kafka_home(version)
    if home is None or os.environ.get("WAXWING_CONFORMANCE") == "embedded":
        raise proc.Skipped("no Kafka %s.x with Java at hand ($KAFKA_HOME)" % version)
    return Cluster(home, ids, **options)


def random_id() -> str:
    """A Kafka UUID as text; one that starts with a dash would be taken for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def create_topics(admin: AdminClient, topics: dict[str, Topic], max_replicas: int) -> None:
    """Creates topics through any admin client and waits for the answer to each."""
    wanted = [
        NewTopic(
            name,
            num_partitions=topic.partitions,
            replication_factor=topic.replicas or max_replicas,
            config=topic.config,
        )
        for name, topic in topics.items()
    ]
    for name, future in admin.create_topics(wanted, operation_timeout=60).items():
        try:
            future.result()
        except KafkaException as error:
            raise Failed("topic %s: %s" % (name, error)) from None


def wait_for_leaders(client, topics) -> None:
    """Waits until every partition of the topics has a leader."""

    def led() -> bool:
        seen = client.list_topics(timeout=30).topics
        return all(
            name in seen
            and seen[name].partitions
            and all(partition.leader >= 0 for partition in seen[name].partitions.values())
            for name in topics
        )

    proc.eventually("every new partition has a leader", led)


def main() -> None:
    """Starts a cluster and keeps it until interrupted: `python -m conformance.cluster [nodes]`."""
    import sys

    ids = SPARSE_IDS if sys.argv[1:2] == ["3"] else (1,)
    running = start(ids)
    print(running.label, running.bootstrap, flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        running.stop()


if __name__ == "__main__":
    main()
