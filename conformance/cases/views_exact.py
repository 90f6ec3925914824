"""Exactness: generated and awkward documents, each reader's view of them against
conformance/masks.py, every row of docs/MASKS.md, and a search for plaintext in all that anybody
without a grant can have seen."""

from __future__ import annotations

import random
import struct

from conformance import batches, masks
from conformance.cases.views_scene import (
    EXACT,
    EXACT_SEALED,
    MARK,
    NUMBER_MARK,
    ROWS,
    TOKEN_KEY,
    Scene,
    user,
)
from conformance.masks import View
from conformance.proc import Failed
from conformance.readers import Stock
from conformance.records import Got, Record

COUNT = 400
VIEWS = {
    "analyst": View(EXACT, key=TOKEN_KEY),
    "intern": View({}),
    "auditor": View({}, rest="sealed"),
}
SPACES = ["", "", "", " ", "\n", "\t ", "\r\n  "]
LETTERS = ["a", "Z", "7", " ", "-", '"', "\\", "/", "\n", "\t", "\x01", "\x7f", "é", "ß", "日",
           "\u0301", "😀", "\u2028", "{", "}", "[", ",", ":", "wax1:", "\ufeff"]  # fmt: skip
NAMES = ["a", "b", "id", "note", "x y", "é", 'q"q', "card", "ssn2", ""]


