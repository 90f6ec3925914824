#!/usr/bin/env python3
"""Opens records in Waxwing's stored format, version 1, with nothing of Waxwing in it.

It is written from docs/FORMAT.md alone and needs only the Python package `cryptography` (and
`zstandard` for values that were compressed with zstd), so that a mistake in the product cannot hide
in its own opener, and so that records can be opened without it.

    open.py --check FILE…                   opens every vector of files, or of a folder's files
    open.py --topic T --key HEX < record    opens one record given as JSON:
                                            {"headers": [["wax", hex], …], "value": hex}
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER_KEY = "wax"
VERSION = 1
SUITE_AES256_GCM = 1
FLAG_WRAPPED_KEY = 0x10
MASK_COMPRESSION = 0x60
FLAG_ZSTD = 0x20
FLAG_LZ4 = 0x40
FLAG_FIELDS = 0x80
FIELD_MARK = b'"wax1:'
NONCE_BYTES = 12
TAG_BYTES = 16
REFERENCE_BYTES_MAX = 400
WRAPPED_BYTES_MAX = 1024
# What a value may decompress to, and how deep a document may be.
VALUE_BYTES_MAX = 256 << 20
DEPTH_MAX = 10_000


class CannotOpen(Exception):
    """The bytes are not a sealed record that this opener knows, or were changed."""


@dataclass(frozen=True)
class Header:
    """The value of the `wax` header, taken apart."""

    data_key_id: int
    reference: str | None
    wrapped: bytes | None
    # Flags that are bound: all but the one for the wrapped key.
    flags: int = 0


def parse_header(value: bytes | None) -> Header:
    """Takes a header value apart; unknown versions, suites and flags are refused."""
    if value is None or len(value) < 2:
        raise CannotOpen("the header is cut short")
    version, second = value[0], value[1]
    if version != VERSION:
        raise CannotOpen(f"unknown version {version}")
    if second & 0x0F != SUITE_AES256_GCM:
        raise CannotOpen(f"unknown suite {second & 0x0F}")
    flags = second & 0xF0 & ~FLAG_WRAPPED_KEY
    if flags not in (0, FLAG_ZSTD, FLAG_LZ4, FLAG_FIELDS):
        raise CannotOpen(f"unknown flags {second >> 4}")
    if len(value) < 10:
        raise CannotOpen("the header is cut short")
    (data_key_id,) = struct.unpack(">Q", value[2:10])
    rest = value[10:]
    if not second & FLAG_WRAPPED_KEY:
        if rest:
            raise CannotOpen("the header is too long")
        return Header(data_key_id, None, None, flags)
    length, rest = read_uvarint(rest)
    if not 1 <= length <= REFERENCE_BYTES_MAX or length > len(rest):
        raise CannotOpen("bad length of the key reference")
    reference, wrapped = rest[:length], rest[length:]
    if not 1 <= len(wrapped) <= WRAPPED_BYTES_MAX:
        raise CannotOpen("bad length of the wrapped key")
    try:
        return Header(data_key_id, reference.decode("utf-8"), wrapped, flags)
    except UnicodeDecodeError as error:
        raise CannotOpen("the key reference is not UTF-8") from error


def read_uvarint(data: bytes) -> tuple[int, bytes]:
    """An unsigned LEB128 number of at most five bytes, and what follows it."""
    number = 0
    for index, byte in enumerate(data[:5]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if number > 0xFFFFFFFF:
                break
            return number, data[index + 1 :]
    raise CannotOpen("a number is cut short or too long")


def associated_data(
    data_key_id: int, reference: str, topic: str, path: str = "", flags: int = 0
) -> bytes:
    """What a ciphertext is bound to."""

    def sized(text: str) -> bytes:
        encoded = text.encode("utf-8")
        return struct.pack(">H", len(encoded)) + encoded

    fixed = b"wax" + struct.pack(">BBQ", VERSION, SUITE_AES256_GCM | flags, data_key_id)
    return fixed + sized(reference) + sized(topic) + sized(path)


def decrypt(
    key: bytes, header: Header, reference: str, topic: str, sealed: bytes, path: str = ""
) -> bytes:
    """The plaintext of nonce, ciphertext and tag."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise CannotOpen("the value is cut short")
    bound = associated_data(header.data_key_id, reference, topic, path, header.flags)
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except InvalidTag as error:
        raise CannotOpen("the value was changed, moved, or sealed with another key") from error


