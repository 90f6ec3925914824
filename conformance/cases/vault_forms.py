"""The stored forms under Vault keys, their sizes, and key templates."""

from __future__ import annotations

import json
import struct

from conformance import batches, wire
from conformance.cases.protection import fetch_error
from conformance.cases.vault_scene import (
    INVALID_RECORD,
    KEY,
    POLICY_VIOLATION,
    SERVICE,
    Scene,
    produce_error,
)
from conformance.proc import Failed
from conformance.records import Record, compare_with_sent, make_binary, new_marker
from conformance.report import expect
from conformance.waxwing import Way

RECORDS = 100
ADDED_MAX, LEAN_ADDED_MAX = 130, 45
FLAG_KEY, FLAG_ZSTD, FLAG_LZ4 = 0x10, 0x20, 0x40


def rules(form: str) -> list[dict]:
    """`form` is how the topics `record-*` are sealed."""
    key = "%s/%s" % (SERVICE, KEY)
    return [
        {"topics": ["record-*"], "key": key, "wrappedKey": form},
        {"topics": ["batch-*"], "key": key, "wrappedKey": "perBatch"},
        {"topics": ["auto-*"], "key": key},
        {"topics": ["zstd-*"], "key": key, "compress": "zstd"},
        {"topics": ["lz4-*"], "key": key, "compress": "lz4"},
        {"topics": ["named-*"], "key": SERVICE + "/$(topic)"},
        {"topics": ["tenants-*"], "key": SERVICE + "/$(header:tenant)-kek"},
    ]


def open_way(scene: Scene, form: str = "perRecord") -> Way:
    return scene.through({SERVICE: scene.vault()}, rules(form))


def produce(port: int, topic: str, partitions: dict[int, bytes]) -> dict[int, tuple[int, str]]:
    """One request with a batch for each partition; error code and message for each."""
    body = wire.string(None) + struct.pack(">hi", -1, 30_000)
    body += struct.pack(">i", 1) + wire.string(topic) + struct.pack(">i", len(partitions))
    for partition, batch in partitions.items():
        body += struct.pack(">ii", partition, len(batch)) + batch
    with wire.Connection(("127.0.0.1", port)) as connection:
        reader = connection.exchange(wire.request(wire.PRODUCE, 8, 1, body))
    if reader is None:
        raise Failed("the connection was closed instead of an answer")
    reader.int32(), reader.string()
    answers = {}
    for _ in range(reader.int32()):
        partition, error = reader.int32(), reader.int16()
        reader.int64(), reader.int64(), reader.int64()
        for _ in range(reader.int32()):
            reader.int32(), reader.string()
        answers[partition] = (error, reader.string() or "")
    return answers


def expect_good(answers: dict[int, tuple[int, str]]) -> None:
    for partition, (error, message) in answers.items():
        if error:
            raise Failed("Produce, partition %d: error %d %s" % (partition, error, message))


def stored_bytes(scene: Scene, topic: str) -> int:
    return sum(batch.size for batch in batches.read_segments(scene.cluster.segments(topic)))


def expect_form(scene: Scene, topic: str, lean: bool) -> None:
    """Which of the records of each batch carry the wrapped key."""
    for batch in batches.read_segments(scene.cluster.segments(topic)):
        marks = [one.header("wax") for one in batch.records()]
        carrying = [bool(mark[1] & FLAG_KEY) for mark in marks]
        wanted = [not lean or index == 0 for index in range(len(marks))]
        if carrying != wanted:
            raise Failed("%s: %d of %d carry the key" % (topic, sum(carrying), len(carrying)))
        if lean and any(len(mark) != 10 for mark in marks[1:]):
            raise Failed("%s: a lean header is not of 10 bytes" % topic)


def expect_values(scene: Scene, way: Way, topic: str, values: list[bytes]) -> None:
    """Through Waxwing, and with the independent opener."""
    got = [one.value for one in scene.consume(way, topic, len(values))]
    if got != values:
        raise Failed("%s: %d values, not those that were sent" % (topic, len(got)))
    if scene.open_stored(topic) != values:
        raise Failed("%s: the independent opener opens something else" % topic)


