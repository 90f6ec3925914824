"""Who a client is, by how it logged in: each principal has a mask that says its name."""

from __future__ import annotations

import re
import time

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from conformance import wire
from conformance.cases.views_scene import (
    MARK,
    ODD_NAMES,
    SASL_AUTHENTICATE,
    USERS,
    Scene,
    authenticate,
    documents,
    handshake,
    log_in,
    user,
)
from conformance.logins import NOBODY, Login
from conformance.proc import Failed, Skipped
from conformance.readers import Stock, consumer_as, java_tool, read_as
from conformance.records import Got

WHO = documents('{"pii": "%s", "n": 7}' % MARK)
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
AUTHENTICATION_FAILED, ILLEGAL_SASL_STATE = 58, 34


def expect_label(got: list[Got], label: str) -> None:
    """Fails unless every record was shown as the rules show it to the one with that label."""
    wanted = b'{"pii": "%s", "n": 7}' % label.encode()
    wrong = [one.value for one in got if one.value != wanted]
    if wrong or not got:
        raise Failed("%d records, such as %r instead of %r" % (len(got), wrong[:1], wanted))


class Logins:
    """The cases, around one topic."""

    def __init__(self, scene: Scene):
        self.scene = scene
        self.topic = scene.new_topic("who-")
        scene.write(self.topic, WHO)

    def cases(self) -> dict:
        cases = {}
        for stock in Stock:
            for mechanism in MECHANISMS:
                if stock is Stock.JAVA and mechanism.startswith("SCRAM"):
                    continue  # Every call starts a JVM; delegation tokens log in by SCRAM.
                name = "%s: %s is who it logged in as" % (mechanism, stock.value)
                cases[name] = lambda at=(stock, mechanism): self.mechanism(*at)
        return cases | {
            "names with commas, equals signs, quotes and other letters": self.odd_names,
            "a token's groups": self.groups,
            "users that no rule names": self.others,
            "a wrong password proves nothing": self.wrong_password,
            "a request before the log-in is done": self.unproven,
            "a delegation token is known to nobody": self.delegation_token,
            "logging in again, while reading": self.again,
            "logging in again as another": self.as_another,
            "SaslHandshake of version 0": self.old_handshake,
            "listeners that say who their clients are": self.listeners,
        }

    def mechanism(self, stock: Stock, mechanism: str) -> None:
        if stock is Stock.KCAT and mechanism.startswith("SCRAM"):
            self.see_whether_kcat_can(mechanism)
        for name in ("analyst",) if stock is Stock.JAVA else ("analyst", "fraud"):
            expect_label(self.scene.read(self.topic, 1, user(mechanism, name), stock), name)

    def see_whether_kcat_can(self, mechanism: str) -> None:
        """librdkafka before 2.6 sends a nonce that Kafka refuses since 3.7.2."""
        try:
            direct = self.scene.cluster.sasl_upstream
            read_as(Stock.KCAT, direct, self.topic, 1, user(mechanism, "analyst"))
        except Failed:
            raise Skipped("this kcat cannot do it direct either") from None

    def odd_names(self) -> None:
        for label, name in ODD_NAMES.items():
            for mechanism in MECHANISMS:
                if mechanism.startswith("SCRAM") and not name.isascii():
                    continue
                got = self.scene.read(self.topic, 1, user(mechanism, name))
                expect_label(got, label)
        comma = user("SCRAM-SHA-256", ODD_NAMES["comma"])
        expect_label(self.scene.read(self.topic, 1, comma, Stock.AIOKAFKA), "comma")
        unicode = user("PLAIN", ODD_NAMES["unicode"])
        for stock in (Stock.KAFKA_PYTHON, Stock.AIOKAFKA, Stock.KCAT):
            expect_label(self.scene.read(self.topic, 1, unicode, stock), "unicode")

    def groups(self) -> None:
        for groups, label in (
            (("sales", "analysts"), "group"), (("analysts2", "Analysts"), "somebody"),
        ):  # fmt: skip
            for stock in (Stock.CONFLUENT, Stock.KCAT, Stock.AIOKAFKA):
                login = user("OAUTHBEARER", "bob", groups)
                expect_label(self.scene.read(self.topic, 1, login, stock), label)
        # The first rule counts, and it is for a name.
        login = user("OAUTHBEARER", "intern", ("analysts",))
        expect_label(self.scene.read(self.topic, 1, login), "intern")

    def others(self) -> None:
        for name in ("auditor", "shop"):
            expect_label(self.scene.read(self.topic, 1, user("SCRAM-SHA-256", name)), "somebody")
        # What looks like a pattern or a prefix in a name is a letter.
        for name in ("fraud*", "*", "User:fraud", "FRAUD"):
            got = self.scene.read(self.topic, 1, user("OAUTHBEARER", name), Stock.AIOKAFKA)
            expect_label(got, "somebody")
        # Some brokers cut spaces off, so nobody knows whom this one means.
        got = self.scene.read(self.topic, 1, user("OAUTHBEARER", "fraud "), Stock.AIOKAFKA)
        expect_label(got, "everybody")

    def wrong_password(self) -> None:
        before = self.scene.watch().count(1)
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            login = Login(mechanism, "watchman", "not-the-password")
            errors: list[KafkaError] = []
            settings = {"bootstrap.servers": self.scene.waxwing.at("apps"), "log_level": 0,
                        "error_cb": errors.append} | login.librdkafka()  # fmt: skip
            client = AdminClient(settings)
            try:
                client.list_topics(timeout=1)
                raise Failed("%s: the cluster answers" % mechanism)
            except KafkaException:
                client.poll(0.5)
            if not any(error.code() == KafkaError._AUTHENTICATION for error in errors):
                raise Failed("%s: told %s" % (mechanism, errors))
        node = self.scene.waxwing.ports[1]
        with wire.Connection(("127.0.0.2", node)) as connection:
            error = log_in(connection, Login("PLAIN", "fraud", "not-the-password"))
            answer = connection.exchange(wire.fetch(self.topic, 0, 0))
            if error != AUTHENTICATION_FAILED or answer is not None:
                raise Failed("error %d, then %s" % (error, answer and answer.data))
        if self.scene.watch().count(1) > before + 1:
            raise Failed("a client went on to fetch")
        if any("watchman" in event["principal"] for event in self.scene.audit_events()):
            raise Failed("the audit names a client that did not log in")

    def unproven(self) -> None:
        """All at once: nothing may pass before the broker has said who it is."""
        node = self.scene.waxwing.ports[self.scene.cluster.leader(self.topic, 0)]
        for login in (Login("PLAIN", "fraud", "not-the-password"), None):
            with wire.Connection(("127.0.0.2", node)) as connection:
                frames = [handshake("PLAIN"), authenticate(login)] if login else []
                connection.send(b"".join(frames) + wire.fetch(self.topic, 0, 0, correlation=3))
                while (answer := connection.read_frame()) is not None:
                    if b"wax1:" in answer or MARK.encode() in answer or b'"n"' in answer:
                        raise Failed("records before a log-in: %r" % answer)

    def delegation_token(self) -> None:
        owner = user("SCRAM-SHA-512", "fraud")
        path = self.scene.directory / "owner.properties"
        path.write_text(owner.java())
        argv = ["kafka-run-class.sh", "org.apache.kafka.tools.DelegationTokenCommand"]
        argv += ["--bootstrap-server", self.scene.waxwing.at("cleared")]
        argv += ["--create", "--max-life-time-period", "-1", "--command-config", str(path)]
        output = java_tool(argv).decode()
        found = re.search(r"^([\w-]{22})\s+(\S{60,})\s+User:fraud\b", output, re.M)
        if not found:
            raise Failed("no token in %r" % output[-500:])
        login = Login("SCRAM-SHA-256", found[1], found[2])
        got = read_as(
            Stock.JAVA, self.scene.waxwing.at("apps"), self.topic, 1, login,
            is_delegation_token=True,
        )  # fmt: skip
        expect_label(got, "everybody")

    def again(self) -> None:
        """Longer than a log-in lasts: whoever reads stays who it is."""
        topic = self.scene.new_topic("who-", 2)
        before = self.scene.watch().count(SASL_AUTHENTICATE)
        logins = [user("PLAIN", "analyst"), user("SCRAM-SHA-512", "intern")]
        consumers = [consumer_as(self.scene.waxwing.at("apps"), login) for login in logins]
        got: list[list] = [[], []]
        try:
            for consumer in consumers:
                consumer.assign([TopicPartition(topic, part, 0) for part in range(2)])
            end = time.monotonic() + 8
            sent = 0
            while time.monotonic() < end or any(len(one) < sent for one in got):
                if time.monotonic() > end + 60:
                    raise Failed("%s of %d records" % ([len(one) for one in got], sent))
                if time.monotonic() < end:
                    self.scene.write(topic, WHO)
                    sent += 1
                for consumer, received in zip(consumers, got):
                    for message in consumer.consume(100, 0.3):
                        if message.error() is None:
                            received.append(message)
        finally:
            for consumer in consumers:
                consumer.close()
        for login, received in zip(logins, got):
            values = {message.value() for message in received}
            if values != {b'{"pii": "%s", "n": 7}' % login.name.encode()}:
                raise Failed("%s was shown %s" % (login, values))
        # Each has a connection to bootstrap and to two nodes, and PLAIN takes one message.
        if self.scene.watch().count(SASL_AUTHENTICATE) < before + 9 + 2:
            raise Failed("nobody logged in again")

    def as_another(self) -> None:
        """Kafka refuses it, and what is fetched then is nothing."""
        node = self.scene.waxwing.ports[self.scene.cluster.leader(self.topic, 0)]
        with wire.Connection(("127.0.0.2", node)) as connection:
            if error := log_in(connection, user("PLAIN", "analyst")):
                raise Failed("error %d" % error)
            answer = connection.exchange(wire.fetch(self.topic, 0, 0))
            if answer is None or b'"analyst"' not in answer.data:
                raise Failed("not shown as to the analyst")
            # The broker takes another log-in after a second, not before.
            time.sleep(1.2)
            error = log_in(connection, user("PLAIN", "fraud"))
            answer = connection.exchange(wire.fetch(self.topic, 0, 0))
            if not error or answer is not None and b'"fraud"' in answer.data:
                raise Failed("error %d, then %r" % (error, answer and answer.data))

    def old_handshake(self) -> None:
        """After it raw tokens would follow, which are not Kafka's messages."""
        node = self.scene.waxwing.ports[1]
        with wire.Connection(("127.0.0.2", node)) as connection:
            answer = connection.exchange(handshake("PLAIN", version=0))
            if answer is not None:
                error = answer.int16()
                if error == 0:
                    raise Failed("it is accepted")
            login = user("PLAIN", "fraud")
            token = b"\0%s\0%s" % (login.name.encode(), login.password.encode())
            connection.send(len(token).to_bytes(4, "big") + token)
            if connection.read_frame() is not None:
                raise Failed("a raw token is answered")
        expect_label(self.scene.read(self.topic, 1, user("PLAIN", "analyst")), "analyst")

    def listeners(self) -> None:
        for name in ("anonymous", "billing", "analyst", "fraud"):
            got = read_as(
                Stock.CONFLUENT, self.scene.fixed.at(name), self.topic, 1, NOBODY
            )  # fmt: skip
            expect_label(got, name)
        if set(USERS) & {"billing", "ANONYMOUS"}:
            raise Failed("a listener's user can log in, too")
