"""What is not as the rules expect: plain and changed records, values that are no JSON, dry runs,
wrong configurations; and what the audit tells of it all."""

from __future__ import annotations

import json
import time

from confluent_kafka import KafkaError, Producer

from conformance import batches, proc, wire
from conformance.cases.views_scene import MARK, Scene, rule, user
from conformance.proc import Failed
from conformance.readers import Stock, read_as, write_as
from conformance.records import Record
from conformance.waxwing import Settings, Waxwing, binary

CORRUPT, NOT_AUTHORIZED, INVALID_RECORD = 2, 29, 87
# Text of records that no rule hides: they are written direct, or in a dry run.
PLAIN = "stored-in-clear"
NO_DOCUMENTS = {
    "text": b"no document", "nothing": b"", "cut short": b'{"pii": "x"', "more": b'{"pii": 1} {}',
    "not UTF-8": b'{"pii": "\xff"}', "half a pair in clear": b'{"pii": "\xed\xa0\x80"}',
    "a control character": b'{"pii": "\x01"}', "a bare word": b"{pii: 1}", "NaN": b'{"pii": NaN}',
    "too deep": b'{"pii": ' + b"[" * 600 + b"]" * 600 + b"}",
}  # fmt: skip


class Data:
    def __init__(self, scene: Scene):
        self.scene = scene

    def cases(self) -> dict:
        return {
            "plain records are delivered, by default": self.plain_deliver,
            "plain records are masked": self.plain_mask,
            "plain records are refused": self.plain_refuse,
            "what is no JSON is refused": self.refuse_not_json,
            "what is no JSON is sealed whole, or passed": self.take_not_json,
            "text that is sealed already is refused": self.sealed_already,
            "changed and moved fields do not open": self.tampered,
            "changed and moved fields are delivered sealed, by setting": self.tampered_deliver,
            "a dry run changes nothing and counts": self.dry_run,
            "the audit counts what is read, and has no values": self.audit_counts,
            "the audit tells refusals at once": self.audit_refusals,
            "wrong configurations are refused with line and reason": self.wrong,
        }

    # -- plain records

    def _mixed(self, kind: str) -> str:
        """A sealed document, then a plain one, one without the field, and no document."""
        topic = self.scene.new_topic(kind)
        self.scene.write(topic, [b'{"pii": "%s-1234"}' % MARK.encode()])
        plain = [b'{"pii": "%s-5678"}' % PLAIN.encode(), b'{"a": 1}', PLAIN.encode()]
        self.scene.write_direct(topic, plain)
        return topic

    def _values(self, topic: str, name: str) -> list[bytes]:
        return [one.value for one in self.scene.read(topic, 4, user("PLAIN", name))]

    def plain_deliver(self) -> None:
        topic = self._mixed("plain-deliver")
        rest = [b'{"pii": "%s-5678"}' % PLAIN.encode(), b'{"a": 1}', PLAIN.encode()]
        stars = b"*" * (len(MARK) + 1)
        for name, first in (
            ("fraud", b'{"pii": "%s-1234"}' % MARK.encode()),
            ("analyst", b'{"pii": "%s1234"}' % stars), ("intern", b'{"pii": "********"}'),
        ):  # fmt: skip
            if (got := self._values(topic, name)) != [first, *rest]:
                raise Failed("%s: %s" % (name, got))

    def plain_mask(self) -> None:
        topic = self._mixed("plain-mask")
        stars, more = b"*" * (len(MARK) + 1), b"*" * (len(PLAIN) + 1)
        wanted = {
            "fraud": [b'{"pii": "%s-1234"}' % MARK.encode(), b'{"pii": "%s-5678"}' % PLAIN.encode(),
                      b'{"a": 1}', PLAIN.encode()],
            "analyst": [b'{"pii": "%s1234"}' % stars, b'{"pii": "%s5678"}' % more, b'{"a": 1}',
                        b"********"],
            "intern": [b'{"pii": "********"}', b'{"pii": "********"}', b'{"a": 1}', b"********"],
        }  # fmt: skip
        for name, values in wanted.items():
            if (got := self._values(topic, name)) != values:
                raise Failed("%s: %s" % (name, got))
        for one in self.scene.read(topic, 4, user("PLAIN", "auditor")):
            if PLAIN.encode() in one.value:
                raise Failed("auditor, who is shown nothing clear: %r" % one.value)

    def plain_refuse(self) -> None:
        topic = self._mixed("plain-refuse")
        for name in ("fraud", "analyst", "anonymous"):
            error, records = self.scene.fetch(name, topic)
            if error or [one.offset for one in records] != [0]:
                raise Failed("%s: error %d with %s" % (name, error, records))
            for offset in (1, 2, 3):
                error, records = self.scene.fetch(name, topic, offset)
                if error != NOT_AUTHORIZED or records:
                    raise Failed("%s: error %d with %s" % (name, error, records))

    # -- what is no JSON

    def _produce(self, topic: str, value: bytes, headers=None) -> KafkaError | None:
        """Sends one record as `shop`; the error that the client is told."""
        told: list = []
        producer = Producer(
            {"bootstrap.servers": self.scene.waxwing.at("apps"), "log_level": 0,
             "message.max.bytes": 8 << 20} | user("PLAIN", "shop").librdkafka()
        )  # fmt: skip
        producer.produce(topic, value, b"k", headers=headers, partition=0,
                         on_delivery=lambda error, _: told.append(error))  # fmt: skip
        producer.flush(60)
        if not told:
            raise Failed("no answer")
        return told[0]

    def refuse_not_json(self) -> None:
        topic = self.scene.new_topic("nj-refuse")
        for name, value in NO_DOCUMENTS.items():
            error = self._produce(topic, value)
            if error is None or error.code() != INVALID_RECORD:
                raise Failed("%s: %s" % (name, error))
        self._good_and_bad(topic)
        if self._produce(topic, None):
            raise Failed("a record without value is refused")
        if self._produce(topic, b'\0\0\0\0\7 {"pii": "%s"}' % MARK.encode()):
            raise Failed("a document with a schema registry's prefix is refused")
        stored = [one.value for one in self.scene.read_direct(topic, 2)]
        if stored[0] is not None or len(stored) != 2 or b"wax1:" not in stored[1]:
            raise Failed("stored: %s" % stored)
        if batches.contains(self.scene.cluster.segments(topic), b"no document"):
            raise Failed("it is stored")

    def _good_and_bad(self, topic: str) -> None:
        """One batch of both: nothing of it may be stored in clear."""
        batch = batches.build_batch(
            [(b"a", b'{"pii": "%s"}' % MARK.encode(), ()), (b"b", b"no document", ())]
        )
        port = self.scene.fixed.bases["billing"] + 1 + self.scene.cluster.leader(topic, 0)
        with wire.Connection(("127.0.0.2", port)) as connection:
            answer = connection.exchange(wire.produce(topic, 0, batch))
        error, _, message = wire.produce_answer(answer)
        if error != INVALID_RECORD or topic not in (message or ""):
            raise Failed("error %d, %r" % (error, message))
        if MARK in message or "no document" in message:
            raise Failed("the message tells values: %r" % message)

    def take_not_json(self) -> None:
        marked = [MARK.encode() + value for value in NO_DOCUMENTS.values()]
        topic = self.scene.new_topic("nj-seal")
        self.scene.write(topic, marked)
        self._expect(topic, "fraud", marked)
        stored = [one.value for one in self.scene.read_direct(topic, len(marked))]
        if any(MARK.encode() in value for value in stored):
            raise Failed("it is stored in clear")
        for name in ("analyst", "intern", "auditor"):
            self._expect(topic, name, stored)
        topic = self.scene.new_topic("nj-pass")
        # A document that is too deep to be looked into may have the field.
        error = self._produce(topic, NO_DOCUMENTS["too deep"])
        if error is None or error.code() != INVALID_RECORD:
            raise Failed("too deep a document: %s" % error)
        values = [value for name, value in NO_DOCUMENTS.items() if name != "too deep"]
        self.scene.write(topic, values)
        for name in ("fraud", "analyst", "intern"):
            self._expect(topic, name, values)

    def _expect(self, topic: str, name: str, values: list[bytes]) -> None:
        got = [one.value for one in self.scene.read(topic, len(values), user("PLAIN", name))]
        if got != values:
            raise Failed("%s, %s: %s instead of %s" % (topic, name, got[:2], values[:2]))

    def sealed_already(self) -> None:
        topic = self.scene.new_topic("who-")
        for value in (
            b'{"pii": "wax1:AAAA"}', b'{"pii": "\\u0077ax1:AAAA"}',
            # Beside a sealed field it would be taken for one.
            b'{"x": "wax1:AA", "pii": "a"}', b'{"pii": "a", "x": ["\\u0077ax1:AA"]}',
        ):  # fmt: skip
            error = self._produce(topic, value)
            if error is None or error.code() != INVALID_RECORD:
                raise Failed("%r: %s" % (value, error))
        value = b'{"x": "wax1:AA"}'
        if error := self._produce(topic, value):
            raise Failed("%r, in which nothing is sealed: %s" % (value, error))
        for name in ("fraud", "intern"):
            self._expect(topic, name, [value])

    # -- changed records

    def _tampered(self, kind: str) -> tuple[str, int, list[bytes]]:
        """A topic with a good record, a copy of it, wrong ones, and a good one; how many are wrong;
        and what is stored."""
        topic = self.scene.new_topic(kind)
        source = self.scene.new_topic("who-")
        value = b'{"pii": "%s-a", "other": "%s-b"}' % (MARK.encode(), MARK.encode())
        self.scene.write(topic, [value])
        self.scene.write(source, [value])
        (own,), (foreign,) = self.scene.read_direct(topic, 1), self.scene.read_direct(source, 1)
        first, second = _texts(own.value)
        other = bytearray(own.value)
        at = own.value.index(b"wax1:") + 30
        other[at] = ord("A") if other[at] != ord("A") else ord("B")
        wrong = [
            # The texts of both fields exchanged; one of them twice; a changed letter; cut short.
            own.value.replace(first, b"?").replace(second, first).replace(b"?", second),
            own.value.replace(second, first),
            bytes(other),
            own.value.replace(first, first[:-3]),
            # Under another name, and out of another topic.
            own.value.replace(b'"other"', b'"another"'),
        ]
        records = [Record(b"copy", own.value, own.headers)]
        records += [Record(b"w%d" % at, one, own.headers) for at, one in enumerate(wrong)]
        records.append(Record(b"foreign", foreign.value, foreign.headers))
        for one in records:
            self.scene.write_direct(topic, [one])
        self.scene.write(topic, [value])
        stored = [one.value for one in self.scene.read_direct(topic, len(records) + 2)]
        return topic, len(wrong) + 1, stored

    def tampered(self) -> None:
        topic, wrong, stored = self._tampered("tamper-refuse")
        error, records = self.scene.fetch("fraud", topic)
        if error or [one.value.count(MARK.encode()) for one in records] != [2, 2]:
            raise Failed("what stands before: error %d, %s" % (error, records))
        for offset in range(2, 2 + wrong):
            for name in ("fraud", "analyst"):
                # A field that is not in the rule's paths is not looked into, nor opened.
                error, records = self.scene.fetch(name, topic, offset)
                if error != CORRUPT or records:
                    raise Failed("%s at %d: error %d, %s" % (name, offset, error, records))
        error, records = self.scene.fetch("fraud", topic, 2 + wrong)
        if error or len(records) != 1 or MARK.encode() not in records[0].value:
            raise Failed("what stands behind: error %d, %s" % (error, records))
        if [one.value for one in self.scene.read(topic, 0, user("PLAIN", "auditor"))] != stored:
            raise Failed("auditor is not shown what is stored")
        if "offset" not in self.scene.fixed.log or topic not in self.scene.fixed.log:
            raise Failed("the log does not say where")

    def tampered_deliver(self) -> None:
        topic, wrong, stored = self._tampered("tamper-deliver")
        for name in ("fraud", "analyst"):
            got = [one.value for one in self.scene.read(topic, len(stored), user("PLAIN", name))]
            if got[2 : 2 + wrong] != stored[2 : 2 + wrong]:
                raise Failed("%s: %s" % (name, got))
            good = [*got[:2], got[-1]]
            if len(got) != len(stored) or any(b"wax1:" in value for value in good):
                raise Failed("%s: %d records, %s" % (name, len(got), good))

    # -- dry runs

    def dry_run(self) -> None:
        rules = (
            "protect:\n  - {topics: [dry*], key: local/customers, fields: [$.pii], dryRun: true}\n"
        )
        waxwing = Waxwing(
            self.scene.cluster,
            Settings(protect=rules, read=""),
            keyring=self.scene.keyring,
        )
        topic = self.scene.new_topic("dry")
        values = [b'{"pii": "%s", "a": [1]}' % PLAIN.encode()] * 30 + [b'{"a": 1}', b"no document"]
        records = [Record(b"%d" % at, one, (("h", b"1"),)) for at, one in enumerate(values)]
        try:
            write_as(Stock.CONFLUENT, waxwing.bootstrap, topic, records, codec="lz4")
            stored = self.scene.read_direct(topic, len(records))
            got = read_as(Stock.CONFLUENT, waxwing.bootstrap, topic, len(records))
            for place in (stored, got):
                if [one.content for one in place] != [one.content for one in records]:
                    raise Failed("something was changed: %s" % place[:2])
            codecs = {
                one.codec for one in batches.read_segments(self.scene.cluster.segments(topic))
            }
            if codecs != {"lz4"}:
                raise Failed("the batch was written anew: %s" % codecs)
        finally:
            waxwing.stop()
        lines = [line for line in waxwing.log.splitlines() if "dry run" in line and topic in line]
        text = "\n".join(lines)
        if "would be refused" not in text or "records=32" not in text:
            raise Failed("the log says %s" % lines)
        if PLAIN in waxwing.log or "no document" in waxwing.log:
            raise Failed("values in the log")

    # -- the audit

    def audit_counts(self) -> None:
        from conformance.cases.views_read import document

        topic = self.scene.new_topic("docs")
        self.scene.write(topic, [document(index) for index in range(25)])
        for name in ("analyst", "fraud"):
            error, records = self.scene.fetch(name, topic)
            if error or len(records) != 25:
                raise Failed("%s: error %d, %d records" % (name, error, len(records)))
        # Counted by field: one clear, one sealed, one dropped, three masked; then all clear.
        wanted = {
            "User:analyst": {"clear": 25, "masked": 75, "sealed": 25, "droppedFields": 25},
            "User:fraud": {"clear": 150, "masked": 0, "sealed": 0, "droppedFields": 0},
        }

        def told() -> dict:
            events = [one for one in self.scene.audit_events("fixed") if one["event"] == "read"]
            return {
                name: {
                    key: sum(one[key] for one in events
                             if one["topic"] == topic and one["principal"] == name)
                    for key in counts
                }
                for name, counts in wanted.items()
            }  # fmt: skip

        end = time.monotonic() + 20
        while told() != wanted:
            if time.monotonic() > end:
                raise Failed("%s instead of %s" % (told(), wanted))
            time.sleep(0.3)

    def audit_refusals(self) -> None:
        topic = self._mixed("plain-refuse")
        self.scene.fetch("billing", topic, 1)
        self._good_and_bad(self.scene.new_topic("nj-refuse"))

        def refusals() -> set:
            return {
                (one["principal"], one["error"])
                for one in self.scene.audit_events("fixed") if one["event"] == "refused"
            }  # fmt: skip

        wanted = {("User:billing", NOT_AUTHORIZED), ("User:billing", INVALID_RECORD)}
        proc.eventually("both refusals", lambda: wanted <= refusals(), 20)
        names = {"time", "level", "message", "event"}
        for event in self.scene.audit_events("fixed"):
            if not names <= set(event):
                raise Failed("an event without %s" % (names - set(event)))

    # -- configurations

    def wrong(self) -> None:
        for text, reason in WRONG:
            status, said, line = self._check(text)
            if status != 2 or "wrong.yaml:%d:" % line not in said or reason not in said:
                raise Failed("%r: status %d, %r without %r in line %d"
                             % (text, status, said, reason, line))  # fmt: skip
        status, said, _ = self._check(GOOD)
        if status != 0:
            raise Failed("what is right is refused: %s" % said)

    def _check(self, text: str) -> tuple[int, str, int]:
        """Status, output, and the line that ends with `#!`."""
        path = self.scene.directory / "wrong.yaml"
        whole = (
            "cluster: {bootstrap: ['127.0.0.1:9092']}\n"
            "listeners:\n"
            "  - {name: a, bind: 127.0.0.1, ports: {bootstrap: 1200, brokers: 1201-1209}}\n"
            "keys: {local: {file: %s}}\n" % self.scene.keyring
        ) + text
        lines = whole.splitlines()
        marked = [number for number, one in enumerate(lines, 1) if one.endswith("#!")]
        path.write_text(whole)
        done = proc.run([str(binary()), "check", "--config", str(path)], check=False)
        return done.returncode, (done.stdout + done.stderr).decode(), (marked or [0])[0]


