"""The short form: one minute, and also without a Kafka at hand, on librdkafka's mock cluster.

python -m conformance.cases.smoke [--path direct|waxwing] [--embedded]
"""

from __future__ import annotations

import os
import sys
from functools import partial

from confluent_kafka.admin import AdminClient

from conformance import batches, cluster, proc, report, wire
from conformance.cases import end, options
from conformance.clients import all_clients
from conformance.clients.base import Client
from conformance.clients.confluent import Confluent
from conformance.cluster import Topic
from conformance.proc import Failed, Skipped
from conformance.records import (
    compare_with_direct,
    compare_with_sent,
    make_binary,
    make_text,
    new_marker,
)
from conformance.report import expect
from conformance.scan import Scanner
from conformance.waxwing import PLAIN, SEALED, Settings, Waxwing, Way, binary, direct

# Scanned relays stand here, before Waxwing.
RELAYED = "127.0.0.2"


class Scene:
    def __init__(self, path: str):
        self.cluster = cluster.start()
        self.scanner: Scanner | None = None
        if path == "direct":
            self.way = direct(self.cluster)
            return
        waxwing = Waxwing(self.cluster, Settings(advertise=RELAYED))
        ports = [waxwing.base, *waxwing.ports.values()]
        self.scanner = Scanner(RELAYED, "127.0.0.1", ports, self.cluster.addresses)
        self.way = Way(self.cluster, waxwing.bootstrap, seals=True, waxwing=waxwing)

    def new_topic(self, kind: str) -> tuple[str, int]:
        """The name, and the number of partitions: the mock cluster makes its own."""
        topic = "%s-%s" % (kind, new_marker().decode()[-8:])
        self.way.create_topics({topic: Topic(4)})
        return topic, 4


def command_line(scene: Scene) -> None:
    version = proc.run([str(binary()), "--version"]).stdout.decode()
    if not version.startswith("waxwing "):
        raise Failed("--version says %r" % version)
    if scene.way.waxwing:
        proc.run([str(binary()), "check", "--config", str(scene.way.waxwing.config)])
        bad = proc.temp_dir("bad") / "bad.yaml"
        bad.write_text(scene.way.waxwing.config.read_text().replace("advertise:", "advertize:"))
        done = proc.run([str(binary()), "check", "--config", str(bad)], check=False)
        said = (done.stderr + done.stdout).decode()
        if done.returncode == 0 or "advertize" not in said or "bad.yaml:" not in said:
            raise Failed("a misspelt key: status %d, %r" % (done.returncode, said))


def addresses(scene: Scene) -> None:
    seen = scene.way.cluster.admin() if not scene.way.waxwing else None
    from confluent_kafka.admin import AdminClient

    seen = AdminClient({"bootstrap.servers": scene.way.bootstrap, "log_level": 0}).list_topics(
        timeout=30
    )
    told = {id: (node.host, node.port) for id, node in seen.brokers.items()}
    waxwing = scene.way.waxwing
    expected = scene.cluster.addresses
    if waxwing:
        expected = {id: (waxwing.settings.advertise, port) for id, port in waxwing.ports.items()}
    if told != expected:
        raise Failed("nodes %s instead of %s" % (told, expected))


def round_trip(scene: Scene, client: Client, kind: str, idempotent: bool = False) -> None:
    if reason := client.unavailable():
        raise Skipped(reason)
    if scene.cluster.embedded and client.name == "kafka-python":
        raise Skipped("kafka-python cannot start with the mock cluster, direct either")
    topic, partitions = scene.new_topic(kind)
    marker = new_marker()
    sent = []
    for codec in client.codecs if not scene.cluster.embedded else ("none", "lz4"):
        if client.binary:
            some = make_binary(marker, 40, partitions, client.null_headers)
        else:
            some = make_text(marker + codec.encode(), 40, (("dup", b"1"), ("dup", b"2")))
        client.produce(scene.way.bootstrap, topic, some, codec, idempotent)
        sent += some
    got = client.consume(scene.way.bootstrap, topic, len(sent))
    # The contents of binary records repeat from codec to codec, and with them their order.
    expect(compare_with_sent(sent, got, ordered=not client.binary))
    if scene.way.waxwing:
        stored = Confluent().consume(scene.cluster.bootstrap, topic, len(sent))
        expect(compare_with_direct(got, stored, sealed=kind == SEALED))
    if not scene.cluster.embedded:
        place = batches.contains(scene.cluster.segments(topic), marker)
        if bool(place) == (scene.way.seals and kind == SEALED):
            raise Failed("plaintext in the segments: %s" % place)