class Generator:
    """JSON texts. What is in selected places has a mark in it, what is not has none."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def space(self) -> str:
        return self.random.choice(SPACES)

    def quoted(self, text: str) -> str:
        """A string, its characters escaped here and there; never the mark."""
        out = []
        for letter in text:
            if letter in '"\\' or ord(letter) < 0x20 or self.random.random() < 0.1:
                short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t"}.get(letter)
                if short and self.random.random() < 0.7:
                    out.append(short)
                    continue
                units = letter.encode("utf-16-be", "surrogatepass")
                form = self.random.choice(("\\u%04x", "\\u%04X"))
                for unit in struct.unpack(">%dH" % (len(units) // 2), units):
                    out.append(form % unit)
            else:
                out.append(letter)
        return "".join(out)

    def letters(self, most: int = 12) -> str:
        text = "".join(self.random.choices(LETTERS, k=self.random.randint(0, most)))
        # Sealed fields begin so, and a producer is refused whose texts do.
        return self.quoted(text[1:] if text.startswith("wax1:") else text)

    def secret_text(self) -> str:
        """Nothing of it may be seen: masks may show some characters at its ends."""
        if self.random.random() < 0.03:
            return '"\\ud83d%s"' % MARK
        return '"%s%s%s"' % (self.letters(4), MARK, self.letters())

    def secret_number(self) -> str:
        return self.random.choice(("%s%d", "-%s%d", "%s%d.50", "%s.%d", "%s%de-3", "0.%s%d")) % (
            NUMBER_MARK, self.random.randint(100, 999),
        )  # fmt: skip

    def secret(self, depth: int = 0) -> str:
        """Any value."""
        kind = self.random.random()
        if kind < 0.4:
            return self.secret_text()
        if kind < 0.6:
            return self.secret_number()
        if kind < 0.75 or depth > 3:
            return self.random.choice(("null", "true", "false", '""', "[]", "{ }", "[ [ ] ]"))
        if kind < 0.88:
            return self.array([self.secret(depth + 1) for _ in range(self.random.randint(0, 4))])
        return self.object(
            [(self.letters(3), self.secret(depth + 1)) for _ in range(self.random.randint(0, 4))]
        )

    def public(self, depth: int = 0) -> str:
        """Any value that no rule selects."""
        kind = self.random.random()
        if kind < 0.5 or depth > 3:
            return self.random.choice(
                ('"%s"' % self.letters(), "0", "-0", "1e5", "12.50", "1E400", "null", "true", "[]")
            )
        if kind < 0.75:
            return self.array([self.public(depth + 1) for _ in range(self.random.randint(0, 3))])
        members = [
            (self.quoted(self.random.choice(NAMES)), self.public(depth + 1))
            for _ in range(self.random.randint(0, 3))
        ]
        if self.random.random() < 0.4:
            members.append(("ssn", self.secret()))
        return self.object(members)

    def array(self, values: list[str]) -> str:
        inner = ",".join(self.space() + value + self.space() for value in values)
        return "[%s]" % (inner or self.space())

    def object(self, members: list[tuple[str, str]]) -> str:
        inner = ",".join(
            '%s"%s"%s:%s%s%s'
            % (self.space(), name, self.space(), self.space(), value, self.space())
            for name, value in members
        )
        return "{%s}" % (inner or self.space())

    def apt(self, field: str) -> str:
        """A value such as the mask of that field is for; with nothing that it would show."""
        pick = self.random.choice
        number = "%s%d" % (NUMBER_MARK, self.random.randint(1000, 9999))
        found = {
            "born": [
                '"1980-02-29"',
                '"1979-12-31T23:59:59.5+02:00"',
                '"1981-02-29"',
                '"%s"' % MARK,
            ],
            "visit": ['"2024-05-06"', '"2024-05-06 07:08"', '"2024-5-6"', '"%s"' % MARK],
            "salary": [number, number + ".75", '"%s"' % number, "-" + number],
            "pan": ['"4111 1111 1111 1111"', '"3782-822463-10005"', '"%s"' % MARK, '"4111"'],
            "email": ['"%s@example.org"' % MARK, '"%s.x@a.example"' % MARK, '"%s@b"' % MARK, '""'],
            "number": ['"%s 1234"' % MARK, '"%s-%s"' % (MARK, number[-4:]), '"12"', number],
            "open": ['"in the open"', "1.50", "[1, 2 ]"],
        }.get(field)
        return pick(found) if found else self.secret_text()

    def sealed(self, field: str) -> str:
        if field == "open":
            return self.apt(field)
        return self.apt(field) if self.random.random() < 0.65 else self.secret()

    def document(self) -> str:
        """Members in any order, some of them missing or there twice."""
        fields = ["born", "visit", "salary", "login", "print", "hash", "form", "ends", "pan",
                  "gone", "open", "kept", "any", "unlisted", "ssn"]  # fmt: skip
        members = [(name, self.sealed(name)) for name in fields if self.random.random() < 0.6]
        members += [
            ("card", self.random.choice((self.card(), "null", '"none"', "[1]", "{}"))),
            ("customers", self.array([
                self.object([(self.quoted("email"), self.sealed("email")), ("n", self.public())])
                for _ in range(self.random.randint(0, 3))
            ])),
            ("lines", self.array([
                self.public() if at else self.secret() for at in range(self.random.randint(0, 3))
            ])),
            (self.quoted("full name"), self.sealed("name")),
            (self.quoted("it's"), self.sealed("name")),
            ("extra", self.object([(self.letters(3), self.secret()) for _ in range(2)])),
        ]  # fmt: skip
        members += [(self.quoted(name), self.public()) for name in NAMES[:7]]
        if self.random.random() < 0.2:
            members.append(self.random.choice(members))
        self.random.shuffle(members)
        return self.space() + self.object(members) + self.space()

    def card(self) -> str:
        return self.object([("number", self.sealed("number")), ("holder", self.secret()),
                            ("brand", self.public())])  # fmt: skip


def awkward() -> list[bytes]:
    """Documents at the edge of what is one."""
    deep = 505
    numbers = ["-0", "0.0", "1E400", "1e-400", "123456789012345678901234567890.10", "1.0E+2"]
    texts = [
        "{}", "[]", "null", '"text"', " 17 ", "[[]]", '{"":{"":""}}', '{"lines":[]}',
        '{"any":%s"%s"%s}' % ('{"a":' * deep, MARK, "}" * deep),
        '{"ssn":%s"%s"%s}' % ("[" * deep, MARK, "]" * deep),
        '[%s{"ssn":"%s"}%s]' % ("[" * deep, MARK, "]" * deep),
        '{"any":"%s%s"}' % (MARK, "x" * (700 << 10)),
        '{"login":"%s%s"}' % (MARK, "\\u00e9" * (100 << 10)),
        '{"public":"%s","any":"%s"}' % ("y" * (600 << 10), MARK),
        '{"customers":[%s]}' % ",".join('{"email":"%s@example.org"}' % MARK for _ in range(1000)),
        '{"extra":{%s}}' % ",".join('"n%d":"%s"' % (at, MARK) for at in range(1000)),
        '{"ssn":"%s1","ssn":"%s2","ssn":{"ssn":"%s3"}}' % (MARK, MARK, MARK),
        '{"c\\u0061rd":{"\\u006eumber":"%s"},"card":{"number":"%s"}}' % (MARK, MARK),
        '{"any":"\\ud83d\\ude00%s\\ud83d","print":"\\udc00%s"}' % (MARK, MARK),
        '{"any":"%s\\u0000\x7f\\b\\f\\/"}' % MARK,
        '{"any":{"deep":[{"ssn":"%s"}]},"x":[{"any":[{"ssn":"%s"}]}]}' % (MARK, MARK),
    ]  # fmt: skip
    texts += ['{"unlisted":%s,"salary":%s,"print":%s}' % (one, one, one) for one in numbers]
    documents = [text.encode() for text in texts]
    # As schema registries have it: a zero and the number of the schema.
    documents += [b"\0\0\0\0\x07" + one for one in documents[8:10]]
    return [*documents, b'\0\0\1\2\3 {"any": "%s"}' % MARK.encode()]


class Exactness:
    def __init__(self, scene: Scene):
        self.scene = scene

    def cases(self) -> dict:
        return {
            "the reference gives every row of docs/MASKS.md": self.reference,
            "every row of docs/MASKS.md, through Waxwing": self.rows,
            "%d generated documents, as every reader" % COUNT: self.generated,
            "awkward documents, as every reader": self.awkward,
        }

    def reference(self) -> None:
        if len(ROWS) < 90:
            raise Failed("only %d rows" % len(ROWS))
        for row in ROWS:
            if (found := masks.mask(row.spec, row.value, TOKEN_KEY)) != row.shown:
                raise Failed("%s of %s: %s" % (row.yaml, row.value, found))

    def rows(self) -> None:
        topic = self.scene.new_topic("rows")
        text = "{%s}" % ", ".join('"f%d": %s' % (at, row.value) for at, row in enumerate(ROWS))
        wanted = "{%s}" % ", ".join('"f%d": %s' % (at, row.shown) for at, row in enumerate(ROWS))
        self.scene.write(topic, [text.encode()])
        stored = self.scene.read_direct(topic, 1)[0].value
        if stored.count(b"wax1:") != len(ROWS):
            raise Failed("%d of %d fields are sealed" % (stored.count(b"wax1:"), len(ROWS)))
        got = self.scene.read(topic, 1, user("PLAIN", "analyst"))[0].value.decode()
        if got != wanted:
            found = [masks.parse(one).children for one in (got, wanted)]
            for row, (_, left), (_, right) in zip(ROWS, *found):
                if got[left.start : left.end] != wanted[right.start : right.end]:
                    raise Failed("%s: %s" % (row, got[left.start : left.end]))
            raise Failed("the document around the fields has changed")
        if self.scene.read(topic, 1, user("PLAIN", "fraud"))[0].value != text.encode():
            raise Failed("fraud reads something else")

    def generated(self) -> None:
        generator = Generator(20261121)
        values = []
        for index in range(COUNT):
            value = generator.document().encode()
            values.append(b"\0\0\0\0" + bytes([index % 256]) + value if index % 9 == 4 else value)
        self._all_views(values, partitions=3, codec="none")

    def awkward(self) -> None:
        self._all_views(awkward(), partitions=1, codec="lz4")

    def _all_views(self, values: list[bytes], partitions: int, codec: str) -> None:
        topic = self.scene.new_topic("exact", partitions, **{"max.message.bytes": "8388608"})
        records = [
            Record(b"k%d" % at, value, (), None, at % partitions) for at, value in enumerate(values)
        ]
        self.scene.write(topic, records, codec)
        sent = {one.key: one.value for one in records}
        stored = {one.key: one.value for one in self.scene.read_direct(topic, len(sent))}
        marked = sum(MARK.encode() in value for value in values)
        if marked < len(values) // 3:
            raise Failed("only %d of %d documents say something" % (marked, len(values)))
        for key, value in stored.items():
            if MARK.encode() in value or NUMBER_MARK.encode() in value:
                raise Failed("stored in clear: %r" % value[:300])
        self._fraud(topic, sent)
        for name, view in VIEWS.items():
            stock = Stock.KAFKA_PYTHON if name == "intern" else Stock.CONFLUENT
            got = self.scene.read(topic, len(sent), user("SCRAM-SHA-256", name), stock)
            for one in got:
                wanted = masks.show(sent[one.key], stored[one.key], EXACT_SEALED, view, one.key)
                if one.value != wanted:
                    raise Failed("%s: %s" % (name, difference(one.value, wanted, sent[one.key])))
            if len(got) != len(sent):
                raise Failed("%s: %d of %d records" % (name, len(got), len(sent)))
        self._dropper(topic, sent)

    def _fraud(self, topic: str, sent: dict) -> None:
        for stock in (Stock.CONFLUENT, Stock.AIOKAFKA):
            got = self.scene.read(topic, len(sent), user("SCRAM-SHA-512", "fraud"), stock)
            if len(got) != len(sent):
                raise Failed("fraud: %d of %d records" % (len(got), len(sent)))
            for one in got:
                if one.value != sent[one.key]:
                    raise Failed("fraud: %s" % difference(one.value, sent[one.key], b""))

    def _dropper(self, topic: str, sent: dict) -> None:
        got: list[Got] = self.scene.read(topic, len(sent), user("PLAIN", "dropper"))
        for one in got:
            if _plain(one.value) != _without(sent[one.key]):
                raise Failed("dropper: %r of %r" % (one.value[:500], sent[one.key][:500]))


def _text(value: bytes) -> str:
    return value[5 if value[:1] == b"\0" else 0 :].decode()


def _plain(value: bytes):
    """A document as Python has it, names twice and all, numbers as they are written."""
    text = _text(value)
    return _tree(text, masks.parse(text), set())


def _without(value: bytes):
    text = _text(value)
    root = masks.parse(text)
    gone = {id(node) for node, _ in masks.selected(root, EXACT_SEALED)}
    return _tree(text, root, gone)


def _tree(text: str, node: masks.Node, gone: set[int]):
    if node.kind in ("object", "array"):
        kept = [(name, child) for name, child in node.children if id(child) not in gone]
        if node.kind == "array":
            return [_tree(text, child, gone) for _, child in kept]
        return {"object": [(name, _tree(text, child, gone)) for name, child in kept]}
    return text[node.start : node.end]


def difference(got: bytes, wanted: bytes, sent: bytes) -> str:
    """Where two values begin to differ. Test data only."""
    at = next(
        (at for at, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted))
    )
    around = slice(max(0, at - 80), at + 60)
    return "at %d: %r instead of %r; sent %r" % (at, got[around], wanted[around], sent[:400])


def search(scene: Scene) -> None:
    """No protected text or number in anything that somebody without a grant can have seen."""
    needles = [MARK.encode(), NUMBER_MARK.encode(), MARK.encode("utf-16-le")]
    cleared = scene.watch("fraud", scene.fixed)
    places: dict[str, list[bytes]] = {
        "what clients were given": scene.uncleared,
        "Waxwing's logs": [one.child.log.read_bytes() for one in (scene.waxwing, scene.fixed)],
        "the audit": [scene.audit(name).read_bytes() for name in ("sasl", "fixed")],
        "on the wire to clients": [
            bytes(data)
            for watch in scene.watches.values()
            if watch is not cleared
            for data in watch.received
        ],
        "the brokers' logs": [
            node.child.log.read_bytes() for node in scene.cluster.nodes.values() if node.child
        ],
    }  # fmt: skip
    for place, parts in places.items():
        if sum(map(len, parts)) < 1000:
            raise Failed("%s: next to nothing to search" % place)
        for part in parts:
            expect_none(needles, place, part)
    segments = 0
    for node in scene.cluster.nodes.values():
        for path in node.directory.rglob("*"):
            if not path.is_file() or not (data := path.read_bytes().rstrip(b"\0")):
                continue
            expect_none(needles, str(path), data)
            if path.suffix == ".log" and not path.parent.name.startswith("__"):
                segments += 1
                for batch in batches.read_batches(data):
                    if batch.codec != "none":
                        expect_none(needles, str(path), batch.plain())
    if segments < 50:
        raise Failed("only %d segments" % segments)
    # And the search finds what is there: on the wire to a listener whose clients read clear.
    if not any(MARK.encode() in data for data in cleared.received):
        raise Failed("nothing is found where it must be")
    if MARK.encode() not in scene.cleared_sample:
        raise Failed("the mark is not in what fraud reads either")


def expect_none(needles: list[bytes], place: str, data: bytes) -> None:
    for needle in needles:
        if (at := data.find(needle)) >= 0:
            raise Failed("%s: %r" % (place, data[max(0, at - 120) : at + 60]))
