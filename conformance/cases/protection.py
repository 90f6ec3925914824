"""Who may read, what a moved or changed ciphertext does, how keys change, and a second opener.

    python -m conformance.cases.protection [--path waxwing]
"""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from conformance import batches, cluster, proc, report, wire
from conformance.cases import end, options
from conformance.cases.roundtrip import leader_address
from conformance.clients.confluent import Confluent
from conformance.cluster import REPOSITORY, Topic
from conformance.proc import Failed, Skipped
from conformance.records import (
    Record,
    by_place,
    compare_with_sent,
    make_binary,
    make_text,
    new_marker,
)
from conformance.report import expect
from conformance.waxwing import Settings, Waxwing, Way, binary, make_keyring, through

CORRUPT, POLICY_VIOLATION, TOPIC_AUTHORIZATION_FAILED, STORAGE_ERROR = 2, 44, 29, 56

PROTECTED = Settings(sealed=["sealed*", "secret*"], grants=["sealed*"])


class Scene:
    def __init__(self):
        self.cluster = cluster.start_real()
        self.way: Way = through(self.cluster, settings=PROTECTED)
        self.client = Confluent()

    @property
    def waxwing(self) -> Waxwing:
        return self.way.waxwing

    def new_topic(self, kind: str = "sealed", partitions: int = 1) -> str:
        topic = "%s-%s" % (kind, new_marker().decode()[-8:])
        self.way.create_topics({topic: Topic(partitions)})
        return topic

    def write(self, topic: str, count: int = 20, bootstrap: str | None = None) -> list[Record]:
        sent = make_text(new_marker(), count, (("h", b"1"), ("n", None)))
        self.client.produce(bootstrap or self.way.bootstrap, topic, sent, "lz4")
        return sent

    def read_direct(self, topic: str, count: int):
        return by_place(self.client.consume(self.cluster.bootstrap, topic, count))


def fetch_error(
    waxwing: Waxwing, topic: str, partition: int = 0, offset: int = 0
) -> tuple[int, bytes]:
    """The error code of a Fetch through Waxwing, and the record bytes that came with it."""
    address = ("127.0.0.1", waxwing.ports[1])
    with wire.Connection(address) as connection:
        answer = connection.exchange(wire.fetch(topic, partition, offset))
    if answer is None:
        raise Failed("the connection was closed instead of an answer")
    error, _, data = wire.fetch_answer(answer)
    return error, data


def without_grant(scene: Scene) -> None:
    """No grant, no clear text: the record is delivered as it is stored."""
    topic = scene.new_topic("secret")
    sent = scene.write(topic)
    through_it = by_place(scene.client.consume(scene.way.bootstrap, topic, len(sent)))
    if through_it != scene.read_direct(topic, len(sent)):
        raise Failed("what is delivered differs from what is stored")
    if any(one.value == other.value for one, other in zip(through_it, sent)):
        raise Failed("clear text without a grant")


def replay(scene: Scene, source: str, target: str, change=lambda value: value, partition: int = 0):
    """Writes the stored form of the first record of `source` into `target`, direct."""
    stored = scene.read_direct(source, 1)[0]
    batch = batches.build_batch([(stored.key, change(stored.value), stored.headers)])
    node = scene.cluster.nodes[1]
    with wire.Connection(("127.0.0.1", node.direct_port)) as connection:
        answer = connection.exchange(wire.produce(target, partition, batch))
    if error := wire.produce_answer(answer)[0]:
        raise Failed("Produce direct: error %d" % error)


def expect_corrupt(scene: Scene, topic: str, partition: int) -> None:
    error, data = fetch_error(scene.waxwing, topic, partition)
    if error != CORRUPT or data:
        raise Failed("error %d with %d bytes of records" % (error, len(data)))
    if topic not in scene.waxwing.log:
        raise Failed("the log does not name the topic")


