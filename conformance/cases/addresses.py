"""A client that can reach only Waxwing works against every partition, and learns no other address.

python -m conformance.cases.addresses [--path direct|waxwing]
"""

from __future__ import annotations

import struct
import sys
import time
from functools import partial

from conformance import batches, cluster, proc, report, wire
from conformance.batches import uvarint
from conformance.cases import end, options
from conformance.cluster import SPARSE_IDS, Topic
from conformance.netns import Island
from conformance.proc import Failed, Skipped
from conformance.records import new_marker
from conformance.report import expect
from conformance.scan import Scanner
from conformance.waxwing import PLAIN, SEALED, Settings, Waxwing, Way, direct, mount_namespace
from conformance.worker import Remote

PARTITIONS = 6
# Where clients find Waxwing when there is no namespace to put them into.
NEARBY = "127.0.0.2"
HIDDEN = "kafka-%d.hidden.upstream.test"


class Scene:
    """Three brokers, Waxwing, the watched network before it, and the place where clients run."""

    def __init__(self, path: str):
        self.island: Island | None = None
        self.no_island = ""
        hosts, advertised = self._names()
        self.cluster = cluster.start_real(SPARSE_IDS, advertised=advertised, hosts_file=hosts)
        self.scanner: Scanner | None = None
        if path == "direct":
            self.way = direct(self.cluster)
            self.remote = Remote()
            return
        try:
            self.island = Island()
        except Skipped as reason:
            self.no_island = str(reason)
        outside = self.island.outside if self.island else NEARBY
        # The first two servers are dead: nobody listens there.
        dead = ["127.0.0.1:%d" % proc.free_port(), "127.0.0.1:%d" % proc.free_port()]
        settings = Settings(advertise=outside, upstream=dead + self.cluster.upstream.split(","))
        waxwing = Waxwing(self.cluster, settings, hosts_file=hosts)
        ports = [waxwing.base, *waxwing.ports.values()]
        controllers = [b":%d" % port for port in self.cluster.quorum.values()]
        upstream = self.cluster.addresses
        self.scanner = Scanner(outside, "127.0.0.1", ports, upstream, controllers)
        self.way = Way(self.cluster, waxwing.bootstrap, seals=True, waxwing=waxwing)
        self.remote = Remote(self.island.enter) if self.island else Remote()

    @staticmethod
    def _names():
        """Brokers under names that only they and Waxwing resolve, where that can be arranged."""
        if mount_namespace() is None:
            return None, None
        hosts = proc.temp_dir("hosts") / "hosts"
        names = [HIDDEN % id for id in SPARSE_IDS]
        lines = ["127.0.0.1 localhost", "127.0.0.1 " + _host_name()]
        hosts.write_text("\n".join(lines + ["127.0.0.1 " + name for name in names]) + "\n")
        return hosts, {id: (HIDDEN % id, 0) for id in SPARSE_IDS}

    def new_topic(self, replicas: int = 3) -> str:
        """Made direct, so that the client has not seen it before."""
        kind = SEALED if self.way.seals else PLAIN
        topic = "%s-%s" % (kind, new_marker().decode()[-8:])
        self.cluster.create_topics({topic: Topic(PARTITIONS, replicas)})
        return topic

    def call(self, do: str, **arguments):
        return self.remote.call(do, bootstrap=self.way.bootstrap, **arguments)

    def close(self) -> None:
        self.remote.close()
        if self.scanner:
            self.scanner.close()


def _host_name() -> str:
    import socket

    return socket.gethostname()


def isolated(scene: Scene) -> None:
    """From where the client is, no broker can be reached: otherwise the others prove little."""
    if scene.island is None:
        raise Skipped(scene.no_island or "no Waxwing to hide behind")
    brokers = [["127.0.0.1", node.port] for node in scene.cluster.nodes.values()]
    brokers += [[scene.island.outside, node.port] for node in scene.cluster.nodes.values()]
    if reached := scene.remote.call("reach", addresses=brokers):
        raise Failed("the client reaches %s" % reached)


def lists(scene: Scene) -> None:
    topic = scene.new_topic()
    seen = scene.call("metadata", topic=topic)
    expected = {
        str(id): [scene.way.waxwing.settings.advertise, port]
        for id, port in scene.way.waxwing.ports.items()
    } if scene.way.waxwing else {
        str(id): ["127.0.0.1", node.direct_port] for id, node in scene.cluster.nodes.items()
    }  # fmt: skip
    if seen["nodes"] != expected:
        raise Failed("nodes %s instead of %s" % (seen["nodes"], expected))
    leaders = {scene.cluster.leader(topic, part) for part in range(PARTITIONS)}
    if len(seen["leaders"]) != PARTITIONS or set(seen["leaders"].values()) != leaders:
        raise Failed("leaders %s instead of %s" % (seen["leaders"], leaders))
    if leaders != set(SPARSE_IDS):
        raise Failed("the topic is on nodes %s only" % leaders)


