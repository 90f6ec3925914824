"""The stage of the cases about views: users, rules, topics, and a watch over what passes."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections import Counter
from pathlib import Path

from confluent_kafka.admin import AdminClient
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from conformance import batches, cluster, masks, proc, wire
from conformance.cluster import REPOSITORY, Topic, create_topics, wait_for_leaders
from conformance.logins import GROUPS, NOBODY, Login
from conformance.proc import Failed
from conformance.readers import Stock, read_as, write_as
from conformance.records import Got, Record, by_place, new_marker
from conformance.relay import Link, Relay
from conformance.sasl import Sasl
from conformance.scan import _frames
from conformance.waxwing import Settings, Waxwing, make_keyring

# Kafka takes ASCII names alone for SCRAM; PLAIN and tokens have no such limit.
ODD_NAMES = {"comma": "o'brien, a=b", "quote": 'quo"te\\x=2C', "unicode": "Zoë ☃"}
USERS = {
    name: "pass word, %s=é" % name if name == "intern" else name + "-secret"
    for name in ["shop", "fraud", "analyst", "intern", "auditor", "dropper", "watchman"]
    + list(ODD_NAMES.values())
}
# After so long a client of these has to log in again.
LIFETIME_MS = {"PLAIN": 3000, "SCRAM-SHA-512": 3000}
FETCH, SASL_HANDSHAKE, SASL_AUTHENTICATE, SHARE_FETCH = 1, 17, 36, 78
# Waxwing stands at 127.0.0.1; clients reach it through relays here.
OUTSIDE = "127.0.0.2"
TOKEN_KEY = bytes(range(32))

# In every protected text and number of this run, and in nothing else.
MARK = new_marker().decode()
NUMBER_MARK = "9" + "".join(str(int(letter, 16) % 10) for letter in MARK[2:13])

# Sealed field, and what the analyst sees of it.
EXACT = {
    "$.card.number": {"keepLast": {"count": 4, "ignore": " -"}},
    "$.card.holder": {"keepFirst": {"count": 1, "with": "."}},
    "$.customers[*].email": "email",
    "$.lines[0]": {"constant": "HIDDEN"},
    "$['full name']": {"redact": {"text": "hidden", "number": -1}},
    "$['it\\'s']": {"type": "PERSON"},
    "$.born": {"dateTruncate": "year"},
    "$.visit": "dateShift",
    "$.salary": {"bucket": 1000000000000},
    "$.login": "token",
    "$.print": {"token": {"form": "base64url16", "allowTypeChange": True}},
    "$.hash": "sha256",
    "$.form": "shape",
    "$.extra.*": {"maskFirst": {"count": 60, "with": "#"}},
    "$.ends": {"keepEnds": {"first": 1, "last": 2}},
    "$.pan": "card",
    "$.gone": "null",
    "$.open": "clear",
    "$.kept": "sealed",
    "$.any": "redact",
    "$..ssn": {"keepLast": {"count": 2, "with": "#", "allowTypeChange": True}},
}
EXACT_SEALED = [*EXACT, "$.unlisted"]
DOCS = {
    "$.card": {"keepLast": 4},
    "$.email": "email",
    "$.note": "drop",
    "$.id": "clear",
    "$.tags": "sealed",
}
ROWS = masks.document_rows(REPOSITORY / "docs" / "MASKS.md")


def q(value) -> str:
    """JSON, which is YAML too."""
    return json.dumps(value, ensure_ascii=False)


def protect_section() -> str:
    rules = [
        (["who-*", "plain-deliver*", "tamper-refuse*"], {"fields": ["$.pii", "$.other"]}),
        (["plain-mask*"], {"fields": ["$.pii"], "plain": "mask"}),
        (["plain-refuse*"], {"fields": ["$.pii"], "plain": "refuse"}),
        (["tamper-deliver*"], {"fields": ["$.pii", "$.other"], "unopenable": "deliver"}),
        (["docs*"], {"fields": [*DOCS, "$.unlisted"]}),
        (["whole*"], {}),
        (["nj-refuse*"], {"fields": ["$.pii"]}),
        (["nj-seal*"], {"fields": ["$.pii"], "notJSON": "seal"}),
        (["nj-pass*"], {"fields": ["$.pii"], "notJSON": "pass"}),
        (["exact*"], {"fields": EXACT_SEALED}),
        (["rows*"], {"fields": ["$.f%d" % index for index in range(len(ROWS))]}),
        (["dry*"], {"fields": ["$.pii"], "dryRun": True}),
    ]
    text = "protect:\n"
    for topics, settings in rules:
        text += "  - topics: %s\n    key: local/customers\n" % q(topics)
        text += "".join("    %s: %s\n" % (name, q(value)) for name, value in settings.items())
    return text


def rule(principals: list[str], topics: list[str], **rest) -> str:
    parts = {"principals": principals, "topics": topics, **rest}
    return "  - {%s}\n" % ", ".join("%s: %s" % (name, q(value)) for name, value in parts.items())


def read_section(groups: bool) -> str:
    """`groups`: whether a listener reads groups, without which no rule may ask for one."""
    text = "read:\n"

    def label(principal: str, name: str) -> str:
        return rule([principal], ["who-*"], mask={"$.pii": {"constant": name}})

    for name in ("fraud", "analyst", "billing", "intern"):
        text += label("User:" + name, name)
    for name, user in ODD_NAMES.items():
        text += label("User:" + user, name)
    text += label("User:ANONYMOUS", "anonymous")
    text += label("group:analysts", "group") if groups else ""
    text += label("User:*", "somebody") + label("*", "everybody")
    other = ["plain-*", "tamper-*", "docs*", "whole*", "nj-*", "exact*", "rows*", "dry*"]
    text += rule(["User:fraud"], other, show="clear")
    text += rule(["User:auditor"], other, show="sealed")
    text += rule(["User:dropper"], ["whole*", "docs*", "exact*"], show="drop")
    text += rule(["User:analyst"], ["docs*"], mask=DOCS, others="redact")
    text += rule(["User:analyst"], ["whole*"], show="redact")
    text += rule(["User:analyst"], ["exact*"], mask=EXACT)
    text += "  - principals: [User:analyst]\n    topics: [rows*]\n    mask:\n"
    text += "".join("      $.f%d: %s\n" % (at, row.yaml) for at, row in enumerate(ROWS))
    text += rule(["User:analyst"], ["plain-*", "tamper-*", "nj-*"], mask={"$.pii": {"keepLast": 4}})
    return text


def _session_epoch(frame: bytes, version: int) -> int:
    """Of a Fetch request: above 0 when it goes on with a session."""
    at = 10 + max(0, struct.unpack_from(">h", frame, 8)[0]) + (version >= 12)
    at += 0 if version >= 15 else 4
    return struct.unpack_from(">i", frame, at + 17)[0] if version >= 7 else 0


class Watch:
    """Relays in front of one listener. Keeps what its clients received, and counts requests."""

    def __init__(self, ports: list[int], keeps: bool):
        self.received: list[bytearray] = []
        # By API key and version, and by API key and port.
        self.requests: Counter[tuple[int, int]] = Counter()
        self.at_port: Counter[tuple[int, int]] = Counter()
        # Fetches that name only what has changed since the one before.
        self.incremental = 0
        self._keeps = keeps
        self._lock = threading.Lock()
        self.relays = [
            Relay((OUTSIDE, port), ("127.0.0.1", port), self._request, self._response)
            for port in ports
        ]

    def _request(self, link: Link, data: bytes) -> None:
        for frame in _frames(link, "requests", data):
            if len(frame) >= 8:
                key, version = struct.unpack_from(">hh", frame)
                with self._lock:
                    self.requests[key, version] += 1
                    self.at_port[key, link.relay.listen[1]] += 1
                    self.incremental += key == FETCH and _session_epoch(frame, version) > 0

    def _response(self, link: Link, data: bytes) -> None:
        if not self._keeps:
            return
        if "kept" not in link.notes:
            link.notes["kept"] = bytearray()
            with self._lock:
                self.received.append(link.notes["kept"])
        link.notes["kept"] += data

    def count(self, key: int) -> int:
        with self._lock:
            return sum(number for (one, _), number in self.requests.items() if one == key)

    def versions(self, key: int) -> set[int]:
        with self._lock:
            return {version for one, version in self.requests if one == key}

    def close(self) -> None:
        for relay in self.relays:
            relay.close()


class Scene:
    """Two nodes, a Waxwing where clients log in, and one where listeners say who they are."""

    def __init__(self):
        self.cluster = cluster.start_real((1, 2), sasl=Sasl(USERS, LIFETIME_MS), racks=True)
        self.directory = proc.temp_dir("views")
        self.keyring = make_keyring(self.directory)
        by_sasl = "{sasl: {groupsClaim: %s}}" % GROUPS
        fixed = {name: '{fixed: "User:%s"}' % name for name in ("fraud", "analyst", "billing")}
        self.waxwing = self._start({"apps": by_sasl, "cleared": by_sasl}, "sasl")
        self.fixed = self._start({"anonymous": "anonymous"} | fixed, "fixed")
        self.watches = {
            (id(waxwing), name): Watch([base, base + 2, base + 3], keeps=name != "cleared")
            for waxwing in (self.waxwing, self.fixed)
            for name, base in waxwing.bases.items()
        }
        # Everything that readers without a grant were given, as their clients saw it.
        self.uncleared: list[bytes] = []
        # And something of what those with a grant were.
        self.cleared_sample = b""

    def _start(self, listeners: dict[str, str], name: str) -> Waxwing:
        upstream = self.cluster.sasl_upstream if name == "sasl" else self.cluster.upstream
        settings = Settings(
            advertise=OUTSIDE, listeners=listeners, upstream=upstream.split(","),
            protect=protect_section(), read=read_section(groups=name == "sasl"),
            extra=self._token_key()
            + "log: {level: debug}\naudit: {to: {file: %s}, interval: 1s}\n" % self.audit(name),
        )  # fmt: skip
        return Waxwing(self.cluster, settings, keyring=self.keyring)

    def _token_key(self) -> str:
        """The key of the tables of docs/MASKS.md, wrapped as keyrings do."""
        key = json.loads(self.keyring.read_text())["keys"][0]
        name, version = key["kid"].split("/")
        wrapping = base64.urlsafe_b64decode(key["k"] + "=" * (-len(key["k"]) % 4))
        wrapped = batches.uvarint(int(version)) + aes_key_wrap(wrapping, TOKEN_KEY)
        text = base64.urlsafe_b64encode(wrapped).decode().rstrip("=")
        return "tokenKey: {key: local/%s, wrapped: %s}\n" % (name, text)

    def audit(self, name: str) -> Path:
        return self.directory / ("audit-%s.json" % name)

    def watch(self, listener: str = "apps", waxwing: Waxwing | None = None) -> Watch:
        return self.watches[id(waxwing or self.waxwing), listener]

    # -- what cases do

    def new_topic(self, kind: str, partitions: int = 1, **config: str) -> str:
        topic = "%s-%s" % (kind, new_marker().decode()[-8:])
        wanted = {topic: Topic(partitions, config=config)}
        create_topics(self.cluster.admin(), wanted, max_replicas=2)
        for listener in ("anonymous", "fraud"):
            admin = AdminClient({"bootstrap.servers": self.fixed.at(listener), "log_level": 0})
            wait_for_leaders(admin, wanted)
        return topic

    def write(self, topic: str, values: list, codec: str = "none", stock=Stock.CONFLUENT) -> None:
        """As `shop`, who logs in. `values` are values or records."""
        records = [
            one if isinstance(one, Record) else Record(b"k%d" % index, one)
            for index, one in enumerate(values)
        ]
        login = user("PLAIN", "shop")
        write_as(stock, self.waxwing.at("cleared"), topic, records, login, codec)

    def write_direct(self, topic: str, values: list) -> None:
        records = [
            one if isinstance(one, Record) else Record(b"d%d" % index, one)
            for index, one in enumerate(values)
        ]
        write_as(Stock.CONFLUENT, self.cluster.bootstrap, topic, records)

    def read(
        self, topic: str, count: int, login: Login, stock: Stock = Stock.CONFLUENT, **more
    ) -> list[Got]:
        cleared = login.name == "fraud"
        bootstrap = self.waxwing.at("cleared" if cleared else "apps")
        got = by_place(read_as(stock, bootstrap, topic, count, login, **more))
        if cleared:
            self.cleared_sample += b"".join(one.value or b"" for one in got)[:1000]
        else:
            self.uncleared += [one.value or b"" for one in got]
        return got

    def read_direct(self, topic: str, count: int) -> list[Got]:
        return by_place(read_as(Stock.CONFLUENT, self.cluster.bootstrap, topic, count, NOBODY))

    def fetch(self, listener: str, topic: str, offset: int = 0) -> tuple[int, list]:
        """Error and records of a Fetch of partition 0, by the listener that says who it is."""
        node = self.cluster.leader(topic, 0)
        port = self.fixed.bases[listener] + 1 + node
        with wire.Connection((OUTSIDE, port)) as connection:
            answer = connection.exchange(wire.fetch(topic, 0, offset))
        if answer is None:
            raise Failed("the connection was closed instead of an answer")
        error, _, data = wire.fetch_answer(answer)
        return error, [one for batch in batches.read_batches(data) for one in batch.records()]

    def audit_events(self, name: str = "sasl") -> list[dict]:
        path = self.audit(name)
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line]

    def check(self) -> None:
        for waxwing in (self.waxwing, self.fixed):
            if not waxwing.child.running:
                raise Failed("Waxwing ended:\n" + waxwing.child.log_tail())

    def stop(self) -> None:
        for watch in self.watches.values():
            watch.close()
        self.waxwing.stop()
        self.fixed.stop()


def user(mechanism: str, name: str, groups: tuple[str, ...] = ()) -> Login:
    return Login(mechanism, name, USERS.get(name, ""), groups)


def documents(*texts: str) -> list[bytes]:
    return [text.encode() for text in texts]


# -- SASL by hand


def handshake(mechanism: str, version: int = 1) -> bytes:
    return wire.request(SASL_HANDSHAKE, version, 1, wire.string(mechanism))


def authenticate(login: Login, correlation: int = 2) -> bytes:
    token = b"\0%s\0%s" % (login.name.encode(), login.password.encode())
    body = struct.pack(">i", len(token)) + token
    return wire.request(SASL_AUTHENTICATE, 1, correlation, body)


def log_in(connection: wire.Connection, login: Login) -> int:
    """PLAIN; the error code, or -1 when the connection was closed."""
    for frame in (handshake("PLAIN"), authenticate(login)):
        answer = connection.exchange(frame)
        if answer is None:
            return -1
        if error := answer.int16():
            return error
    return 0
