"""What readers are shown, by docs/MASKS.md and docs/CONFIG.md alone: a second implementation.

It is slow and simple, works on Python text, and has nothing of Waxwing in it, so that both are held
to the same pages. `document_rows` reads the table of exact results out of docs/MASKS.md.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any, Iterator

# Documents may be 512 levels deep.
sys.setrecursionlimit(10_000)

REDACTED = "********"
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b",
            "\f": "\\f"}  # fmt: skip


class NotJSON(Exception):
    """The text is no JSON document."""


@dataclass
class Node:
    """A value of a document and where it stands."""

    kind: str
    start: int
    end: int = 0
    # Names of members or places of elements, with the values.
    children: list[tuple[str | int, "Node"]] = field(default_factory=list)


def parse(text: str) -> Node:
    root = _value(text, _skip(text, 0))
    if _skip(text, root.end) != len(text):
        raise NotJSON("text behind the document")
    return root


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()


def _value(text: str, at: int) -> Node:
    for word in ("null", "true", "false"):
        if text.startswith(word, at):
            return Node("null" if word == "null" else "boolean", at, at + len(word))
    if found := _STRING.match(text, at):
        return Node("string", at, found.end())
    if found := _NUMBER.match(text, at):
        return Node("number", at, found.end())
    opening = text[at : at + 1]
    if opening not in ("{", "["):
        raise NotJSON("no value at %d" % at)
    is_object = opening == "{"
    node = Node("object" if is_object else "array", at)
    closing = "}" if is_object else "]"
    at = _skip(text, at + 1)
    if text[at : at + 1] == closing:
        node.end = at + 1
        return node
    while True:
        name: str | int = len(node.children)
        if is_object:
            found = _STRING.match(text, at)
            if not found:
                raise NotJSON("no name at %d" % at)
            name = decode(found[0])
            at = _skip(text, found.end())
            if text[at : at + 1] != ":":
                raise NotJSON("no colon at %d" % at)
            at = _skip(text, at + 1)
        child = _value(text, at)
        node.children.append((name, child))
        at = _skip(text, child.end)
        if text[at : at + 1] == closing:
            node.end = at + 1
            return node
        if text[at : at + 1] != ",":
            raise NotJSON("no comma at %d" % at)
        at = _skip(text, at + 1)


def decode(quoted: str) -> str:
    """A string's characters; halves of surrogate pairs that stand alone stay in it."""
    return json.loads(quoted, strict=False)


def encode(text: str) -> str:
    out = []
    for letter in text:
        if letter in _ESCAPED:
            out.append(_ESCAPED[letter])
        else:
            out.append("\\u%04x" % ord(letter) if ord(letter) < 0x20 else letter)
    return '"%s"' % "".join(out)


# -- paths

_SEGMENT = re.compile(
    r"(?P<deep>\.\.)?(?:\.?(?P<name>\w+)|\.?(?P<star>\*)"
    r"|\[(?:(?P<index>\d+)|(?P<any>\*)|'(?P<quoted>(?:[^'\\]|\\.)*)')\])"
)


def segments(path: str) -> list[tuple[bool, str | int | None]]:
    """Whether it is at any depth, and the name, the place, or None for all."""
    found, at = [], 1
    while at < len(path):
        part = _SEGMENT.match(path, at)
        if not part:
            raise ValueError("path %s at %d" % (path, at))
        key: str | int | None = part["name"]
        if part["quoted"] is not None:
            key = re.sub(r"\\(.)", r"\1", part["quoted"])
        elif part["index"] is not None:
            key = int(part["index"])
        found.append((bool(part["deep"]), key))
        at = part.end()
    return found


def _step(states: set[int], path: list, name: str | int) -> set[int]:
    """The segments that are behind us after going on to a child."""
    reached = set()
    for at in states:
        if at == len(path):
            continue
        deep, key = path[at]
        if deep:
            reached.add(at)
        if key is None or (key == name and type(key) is type(name)):
            reached.add(at + 1)
    return reached


