"""A Kafka and an OpenBao on loopback, Waxwings between them, and clients that count records."""

from __future__ import annotations

import base64
import json
import threading
import time
from functools import cached_property
from pathlib import Path

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import OffsetSpec

from conformance import batches, cluster, proc, wire
from conformance.cases.protection import load_opener
from conformance.clients.confluent import Confluent
from conformance.clients.java import ENVIRONMENT, Java
from conformance.cluster import Topic
from conformance.faultserver import Front
from conformance.openbao import OpenBao
from conformance.proc import Failed
from conformance.records import Got, new_marker
from conformance.waxwing import Settings, Waxwing, Way

SERVICE, KEY, POLICY = "vault", "kek-orders", "waxwing"

NOT_ENOUGH_REPLICAS, POLICY_VIOLATION, INVALID_RECORD = 19, 44, 87
TOPIC_AUTHORIZATION_FAILED, STORAGE_ERROR = 29, 56

# Ample for any outage here: producers wait, and nothing that is measured depends on it.
PATIENCE_MS = 240_000


def section(name: str, content) -> str:
    """One section of the configuration; JSON is YAML."""
    return "%s: %s\n" % (name, json.dumps(content))


class Scene:
    def __init__(self):
        self.bao = OpenBao()
        self.bao.start()
        self.cluster = cluster.start_real()
        self.client = Confluent()
        self.opener = load_opener()
        self.fronts: list[Front] = []
        # Lines to print after a case.
        self.notes: list[str] = []
        self.bao.write_policy(POLICY)
        self.bao.create_key(KEY)
        self.token = self.bao.token([POLICY])
        self.token_file = self.bao.write_file("token", self.token)
        # Every data key that was unwrapped here, by its wrapped form.
        self.unwrapped: dict[tuple[str, bytes], bytes] = {}

    @cached_property
    def secure(self) -> OpenBao:
        """Another server, with TLS, that asks for client certificates."""
        secure = OpenBao(tls=True, client_certificates=True)
        secure.start()
        return secure

    def stop(self) -> None:
        for front in self.fronts:
            front.close()
        for bao in (self.bao, self.__dict__.get("secure")):
            if bao:
                bao.stop()
        self.cluster.stop()

    # Waxwings.

    def front(self, bao: OpenBao | None = None) -> Front:
        front = Front((bao or self.bao).port)
        self.fronts.append(front)
        return front

    def vault(self, address: str | None = None, **more) -> dict:
        """A key service of the configuration: OpenBao with the token file, unless told else."""
        settings = {
            "address": address or self.bao.address,
            "auth": {"tokenFile": str(self.token_file)},
            "connectTimeout": "1s",
            "timeout": "2s",
        }
        return {"vault": settings | more}

    def settings(self, keys: dict, protect: list[dict], **sections) -> Settings:
        """`sections` are further ones by name, as in `dataKeys={"age": "2s"}`."""
        grants = [{"principals": ["*"], "topics": ["*"], "show": "clear"}]
        return Settings(
            keys=section("keys", keys),
            protect=section("protect", protect),
            read=section("read", grants),
            extra="".join(section(*item) for item in sections.items()),
        )

    def through(self, keys: dict, protect: list[dict], **sections) -> Way:
        waxwing = Waxwing(self.cluster, self.settings(keys, protect, **sections))
        return Way(self.cluster, waxwing.bootstrap, seals=True, waxwing=waxwing)

    # Topics, and what is stored in them.

    def new_topic(self, kind: str, partitions: int = 1, **config: str) -> str:
        """`config` has its names with `_` for the dots."""
        topic = "%s-%s" % (kind, new_marker().decode()[-8:])
        config = {name.replace("_", "."): value for name, value in config.items()}
        self.cluster.create_topics({topic: Topic(partitions, config=config)})
        # A broker tells of its leaders a moment before it acts as one.
        places = {TopicPartition(topic, part): OffsetSpec.latest() for part in range(partitions)}

        def led() -> bool:
            told = self.cluster.admin().list_offsets(places).values()
            return all(future.exception(30) is None for future in told)

        proc.eventually("every new partition has offsets", led)
        return topic

    def stored(self, topic: str) -> list[tuple[batches.Batch, batches.Stored]]:
        """Every record as the brokers have it, with its batch."""
        found = batches.read_segments(self.cluster.segments(topic))
        return [(batch, one) for batch in found for one in batch.records()]

    def headers(self, topic: str) -> list:
        """The `wax` header of every sealed record, taken apart."""
        marks = [one.header("wax") for _, one in self.stored(topic)]
        return [self.opener.parse_header(mark) for mark in marks if mark is not None]

    def key_versions(self, topic: str) -> list[tuple[batches.Stored, int]]:
        """Every stored record with the version of the key that wraps its data key."""
        found = []
        for batch in batches.read_segments(self.cluster.segments(topic)):
            versions: dict[int, int] = {}
            for one in batch.records():
                header = self.opener.parse_header(one.header("wax"))
                if header.wrapped is not None:
                    version, _ = self.opener.read_uvarint(header.wrapped)
                    versions[header.data_key_id] = version
                found.append((one, versions[header.data_key_id]))
        return found

    def unwrap(self, reference: str, wrapped: bytes) -> bytes:
        """Has OpenBao itself open a data key as it is stored; for the independent opener."""
        known = self.unwrapped.get((reference, wrapped))
        if known is None:
            name = reference.split("/", 1)[1]
            version, rest = self.opener.read_uvarint(wrapped)
            text = "vault:v%d:%s" % (version, base64.b64encode(rest).decode())
            answer = self.bao.call("POST", "transit/decrypt/%s" % name, {"ciphertext": text})
            known = base64.b64decode(answer["data"]["plaintext"])
            self.unwrapped[reference, wrapped] = known
        return known

    def open_stored(self, topic: str) -> list[bytes | None]:
        """What the independent opener makes of the segments."""
        values = []
        for batch in batches.read_segments(self.cluster.segments(topic)):
            known: dict = {}
            for one in batch.records():
                _, value = self.opener.open_record(
                    list(one.headers), one.value, topic, self.unwrap, known
                )
                values.append(value)
        return values

    def expect_no_plaintext(self, topic: str, marker: bytes) -> None:
        if where := batches.contains(self.cluster.segments(topic), marker):
            raise Failed("plaintext is stored: %s" % where)

    def consume(self, way: Way, topic: str, count: int) -> list[Got]:
        return self.client.consume(way.bootstrap, topic, count)