def transactions(scene: Scene) -> None:
    topic, partitions = scene.new_topic(SEALED)
    # The markers that the mock writes at the end of a transaction have no CRC.
    client = Confluent(check_crcs=not scene.cluster.embedded)
    steps = [(make_binary(new_marker(), 20, partitions), commit) for commit in (True, False, True)]
    client.transact(scene.way.bootstrap, topic, steps, "zstd")
    kept = steps[0][0] + steps[2][0]
    if scene.cluster.embedded:
        # The mock marks no aborted records, so that a reader cannot leave them out.
        kept = steps[0][0] + steps[1][0] + steps[2][0]
    got = client.consume(scene.way.bootstrap, topic, len(kept), committed=True)
    expect(compare_with_sent(kept, got, ordered=False))


def group(scene: Scene) -> None:
    topic, _ = scene.new_topic(SEALED)
    client = Confluent()
    sent = make_text(new_marker(), 60)
    client.produce(scene.way.bootstrap, topic, sent, "snappy")
    member = client.member(scene.way.bootstrap, topic, "smoke-" + topic)
    try:
        proc.eventually("the group has all", lambda: len(member.received()) >= len(sent))
        expect(compare_with_sent(sent, member.received()))
    finally:
        member.stop()


def bad_input(scene: Scene) -> None:
    host, port = scene.way.bootstrap.split(",")[0].rsplit(":", 1)
    for data in (os.urandom(64), b"\x16\x03\x01\x02\x00\x01", b"\x7f\xff\xff\xff", b"\xff" * 4):
        with wire.Connection((host, int(port))) as connection:
            connection.send(data)
            connection.socket.shutdown(1)
            while connection.socket.recv(4096):
                pass
    addresses(scene)


def no_leak(scene: Scene) -> None:
    if not scene.scanner.seen[3]:
        raise Failed("no Metadata response was seen")
    if scene.scanner.found:
        raise Failed("upstream addresses in responses: %s" % dict(scene.scanner.found))


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--embedded", action="store_true", help="even if a Kafka is at hand")
    chosen = parser.parse_args()
    if chosen.embedded:
        os.environ["WAXWING_CONFORMANCE"] = "embedded"
    suite = report.Suite("Smoke, %s" % chosen.path)
    scene = Scene(chosen.path)
    print("      " + scene.cluster.label)
    cases = {"the command line": partial(command_line, scene)} if scene.way.waxwing else {}
    cases["addresses are rewritten"] = partial(addresses, scene)
    for client in all_clients(scene.cluster.home):
        if client.name != "java":
            for kind in (SEALED, PLAIN):
                name = "%s, %s topic" % (client.name, kind)
                cases[name] = partial(round_trip, scene, client, kind)
    cases |= {
        "idempotent": partial(round_trip, scene, Confluent(), SEALED, True),
        "transactions": partial(transactions, scene),
        "a consumer group": partial(group, scene),
    }
    if scene.way.waxwing:
        cases["bad input"] = partial(bad_input, scene)
        cases["no upstream address in any response"] = partial(no_leak, scene)
    for name, work in cases.items():
        with suite.case("smoke: " + name):
            work()
            scene.way.check()
    if scene.cluster.embedded:
        suite.result(
            "SKIP", "smoke: the broker's segments hold no plaintext", "no real Kafka at hand"
        )
    if scene.scanner:
        scene.scanner.close()
    end(suite, scene.way)
    scene.cluster.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