def every_partition(scene: Scene, client: str) -> None:
    home = str(scene.cluster.home)
    topic = scene.new_topic()
    expect(scene.call("round_trip", client=client, topic=topic, partitions=PARTITIONS, home=home))


def administration(scene: Scene) -> None:
    """What an admin client is told of nodes is Waxwing's address with each node's own port."""
    told = scene.call("administer", topic=scene.new_topic())
    if scene.way.waxwing:
        waxwing = scene.way.waxwing
        allowed = {"%s:%d" % (waxwing.settings.advertise, port) for port in waxwing.ports.values()}
        if not set(told) <= allowed:
            raise Failed("told of %s" % (set(told) - allowed))


def broker_configuration(scene: Scene) -> None:
    """DescribeConfigs of a broker holds its listeners as text."""
    node = scene.cluster.nodes[20]
    told = scene.remote.call("broker_configs", bootstrap=scene.way.bootstrap, id=20)
    if not scene.way.waxwing:
        if str(node.direct_port) not in (told["advertised.listeners"] or ""):
            raise Failed("a broker does not tell its listeners: %s" % told)
        return
    hidden = [node.advertised[0], str(node.port), str(scene.cluster.quorum[20])]
    leaked = {name for name, value in told.items() if any(text in (value or "") for text in hidden)}
    if leaked:
        raise Failed("upstream addresses in the values of %s" % sorted(leaked))


def controllers(scene: Scene) -> None:
    """DescribeQuorum v2 lists the controllers' addresses, which nobody needs outside."""
    body = b"\x02" + compact("__cluster_metadata") + b"\x02" + struct.pack(">i", 0) + b"\0\0\0"
    ports = [struct.pack(">H", port) for port in scene.cluster.quorum.values()]
    ports = [compact("127.0.0.1") + port for port in ports]
    node = scene.cluster.nodes[1]
    with wire.Connection(("127.0.0.1", node.direct_port)) as connection:
        stored = connection.exchange(flexible(55, 2, body)).data
    if not all(port in stored for port in ports):
        raise Failed("a broker does not tell the controllers: nothing would be proven")
    if scene.way.waxwing:
        with wire.Connection(bootstrap_address(scene.way)) as connection:
            through = connection.exchange(flexible(55, 2, body))
        if through is None:
            raise Failed("the connection was closed instead of an answer")
        if b"127.0.0.1" in through.data:
            raise Failed("controllers' addresses in %r" % through.data)


# -- every version by hand


def bootstrap_address(way: Way) -> tuple[str, int]:
    host, port = way.bootstrap.split(",")[0].rsplit(":", 1)
    return host, int(port)


def flexible(key: int, version: int, body: bytes) -> bytes:
    """A frame with request header v2."""
    header = struct.pack(">hhi", key, version, 7) + wire.string("by-hand") + b"\x00"
    return struct.pack(">i", len(header) + len(body)) + header + body


def compact(text: str) -> bytes:
    return uvarint(len(text.encode()) + 1) + text.encode()


def address_requests(topic: str) -> list[tuple[str, bytes]]:
    """Every version of the requests whose answers list nodes."""
    requests = []
    for version in range(14):
        if version < 9:
            body = wire.string(topic) if version == 0 else b""
            body = struct.pack(">i", 1 if version == 0 else -1) + body
            body += b"\x00" * (version >= 4) + b"\x00\x00" * (version == 8)
            requests.append(("Metadata v%d" % version, wire.request(3, version, 7, body)))
        else:
            body = b"\x00\x00" + (b"\x00\x00" if version <= 10 else b"\x00") + b"\x00"
            requests.append(("Metadata v%d" % version, flexible(3, version, body)))
    for version in range(7):
        kind = b"\x00" * (version >= 1)
        if version < 3:
            frame = wire.request(10, version, 7, wire.string("a-group") + kind)
        elif version == 3:
            frame = flexible(10, version, compact("a-group") + kind + b"\x00")
        else:
            frame = flexible(10, version, kind + b"\x02" + compact("a-group") + b"\x00")
        requests.append(("FindCoordinator v%d" % version, frame))
    for version in range(3):
        body = b"\x00" + b"\x01" * (version >= 1) + b"\x01" * (version >= 2) + b"\x00"
        requests.append(("DescribeCluster v%d" % version, flexible(60, version, body)))
    return requests