def moved(scene: Scene) -> None:
    """A ciphertext that stands in another topic does not open; other partitions are unharmed."""
    source, target = scene.new_topic(), scene.new_topic(partitions=2)
    scene.write(source, 3)
    replay(scene, source, target)
    expect_corrupt(scene, target, 0)
    batch = batches.build_batch([(b"k", b"healthy", ())])
    with wire.Connection(leader_address(scene.way, target, 1)) as connection:
        if error := wire.produce_answer(connection.exchange(wire.produce(target, 1, batch)))[0]:
            raise Failed("Produce: error %d" % error)
    consumer = Consumer(
        {"bootstrap.servers": scene.way.bootstrap, "group.id": "unused", "log_level": 0}
    )
    consumer.assign([TopicPartition(target, 0, 0), TopicPartition(target, 1, 0)])
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None and message.error() is None:
                if message.value() != b"healthy":
                    raise Failed("a value that was not written through Waxwing")
                return
        raise Failed("the healthy partition is not delivered")
    finally:
        consumer.close()


def tampered(scene: Scene) -> None:
    """One changed bit in a stored value, and nothing else: the record before it still opens."""
    for position in (0, 11, 12, -17, -1):
        topic = scene.new_topic()
        sent = scene.write(topic, 1)

        def flip(value: bytes) -> bytes:
            changed = bytearray(value)
            changed[position] ^= 1
            return bytes(changed)

        replay(scene, topic, topic)
        replay(scene, topic, topic, flip)
        # A copy of the record opens: it is the bit that counts.
        error, data = fetch_error(scene.waxwing, topic, offset=1)
        copy = next(next(batches.read_batches(data)).records(), None) if data else None
        if copy is not None and copy.value != sent[0].value:
            raise Failed("the copy opened to something else")
        error, data = fetch_error(scene.waxwing, topic, offset=2)
        if error != CORRUPT or data:
            raise Failed("byte %d changed: error %d, %d bytes" % (position, error, len(data)))


def plain_in_protected(scene: Scene) -> None:
    """Records from before the rule, written direct, are delivered as they are."""
    topic = scene.new_topic()
    before = scene.write(topic, 5, bootstrap=scene.cluster.bootstrap)
    after = scene.write(topic, 5)
    got = scene.client.consume(scene.way.bootstrap, topic, 10)
    expect(compare_with_sent(before + after, got))


def rotation(scene: Scene) -> None:
    """A new version while running: what was sealed under both opens, here and elsewhere."""
    topic = scene.new_topic()
    sent = scene.write(topic)
    keyring = ["--keyring", str(scene.waxwing.keyring)]
    proc.run([str(binary()), "keys", "rotate", *keyring, "customers"])
    listed = proc.run([str(binary()), "keys", "list", *keyring])
    if b"customers" not in listed.stdout:
        raise Failed("keys list says %r" % listed.stdout)
    sent += scene.write(topic)
    expect(compare_with_sent(sent, scene.client.consume(scene.way.bootstrap, topic, len(sent))))
    second = Waxwing(scene.cluster, PROTECTED, keyring=scene.waxwing.keyring)
    try:
        sent += scene.write(topic, bootstrap=second.bootstrap)
        for bootstrap in (second.bootstrap, scene.way.bootstrap):
            expect(compare_with_sent(sent, scene.client.consume(bootstrap, topic, len(sent))))
    finally:
        second.stop()


def missing_key(scene: Scene) -> None:
    """An instance whose keyring lacks the key neither stores plaintext nor delivers anything."""
    topic = scene.new_topic()
    scene.write(topic, 3)
    directory = proc.temp_dir("other")
    keyring = make_keyring(directory)
    # A key by template is looked up when it is needed; Waxwing does not start without one by name.
    settings = Settings(sealed=["nokey*"], grants=["sealed*", "nokey*"], key="kek-$(topic)")
    other = Waxwing(scene.cluster, settings, keyring=keyring)
    try:
        error, data = fetch_error(other, topic)
        if error == 0 or data:
            raise Failed("another keyring: error %d with %d bytes of records" % (error, len(data)))
        absent = scene.new_topic("nokey")
        batch = batches.build_batch([(b"k", b"must not be stored", ())])
        with wire.Connection(("127.0.0.1", other.ports[1])) as connection:
            answer = connection.exchange(wire.produce(absent, 0, batch))
        if answer is None:
            raise Failed("the connection was closed instead of an answer")
        error, _, message = wire.produce_answer(answer)
        if error != POLICY_VIOLATION or absent not in (message or "") or "kek-" not in message:
            raise Failed("Produce without a key: error %d, %r" % (error, message))
        if batches.contains(scene.cluster.segments(absent), b"must not be stored"):
            raise Failed("plaintext was stored")
    finally:
        other.stop()