def _texts(value: bytes) -> list[bytes]:
    document = json.loads(value)
    return [document[name].encode() for name in ("pii", "other")]


def _protect(fields: str, more: str = "") -> str:
    return "protect:\n  - topics: [t]\n    key: local/customers\n    fields: %s\n%s" % (
        fields,
        more,
    )


def _mask(line: str, fields: str = "[$.a, $.b]") -> str:
    return _protect(fields) + (
        "read:\n  - principals: ['User:x']\n    topics: [t]\n    mask:\n      %s #!\n" % line
    )


GOOD = _mask("$.a: {keepLast: 4}").replace(" #!", "") + rule(["*"], ["t"], show="redact")
# The line that is wrong ends with `#!`; with what has to be said of it.
WRONG = [
    (_protect("['$.a['] #!"), "']' is missing"),
    (_protect("[a.b] #!"), "begins with '$'"),
    (_protect("['$..'] #!"), "a name or '*' is missing"),
    (_protect("['$'] #!"), "leave `fields` out"),
    (_protect("[$.a, $.a] #!"), "twice"),
    (_protect("[$.a, $.a.b] #!"), "lies in"),
    (_protect("['$.a[-1]'] #!"), "from the front"),
    (_protect("[$.a]", "    compress: zstd #!\n"), "compress"),
    (_protect("[$.a]", "    notJSON: ignore #!\n"), "notJSON"),
    (_protect("[$.a]", "    plain: hide #!\n"), "plain"),
    (_protect("[$.a]", "  - {topics: ['t*'], key: local/customers} #!\n"), "protect the same"),
    (_mask("$.a: blur"), "blur"),
    (_mask("$.a: keepLst"), "keepLast"),
    (_mask("$.a: {keepLast: 0}"), "keepLast"),
    (_mask("$.a: {keepLast: {count: 4, with: '**'}}"), "with"),
    (_mask("$.a: {keepLast: {cuont: 4}}"), "cuont"),
    (_mask("$.a: {keepLast: {count: 4, ignore: a}}"), "ignore"),
    (_mask("$.a: {bucket: 0}"), "step"),
    (_mask("$.a: {email: {style: full}}"), "style"),
    # A mask that has one type of result cannot be told to change it.
    (_mask("$.a: {email: {allowTypeChange: true}}"), "allowTypeChange"),
    (_mask("$.a: {bucket: {step: 10, allowTypeChange: true}}"), "allowTypeChange"),
    (_mask("$.a: {dateTruncate: {unit: year, allowTypeChange: true}}"), "allowTypeChange"),
    (_mask("$.a: {constant: [1, 2]}"), "constant"),
    (_mask("$.a: token"), "tokenKey"),
    (_mask("$.a[: email"), "']' is missing"),
    (_mask("$.a: {keepLast: 4, email: domain}"), "one mask"),
    (_mask("$.a: email\n      $['a']: redact"), "twice"),
    (_mask("$.a.b: email"), "$.a"),
    (_protect("[$.a]") + "read:\n" + rule(["*"], ["t"], show="clear")
     + rule(["User:x"], ["t"], show="redact").rstrip() + " #!\n", "never counts"),
    (_protect("[$.a]") + "read:\n" + rule(["User:*"], ["t"], mask={"$.a": "email"})
     + rule(["User:x"], ["t"], mask={"$.a": "redact"}).rstrip() + " #!\n", "never counts"),
    ("read:\n" + rule(["x"], ["t"], show="clear").rstrip() + " #!\n", "x"),
    ("read:\n" + rule(["group:x"], ["t"], show="clear").rstrip() + " #!\n", "groupsClaim"),
    ("read:\n" + rule(["*"], ["t"], show="clean").rstrip() + " #!\n", "clear"),
    ("read:\n" + rule(["*"], ["t"], show="clear", mask={}).rstrip() + " #!\n", "mask"),
    ("read:\n" + rule(["*"], ["t"], show="clear", others="redact").rstrip() + " #!\n", "others"),
]  # fmt: skip