class Steady:
    """An idempotent producer that sends numbered records all the time, whatever happens."""

    def __init__(
        self, way: Way, topic: str, per_second: int = 50, partition: int = 0, headers=(),
    ):  # fmt: skip
        self.way, self.topic = way, topic
        self.marker = new_marker()
        self.sent = 0
        # When each record was acknowledged, by its number.
        self.acknowledged: dict[int, float] = {}
        self.errors: list[str] = []
        self._place = {"partition": partition, "headers": list(headers)}
        self._pause = 1 / per_second
        self._stop = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": way.bootstrap,
                "enable.idempotence": True,
                "message.timeout.ms": PATIENCE_MS,
                "retry.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def value(self, number: int) -> bytes:
        return b"%s-%08d" % (self.marker, number)

    def _delivered(self, error, message) -> None:
        if error:
            self.errors.append("%s: %s" % (error.name(), error.str()))
        else:
            self.acknowledged[int(message.value()[-8:])] = time.monotonic()

    def _send(self) -> None:
        while not self._stop.wait(self._pause):
            self._producer.produce(
                self.topic, self.value(self.sent), on_delivery=self._delivered, **self._place
            )
            self.sent += 1
            self._producer.poll(0)
        self._producer.flush(PATIENCE_MS / 1000)

    def wait_for_more(self, count: int = 20) -> None:
        wait_for_more([self], count)

    def check(self) -> None:
        if self.errors:
            raise Failed("%s: %s" % (self.topic, self.errors[:3]))

    def stop(self) -> None:
        """Every record that was sent is acknowledged."""
        self._stop.set()
        self._thread.join()
        self.check()
        if len(self.acknowledged) != self.sent:
            raise Failed(
                "%s: %d of %d acknowledged" % (self.topic, len(self.acknowledged), self.sent)
            )

    def expect_all(self, got: list[Got]) -> None:
        """Every record came once, in its order, and nothing else."""
        values = [one.value for one in sorted(got, key=lambda one: one.offset)]
        wanted = [self.value(number) for number in range(self.sent)]
        if values == wanted:
            return
        lost = len(set(wanted) - set(values))
        twice = len(values) - len(set(values))
        raise Failed(
            "%s: %d sent, %d came; %d lost, %d twice, or in another order"
            % (self.topic, len(wanted), len(values), lost, twice)
        )


def wait_for_more(flows: list[Steady], count: int = 20) -> None:
    """Until so many more records of each have been acknowledged."""
    wanted = [(flow, len(flow.acknowledged) + count) for flow in flows]
    for flow, number in wanted:
        proc.eventually(
            "%d records of %s are acknowledged" % (number, flow.topic),
            lambda: len(flow.acknowledged) >= number or flow.errors,
            timeout=90,
        )
        flow.check()


def produce_error(
    waxwing: Waxwing, topic: str, partition: int = 0, headers=(), value: bytes = b"must not pass",
) -> tuple[int, str]:  # fmt: skip
    """Error code and message of a Produce by hand."""
    batch = batches.build_batch([(b"k", value, headers)])
    with wire.Connection(("127.0.0.1", waxwing.ports[1])) as connection:
        answer = connection.exchange(wire.produce(topic, partition, batch))
    if answer is None:
        raise Failed("the connection was closed instead of an answer")
    error, _, message = wire.produce_answer(answer)
    return error, message or ""


def environment(client: Java) -> dict[str, str]:
    """What Kafka's own tools are started with."""
    return ENVIRONMENT | {"LOG_DIR": str(client.log_directory)}


def spellings(secret: bytes | str | Path) -> list[bytes]:
    """How a secret could stand in a text."""
    if isinstance(secret, Path):
        secret = secret.read_text().strip()
    if isinstance(secret, str):
        return [secret.encode()]
    standard = base64.b64encode(secret).rstrip(b"=")
    return [
        secret,
        standard,
        base64.urlsafe_b64encode(secret).rstrip(b"="),
        secret.hex().encode(),
        secret.hex().upper().encode(),
    ]


def expect_no_secret(text: bytes, secrets: list, where: str) -> None:
    for secret in secrets:
        for spelling in spellings(secret):
            if len(spelling) >= 16 and spelling in text:
                raise Failed("%s holds a secret" % where)