def sizes(scene: Scene) -> None:
    """What sealing adds to each record of a batch of 100, against the same batch in clear."""
    way = open_way(scene)
    port = way.waxwing.ports[1]
    for length in (20, 100, 300, 1000, 4000):
        values = [b"%06d" % index + bytes(length - 6) for index in range(RECORDS)]
        batch = batches.build_batch([(b"key", value, ()) for value in values])
        added = {}
        for kind, most in (("record", ADDED_MAX), ("batch", LEAN_ADDED_MAX)):
            topic = scene.new_topic(kind)
            expect_good(produce(port, topic, {0: batch}))
            added[kind] = (stored_bytes(scene, topic) - len(batch)) / RECORDS
            if not 0 < added[kind] <= most:
                raise Failed(
                    "%s, %d B values: %.1f B added per record" % (kind, length, added[kind])
                )
            expect_form(scene, topic, lean=kind == "batch")
            expect_values(scene, way, topic, values)
        scene.notes.append(
            "values of %d B: %.1f B added per record, lean %.1f B"
            % (length, added["record"], added["batch"])
        )
    way.close()


def forms(scene: Scene) -> None:
    """`auto` goes by the topic's cleanup.policy; `perBatch` is refused where it may lose keys."""
    way = open_way(scene)
    records = make_binary(new_marker(), 60, 1)
    plain = [one for one in records if one.value is not None and one.key is not None]
    for policy, lean in (("delete", True), ("compact", False), ("compact,delete", False)):
        topic = scene.new_topic("auto", cleanup_policy=policy)
        scene.client.produce(way.bootstrap, topic, plain, "zstd")
        expect_form(scene, topic, lean)
        expect(compare_with_sent(plain, scene.consume(way, topic, len(plain))))
    for policy in ("compact", "compact,delete"):
        topic = scene.new_topic("batch", cleanup_policy=policy)
        error, message = produce_error(way.waxwing, topic)
        if error != POLICY_VIOLATION or topic not in message or "compacted" not in message:
            raise Failed("perBatch, %s: error %d %r" % (policy, error, message))
        if stored_bytes(scene, topic):
            raise Failed("perBatch, %s: something is stored" % policy)
    way.close()


def switched(scene: Scene) -> None:
    """A rule that becomes `perBatch`: records of both forms open with either rule."""
    before, after = open_way(scene), open_way(scene, "perBatch")
    topic = scene.new_topic("record")
    sent = []
    for way, codec in ((before, "none"), (after, "lz4"), (before, "zstd")):
        records = make_binary(new_marker(), 60, 1)
        scene.client.produce(way.bootstrap, topic, records, codec)
        sent += records
    forms = {len(one.header("wax")) == 10 for _, one in scene.stored(topic) if one.value}
    if forms != {True, False}:
        raise Failed("only one form is stored")
    for way in (before, after):
        expect(compare_with_sent(sent, scene.consume(way, topic, len(sent))))
        way.close()


def compression(scene: Scene) -> None:
    """Compressible values take less, others no more, and all come back."""
    way = open_way(scene)
    text = json.dumps({"name": "Bohemian waxwing", "eats": ["rowan", "juniper"]}).encode()
    marker = new_marker()
    values = [b"%s %d %s" % (marker, index, text * 20) for index in range(RECORDS)]
    sent = [Record(b"k", value) for value in values]
    taken = {}
    for kind in ("auto", "zstd", "lz4"):
        topic = scene.new_topic(kind)
        scene.client.produce(way.bootstrap, topic, sent, "none")
        scene.expect_no_plaintext(topic, marker)
        expect_values(scene, way, topic, values)
        taken[kind] = stored_bytes(scene, topic)
        flag = {"auto": 0, "zstd": FLAG_ZSTD, "lz4": FLAG_LZ4}[kind]
        flags = {one.header("wax")[1] & 0x60 for _, one in scene.stored(topic)}
        if flags != {flag}:
            raise Failed("%s: flags %s" % (kind, flags))
        mixed = scene.new_topic(kind)
        odd = make_binary(new_marker(), 60, 1)
        scene.client.produce(way.bootstrap, mixed, odd, "snappy")
        expect(compare_with_sent(odd, scene.consume(way, mixed, len(odd))))
    if not all(taken[kind] * 3 < taken["auto"] for kind in ("zstd", "lz4")):
        raise Failed("stored bytes: %s" % taken)
    scene.notes.append("stored bytes: %s" % taken)
    way.close()