def selected(
    root: Node, paths: list[str], inside: bool = False
) -> Iterator[tuple[Node, list[frozenset[int]]]]:
    """The outermost values that any of `paths` selects, in order, each with the paths that select
    it. With `inside` it goes on within them, and paths that select something around a value
    count as well."""
    programs = [segments(path) for path in paths]

    # `states` has, by path, the segments that are behind us; only of paths that can go on.
    def walk(node: Node, states: dict[int, set[int]], around: frozenset[int]):
        hits = around
        for index, at in states.items():
            if len(programs[index]) in at:
                hits |= {index}
        if hits:
            yield node, hits
            if not inside:
                return
        for name, child in node.children:
            further = {}
            for index, at in states.items():
                if reached := _step(at, programs[index], name):
                    further[index] = reached
            if further or hits:
                yield from walk(child, further, hits)

    yield from walk(root, {index: {0} for index in range(len(paths))}, frozenset())


# -- views


@dataclass
class View:
    """How one reader sees the sealed fields of a topic: the first path counts that selects a field
    or something around it."""

    # Paths, and the words clear, sealed, redact, or a mask.
    paths: dict[str, Any]
    rest: Any = "redact"
    key: bytes = b""


def show(
    value: bytes, stored: bytes, sealed_paths: list[str], view: View, entity: bytes | None
) -> bytes:
    """What a reader is shown of a document. `stored` is what the broker has of it."""
    prefix = 5 if value[:1] == b"\0" else 0
    text, there = value[prefix:].decode(), stored[prefix:].decode()
    root = parse(text)
    fields = [node for node, _ in selected(root, sealed_paths)]
    at_rest = [node for node, _ in selected(parse(there), sealed_paths)]
    if len(fields) != len(at_rest):
        raise ValueError("%d fields, %d stored" % (len(fields), len(at_rest)))
    said = {id(node): min(hits) for node, hits in selected(root, list(view.paths), inside=True)}
    actions = list(view.paths.values())
    out, done = [], 0
    for node, sealed in zip(fields, at_rest):
        place = said.get(id(node))
        action = view.rest if place is None else actions[place]
        out.append(text[done : node.start])
        if action == "sealed":
            out.append(there[sealed.start : sealed.end])
        elif action == "clear":
            out.append(text[node.start : node.end])
        else:
            out.append(mask(action, text[node.start : node.end], view.key, entity))
        done = node.end
    return value[:prefix] + "".join([*out, text[done:]]).encode()


# -- masks


def settings(spec: Any) -> tuple[str, dict]:
    """A mask's kind and its settings by name."""
    if isinstance(spec, str):
        return spec, {}
    ((kind, given),) = spec.items()
    if isinstance(given, dict):
        return kind, given
    main = {"constant": "value", "email": "style", "type": "name", "token": "form",
            "dateTruncate": "unit", "dateShift": "days", "bucket": "step"}  # fmt: skip
    return kind, {main.get(kind, "count"): given}


def mask(spec: Any, text: str, key: bytes = b"", entity: bytes | None = None) -> str:
    """What `spec` makes of a JSON value. `key` is the secret of keyed masks, `entity` whose value
    it is."""
    kind, given = settings(spec)
    root = parse(text)
    if kind == "null" or kind == "constant" and given.get("allowTypeChange"):
        if text[root.start : root.end] == "null" or kind == "null":
            return "null"
        return _literal(given["value"])
    out, done = [], 0
    for leaf in _leaves(root):
        out.append(text[done : leaf.start])
        out.append(_leaf(kind, given, leaf.kind, text[leaf.start : leaf.end], key, entity))
        done = leaf.end
    return "".join([*out, text[done:]])


def _leaves(node: Node) -> Iterator[Node]:
    if node.kind not in ("object", "array"):
        yield node
    for _, child in node.children:
        yield from _leaves(child)


def _literal(value: Any) -> str:
    return encode(value) if isinstance(value, str) else json.dumps(value)


