"""What readers are shown on every way to read: sessions, groups, followers, transactions."""

from __future__ import annotations

import json
import time
import uuid

from confluent_kafka import KafkaException, Producer, TopicPartition

from conformance.cases.views_scene import FETCH, MARK, SHARE_FETCH, Scene, user
from conformance.clients.confluent import Deliveries, read_to_end, send, to_got
from conformance.logins import Login
from conformance.proc import Failed
from conformance.readers import Stock, consumer_as
from conformance.records import Got, Record, by_place

READERS = ("fraud", "analyst", "auditor", "dropper", "intern")
# Dropped records are left out of a batch, so a reader needs no more fetches than there are batches.
FETCHES_MAX = 400


def document(index: int) -> bytes:
    """`MARK` stands in every field that is sealed, but for the one that the analyst reads clear."""
    return (
        '{"id": %d, "card": "%s-%04d", "email": "%s.%d@example.org", "note": "%s", "tags": ["%s"],'
        ' "unlisted": {"a": "%s", "n": 1.5, "t": true, "z": null}, "public": "p%d"}'
        % (index, MARK, index, MARK, index, MARK, MARK, MARK, index)
    ).encode()


def shown(name: str, value: bytes, stored: bytes) -> list | None:
    """What that reader is shown of a document, as pairs of names and values."""
    clear, sealed = json.loads(value), json.loads(stored)
    unlisted = {"a": "********", "n": 0.0, "t": False, "z": None}
    if name == "fraud":
        return list(clear.items())
    if name == "auditor":
        return list(sealed.items())
    if name == "dropper":
        return [("public", clear["public"])]
    if name == "analyst":
        card = "*" * (len(clear["card"]) - 4) + clear["card"][-4:]
        return [("id", clear["id"]), ("card", card), ("email", "*****@example.org"),
                ("tags", sealed["tags"]), ("unlisted", unlisted),
                ("public", clear["public"])]  # fmt: skip
    hidden = "********"
    return [("id", 0), ("card", hidden), ("email", hidden), ("note", hidden), ("tags", [hidden]),
            ("unlisted", unlisted), ("public", clear["public"])]  # fmt: skip


def expect_shown(name: str, got: list[Got], sent: dict, stored: dict) -> None:
    """`sent` and `stored` are values by the records' keys."""
    seen = [one.key for one in got]
    if sorted(seen) != sorted(sent):
        raise Failed("%s: %d records of %d, in %d keys"
                     % (name, len(seen), len(sent), len(set(seen))))  # fmt: skip
    for one in got:
        wanted = shown(name, sent[one.key], stored[one.key])
        if list(json.loads(one.value).items()) != wanted:
            raise Failed("%s: %r instead of %s" % (name, one.value, wanted))
        if name in ("fraud", "auditor"):
            exact = (sent if name == "fraud" else stored)[one.key]
            if one.value != exact:
                raise Failed("%s: %r instead of %r" % (name, one.value, exact))