def survives_kill(scene: Scene) -> None:
    """SIGKILL and a new process with the same configuration: nothing is lost, addresses stay."""
    waxwing = Waxwing(scene.cluster, PROTECTED, keyring=scene.waxwing.keyring)
    topic = scene.new_topic()
    sent = scene.write(topic, bootstrap=waxwing.bootstrap)
    waxwing.kill()
    again = Waxwing(scene.cluster, PROTECTED, keyring=scene.waxwing.keyring, base=waxwing.base)
    try:
        sent += scene.write(topic, bootstrap=waxwing.bootstrap)
        expect(compare_with_sent(sent, scene.client.consume(again.bootstrap, topic, len(sent))))
    finally:
        again.stop()


def independent_opener(scene: Scene) -> None:
    """What lies in the segments is opened by the implementation in conformance/opener."""
    from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

    opener = load_opener()
    topic = scene.new_topic(partitions=2)
    sent = make_binary(new_marker(), 60, 2)
    scene.client.produce(scene.way.bootstrap, topic, sent, "zstd")
    keys = {
        key["kid"]: base64.urlsafe_b64decode(key["k"] + "=" * (-len(key["k"]) % 4))
        for key in json.loads(scene.waxwing.keyring.read_text())["keys"]
    }

    def unwrap(reference: str, wrapped: bytes) -> bytes:
        service, name = reference.split("/", 1)
        if service != "local":
            raise Failed("an unknown key service in %r" % reference)
        # In front of the wrapped key stands the version of the key that wraps it.
        version, rest = opener.read_uvarint(wrapped)
        return aes_key_unwrap(keys["%s/%d" % (name, version)], rest)

    opened = []
    for batch in batches.read_segments(scene.cluster.segments(topic)):
        known: dict = {}
        for one in batch.records():
            headers, value = opener.open_record(list(one.headers), one.value, topic, unwrap, known)
            opened.append((one.key, value, tuple(headers)))
    wanted = [one.content for one in sent]
    if sorted(map(repr, opened)) != sorted(map(repr, wanted)):
        raise Failed("%d records opened, %d sent, not the same" % (len(opened), len(wanted)))


def load_opener():
    path = REPOSITORY / "conformance" / "opener" / "open.py"
    spec = importlib.util.spec_from_file_location("waxwing_opener", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def keyring_mode(scene: Scene) -> None:
    """A keyring that others can read is refused, with a reason."""
    directory = proc.temp_dir("mode")
    keyring = Path(shutil.copy(scene.waxwing.keyring, directory / "keyring.json"))
    keyring.chmod(0o644)
    config = directory / "waxwing.yaml"
    text = scene.waxwing.config.read_text()
    config.write_text(text.replace(str(scene.waxwing.keyring), str(keyring)))
    done = proc.run([str(binary()), "run", "--config", str(config)], check=False, timeout=60)
    if done.returncode == 0 or b"keyring.json" not in done.stderr:
        raise Failed("status %d, %r" % (done.returncode, done.stderr[-300:]))


def main() -> int:
    chosen = options(__doc__).parse_args()
    suite = report.Suite("Protection, %s" % chosen.path)
    if chosen.path == "direct":
        suite.result("SKIP", "protection", "Kafka alone protects nothing")
        return suite.finish()
    try:
        scene = Scene()
    except Skipped as reason:
        suite.result("SKIP", "protection", str(reason))
        return suite.finish()
    cases = {
        "without a grant records stay sealed": without_grant,
        "a ciphertext moved to another topic": moved,
        "one changed bit": tampered,
        "plain records in a protected topic": plain_in_protected,
        "a key is rotated, and a second instance": rotation,
        "a key that is not there": missing_key,
        "killed and started again": survives_kill,
        "an independent opener reads the segments": independent_opener,
        "a keyring that others can read": keyring_mode,
    }
    for name, work in cases.items():
        with suite.case(name):
            work(scene)
            scene.way.check()
    end(suite, scene.way)
    scene.cluster.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
