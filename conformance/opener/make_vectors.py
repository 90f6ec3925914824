#!/usr/bin/env python3
"""Writes conformance/vectors/format-v1.json: golden records of the stored format, version 1.

The vectors are made here, by Python's `cryptography`, and not by Waxwing, so that both sides are
judged by a third. They are frozen: a run must give the file that is committed.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE = Path(__file__).resolve().parent.parent / "vectors" / "format-v1.json"
KEY = bytes((7 * index + 3) % 256 for index in range(32))
WRAPPED = bytes(200 - index for index in range(40))


def uvarint(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def sized(text: str) -> bytes:
    encoded = text.encode("utf-8")
    return struct.pack(">H", len(encoded)) + encoded


def vector(
    name,
    plaintext,
    topic="orders",
    reference="corp/kek-orders",
    key=KEY,
    wrapped=WRAPPED,
    data_key_id=0x0102030405060708,
    salt=0xDEADBEEF,
    counter=0,
):
    bound = (
        b"wax\x01\x01"
        + struct.pack(">Q", data_key_id)
        + sized(reference)
        + sized(topic)
        + sized("")
    )
    nonce = struct.pack(">IQ", salt, counter)
    encoded = reference.encode("utf-8")
    header = (
        b"\x01\x11" + struct.pack(">Q", data_key_id) + uvarint(len(encoded)) + encoded + wrapped
    )
    sealed = nonce + AESGCM(key).encrypt(nonce, plaintext, bound)
    return {
        "name": name,
        "topic": topic,
        "dataKey": key.hex(),
        "dataKeyID": f"{data_key_id:016x}",
        "reference": reference,
        "wrappedKey": wrapped.hex(),
        "salt": f"{salt:08x}",
        "counter": counter,
        "associatedData": bound.hex(),
        "header": header.hex(),
        "value": sealed.hex(),
        "plaintext": plaintext.hex(),
    }


def failing(base, name, **changes):
    return {**base, "name": name, **changes, "plaintext": None}


def flipped(hexed: str, at: int) -> str:
    data = bytearray.fromhex(hexed)
    data[at] ^= 1
    return data.hex()


def vectors():
    first = vector("an empty value", b"")
    text = vector("a text", 'Ünïcode ✓ and {"json": 1}'.encode("utf-8"), counter=1)
    yield first
    yield text
    yield vector("one zero byte", b"\x00", counter=2**64 - 2, salt=0)
    yield vector("two cipher blocks and a byte", bytes(range(33)), counter=255)
    yield vector("a kilobyte", bytes(index * 31 % 256 for index in range(1024)), counter=2**32)
    yield vector(
        "every part at another length",
        b"v",
        topic="ü" * 100,
        reference="s/" + "k" * 300,
        wrapped=bytes(range(62)),
        data_key_id=2**64 - 1,
        salt=0xFFFFFFFF,
        counter=7,
        key=bytes(range(32)),
    )
    lean = {
        **text,
        "name": "a record that names its key by id",
        "namedBefore": text["header"],
        "header": "0101" + text["dataKeyID"],
    }
    yield lean
    yield failing(lean, "an id that nobody named", header="0101" + "00" * 8)
    yield failing(text, "another topic", topic="orders2")
    yield failing(text, "another version", header="02" + text["header"][2:])
    yield failing(text, "another suite", header="0112" + text["header"][4:])
    for flags in ("31", "51", "71", "91"):
        yield failing(text, f"unknown flags 0x{flags}", header="01" + flags + text["header"][4:])
    yield failing(text, "another data-key id", header=flipped(text["header"], 9))
    yield failing(text, "another key reference", header=flipped(text["header"], 12))
    yield failing(text, "a changed nonce", value=flipped(text["value"], 0))
    yield failing(text, "a changed ciphertext", value=flipped(text["value"], 12))
    yield failing(text, "a changed tag", value=flipped(text["value"], -1))
    yield failing(text, "a value cut short", value=text["value"][:54])
    yield failing(text, "a header cut short", header=text["header"][:18])
    yield failing(text, "an empty header", header="")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare with the file")
    content = json.dumps({"format": 1, "vectors": list(vectors())}, indent=1, ensure_ascii=False)
    if parser.parse_args().check:
        same = FILE.read_text(encoding="utf-8") == content + "\n"
        print("the vectors are as committed" if same else "the vectors differ from the file")
        return 0 if same else 1
    FILE.write_text(content + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