def every_version(scene: Scene) -> None:
    """Metadata v0-13, FindCoordinator v0-6, DescribeCluster v0-2, compared byte for byte with what
    a broker says: the same but for the addresses."""
    topic = scene.new_topic()
    proc.eventually(
        "there is a coordinator",
        lambda: scene.call("administer", topic=topic) is not None,
    )
    broken = []
    for name, frame in address_requests(topic):
        with wire.Connection(bootstrap_address(scene.way)) as connection:
            through = connection.exchange(frame)
        # A broker names any node as the controller, at random; so it is asked more than once.
        expected = {canonical(scene, one) for one in upstream_answers(scene, frame)}
        if through is None:
            broken.append("%s: closed" % name)
        elif bytes(sorted(through.data)) not in expected:
            broken.append("%s: %d B, not as a broker answers" % (name, len(through.data)))
    expect(broken)


def upstream_answers(scene: Scene, frame: bytes) -> list[bytes]:
    answers = []
    for node in scene.cluster.nodes.values():
        # The listener that Waxwing uses; the suite's own has other addresses.
        port = node.port if scene.way.waxwing else node.direct_port
        with wire.Connection(("127.0.0.1", port)) as connection:
            for _ in range(12):
                answers.append(connection.exchange(frame).data)
    return answers


def canonical(scene: Scene, answer: bytes) -> bytes:
    """An upstream answer with the addresses that it must have, in an order that is always the same:
    nodes, replicas and partitions may be listed in any."""
    if waxwing := scene.way.waxwing:
        for id, (host, port) in scene.cluster.addresses.items():
            for encode in (wire.string, compact):
                answer = answer.replace(
                    encode(host) + struct.pack(">i", port),
                    encode(waxwing.settings.advertise) + struct.pack(">i", waxwing.ports[id]),
                )
    return bytes(sorted(answer))


def leader_hints(scene: Scene) -> None:
    """Produce and Fetch to a node that does not lead: the answers name the leader's address."""
    # One replica only: a follower would answer a Fetch.
    topic = scene.new_topic(replicas=1)
    leader = scene.cluster.leader(topic, 0)
    other = next(id for id in SPARSE_IDS if id != leader)
    here = scene.way.waxwing
    target = (here.settings.advertise, here.ports[other]) if here else (
        "127.0.0.1", scene.cluster.nodes[other].direct_port)  # fmt: skip
    hint = (here.settings.advertise, here.ports[leader]) if here else (
        "127.0.0.1", scene.cluster.nodes[leader].direct_port)  # fmt: skip
    expected = compact(hint[0]) + struct.pack(">i", hint[1])
    batch = batches.build_batch([(b"k", b"v", ())])
    produce = b"\x00" + struct.pack(">hi", -1, 30_000) + b"\x02" + compact(topic) + b"\x02"
    produce += struct.pack(">i", 0) + uvarint(len(batch) + 1) + batch + b"\x00\x00\x00"
    id = topic_id(scene, topic)
    fetch = struct.pack(">iiibii", 500, 1, 1 << 20, 0, 0, -1) + b"\x02" + id + b"\x02"
    fetch += struct.pack(">iiqiqi", 0, -1, 0, -1, -1, 1 << 20) + b"\x00\x00" + b"\x01\x01\x00"
    wrong = []
    for name, frame in (
        ("Produce v10", flexible(0, 10, produce)),
        ("Produce v11", flexible(0, 11, produce)),
        ("Fetch v16", flexible(1, 16, fetch)),
        ("Fetch v17", flexible(1, 17, fetch)),
    ):
        # A broker that has just not heard of the topic yet knows no leader either.
        deadline = time.monotonic() + 20
        while True:
            with wire.Connection(target) as connection:
                answer = connection.exchange(frame)
            if answer is None or expected in answer.data or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        if answer is None:
            wrong.append("%s: closed" % name)
        elif expected not in answer.data:
            wrong.append("%s: no hint of the leader at %s:%d in %r" % (name, *hint, answer.data))
    expect(wrong)


def topic_id(scene: Scene, topic: str) -> bytes:
    """By Metadata v12, direct."""
    body = b"\x02" + bytes(16) + compact(topic) + b"\x00" + b"\x00\x00" + b"\x00"
    with wire.Connection(("127.0.0.1", scene.cluster.nodes[1].port)) as connection:
        data = connection.exchange(flexible(3, 12, body)).data
    at = data.index(compact(topic)) + len(compact(topic))
    return data[at : at + 16]


# -- what happens to a cluster


def during(scene: Scene, happening) -> None:
    """A producer and a consumer go on while something happens; everything arrives."""
    topic = scene.new_topic()
    scene.call("flow_start", topic=topic, partitions=PARTITIONS)

    def moves() -> None:
        before = scene.remote.call("flow_progress")[0]
        proc.eventually(
            "records flow", lambda: scene.remote.call("flow_progress")[0] > before + 100, timeout=90
        )

    try:
        moves()
        happening(moves)
        moves()
    finally:
        result = scene.remote.call("flow_stop")
    if (
        result["errors"]
        or result["strange"]
        or not (result["sent"] == result["acknowledged"] == result["received"])
    ):
        raise Failed(str(result))