def _redacted(kind: str, text: str, given: dict) -> str:
    if kind == "string":
        return encode(given.get("text", REDACTED))
    if kind == "number":
        return str(given.get("number", "0.0" if re.search("[.eE]", text) else "0"))
    return json.dumps(given.get("boolean", False))


def _leaf(kind: str, given: dict, type_: str, text: str, key: bytes, entity: bytes | None) -> str:
    if type_ == "null":
        return "null"
    if kind == "redact":
        return _redacted(type_, text, given)
    if kind == "constant":
        types = {str: "string", bool: "boolean", int: "number", float: "number"}
        fits = types[type(given["value"])] == type_
        return _literal(given["value"]) if fits else _redacted(type_, text, {})
    if kind == "bucket" and type_ == "number":
        return _bucket(text, given) or _redacted(type_, text, {})
    if type_ != "string" and not given.get("allowTypeChange"):
        return _redacted(type_, text, {})
    letters = decode(text) if type_ == "string" else text
    shown = None
    # `type` does not look at the text.
    if kind == "type" or not any(0xD800 <= ord(letter) < 0xE000 for letter in letters):
        shown = _TEXT_MASKS[kind](letters, given, key, entity)
    return encode(REDACTED if shown is None else shown)


def _hide(text: str, given: dict, first: int, last: int, keeps: bool) -> str:
    """Keeps, or hides, that many characters at both ends; those in `ignore` do not count."""
    ignore = given.get("ignore", "")
    places = [at for at, letter in enumerate(text) if letter not in ignore]
    ends = set(places[:first]) | set(places[len(places) - last :] if last else [])
    if keeps and len(ends) == len(places):
        ends = set()
    letters = list(text)
    for at in places:
        if (at in ends) != keeps:
            letters[at] = given.get("with", "*")
    return "".join(letters)


def _card(text: str, given: dict, *_) -> str:
    digits = [at for at, letter in enumerate(text) if letter not in " -"]
    kept: set[int] = set()
    if re.fullmatch(r"[0-9 -]*", text) and 13 <= len(digits) <= 19:
        last = given.get("last", 4)
        kept = set(digits[: given.get("first", 6)]) | set(digits[len(digits) - last :])
    star = given.get("with", "*")
    return "".join(
        letter if at in kept or letter in " -" else star for at, letter in enumerate(text)
    )


def _email(text: str, given: dict, *_) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9._+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]+", text):
        return None
    local, domain = text.split("@")
    star, style = given.get("with", "*"), given.get("style", "domain")
    if style == "domain":
        return star * 5 + "@" + domain
    if style == "first":
        return (local[0] + star * 4 if len(local) > 1 else star * 5) + "@" + domain
    host, _, label = domain.rpartition(".")
    parts = [part[:2] + star * 6 if len(part) > 2 else star * 6 for part in (local, host)]
    return "%s@%s.%s" % (*parts, label)


def _shape(text: str, *_) -> str:
    def letter(one: str) -> str:
        category = unicodedata.category(one)
        if category in ("Lu", "Lt"):
            return "X"
        return "x" if category[0] == "L" else "n" if category == "Nd" else "-"

    return "".join(map(letter, text))


def _token(text: str, given: dict, key: bytes, *_) -> str:
    tag = hmac.digest(key, text.encode(), "sha256")
    form = given.get("form", "hex")
    if form == "hex":
        return tag.hex()
    if form == "base64":
        return base64.b64encode(tag).decode()
    return base64.urlsafe_b64encode(tag[:16]).decode().rstrip("=")


