"""Reads Apache Kafka's message definitions and joins those of several Kafka versions.

The newest folder is authoritative; the others only add versions that it no longer or not yet
knows. Lengths, counts and tags are not interpreted here: see vectors.py for an encoder.
"""

import json
import pathlib
import re

LAST = 32767  # stands for "and every later version"

# Folders that may stand inside the definitions folder, in order of precedence after it.
INNER_FOLDERS = ["next-4.4", "legacy-3.9"]


class Span:
    """An inclusive range of versions; empty when low > high."""

    def __init__(self, text):
        if text in (None, "none"):
            self.low, self.high = 1, 0
        elif text.endswith("+"):
            self.low, self.high = int(text[:-1]), LAST
        elif "-" in text:
            low, high = text.split("-")
            self.low, self.high = int(low), int(high)
        else:
            self.low = self.high = int(text)

    def __contains__(self, version):
        return self.low <= version <= self.high

    def __bool__(self):
        return self.low <= self.high


class Field:
    """One field of a message, with the fields of its struct below it."""

    def __init__(self, raw, structs):
        self.name = raw["name"]
        kind = raw["type"]
        self.is_array = kind.startswith("[]")
        self.type = kind[2:] if self.is_array else kind
        self.versions = Span(raw["versions"])
        self.nullable = Span(raw.get("nullableVersions"))
        self.tag = int(raw["tag"]) if "tag" in raw else None
        self.tagged = Span(raw.get("taggedVersions"))
        self.old_lengths = raw.get("flexibleVersions") == "none"
        self.fields = []
        if self.type[0].isupper():
            inner = raw.get("fields") or structs[self.type]
            self.fields = [Field(child, structs) for child in inner]
            self.type = "struct"

    def shape(self, version):
        """What the bytes of this field look like in a version, for comparing definitions."""
        tag = self.tag if version in self.tagged else None
        return (
            self.type,
            self.is_array,
            version in self.nullable,
            tag,
            self.old_lengths,
            shapes(self.fields, version),
        )


def shapes(fields, version):
    return tuple(field.shape(version) for field in fields if version in field.versions)


class Message:
    """One definition file."""

    def __init__(self, raw):
        structs = {s["name"]: s["fields"] for s in raw.get("commonStructs", [])}
        self.key = raw["apiKey"]
        self.kind = raw["type"]
        self.name = re.sub(r"(Request|Response)$", "", raw["name"])
        self.valid = Span(raw["validVersions"])
        self.flexible = Span(raw.get("flexibleVersions"))
        self.listeners = raw.get("listeners", [])
        self.last_unstable = raw.get("latestVersionUnstable", False)
        self.fields = [Field(field, structs) for field in raw["fields"]] if self.valid else []


def load(path):
    text = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M)
    return json.loads(text)


def load_folder(folder):
    """(key, kind) -> Message for the requests and responses in one folder."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        raw = load(path)
        if raw["type"] in ("request", "response"):
            message = Message(raw)
            found[(message.key, message.kind)] = message
    return found


def load_all(folders):
    """The folders as given, with the known inner folders of the first added behind them."""
    folders = [pathlib.Path(folder) for folder in folders]
    inner = [folders[0] / name for name in INNER_FOLDERS if (folders[0] / name).is_dir()]
    return [load_folder(folder) for folder in folders + inner]


class Layout:
    """The fields of a message for a run of versions that one definition describes."""

    def __init__(self, low, high, message):
        self.low, self.high, self.message = low, high, message


def layouts(sources, key, kind):
    """Layouts of all valid versions, lowest first. Older definitions make a layout of their own
    only where the newest one, applied to their versions, would give other bytes."""
    newest = sources[0].get((key, kind))
    if newest is None or not newest.valid:
        return []
    result = [Layout(newest.valid.low, newest.valid.high, newest)]
    for source in sources[1:]:
        other = source.get((key, kind))
        if other is None or not other.valid or other.valid.low >= newest.valid.low:
            continue
        version = newest.valid.low - 1
        while version >= other.valid.low and shapes(other.fields, version) == shapes(
            newest.fields, version
        ):
            version -= 1
        result[-1].low = version + 1
        if version >= other.valid.low:
            result.append(Layout(other.valid.low, version, other))
    return list(reversed(result))
