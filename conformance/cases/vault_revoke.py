"""Keys that are taken away: reads stop within the cache time, and nobody else is disturbed."""

from __future__ import annotations

import threading
import time

from kafka import KafkaConsumer
from kafka import TopicPartition as Place
from kafka.errors import TopicAuthorizationFailedError

from conformance import batches, proc
from conformance.cases.protection import fetch_error
from conformance.cases.vault_scene import (
    KEY,
    POLICY_VIOLATION,
    SERVICE,
    TOPIC_AUTHORIZATION_FAILED,
    Scene,
    environment,
    produce_error,
)
from conformance.clients.java import Java
from conformance.proc import Failed, Skipped
from conformance.records import Record, make_text, new_marker
from conformance.waxwing import Way

from confluent_kafka import Consumer, KafkaError, TopicPartition

AGE, CACHE_AGE = 2, 3
COUNT = 20


class Revoked:
    """Topics whose records were sealed, and read, before their keys were taken away."""

    def __init__(self, scene: Scene):
        self.scene, bao = scene, scene.bao
        for name in ("kek-old", "kek-ward", "alpha-key", "beta-key"):
            bao.create_key(name)
        bao.write_policy("ward")
        ward = bao.write_file("ward-token", bao.token(["ward"]))
        keys = {SERVICE: scene.vault(), "ward": scene.vault(auth={"tokenFile": str(ward)})}
        protect = [
            {"topics": ["version-*"], "key": SERVICE + "/kek-old"},
            {"topics": ["ward-*"], "key": "ward/kek-ward"},
            {"topics": ["tenants-*"], "key": SERVICE + "/$(header:tenant)-key"},
            {"topics": ["healthy-*"], "key": "%s/%s" % (SERVICE, KEY)},
        ]
        ages = {"age": "%ds" % AGE, "cacheAge": "%ds" % CACHE_AGE}
        self.way: Way = scene.through(keys, protect, dataKeys=ages)
        self.version, self.ward = scene.new_topic("version"), scene.new_topic("ward")
        self.tenants = scene.new_topic("tenants", 2)
        self.healthy = scene.new_topic("healthy")
        self.sent: dict[tuple[str, int], list[Record]] = {}
        for topic, partition in self.places():
            self.write(topic, partition)
            self.expect_readable(topic, partition)

    def places(self) -> list[tuple[str, int]]:
        one = [(topic, 0) for topic in (self.version, self.ward, self.healthy)]
        return [*one, (self.tenants, 0), (self.tenants, 1)]

    def tenant(self, topic: str, partition: int) -> tuple:
        return (("tenant", (b"alpha", b"beta")[partition]),) if topic == self.tenants else ()

    def write(self, topic: str, partition: int = 0) -> None:
        texts = make_text(new_marker(), COUNT, self.tenant(topic, partition))
        records = [Record(one.key, one.value, one.headers, None, partition) for one in texts]
        self.scene.client.produce(self.way.bootstrap, topic, records, "none")
        self.sent.setdefault((topic, partition), []).extend(records)

    def read(self, topic: str, partition: int = 0, offset: int = 0) -> tuple[int, list[bytes]]:
        error, data = fetch_error(self.way.waxwing, topic, partition, offset)
        values = [one.value for batch in batches.read_batches(data) for one in batch.records()]
        return error, values

    def expect_readable(self, topic: str, partition: int = 0, offset: int = 0) -> None:
        wanted = [one.value for one in self.sent[topic, partition]][offset:]
        error, values = self.read(topic, partition, offset)
        if error or values[: len(wanted)] != wanted:
            raise Failed(
                "%s/%d: error %d, %d of %d values"
                % (topic, partition, error, len(values), len(wanted))
            )

    def expect_refused(self, topic: str, partition: int = 0) -> None:
        error, values = self.read(topic, partition)
        if error != TOPIC_AUTHORIZATION_FAILED or values:
            raise Failed("%s/%d: error %d, %d values" % (topic, partition, error, len(values)))

    def expect_no_sealing(self, topic: str, key: str, partition: int = 0) -> None:
        headers = self.tenant(topic, partition)
        error, message = produce_error(self.way.waxwing, topic, partition, headers)
        if error != POLICY_VIOLATION or topic not in message or key not in message:
            raise Failed("%s: Produce: error %d, %r" % (topic, error, message))
        self.scene.expect_no_plaintext(topic, b"must not pass")

    # What happens.

    def revoke(self) -> None:
        """A version is disabled, a policy is taken away, a key is deleted; somebody reads on."""
        bao = self.scene.bao
        bao.rotate_key("kek-old")
        # What is sealed after this is sealed under the new version.
        time.sleep(AGE + 1)
        self.write(self.version)
        versions = [version for _, version in self.scene.key_versions(self.version)]
        if versions != [1] * COUNT + [2] * COUNT:
            raise Failed("versions %s" % versions)
        bao.set_min_decryption_version("kek-old", 2)
        bao.call("DELETE", "sys/policies/acl/ward")
        bao.delete_key("alpha-key")
        gone = [(self.version, 0), (self.ward, 0), (self.tenants, 0)]
        refused = set()
        until = time.monotonic() + CACHE_AGE + 1
        while time.monotonic() < until:
            for place in gone:
                error, values = self.read(*place)
                if place in refused and not error:
                    raise Failed("%s opens again" % place[0])
                if error:
                    refused.add(place)
            self.expect_readable(self.healthy)
            time.sleep(0.1)
        for place in gone:
            self.expect_refused(*place)

    def old_version(self) -> None:
        self.expect_refused(self.version)
        self.expect_readable(self.version, offset=COUNT)
        self.write(self.version)
        self.expect_readable(self.version, offset=COUNT)
        self.scene.bao.set_min_decryption_version("kek-old", 1)
        self.eventually_readable(self.version)

    def policy(self) -> None:
        self.expect_refused(self.ward)
        self.expect_no_sealing(self.ward, "kek-ward")
        self.expect_readable(self.healthy)
        self.write(self.healthy)
        self.scene.bao.write_policy("ward")
        self.eventually_readable(self.ward)
        self.write(self.ward)
        self.expect_readable(self.ward)

    def deleted(self) -> None:
        self.expect_refused(self.tenants, 0)
        self.expect_no_sealing(self.tenants, "alpha-key", 0)
        self.write(self.tenants, 1)
        self.expect_readable(self.tenants, 1)

    def eventually_readable(self, topic: str) -> None:
        proc.eventually("%s opens again" % topic, lambda: not self.read(topic)[0], pause=0.5)
        self.expect_readable(topic)

    # Clients of the topic of which one partition has lost its key.

    @property
    def wanted(self) -> list[bytes]:
        return [one.value for one in self.sent[self.tenants, 1]]

    def librdkafka(self) -> None:
        settings = {"bootstrap.servers": self.way.bootstrap, "group.id": "unused", "log_level": 0}
        consumer = Consumer(settings)
        consumer.assign([TopicPartition(self.tenants, partition, 0) for partition in (0, 1)])
        values: list[bytes] = []
        errors: set[tuple[int, int]] = set()
        until = time.monotonic() + 60
        try:
            while len(values) < len(self.wanted) or not errors:
                if time.monotonic() > until:
                    raise Failed("%d values, errors %s" % (len(values), errors))
                for message in consumer.consume(100, 0.2):
                    if message.error():
                        errors.add((message.partition(), message.error().code()))
                    elif message.partition() == 0:
                        raise Failed("a record of the partition without a key")
                    else:
                        values.append(message.value())
        finally:
            consumer.close()
        if errors != {(0, KafkaError.TOPIC_AUTHORIZATION_FAILED)}:
            raise Failed("errors %s" % errors)
        self.expect_values(values)

    def kafka_python(self) -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=[self.way.bootstrap], auto_offset_reset="earliest",
            enable_auto_commit=False,
        )  # fmt: skip
        values: list[bytes] = []
        errors = 0
        until = time.monotonic() + 60
        try:
            consumer.assign([Place(self.tenants, partition) for partition in (0, 1)])
            while len(values) < len(self.wanted) or not errors:
                if time.monotonic() > until:
                    raise Failed("%d values, %d errors" % (len(values), errors))
                try:
                    for place, found in consumer.poll(200).items():
                        if place.partition == 0:
                            raise Failed("a record of the partition without a key")
                        values += [one.value for one in found]
                except TopicAuthorizationFailedError as error:
                    if self.tenants not in str(error):
                        raise Failed("the error does not name the topic: %s" % error) from None
                    errors += 1
        finally:
            consumer.close()
        self.expect_values(values)

    def java(self) -> None:
        """The console consumer ends with the error; one beside it, of the other partition, does
        not."""
        client = Java(self.scene.cluster.home)
        if reason := client.unavailable():
            raise Skipped(reason)
        ended = {}

        def run(partition: int) -> None:
            argv = [str(client.home / "bin" / "kafka-console-consumer.sh")]
            argv += ["--bootstrap-server", self.way.bootstrap, "--topic", self.tenants]
            argv += ["--partition", str(partition), "--offset", "earliest"]
            argv += ["--max-messages", str(len(self.wanted)), "--timeout-ms", "60000"]
            ended[partition] = proc.run(argv, env=environment(client), check=False)

        threads = [threading.Thread(target=run, args=(partition,)) for partition in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if 0 not in ended or 1 not in ended:
            raise Failed("a console consumer did not end")
        if b"TopicAuthorizationException" not in ended[0].stderr or ended[0].stdout:
            raise Failed("partition 0: %r %r" % (ended[0].stderr[-500:], ended[0].stdout[:100]))
        self.expect_values(ended[1].stdout.splitlines())

    def expect_values(self, values: list[bytes]) -> None:
        if values != self.wanted:
            raise Failed("%d values of %d, not the same" % (len(values), len(self.wanted)))


def revocation_cases(scene: Scene, suite) -> None:
    made: list[Revoked] = []
    with suite.case("revoke: reads stop within the cache time"):
        made.append(Revoked(scene))
        made[0].revoke()
    if not made:
        return
    revoked = made[0]
    names = {
        "revoke: an old version is disabled, and enabled again": revoked.old_version,
        "revoke: a policy is taken away, and given back": revoked.policy,
        "revoke: a key is deleted; the topic's other partition goes on": revoked.deleted,
        "revoke: what librdkafka sees": revoked.librdkafka,
        "revoke: what kafka-python sees": revoked.kafka_python,
        "revoke: what Java sees": revoked.java,
    }
    for name, work in names.items():
        with suite.case(name):
            work()
            revoked.way.check()
    with suite.case("revoke: it ends cleanly"):
        revoked.way.close()
