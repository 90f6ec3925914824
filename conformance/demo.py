"""One look at what Waxwing does: `make demo`."""

from __future__ import annotations

import json
import os
import sys

from confluent_kafka import Producer

from conformance import batches, cluster, proc
from conformance.cluster import REPOSITORY, Topic
from conformance.logins import NOBODY, Login
from conformance.proc import Failed
from conformance.readers import Stock, read_as, write_as
from conformance.records import Got, Record, by_place, compare_with_sent
from conformance.report import paint
from conformance.sasl import Sasl
from conformance.waxwing import Settings, Waxwing, binary

TOPIC = "customers"
KEYRING = REPOSITORY / "keys" / "demo-keyring.json"
CUSTOMERS = [
    Record(b"4711", b'{"id": 4711, "card": "4111 1111 1111 1111", "email": "ada@example.org"}'),
    Record(b"4712", b'{"id": 4712, "card": "5500 0000 0000 0004", "email": "alan@example.com"}'),
    Record(b"4713", b'{"id": 4713, "card": "3782 822463 10005", "email": "grace@example.net"}'),
]
SECRETS = [b"4111 1111", b"5500 0000", b"3782 822463", b"ada@", b"alan@", b"grace@"]
# Who logs in how, and with which client. The kcat of Debian 12 cannot do SCRAM with a Kafka that
# checks nonces (librdkafka 2.0), whether or not Waxwing stands between them.
USERS = {
    "shop": (Login("PLAIN", "shop", "shop-secret"), Stock.KCAT),
    "fraud": (Login("SCRAM-SHA-512", "fraud", "fraud-secret"), Stock.CONFLUENT),
    "analyst": (Login("PLAIN", "analyst", "analyst-secret"), Stock.KCAT),
    "intern": (Login("SCRAM-SHA-256", "intern", "intern-secret"), Stock.AIOKAFKA),
}
READERS = ("fraud", "analyst", "intern")
PROTECT = """\
protect:
  - topics: [customers]
    key: local/customers
    fields: [$.card, $.email]
"""
READ = """\
read:
  - {principals: ["User:fraud"], topics: [customers], show: clear}
  - principals: ["User:analyst"]
    topics: [customers]
    mask: {$.card: {keepLast: {count: 4, ignore: " "}}, $.email: email}
"""
# What the rules leave of each customer's card and e-mail address.
MASKED = {
    b"4711": ("**** **** **** 1111", "*****@example.org"),
    b"4712": ("**** **** **** 0004", "*****@example.com"),
    b"4713": ("**** ****** *0005", "*****@example.net"),
}
REDACTED = dict.fromkeys(MASKED, ("********", "********"))

_step = 0


def step(text: str) -> None:
    global _step
    _step += 1
    print("\n" + paint("%d. %s" % (_step, text), "1"), flush=True)


def show(text: str, colour: str = "0") -> None:
    print("   " + paint(text, colour), flush=True)


