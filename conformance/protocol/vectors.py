#!/usr/bin/env python3
"""Writes golden messages for the tests of the walker, from Apache Kafka's message definitions.

    python3 conformance/protocol/vectors.py DEFINITIONS_DIR [MORE_DIRS...]

Every message that Waxwing looks into is encoded by a plain recursive encoder that shares nothing
with the Swift code, in every version: once with everything present, once at random. One line
holds version, bytes and the events expected of them:

    role=hex  role!              a value, a null value
    role[n  role{  role}  role]  array begin (-1: null), element begin and end, array end
    <n  >n                       begin and end of a tag that has roles inside
"""

import pathlib
import random
import struct
import sys

import definitions
import roles

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/KafkaWireTests/Vectors"
INTEGERS = {
    "bool": ">B",
    "int8": ">b",
    "int16": ">h",
    "int32": ">i",
    "int64": ">q",
    "uint16": ">H",
    "uint32": ">I",
    "float64": ">d",
}
ADDRESS_CONFIGS = [
    "listeners",
    "advertised.listeners",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "inside.listeners",
]
OTHER_CONFIGS = ["log.dirs", "num.io.threads", "max.message.bytes", "cleanup.policy"]


def uvarint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Encoder:
    """Encodes one message and notes what a walker has to say about it."""

    def __init__(self, message, kind, version, found, seed, is_full):
        self.version = version
        self.flexible = version in message.flexible
        self.found = found
        self.random = random.Random(seed)
        self.is_full = is_full
        self.events = []
        self.context = {}
        self.bytes = self.struct(message.fields, "")

    def chance(self, of):
        return self.random.randrange(of) == 0

    def note(self, role, event):
        if role:
            self.events.append(role + event)

    def active(self, fields):
        return [field for field in fields if self.version in field.versions]

    def has_roles(self, field, path):
        here = f"{path}.{field.name}".lstrip(".")
        return here in self.found or any(
            self.has_roles(child, here) for child in self.active(field.fields)
        )

    def struct(self, fields, path):
        out = b""
        tagged = []
        for field in self.active(fields):
            if self.version in field.tagged:
                tagged.append(field)
            else:
                out += self.value(field, path)
        return out + (self.tags(tagged, path) if self.flexible else b"")

    def tags(self, fields, path):
        parts = []
        for field in sorted(fields, key=lambda field: field.tag):
            if not self.is_full and self.chance(2):
                continue
            noisy = self.has_roles(field, path)
            if noisy:
                self.events.append(f"<{field.tag}")
            content = self.value(field, path)
            if noisy:
                self.events.append(f">{field.tag}")
            parts.append((field.tag, content))
        if self.is_full or self.chance(3):
            parts.append((40 + self.random.randrange(60), self.random.randbytes(3)))
        if self.chance(6):
            parts.append((20000, self.random.randbytes(self.random.choice([0, 1, 200]))))
        return uvarint(len(parts)) + b"".join(
            uvarint(tag) + uvarint(len(content)) + content for tag, content in parts
        )

    def length(self, count, old_form, compact):
        return uvarint(count + 1) if compact else struct.pack(old_form, count)

    def value(self, field, path):
        here = f"{path}.{field.name}".lstrip(".")
        role = self.found.get(here)
        compact = self.flexible and not field.old_lengths
        is_null = self.version in field.nullable and not self.is_full and self.chance(3)
        if field.is_array:
            return self.array(field, here, role, compact, is_null)
        if field.type == "struct":
            if self.version not in field.nullable:
                return self.struct(field.fields, here)
            return b"\xff" if is_null else b"\x01" + self.struct(field.fields, here)
        return self.single(field, role, compact, is_null)

    def array(self, field, here, role, compact, is_null):
        count = -1 if is_null else 2 if self.is_full else self.random.choice([0, 1, 1, 2, 3])
        out = self.length(count, ">i", compact)
        self.note(role, f"[{count}")
        elements = field.type == "struct" and any(
            self.has_roles(child, here) for child in self.active(field.fields)
        )
        for _ in range(count):
            if elements:
                self.note(role, "{")
            if field.type == "struct":
                out += self.struct(field.fields, here)
            else:
                out += self.single(field, role, compact, False)
            if elements:
                self.note(role, "}")
        self.note(role, "]")
        return out

    def single(self, field, role, compact, is_null):
        if field.type in INTEGERS or field.type == "uuid":
            content = self.number(field, role)
            self.note(role, "=" + content.hex())
            return content
        old_form = ">h" if field.type == "string" else ">i"
        if is_null:
            self.note(role, "!")
            return self.length(-1, old_form, compact)
        content = self.text(field, role) if field.type == "string" else self.blob(field)
        self.note(role, "=" + content.hex())
        return self.length(len(content), old_form, compact) + content

    def number(self, field, role):
        if field.type == "uuid":
            return self.random.randbytes(16)
        small = {"nodeID": (0, 5), "endpointType": (1, 2), "port": (1, 9999)}
        if field.type == "bool":
            value = self.random.randrange(2)
        elif role == "resourceType":
            value = self.random.choice([2, 4])
        elif role in small:
            value = self.random.randint(*small[role])
        elif field.type == "float64":
            value = self.random.random()
        else:
            bits = 8 * struct.calcsize(INTEGERS[field.type])
            value = self.random.randrange(1 << bits)
            if field.type.startswith("int") and value >= 1 << bits - 1:
                value -= 1 << bits
        self.context[role] = value
        return struct.pack(INTEGERS[field.type], value)

    def text(self, field, role):
        number = self.random.randrange(1000)
        if field.name == "Host":
            return f"kafka-{number}.upstream".encode()
        if role == "configName":
            self.context[role] = self.random.choice(ADDRESS_CONFIGS + OTHER_CONFIGS)
            return self.context[role].encode()
        if role == "configValue" and self.context["configName"] in ADDRESS_CONFIGS:
            if self.context["resourceType"] == 4:
                return f"INSIDE://kafka-{number}.upstream:9092".encode()
        size = self.random.choice([0, 1, 5, 9, 14]) if not self.chance(30) else 140
        letters = "abcdefghijklmnopqrstuvwxyz-_.é"
        return "".join(self.random.choice(letters) for _ in range(size)).encode()

    def blob(self, field):
        return self.random.randbytes(self.random.choice([0, 3, 17, 40, 150]))


def lines(sources, key, kind, name, found):
    for layout in definitions.layouts(sources, key, kind):
        for version in range(layout.low, layout.high + 1):
            for is_full in (True, False):
                seed = f"{name} {kind} {version} {is_full}"
                encoder = Encoder(layout.message, kind, version, found, seed, is_full)
                yield f"{version} {encoder.bytes.hex()} {';'.join(encoder.events) or '-'}"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sources = definitions.load_all(sys.argv[1:])
    OUT.mkdir(parents=True, exist_ok=True)
    for (name, kind), found in sorted(roles.ROLES.items()):
        key = next(k for (k, t), m in sources[0].items() if m.name == name and t == kind)
        head = f"# {name} {kind} {key}: written by conformance/protocol/vectors.py"
        text = "\n".join([head, *lines(sources, key, kind, name, found)]) + "\n"
        (OUT / f"{name}{kind.capitalize()}.txt").write_text(text)


if __name__ == "__main__":
    main()