class Reading:
    def __init__(self, scene: Scene):
        self.scene = scene

    def cases(self) -> dict:
        return {
            "clear, masks, sealed, drop and nothing said, per path": self.per_path,
            "incremental fetch sessions, with new records in them": self.sessions,
            "consumer groups of both protocols": self.groups,
            "a replica in the reader's rack": self.follower,
            "share groups are shown masks": self.share_groups,
            "share groups cannot leave records out": self.share_drop,
            "transactions, committed and aborted": self.transactions,
            "values that were sealed whole": self.whole,
            "dropped records: librdkafka comes to the end": self.drop_librdkafka,
            "dropped records: Python and Java come to the end": self.drop_others,
        }

    def fill(self, topic: str, count: int, partitions: int, first: int = 0) -> dict:
        """Writes documents; returns them by key."""
        sent = {b"k%d" % index: document(index) for index in range(first, first + count)}
        records = [
            Record(key, value, (), None, index % partitions)
            for index, (key, value) in enumerate(sent.items())
        ]
        self.scene.write(topic, records, codec=("none", "lz4", "zstd")[first % 3])
        return sent

    def stored(self, topic: str, count: int) -> dict:
        found = {one.key: one.value for one in self.scene.read_direct(topic, count)}
        if any(MARK.encode() in value for value in found.values()):
            raise Failed("plaintext at the broker")
        return found

    def keep(self, login: Login, got: list[Got]) -> None:
        """For the search at the end."""
        if login.name != "fraud":
            self.scene.uncleared += [one.value or b"" for one in got]

    def listener(self, name: str) -> str:
        return self.scene.waxwing.at("cleared" if name == "fraud" else "apps")

    def per_path(self) -> None:
        topic = self.scene.new_topic("docs", 3)
        sent = self.fill(topic, 60, 3)
        stored = self.stored(topic, 60)
        for name in READERS:
            for stock, mechanism in (
                (Stock.CONFLUENT, "SCRAM-SHA-256"), (Stock.KAFKA_PYTHON, "OAUTHBEARER"),
                (Stock.AIOKAFKA, "SCRAM-SHA-512"), (Stock.KCAT, "PLAIN"),
            ):  # fmt: skip
                got = self.scene.read(topic, 60, user(mechanism, name), stock)
                expect_shown(name, got, sent, stored)
        # The tool prints headers as text, so this reader is one that is given nothing sealed.
        got = self.scene.read(topic, 60, user("SCRAM-SHA-256", "intern"), Stock.JAVA)
        expect_shown("intern", got, sent, stored)
        if max(self.scene.watch().versions(FETCH)) < 13:
            raise Failed("no client fetched by topic id")

    def sessions(self) -> None:
        from kafka import KafkaConsumer
        from kafka import TopicPartition as Part

        from conformance.clients.kafkapython import to_got as to_got_python

        topic = self.scene.new_topic("docs", 3)
        login = user("SCRAM-SHA-256", "analyst")
        before = self.scene.watch().incremental
        consumer = KafkaConsumer(
            bootstrap_servers=self.listener("analyst"), enable_auto_commit=False,
            fetch_max_wait_ms=100, **login.kafka_python(),
        )  # fmt: skip
        sent: dict = {}
        got: list[Got] = []
        try:
            parts = [Part(topic, id) for id in range(3)]
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)
            for index in range(6):
                # Not every partition has something new in every round.
                sent |= self.fill(topic, 6, 1 + index % 3, 100 * index)
                end = time.monotonic() + 60
                while len(got) < len(sent):
                    if time.monotonic() > end:
                        raise Failed("%d of %d records" % (len(got), len(sent)))
                    for batch in consumer.poll(200).values():
                        got += map(to_got_python, batch)
        finally:
            consumer.close()
        self.keep(login, got)
        expect_shown("analyst", got, sent, self.stored(topic, len(sent)))
        if self.scene.watch().incremental < before + 6:
            raise Failed("the client went on with no session")

    def groups(self) -> None:
        topic = self.scene.new_topic("docs", 4)
        sent = self.fill(topic, 80, 4)
        stored = self.stored(topic, 80)
        for name, protocol in (
            ("analyst", "classic"),
            ("intern", "consumer"),
            ("fraud", "classic"),
        ):
            login = user("SCRAM-SHA-256", name)
            group = "group-" + uuid.uuid4().hex[:8]
            members = [
                consumer_as(self.listener(name), login, group_id=group, group_protocol=protocol)
                for _ in range(2)
            ]
            got: list[Got] = []
            try:
                for member in members:
                    member.subscribe([topic])
                self._poll(members, got, 40)
                # One leaves with what it has committed, the other goes on.
                members.pop().close()
                self._poll(members, got, len(sent))
            finally:
                for member in members:
                    member.close()
            self.keep(login, got)
            expect_shown(name, by_place(list({one.key: one for one in got}.values())), sent, stored)

    @staticmethod
    def _poll(members: list, got: list[Got], count: int) -> None:
        end = time.monotonic() + 60
        while len({one.key for one in got}) < count:
            if time.monotonic() > end:
                raise Failed("%d of %d records" % (len(got), count))
            for member in members:
                some = [message for message in member.consume(100, 0.2) if not message.error()]
                if some:
                    got += map(to_got, some)
                    member.commit(asynchronous=False)

    def follower(self) -> None:
        topic = self.scene.new_topic("docs")
        leader = self.scene.cluster.leader(topic, 0)
        other = next(id for id in self.scene.cluster.nodes if id != leader)
        sent = self.fill(topic, 50, 1)
        stored = self.stored(topic, 50)
        for name in ("analyst", "fraud"):
            listener = "cleared" if name == "fraud" else "apps"
            port = self.scene.waxwing.bases[listener] + 1 + other
            before = self.scene.watch(listener).at_port[FETCH, port]
            got = self.scene.read(
                topic, 50, user("SCRAM-SHA-256", name), client_rack="rack-%d" % other
            )
            expect_shown(name, got, sent, stored)
            if self.scene.watch(listener).at_port[FETCH, port] == before:
                raise Failed("%s did not fetch from the follower, node %d" % (name, other))

    def _share(self, topic: str, group: str, login: Login, count: int, seconds: float = 60):
        """What a member of a share group is given until it has `count` records or time is over."""
        from confluent_kafka import ShareConsumer

        settings = {"bootstrap.servers": self.listener(login.name), "group.id": group,
                    "log_level": 0} | login.librdkafka()  # fmt: skip
        got: list[Got] = []
        errors: list[str] = []
        end = time.monotonic() + seconds
        with ShareConsumer(settings) as consumer:
            consumer.subscribe([topic])
            while len(got) < count and time.monotonic() < end:
                try:
                    for message in consumer.poll(0.5):
                        if message.error():
                            errors.append(str(message.error()))
                        else:
                            got.append(to_got(message))
                except KafkaException as error:
                    errors.append(str(error))
            if got:
                consumer.commit_sync(30)
        self.keep(login, got)
        return got, errors

    def _share_group(self) -> str:
        group = "share-" + uuid.uuid4().hex[:8]
        self.scene.cluster.set_group_config(group, "share.auto.offset.reset", "earliest")
        return group

    def share_groups(self) -> None:
        topic = self.scene.new_topic("docs", 2)
        sent = self.fill(topic, 40, 2)
        stored = self.stored(topic, 40)
        for name in ("analyst", "fraud"):
            login = user("SCRAM-SHA-256", name)
            got, errors = self._share(topic, self._share_group(), login, 40)
            if errors:
                raise Failed("%s: %s" % (name, errors[:3]))
            expect_shown(name, got, sent, stored)
        if not self.scene.watch().count(SHARE_FETCH):
            raise Failed("nobody sent a ShareFetch")

    def share_drop(self) -> None:
        topic = self.scene.new_topic("whole")
        values = [b"%s-%d" % (MARK.encode(), index) for index in range(20)]
        self.scene.write(topic, values)
        group = self._share_group()
        before = self.scene.watch().count(SHARE_FETCH)
        got, _ = self._share(topic, group, user("SCRAM-SHA-256", "dropper"), 1, seconds=6)
        if got:
            raise Failed("it was given %r" % got[:1])
        if self.scene.watch().count(SHARE_FETCH) == before:
            raise Failed("it never asked")
        # They count neither as read nor as missing: whoever may see them gets them all.
        got, errors = self._share(topic, group, user("SCRAM-SHA-256", "fraud"), 20)
        if sorted(one.value for one in got) != sorted(values):
            raise Failed("%d of 20 records are left for others, %s" % (len(got), errors[:2]))

    def transactions(self) -> None:
        topic = self.scene.new_topic("docs", 2)
        producer = Producer(
            {"bootstrap.servers": self.listener("fraud"), "transactional.id": uuid.uuid4().hex,
             "compression.type": "zstd", "log_level": 0}
            | user("SCRAM-SHA-512", "shop").librdkafka()
        )  # fmt: skip
        producer.init_transactions(60)
        kept: dict = {}
        for number, commits in enumerate((True, False, True)):
            batch = {b"t%d-%d" % (number, at): document(1000 * number + at) for at in range(20)}
            records = [Record(key, value, (), None, at % 2)
                       for at, (key, value) in enumerate(batch.items())]  # fmt: skip
            deliveries = Deliveries()
            producer.begin_transaction()
            send(producer, topic, records, deliveries)
            producer.flush(60)
            deliveries.check(len(records))
            if commits:
                producer.commit_transaction(60)
                kept |= batch
            else:
                producer.abort_transaction(60)
        stored = self.stored(topic, 40)
        for name in ("analyst", "fraud", "dropper"):
            login = user("PLAIN", name)
            got = self.scene.read(topic, 40, login, isolation_level="read_committed")
            expect_shown(name, got, kept, stored)

    def whole(self) -> None:
        topic = self.scene.new_topic("whole", 2)
        values = [
            b'{"a": "%s", "n": [1.5, null], "t": true}' % MARK.encode(),
            MARK.encode() + bytes(range(256)), b"", b' "%s" ' % MARK.encode(), b"17",
        ]  # fmt: skip
        self.scene.write(topic, [Record(b"k%d" % at, one) for at, one in enumerate(values)]
                         + [Record(b"k9", None)])  # fmt: skip
        stored = {one.key: one.value for one in self.scene.read_direct(topic, 6)}
        clear = {b"k%d" % at: one for at, one in enumerate(values)} | {b"k9": None}
        # What is no JSON is hidden by no JSON.
        hidden = b"********"
        redacted = {
            b"k0": b'{"a": "********", "n": [0.0, null], "t": false}', b"k1": hidden,
            b"k2": hidden, b"k3": b' "********" ', b"k4": b"0", b"k9": None,
        }  # fmt: skip
        wanted = {"fraud": clear, "analyst": redacted, "auditor": stored, "intern": stored,
                  "dropper": {b"k9": None}}  # fmt: skip
        for name, values_by_key in wanted.items():
            for stock in (Stock.CONFLUENT, Stock.AIOKAFKA):
                got = self.scene.read(topic, len(values_by_key), user("PLAIN", name), stock)
                found = {one.key: one.value for one in got}
                if found != values_by_key or len(got) != len(values_by_key):
                    raise Failed("%s: %s instead of %s" % (name, found, values_by_key))

    def _droppable(self, ends_with_plain: bool) -> tuple[str, list[bytes]]:
        """A topic whose second partition has plain records here and there, and those."""
        topic = self.scene.new_topic("whole", 3)
        plain: list[bytes] = []
        self._sealed(topic, 0, 3000)
        self._sealed(topic, 2, 500)
        for number in range(3):
            self._sealed(topic, 1, 100)
            plain += self._plain(topic, 1, b"plain-%d" % number)
        if ends_with_plain:
            for part in (0, 2):
                plain += self._plain(topic, part, b"last-%d" % part)
        return topic, plain

    def _sealed(self, topic: str, part: int, count: int) -> None:
        value = MARK.encode() + b"-%d"
        records = [Record(b"s", value % index, (), None, part) for index in range(count)]
        self.scene.write(topic, records, codec="lz4")

    def _plain(self, topic: str, part: int, value: bytes) -> list[bytes]:
        self.scene.write_direct(topic, [Record(b"p", value, (), None, part)])
        return [value]

    def drop_librdkafka(self) -> None:
        topic, plain = self._droppable(ends_with_plain=False)
        login = user("SCRAM-SHA-256", "dropper")
        before = self.scene.watch().count(FETCH)
        consumer = consumer_as(self.listener("dropper"), login)
        try:
            # Ends when every partition has told its end.
            got = read_to_end(consumer, topic, len(plain))
            if sorted(one.value for one in got) != sorted(plain):
                raise Failed("%d records, %d are plain" % (len(got), len(plain)))
            fetches = self.scene.watch().count(FETCH) - before
            if fetches > FETCHES_MAX:
                raise Failed("%d fetches for 3800 records" % fetches)
            # And what comes behind dropped ones arrives.
            consumer.assign([TopicPartition(topic, part, 0) for part in range(3)])
            self._plain(topic, 2, b"behind")
            end = time.monotonic() + 60
            while not any(m.value() == b"behind" for m in consumer.consume(100, 0.5)):
                if time.monotonic() > end:
                    raise Failed("the record behind dropped ones does not arrive")
        finally:
            consumer.close()
        self.keep(login, got)

    def drop_others(self) -> None:
        topic, plain = self._droppable(ends_with_plain=True)
        for stock in (Stock.KAFKA_PYTHON, Stock.AIOKAFKA, Stock.KCAT, Stock.JAVA):
            before = self.scene.watch().count(FETCH)
            login = user("PLAIN", "dropper")
            got = self.scene.read(topic, len(plain), login, stock)
            if sorted(one.value for one in got) != sorted(plain):
                raise Failed("%s: %d records, %d are plain" % (stock.value, len(got), len(plain)))
            fetches = self.scene.watch().count(FETCH) - before
            if fetches > FETCHES_MAX:
                raise Failed("%s: %d fetches for 3800 records" % (stock.value, fetches))