def hexdump(data: bytes, start: int, lines: int) -> None:
    for offset in range(start, min(len(data), start + lines * 16), 16):
        row = data[offset : offset + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        show("%06x  %-47s  %s" % (offset, row.hex(" "), text), "36")


class Demo:
    """A cluster, Waxwing before it, and how each of the four users gets there."""

    def __init__(self, running):
        self.running = running
        settings = Settings(key=TOPIC, protect=PROTECT, read=READ)
        if running.embedded:
            # Nobody can log in, so each has a listener that is only for him.
            settings.listeners = {name: '{fixed: "User:%s"}' % name for name in USERS}
        else:
            settings.listeners = {"apps": "sasl"}
            settings.upstream = running.sasl_upstream.split(",")
        self.waxwing = Waxwing(running, settings, keyring=KEYRING)

    def here(self, name: str) -> str:
        return self.waxwing.at(name if self.running.embedded else "apps")

    def login(self, name: str) -> Login:
        return NOBODY if self.running.embedded else USERS[name][0]

    def client(self, name: str) -> Stock:
        stock = USERS[name][1]
        return stock if stock.is_there else Stock.CONFLUENT

    def how(self, name: str) -> str:
        return self.login(name).mechanism or "a listener for him"

    def run(self) -> None:
        self.running.create_topics({TOPIC: Topic(1)})
        self.write()
        self.look_at_disk()
        self.views()
        self.addresses()

    def write(self) -> None:
        here, stock = self.here("shop"), self.client("shop")
        step("`shop` (%s), with an unchanged %s, writes to %s"
             % (self.how("shop"), stock.value, here))  # fmt: skip
        for one in CUSTOMERS:
            show(one.value.decode())
        write_as(stock, here, TOPIC, CUSTOMERS, self.login("shop"))

    def look_at_disk(self) -> None:
        stored = by_place(
            read_as(Stock.CONFLUENT, self.running.bootstrap, TOPIC, len(CUSTOMERS), NOBODY)
        )
        paths = self.running.segments(TOPIC)
        if paths:
            path = next(path for path in paths if path.stat().st_size)
            data = path.read_bytes()
            step("What the broker has on its disk: %s, %d bytes" % (path.name, len(data)))
            hexdump(data, 0x90, 9)
            show("...")
        else:
            data = b"".join(one.value for one in stored)
            step("What the broker holds (the embedded one has no disk)")
        show("Whoever reads it straight from the broker gets, of each customer:")
        value = stored[0].value.decode()
        for start in range(0, len(value), 96):
            show(value[start : start + 96], "36")
        found = [secret for secret in SECRETS if secret in data]
        if found or (paths and any(batches.contains(paths, secret) for secret in SECRETS)):
            raise Failed("plaintext is stored: %r" % found)
        show("No card number and no e-mail address in it.", "32")

    def views(self) -> None:
        step("The same three records, read by three users")
        got: dict[str, list[Got]] = {}
        for name in READERS:
            got[name] = by_place(
                read_as(self.client(name), self.here(name), TOPIC, len(CUSTOMERS), self.login(name))
            )
        line = "%-5s %-6s %-22s %-22s %s"
        show(line % ("", "", *READERS), "1")
        show(line % ("", "", *map(self.how, READERS)), "2")
        show(line % ("", "", *(self.client(name).value for name in READERS)), "2")
        rows = (sorted(records, key=lambda one: one.key) for records in got.values())
        for row in zip(*rows):
            documents = [json.loads(one.value) for one in row]
            for field in ("card", "email"):
                cells = [document[field] for document in documents]
                front = str(documents[0]["id"]) if field == "card" else ""
                show(line % (front, field, *cells))
        self.check(got)
        show("What `fraud` reads is byte for byte what was written.", "32")

    def check(self, got: dict[str, list[Got]]) -> None:
        if problems := compare_with_sent(CUSTOMERS, got["fraud"]):
            raise Failed("fraud: the records differ: %s" % problems)
        originals = {one.key: one.value.decode() for one in CUSTOMERS}
        for name, wanted in (("analyst", MASKED), ("intern", REDACTED)):
            for one in got[name]:
                text, (card, email) = originals[one.key], wanted[one.key]
                document = json.loads(text)
                text = text.replace(document["card"], card).replace(document["email"], email)
                if one.value.decode() != text:
                    raise Failed("%s reads %r instead of %s" % (name, one.value, text))

    def addresses(self) -> None:
        step("Addresses: whoever asks Waxwing for the brokers is sent to Waxwing")
        login = self.login("shop").librdkafka()
        settings = {"bootstrap.servers": self.here("shop"), "log_level": 0} | login
        seen = Producer(settings).list_topics(timeout=30)
        for id, node in sorted(seen.brokers.items()):
            port = self.running.addresses[id][1]
            if not self.running.embedded:
                port = self.running.nodes[id].sasl_port
            show("broker %d is at %s:%d  (really port %d)" % (id, node.host, node.port, port))
            if node.port == port:
                raise Failed("an upstream address came through")
        waxwing = self.waxwing
        show("Waxwing: started in %.0f ms, %.1f MB resident."
             % (waxwing.seconds_to_start * 1000, waxwing.rss_bytes() / 1e6))  # fmt: skip


def main() -> int:
    print(paint("Waxwing: sealed on the way in, shown as the reader may see it", "1"))
    running = demo = None
    KEYRING.unlink(missing_ok=True)
    try:
        binary()
        step("A Kafka to run against")
        users = {login.name: login.password for login, _ in USERS.values()}
        running = cluster.start(sasl=Sasl(users))
        if running.embedded:
            show("No Kafka at hand ($KAFKA_HOME): this is librdkafka's mock cluster instead.", "33")
            show("It has no disk and no users: a listener for each stands in for logging in.", "33")
        show("%s at %s" % (running.label, running.bootstrap))
        step("Waxwing before it, with a fresh keyring")
        proc.run([str(binary()), "keys", "create", "--keyring", str(KEYRING), TOPIC])
        demo = Demo(running)
        for line in demo.waxwing.config.read_text().splitlines():
            if not line.startswith(("    bind:", "    advertise:")):
                show(line.replace(str(REPOSITORY) + os.sep, ""), "2")
        demo.run()
        demo.waxwing.stop()
    except Failed as reason:
        print("\n" + paint("The demo failed: %s" % reason, "31"))
        return 1
    finally:
        if demo and demo.waxwing.child.running:
            demo.waxwing.kill()
        if running:
            running.stop()
        KEYRING.unlink(missing_ok=True)
    text = "Done. Nothing personal at the broker; each reader saw what the rules show."
    print("\n" + paint(text, "32"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