def topic_keys(scene: Scene) -> None:
    """`$(topic)`: each topic has its key; one without is refused, and others go on."""
    way = open_way(scene)
    topic, without = scene.new_topic("named"), scene.new_topic("named")
    scene.bao.create_key(topic)
    sent = make_binary(new_marker(), 60, 1)
    scene.client.produce(way.bootstrap, topic, sent, "none")
    error, message = produce_error(way.waxwing, without)
    if error != POLICY_VIOLATION or without not in message or "no such key" not in message:
        raise Failed("a topic without a key: error %d %r" % (error, message))
    if stored_bytes(scene, without):
        raise Failed("a topic without a key: something is stored")
    scene.client.produce(way.bootstrap, topic, sent, "none")
    expect(compare_with_sent(sent * 2, scene.consume(way, topic, 2 * len(sent)), ordered=False))
    if {header.reference for header in scene.headers(topic)} - {None, "%s/%s" % (SERVICE, topic)}:
        raise Failed("another key was used")
    way.close()


def header_keys(scene: Scene) -> None:
    """`$(header:name)`: each record its tenant's key; without one its partition is refused."""
    way = open_way(scene)
    for tenant in ("one", "two"):
        scene.bao.create_key(tenant + "-kek")
    topic = scene.new_topic("tenants", 3)
    port = way.waxwing.ports[1]

    def batch(*tenants: bytes | None, name: str = "tenant") -> bytes:
        records = []
        for index, tenant in enumerate(tenants):
            headers = () if tenant is None else ((name, tenant),)
            records.append((b"k", b"value-%d" % index, headers))
        return batches.build_batch(records)

    good = batch(b"one", b"two", b"one", b"two")
    wrong = {
        "no header": batch(b"one", None),
        "another header": batch(b"one", name="tenants"),
        "an empty value": batch(b""),
        "a path": batch(b"../one"),
        "no text": batch(b"\xff\xfe"),
        "too long": batch(b"a" * 300),
    }
    for what, refused in wrong.items():
        answers = produce(port, topic, {0: good, 1: refused, 2: good})
        error, message = answers.pop(1)
        if error != INVALID_RECORD or topic not in message or "tenant" not in message:
            raise Failed("%s: error %d %r" % (what, error, message))
        expect_good(answers)
    absent = produce(port, topic, {0: good, 1: batch(b"nobody")})
    error, message = absent.pop(1)
    if error != POLICY_VIOLATION or "nobody-kek" not in message:
        raise Failed("a tenant without a key: error %d %r" % (error, message))
    expect_good(absent)
    used = set()
    for stored, one in scene.stored(topic):
        header = scene.opener.parse_header(one.header("wax"))
        used.add((one.header("tenant"), header.reference))
    wanted = {(name, "%s/%s-kek" % (SERVICE, name.decode())) for name in (b"one", b"two")}
    # Records of the lean form name no key.
    if {pair for pair in used if pair[1]} != wanted:
        raise Failed("keys by tenant: %s" % used)
    # Partitions 0 and 2 have all, and 1 nothing.
    opened = scene.open_stored(topic)
    if len(opened) != 4 * (2 * len(wrong) + 1):
        raise Failed("%d records are stored" % len(opened))
    error, data = fetch_error(way.waxwing, topic, 2)
    values = [one.value for found in batches.read_batches(data) for one in found.records()]
    if error or values != [b"value-%d" % index for index in range(4)] * len(wrong):
        raise Failed("partition 2: error %d, %d values" % (error, len(values)))
    way.close()