_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)" r"([Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def _date(text: str) -> tuple[datetime.date, str] | None:
    found = _DATE.fullmatch(text)
    if not found:
        return None
    try:
        return datetime.date(*map(int, found.groups()[:3])), found[4] or ""
    except ValueError:
        return None


def _truncate(text: str, given: dict, *_) -> str | None:
    if not (found := _date(text)):
        return None
    day, rest = found
    unit = given["unit"]
    if unit != "day":
        day = day.replace(day=1)
    if unit in ("year", "decade"):
        day = day.replace(month=1)
    if unit == "decade":
        day = day.replace(year=day.year // 10 * 10)
    time = re.match(r"([Tt ][\d:.]*)?", rest)[0]
    return day.isoformat() + re.sub(r"\d", "0", time) + rest[len(time) :]


def _shift(text: str, given: dict, key: bytes, entity: bytes | None) -> str | None:
    if not (found := _date(text)):
        return None
    day, rest = found
    days = given.get("days", 100)
    whose = given["entity"].encode() if "entity" in given else entity
    shift_key = hmac.digest(key, b"waxwing date shift", "sha256")
    tag = hmac.digest(shift_key, text.encode() if whose is None else whose, "sha256")
    moved = int.from_bytes(tag[:8], "big") % (2 * days + 1) - days
    return (day + datetime.timedelta(moved)).isoformat() + rest


def _bucket(text: str, given: dict, *_) -> str | None:
    if not _NUMBER.fullmatch(text):
        return None
    sign, digits, exponent = Decimal(text).as_tuple()
    if len(digits) + abs(exponent) > 128:
        return None
    with localcontext() as context:
        context.prec = 400
        step = Decimal(str(given["step"]))
        number = Decimal(text)
        rounded = (number / step).to_integral_value("ROUND_FLOOR") * step
    if not re.search("[.eE]", text):
        return "%d" % rounded
    shown = format(rounded.normalize() if rounded else Decimal(0), "f")
    return shown if "." in shown else shown + ".0"


_TEXT_MASKS = {
    "maskFirst": lambda text, given, *_: _hide(text, given, given["count"], 0, False),
    "maskLast": lambda text, given, *_: _hide(text, given, 0, given["count"], False),
    "keepFirst": lambda text, given, *_: _hide(text, given, given["count"], 0, True),
    "keepLast": lambda text, given, *_: _hide(text, given, 0, given["count"], True),
    "keepEnds": lambda text, given, *_: _hide(text, given, given["first"], given["last"], True),
    "card": _card,
    "email": _email,
    "shape": _shape,
    "type": lambda text, given, *_: "[%s]" % given["name"],
    "sha256": lambda text, *_: hashlib.sha256(text.encode()).hexdigest(),
    "token": _token,
    "dateTruncate": _truncate,
    "dateShift": _shift,
    "bucket": _bucket,
}


# -- the tables of docs/MASKS.md


@dataclass
class Row:
    """One line: a mask as YAML, a value and what is shown of it."""

    yaml: str
    value: str
    shown: str

    @property
    def spec(self) -> Any:
        return _flow(self.yaml)


def document_rows(page: Path) -> list[Row]:
    """Exact results for documents, but for dates that move: those have a key of their own."""
    text = page.read_text().partition("## Exact results")[2].partition("### Dates that move")[0]
    rows = []
    for line in text.splitlines():
        cells = [re.findall(r"`([^`]*)`", cell) for cell in line.strip("|").split(" | ")]
        if len(cells) == 3 and all(cells):
            yaml, value, shown = ("".join(cell) for cell in cells)
            try:
                parse(value)
            except NotJSON:
                continue
            rows.append(Row(yaml, value, shown))
    return rows


def _flow(text: str) -> Any:
    """A flow value of YAML, as far as masks use them."""
    text = text.strip()
    if text.startswith("{"):
        pairs, depth, quoted, start = [], 0, False, 1
        for at, letter in enumerate(text):
            quoted ^= letter == '"'
            depth += 0 if quoted else (letter == "{") - (letter == "}")
            if not quoted and (letter == "," and depth == 1 or depth == 0):
                name, _, value = text[start:at].partition(":")
                pairs.append((name.strip(), _flow(value)))
                start = at + 1
        return dict(pairs)
    try:
        return json.loads(text)
    except ValueError:
        return text
