"""One look at what Waxwing does: `make demo`."""

from __future__ import annotations

import os
import sys

from confluent_kafka import Producer

from conformance import batches, cluster, proc
from conformance.clients.base import Client
from conformance.clients.confluent import Confluent
from conformance.clients.kcat import Kcat
from conformance.cluster import REPOSITORY, Topic
from conformance.proc import Failed
from conformance.records import Got, Record, by_place, compare_with_sent
from conformance.report import paint
from conformance.waxwing import Settings, Waxwing, binary

TOPIC = "customers"
KEYRING = REPOSITORY / "keys" / "demo-keyring.json"
CUSTOMERS = [
    Record(b"4711", b'{"name": "Ada Lovelace", "card": "4111 1111 1111 1111"}'),
    Record(b"4712", b'{"name": "Alan Turing", "card": "5500 0000 0000 0004"}'),
    Record(b"4713", b'{"name": "Grace Hopper", "card": "3400 0000 0000 009"}'),
]
SECRETS = [b"Lovelace", b"Turing", b"Hopper", b"4111 1111", b"5500 0000", b"3400 0000", b"card"]

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


def show_record(one: Got) -> None:
    value = one.value or b""
    text = (
        value.decode() if value.isascii() else "%d bytes: %s..." % (len(value), value[:20].hex(" "))
    )
    names = ", ".join(name for name, _ in one.headers)
    show("key %s  %s%s" % (one.key.decode(), text, "  header: " + names if names else ""))


def client() -> Client:
    kcat = Kcat()
    return Confluent() if kcat.unavailable() else kcat


def demonstrate(running, waxwing: Waxwing) -> None:
    here, upstream = waxwing.bootstrap, running.bootstrap
    stock = client()
    running.create_topics({TOPIC: Topic(1)})

    step("%s, unchanged, writes three customers to %s" % (stock.name, here))
    for one in CUSTOMERS:
        show("key %s  %s" % (one.key.decode(), one.value.decode()))
    stock.produce(here, TOPIC, CUSTOMERS, "none")

    stored = by_place(Confluent().consume(upstream, TOPIC, len(CUSTOMERS)))
    paths = running.segments(TOPIC)
    if paths:
        path = next(path for path in paths if path.stat().st_size)
        data = path.read_bytes()
        step("What the broker has on its disk: %s, %d bytes" % (path.name, len(data)))
        hexdump(data, 0, 14)
        show("...")
    else:
        data = b"".join(one.value for one in stored)
        step("What the broker holds (the embedded one has no disk): the first value")
        hexdump(stored[0].value, 0, 6)
    found = [secret for secret in SECRETS if secret in data]
    if found or (paths and any(batches.contains(paths, secret) for secret in SECRETS)):
        raise Failed("plaintext is stored: %r" % found)
    show(
        "Searched for %s ... no plaintext found." % ", ".join(s.decode() for s in SECRETS[:4]), "32"
    )

    step("A consumer that goes round Waxwing, straight to the broker, gets ciphertext")
    for one in stored:
        show_record(one)
    if any(one.value == sent.value for one, sent in zip(stored, CUSTOMERS)):
        raise Failed("the stored values are readable")

    step("%s through Waxwing reads the originals" % stock.name)
    got = by_place(stock.consume(here, TOPIC, len(CUSTOMERS)))
    for one in got:
        show_record(one)
    if problems := compare_with_sent(CUSTOMERS, got):
        raise Failed("the records differ: %s" % problems)
    show("Byte for byte what was written.", "32")

    step("Addresses: whoever asks Waxwing for the brokers is sent to Waxwing")
    seen = Producer({"bootstrap.servers": here, "log_level": 0}).list_topics(timeout=30)
    upstream_ports = {port for _, port in running.addresses.values()}
    for id, node in sorted(seen.brokers.items()):
        show("broker %d is at %s:%d  (really %s:%d)"
             % (id, node.host, node.port, *running.addresses[id]))  # fmt: skip
        if node.port in upstream_ports:
            raise Failed("an upstream address came through")
    show("Waxwing: started in %.0f ms, %.1f MB resident."
         % (waxwing.seconds_to_start * 1000, waxwing.rss_bytes() / 1e6))  # fmt: skip


def main() -> int:
    print(paint("Waxwing: sealed on the way in, opened on the way out", "1"))
    running = waxwing = None
    KEYRING.unlink(missing_ok=True)
    try:
        binary()
        step("A Kafka to run against")
        running = cluster.start()
        if running.embedded:
            show(
                "No Kafka at hand ($KAFKA_HOME): this is the mock cluster of librdkafka instead.",
                "33",
            )
            show("Same protocol, but no disk; everything is shown as clients see it.", "33")
        show("%s at %s" % (running.label, running.bootstrap))
        step("Waxwing before it, with a fresh keyring")
        proc.run([str(binary()), "keys", "create", "--keyring", str(KEYRING), TOPIC])
        waxwing = Waxwing(running, Settings(sealed=[TOPIC], grants=[TOPIC]), keyring=KEYRING)
        for line in waxwing.config.read_text().splitlines():
            show(line.replace(str(REPOSITORY) + os.sep, ""), "2")
        demonstrate(running, waxwing)
        waxwing.stop()
    except Failed as reason:
        print("\n" + paint("The demo failed: %s" % reason, "31"))
        return 1
    finally:
        if waxwing and waxwing.child.running:
            waxwing.kill()
        if running:
            running.stop()
        KEYRING.unlink(missing_ok=True)
    print(
        "\n" + paint("Done. No plaintext at the broker, the original bytes at the consumer.", "32")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
