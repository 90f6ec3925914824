#!/usr/bin/env python3
"""Opens records in Waxwing's stored format, version 1, with nothing of Waxwing in it.

It is written from docs/FORMAT.md alone and needs only the Python package `cryptography`, so that a
mistake in the product cannot hide in its own opener, and so that records can be opened without it.

    open.py --check FILE                    opens every vector of a vector file
    open.py --topic T --key HEX < record    opens one record given as JSON:
                                            {"headers": [["wax", hex], …], "value": hex}
"""

from __future__ import annotations

import argparse
import json
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
NONCE_BYTES = 12
TAG_BYTES = 16
REFERENCE_BYTES_MAX = 400
WRAPPED_BYTES_MAX = 1024


class CannotOpen(Exception):
    """The bytes are not a sealed record that this opener knows, or were changed."""


@dataclass(frozen=True)
class Header:
    """The value of the `wax` header, taken apart."""

    data_key_id: int
    reference: str | None
    wrapped: bytes | None


def parse_header(value: bytes | None) -> Header:
    """Takes a header value apart; unknown versions, suites and flags are refused."""
    if value is None or len(value) < 2:
        raise CannotOpen("the header is cut short")
    version, second = value[0], value[1]
    if version != VERSION:
        raise CannotOpen(f"unknown version {version}")
    if second & 0x0F != SUITE_AES256_GCM:
        raise CannotOpen(f"unknown suite {second & 0x0F}")
    if second & 0xF0 & ~FLAG_WRAPPED_KEY:
        raise CannotOpen(f"unknown flags {second >> 4}")
    if len(value) < 10:
        raise CannotOpen("the header is cut short")
    (data_key_id,) = struct.unpack(">Q", value[2:10])
    rest = value[10:]
    if not second & FLAG_WRAPPED_KEY:
        if rest:
            raise CannotOpen("the header is too long")
        return Header(data_key_id, None, None)
    length, rest = read_uvarint(rest)
    if not 1 <= length <= REFERENCE_BYTES_MAX or length > len(rest):
        raise CannotOpen("bad length of the key reference")
    reference, wrapped = rest[:length], rest[length:]
    if not 1 <= len(wrapped) <= WRAPPED_BYTES_MAX:
        raise CannotOpen("bad length of the wrapped key")
    try:
        return Header(data_key_id, reference.decode("utf-8"), wrapped)
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
    raise CannotOpen("bad length of the key reference")


def associated_data(data_key_id: int, reference: str, topic: str, path: str = "") -> bytes:
    """What a ciphertext is bound to."""

    def sized(text: str) -> bytes:
        encoded = text.encode("utf-8")
        return struct.pack(">H", len(encoded)) + encoded

    fixed = b"wax" + struct.pack(">BBQ", VERSION, SUITE_AES256_GCM, data_key_id)
    return fixed + sized(reference) + sized(topic) + sized(path)


def open_value(key: bytes, header: Header, reference: str, topic: str, value: bytes) -> bytes:
    """The plaintext of a sealed value."""
    if len(value) < NONCE_BYTES + TAG_BYTES:
        raise CannotOpen("the value is cut short")
    bound = associated_data(header.data_key_id, reference, topic)
    try:
        return AESGCM(key).decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], bound)
    except InvalidTag as error:
        raise CannotOpen("the value was changed, moved, or sealed with another key") from error


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
    """Opens every vector of a file; the count of those that did not do what they should."""
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
    bound = associated_data_of(vector)
    if bound != bytes.fromhex(vector["associatedData"]):
        return report(vector, False, "the associated data differs")
    return report(vector, plain == bytes.fromhex(vector["plaintext"]), "opened")


def unwrapped(vector: dict, key: bytes, wrapped: bytes) -> bytes:
    if wrapped != bytes.fromhex(vector["wrappedKey"]):
        raise CannotOpen("another wrapped key")
    return key


def associated_data_of(vector: dict) -> bytes:
    return associated_data(int(vector["dataKeyID"], 16), vector["reference"], vector["topic"])


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
    parser.add_argument("--check", type=Path, metavar="FILE", help="a file of vectors")
    parser.add_argument("--topic", help="the topic that the record was written to")
    parser.add_argument("--key", type=bytes.fromhex, metavar="HEX", help="the 32-byte data key")
    arguments = parser.parse_args()
    if arguments.check:
        return 1 if check(arguments.check) else 0
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