def open_value(key: bytes, header: Header, reference: str, topic: str, value: bytes) -> bytes:
    """A stored value as the producer sent it."""
    if header.flags & FLAG_FIELDS:
        return open_document(key, header, reference, topic, value)
    return decompressed(decrypt(key, header, reference, topic, value), header.flags)


# ---- compression


def decompressed(data: bytes, flags: int) -> bytes:
    """A value from its compressed form."""
    if flags == FLAG_ZSTD:
        return decompressed_zstd(data)
    return decompressed_lz4(data) if flags == FLAG_LZ4 else data


def decompressed_zstd(data: bytes) -> bytes:
    try:
        import zstandard
    except ImportError as error:
        raise CannotOpen("the Python package zstandard is not there") from error
    try:
        declared = zstandard.frame_content_size(data)
        if not 0 <= declared <= VALUE_BYTES_MAX:
            raise CannotOpen("a compressed value of no or too large a size")
        return zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CannotOpen("the compressed value is damaged") from error


def decompressed_lz4(data: bytes) -> bytes:
    """The value's length and one LZ4 block."""
    size, block = read_uvarint(data)
    if size > VALUE_BYTES_MAX:
        raise CannotOpen("a compressed value of too large a size")
    output = bytearray()
    at = 0

    def length(nibble: int, at: int) -> tuple[int, int]:
        while nibble >= 15:
            more = block[at]
            at += 1
            nibble += more
            if more < 255:
                break
        return nibble, at

    try:
        while True:
            token = block[at]
            literals, at = length(token >> 4, at + 1)
            output += block[at : at + literals]
            at += literals
            if at >= len(block):
                break
            distance = block[at] | block[at + 1] << 8
            copied, at = length(token & 15, at + 2)
            if not 0 < distance <= len(output) or len(output) + copied + 4 > size:
                raise CannotOpen("the compressed value is damaged")
            for _ in range(copied + 4):
                output.append(output[-distance])
    except IndexError as error:
        raise CannotOpen("the compressed value is cut short") from error
    if at != len(block) or len(output) != size:
        raise CannotOpen("the compressed value has another length")
    return bytes(output)


# ---- fields of documents


def open_document(key: bytes, header: Header, reference: str, topic: str, value: bytes) -> bytes:
    """A document with its sealed fields put back; everything else stays as it is."""
    start = 5 if value[:1] == b"\0" and len(value) >= 5 else 0
    parts = []
    copied = 0
    for first, last, path in Document(value, start).strings():
        text = value[first:last]
        # By what it says: spelled otherwise than with plain letters it is refused below.
        if json.loads(text).startswith("wax1:"):
            parts.append(value[copied:first])
            parts.append(decrypt(key, header, reference, topic, sealed_bytes(text), path))
            copied = last
    return b"".join(parts) + value[copied:]


def sealed_bytes(text: bytes) -> bytes:
    """What the JSON string of a sealed field says; one spelling only is taken."""
    letters = text[len(FIELD_MARK) : -1]
    if (
        not text.startswith(FIELD_MARK)
        or not re.fullmatch(rb"[A-Za-z0-9_-]*", letters)
        or len(letters) % 4 == 1
    ):
        raise CannotOpen("a sealed field is not base64url")
    sealed = base64.urlsafe_b64decode(letters + b"=" * (-len(letters) % 4))
    if base64.urlsafe_b64encode(sealed).rstrip(b"=") != letters:
        raise CannotOpen("a sealed field has bits behind its end")
    return sealed