def leader_change(scene: Scene) -> None:
    """Leaders move away from a node that goes down, and back when it is there again."""
    from confluent_kafka import ElectionType

    def happening(moves) -> None:
        scene.cluster.kill(300)
        moves()
        scene.cluster.start(300)
        scene.cluster.admin().elect_leaders(ElectionType.PREFERRED, None).result(60)
        moves()

    during(scene, happening)


def rolling_restart(scene: Scene) -> None:
    def happening(moves) -> None:
        for id in SPARSE_IDS:
            scene.cluster.restart(id)
            moves()

    during(scene, happening)


def known_port_first(scene: Scene) -> None:
    """A client of an earlier process dials a broker's port before this process saw any Metadata."""
    topic = scene.new_topic()
    for id in SPARSE_IDS:
        partition = next(p for p in range(PARTITIONS) if scene.cluster.leader(topic, p) == id)
        waxwing = Waxwing(scene.cluster, hosts_file=scene.cluster.hosts_file, mapped=(300,))
        try:
            address = ("127.0.0.1", waxwing.ports[id])
            connection = proc.eventually("node %d's port is open" % id, partial(_dial, address))
            with connection:
                batch = batches.build_batch([(b"k", b"first", ())])
                answer = connection.exchange(wire.produce(topic, partition, batch))
            if answer is None:
                raise Failed("node %d: the connection was closed" % id)
            if error := wire.produce_answer(answer)[0]:
                raise Failed("node %d: Produce: error %d" % (id, error))
        finally:
            waxwing.stop()


def _dial(address: tuple[str, int]) -> wire.Connection | None:
    try:
        return wire.Connection(address)
    except OSError:
        return None


def new_node(scene: Scene) -> None:
    """A node that this process has never seen comes up, and its partitions can be used."""
    topic = scene.new_topic()
    scene.cluster.kill(300)
    try:
        waxwing = Waxwing(scene.cluster, hosts_file=scene.cluster.hosts_file, mapped=(300,))
    finally:
        # Not awaited: Waxwing has to notice by itself.
        scene.cluster.start(300)
    try:
        from confluent_kafka import ElectionType

        scene.cluster.admin().elect_leaders(ElectionType.PREFERRED, None).result(60)
        problems = Remote().call(
            "round_trip", client="confluent-kafka", bootstrap=waxwing.bootstrap, topic=topic,
            partitions=PARTITIONS, home=None,
        )  # fmt: skip
        expect(problems)
    finally:
        waxwing.stop()


def nothing_leaked(scene: Scene) -> None:
    """The judgement over all bytes that clients received in all the cases before."""
    scanner = scene.scanner
    for key in (0, 1, 3, 10, 18, 60):
        if not scanner.seen[key]:
            raise Failed("no response of API %d was seen: nothing was proven" % key)
    if scanner.found:
        raise Failed(
            "upstream addresses in responses: "
            + ", ".join("%s in API %d, %d times" % (text, key, number)
                        for (key, text), number in scanner.found.items())
        )  # fmt: skip
    print(
        "      %d responses of %d APIs, %.1f MB, searched for %s"
        % (sum(scanner.seen.values()), len(scanner.seen), scanner.bytes / 1e6,
           ", ".join(needle.decode() for needle in sorted(scanner.needles)))
    )  # fmt: skip


def main() -> int:
    chosen = options(__doc__).parse_args()
    suite = report.Suite("Addresses, %s" % chosen.path)
    try:
        scene = Scene(chosen.path)
    except Skipped as reason:
        suite.result("SKIP", "addresses", str(reason))
        return suite.finish()
    cases = {
        "the client cannot reach a broker": partial(isolated, scene),
        "lists every node and partition": partial(lists, scene),
    }
    for name in ("confluent-kafka", "kcat", "kafka-python", "aiokafka", "java"):
        cases["%s uses every partition" % name] = partial(every_partition, scene, name)
    cases |= {
        "an admin client is told no other address": partial(administration, scene),
        "a broker's configuration tells no address": partial(broker_configuration, scene),
        "the controllers' addresses": partial(controllers, scene),
        "every version that lists nodes": partial(every_version, scene),
        "hints at the new leader": partial(leader_hints, scene),
        "a leader change": partial(leader_change, scene),
        "a rolling restart": partial(rolling_restart, scene),
    }
    if scene.way.waxwing:
        cases |= {
            "a known port is dialled first": partial(known_port_first, scene),
            "a node that first appears later": partial(new_node, scene),
            "no upstream address in any response": partial(nothing_leaked, scene),
        }
    for name, work in cases.items():
        with suite.case(name):
            work()
            scene.way.check()
    scene.close()
    end(suite, scene.way)
    scene.cluster.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