class Document:
    """A walk through one JSON text (RFC 8259) that tells where its string values stand."""

    NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
    STRING = re.compile(rb'"(?:[^\x00-\x1f"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
    SPACE = re.compile(rb"[ \t\n\r]*")
    LITERAL = re.compile(rb"true|false|null")

    def __init__(self, data: bytes, start: int):
        try:
            data[start:].decode("utf-8")
        except UnicodeDecodeError as error:
            raise CannotOpen("the document is not UTF-8") from error
        self.data = data
        self.at = start

    def strings(self):
        """Of each string value: where it begins and ends, and its normalized path."""
        # Each open container: [is an object, steps so far, normalized path of the container].
        open_containers: list[list] = []
        path = "$"
        while True:
            self.space()
            byte = self.peek()
            if byte in b"{[":
                self.at += 1
                open_containers.append([byte == b"{", 0, path])
                if len(open_containers) > DEPTH_MAX:
                    raise CannotOpen("the document is nested too deep")
                self.space()
                if self.peek() != (b"}" if byte == b"{" else b"]"):
                    path = self.step(open_containers[-1])
                    continue
            elif byte == b'"':
                first = self.at
                self.take(self.STRING)
                yield first, self.at, path
            else:
                self.take(self.LITERAL if byte in b"tfn" else self.NUMBER)
            path = self.close(open_containers)
            if path is None:
                return

    def close(self, open_containers: list[list]) -> str | None:
        """Behind a value, or in an empty container: the path of the next value, if any."""
        while open_containers:
            self.space()
            container = open_containers[-1]
            byte = self.peek()
            if byte == b"," and container[1]:
                self.at += 1
                return self.step(container)
            if byte != (b"}" if container[0] else b"]"):
                raise CannotOpen(f"no JSON at byte {self.at}")
            self.at += 1
            open_containers.pop()
        self.space()
        if self.at != len(self.data):
            raise CannotOpen(f"no JSON at byte {self.at}")
        return None

    def step(self, container: list) -> str:
        """Goes on to the next member or element of a container: its path."""
        is_object, count, path = container
        container[1] += 1
        if not is_object:
            return f"{path}[{count}]"
        self.space()
        name = json.loads(self.take(self.STRING))
        self.space()
        if self.peek() != b":":
            raise CannotOpen(f"no JSON at byte {self.at}")
        self.at += 1
        return f"{path}['{normalized(name)}']"

    def space(self) -> None:
        self.take(self.SPACE)

    def peek(self) -> bytes:
        if self.at >= len(self.data):
            raise CannotOpen("the document is cut short")
        return self.data[self.at : self.at + 1]

    def take(self, pattern: re.Pattern) -> bytes:
        match = pattern.match(self.data, self.at)
        if not match:
            raise CannotOpen(f"no JSON at byte {self.at}")
        self.at = match.end()
        return match.group()


def normalized(name: str) -> str:
    """A name as normalized paths have it (RFC 9535 section 2.7)."""
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    short |= {"'": "\\'", "\\": "\\\\"}

    def spelled(letter: str) -> str:
        if letter < " " or "\ud800" <= letter <= "\udfff":
            return short.get(letter, f"\\u{ord(letter):04x}")
        return short.get(letter, letter)

    return "".join(map(spelled, name))


# ---- records


def open_record(
    headers: list[tuple[str, bytes | None]],
    value: bytes | None,
    topic: str,
    unwrap,
    known: dict[int, tuple[bytes, str]] | None = None,
) -> tuple[list[tuple[str, bytes | None]], bytes | None]:
    """Headers and value of a record as the producer sent them.

    `unwrap(reference, wrapped)` gives the 32-byte data key. `known` holds the data keys named so
    far in the same batch and is added to. A record without the header is returned as it is.
    """
    marks = [content for name, content in headers if name == HEADER_KEY]
    if not marks:
        return headers, value
    if len(marks) > 1:
        raise CannotOpen("more than one wax header")
    if value is None:
        raise CannotOpen("a null value with a wax header")
    header = parse_header(marks[0])
    known = {} if known is None else known
    if header.reference is not None and header.wrapped is not None:
        key, reference = unwrap(header.reference, header.wrapped), header.reference
        known[header.data_key_id] = (key, reference)
    elif header.data_key_id in known:
        key, reference = known[header.data_key_id]
    else:
        raise CannotOpen("the data key is not named in this batch")
    plain = open_value(key, header, reference, topic, value)
    return [pair for pair in headers if pair[0] != HEADER_KEY], plain


# ---- vectors


def check(path: Path) -> int:
    """Opens every vector of a file, or of each file in a folder; the count of those that did not
    do what they should."""
    if path.is_dir():
        return sum(check(file) for file in sorted(path.glob("*.json")))
    vectors = json.loads(path.read_text(encoding="utf-8"))["vectors"]
    failures = sum(not check_one(vector) for vector in vectors)
    print(f"{path.name}: {len(vectors) - failures} of {len(vectors)} vectors as expected")
    return failures


def check_one(vector: dict) -> bool:
    key = bytes.fromhex(vector["dataKey"])
    known: dict[int, tuple[bytes, str]] = {}
    if "namedBefore" in vector:
        before = parse_header(bytes.fromhex(vector["namedBefore"]))
        known[before.data_key_id] = (key, before.reference or "")
    try:
        mark = bytes.fromhex(vector["header"])
        headers, plain = open_record(
            [("other", None), (HEADER_KEY, mark)],
            bytes.fromhex(vector["value"]),
            vector["topic"],
            lambda _reference, wrapped: unwrapped(vector, key, wrapped),
            known,
        )
    except CannotOpen as error:
        return report(vector, vector["plaintext"] is None, str(error))
    if vector["plaintext"] is None:
        return report(vector, False, "opened, but must not")
    if headers != [("other", None)]:
        return report(vector, False, "the headers differ")
    if not same_associated_data(vector, parse_header(mark).flags):
        return report(vector, False, "the associated data differs")
    return report(vector, plain == bytes.fromhex(vector["plaintext"]), "opened")


def unwrapped(vector: dict, key: bytes, wrapped: bytes) -> bytes:
    if wrapped != bytes.fromhex(vector["wrappedKey"]):
        raise CannotOpen("another wrapped key")
    return key


def same_associated_data(vector: dict, flags: int) -> bool:
    """Whether the vector says the same of what its ciphertexts are bound to."""
    fields = vector.get("fields", [{"path": "", **vector}])
    return all(
        bytes.fromhex(field["associatedData"])
        == associated_data(
            int(vector["dataKeyID"], 16), vector["reference"], vector["topic"], field["path"], flags
        )
        for field in fields
    )


def report(vector: dict, good: bool, what: str) -> bool:
    print(f"{'ok  ' if good else 'FAIL'} {vector['name']}: {what}")
    return good


def open_stdin(topic: str, key: bytes) -> None:
    record = json.load(sys.stdin)
    headers = [
        (name, None if hexed is None else bytes.fromhex(hexed)) for name, hexed in record["headers"]
    ]
    value = None if record["value"] is None else bytes.fromhex(record["value"])
    _, plain = open_record(headers, value, topic, lambda _reference, _wrapped: key)
    sys.stdout.buffer.write(plain or b"")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", type=Path, metavar="FILE", nargs="+", help="files of vectors, or folders"
    )
    parser.add_argument("--topic", help="the topic that the record was written to")
    parser.add_argument("--key", type=bytes.fromhex, metavar="HEX", help="the 32-byte data key")
    arguments = parser.parse_args()
    if arguments.check:
        return 1 if sum(check(path) for path in arguments.check) else 0
    if not arguments.topic or not arguments.key:
        parser.error("give --check, or --topic and --key")
    try:
        open_stdin(arguments.topic, arguments.key)
    except CannotOpen as error:
        print(f"cannot open: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
