#!/usr/bin/env python3
"""Writes conformance/vectors/format-v1*.json: golden records of the stored format, version 1.

The vectors are made here, by Python's `cryptography`, and not by Waxwing, so that both sides are
judged by a third. They are frozen: a run must give the file that is committed.
"""

from __future__ import annotations

import argparse
import base64
import json
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FOLDER = Path(__file__).resolve().parent.parent / "vectors"
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


def associated(data_key_id, reference, topic, path="", flags=0) -> bytes:
    fixed = b"wax\x01" + bytes([1 | flags]) + struct.pack(">Q", data_key_id)
    return fixed + sized(reference) + sized(topic) + sized(path)


def header(data_key_id, reference, wrapped, flags=0) -> bytes:
    encoded = reference.encode("utf-8")
    fixed = b"\x01" + bytes([0x11 | flags]) + struct.pack(">Q", data_key_id)
    return fixed + uvarint(len(encoded)) + encoded + wrapped


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
    compressed=None,
    flags=0,
):
    bound = associated(data_key_id, reference, topic, flags=flags)
    nonce = struct.pack(">IQ", salt, counter)
    inner = plaintext if compressed is None else compressed
    made = {
        "name": name,
        "topic": topic,
        "dataKey": key.hex(),
        "dataKeyID": f"{data_key_id:016x}",
        "reference": reference,
        "wrappedKey": wrapped.hex(),
        "salt": f"{salt:08x}",
        "counter": counter,
        "associatedData": bound.hex(),
        "header": header(data_key_id, reference, wrapped, flags).hex(),
        "value": (nonce + AESGCM(key).encrypt(nonce, inner, bound)).hex(),
        "plaintext": plaintext.hex(),
    }
    return made if compressed is None else {**made, "compressed": compressed.hex()}


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


# ---- compressed values


def zstd_frame(size: int, *blocks: tuple[int, int, bytes]) -> bytes:
    """A frame made by hand, so that no library's version decides its bytes. A block has a kind
    (0 stored, 1 one byte repeated), a size and its bytes."""
    assert size < 256
    frame = bytes.fromhex("28b52ffd20") + bytes([size])
    for index, (kind, length, content) in enumerate(blocks):
        last = index == len(blocks) - 1
        frame += struct.pack("<I", length << 3 | kind << 1 | last)[:3] + content
    return frame


DOCUMENT = b'{"id":1,"name":"Ada Lovelace","mail":"ada@example.org","tags":["a","b","a","b"]},' * 4
# What zstd 1.5.7, level 3, and LZ4 1.9.4, both at their defaults, made of it once.
DOCUMENT_ZSTD = bytes.fromhex(
    "28b52ffd604400750200a284101980c5e9591441443ce16cf24b84182aa587ae9dd534c28841055750eee5bb"
    "27382035f09d9e46e47258076914757ca9b2ef64ba52d090a1e8184fd6e62b70a426040200702ad039961533"
)
DOCUMENT_LZ4 = bytes.fromhex(
    "f3387b226964223a312c226e616d65223a22416461204c6f76656c616365222c226d61696c223a2261646140"
    "6578616d706c652e6f7267222c2274616773223a5b2261222c2262222c08003f5d7d2c5100db5062225d7d2c"
)


def compressed_vectors():
    run = b"a" * 200
    frame = zstd_frame(200, (1, 200, b"a"))
    first = vector("zstd: a run of one byte", run, flags=0x20, compressed=frame)
    yield first
    mixed = zstd_frame(105, (0, 5, b"start"), (1, 100, b"\x00"))
    yield vector(
        "zstd: two blocks", b"start" + b"\0" * 100, counter=1, flags=0x20, compressed=mixed
    )
    yield vector("zstd: a document", DOCUMENT, counter=2, flags=0x20, compressed=DOCUMENT_ZSTD)
    # One literal, a copy of 199 bytes from one byte before, five literals (the format's end).
    block = b"\x1fa\x01\x00" + bytes([194 - 4 - 15]) + b"\x50aaaaa"
    run_lz4 = vector(
        "lz4: a run of one byte", run, counter=3, flags=0x40, compressed=uvarint(200) + block
    )
    yield run_lz4
    yield vector(
        "lz4: a document",
        DOCUMENT,
        counter=4,
        flags=0x40,
        compressed=uvarint(len(DOCUMENT)) + DOCUMENT_LZ4,
    )
    plain = vector("a value that did not shrink", b"0123456789abcdef", counter=5)
    yield {
        **plain,
        "name": "lean and not compressed, behind a compressed one",
        "namedBefore": first["header"],
        "valueBefore": first["value"],
        "header": "0101" + plain["dataKeyID"],
    }
    yield {
        **run_lz4,
        "name": "lean and compressed otherwise than the one before",
        "namedBefore": first["header"],
        "valueBefore": first["value"],
        "header": "0141" + run_lz4["dataKeyID"],
    }
    for flags in ("11", "51", "71", "91", "b1"):
        yield failing(
            first, f"zstd said to be 0x{flags}", header="01" + flags + first["header"][4:]
        )
    yield failing(run_lz4, "lz4 said to be zstd", header="0131" + run_lz4["header"][4:])

    def damaged(name, data, flags):
        return {**vector(name, b"", flags=flags, compressed=data), "plaintext": None}

    yield damaged("zstd: no frame", b"not a frame", 0x20)
    yield damaged("zstd: a frame cut short", frame[:-1], 0x20)
    yield damaged("zstd: another size than declared", zstd_frame(199, (1, 200, b"a")), 0x20)
    yield damaged("zstd: nothing", b"", 0x20)
    yield damaged("lz4: a block cut short", (uvarint(200) + block)[:-1], 0x40)
    yield damaged("lz4: another size than declared", uvarint(199) + block, 0x40)
    yield damaged("lz4: more bytes than there is memory", b"\xff\xff\xff\xff\x0f" + block, 0x40)
    yield damaged("lz4: a copy from before the start", uvarint(9) + b"\x10a\x02\x00\x40aaaa", 0x40)
    yield damaged("lz4: nothing", b"", 0x40)


# ---- fields of documents


def sealed_text(key: bytes, nonce: bytes, text: bytes, bound: bytes) -> bytes:
    sealed = nonce + AESGCM(key).encrypt(nonce, text, bound)
    return b'"wax1:' + base64.urlsafe_b64encode(sealed).rstrip(b"=") + b'"'


def fields_vector(name, paths, *pieces, counter=0, lean_after=None, prefix=b""):
    """`pieces` are the document's text, in which a pair is a field: its normalized path, its text.
    `paths` are the paths by which a sealer finds just these."""
    key, data_key_id, reference, topic = KEY, 0x0102030405060708, "corp/kek-orders", "customers"
    value, plaintext, fields = prefix, prefix, []
    for piece in pieces:
        if isinstance(piece, bytes):
            value += piece
            plaintext += piece
            continue
        path, text = piece
        bound = associated(data_key_id, reference, topic, path, 0x80)
        nonce = struct.pack(">IQ", 0xDEADBEEF, counter + len(fields))
        value += sealed_text(key, nonce, text, bound)
        plaintext += text
        fields.append({"path": path, "associatedData": bound.hex()})
    full = header(data_key_id, reference, WRAPPED, 0x80)
    made = {
        "name": name,
        "topic": topic,
        "dataKey": key.hex(),
        "dataKeyID": f"{data_key_id:016x}",
        "reference": reference,
        "wrappedKey": WRAPPED.hex(),
        "salt": "deadbeef",
        "counter": counter,
        "paths": paths,
        "fields": fields,
        "header": full.hex(),
        "value": value.hex(),
        "plaintext": plaintext.hex(),
    }
    if lean_after is None:
        return made
    return {
        **made,
        "namedBefore": lean_after["header"],
        "valueBefore": lean_after["value"],
        "header": "0181" + made["dataKeyID"],
    }


def respelled(base, name, change):
    """A vector whose stored document was changed so that it must not open."""
    value = bytes.fromhex(base["value"])
    changed = change(value)
    assert changed != value
    return failing(base, name, value=changed.hex())


def fields_vectors():
    card = fields_vector(
        "two strings",
        ["$.card.number", "$.email"],
        b'{"id": 7, "card": {"number": ',
        ("$['card']['number']", b'"4111111111111111"'),
        b', "brand": "visa"}, "email":',
        ("$['email']", b'"ada@example.org"'),
        b"}",
    )
    yield card
    yield fields_vector(
        "every kind of value, as it was written",
        ["$.s", "$.n", "$.e", "$.t", "$.z", "$.o", "$.a", "$.empty"],
        b' {"s" : ',
        ("$['s']", b'"\\u00e9 \\"quoted\\" \\\\ \xc3\xa9"'),
        b',\n"n":',
        ("$['n']", b"-0.10e+01"),
        b',"e":',
        ("$['e']", b"1E400"),
        b',"t":',
        ("$['t']", b"true"),
        b',"z":',
        ("$['z']", b"null"),
        b',"o": ',
        ("$['o']", b'{ "k" : [ 1 ,2 ] }'),
        b' ,"a":',
        ("$['a']", b"[ ]"),
        b',"empty":',
        ("$['empty']", b'""'),
        b"}\r\n",
        counter=100,
    )
    yield fields_vector(
        "elements and names with letters that paths escape",
        [
            "$.list[*].x",
            "$['it\\'s']",
            "$['\\\\']",
            "$['line\\nend']",
            "$['\u00fc']",
            "$['\\u0001']",
        ],
        b'{"list":[{"x":',
        ("$['list'][0]['x']", b"1"),
        b'},{"y":2},{"x":',
        ("$['list'][2]['x']", b"3"),
        b'}],"it\'s":',
        ("$['it\\'s']", b"4"),
        b',"\\\\":',
        ("$['\\\\']", b"5"),
        b',"line\\nend":',
        ("$['line\\nend']", b"6"),
        b',"\\u00fc":',
        ("$['\u00fc']", b"7"),
        b',"\\u0001":',
        ("$['\\u0001']", b"8"),
        b"}",
    )
    yield fields_vector(
        "half a surrogate pair, a whole one, and the same letter as it is",
        ["$.*"],
        b'{"\\uD83D":',
        ("$['\\ud83d']", b"1"),
        b',"\\uD83D\\uDE00":',
        ("$['\U0001f600']", b"2"),
        b',"\xf0\x9f\x98\x80":',
        ("$['\U0001f600']", b"3"),
        b',"\x7f\\/\\"\\b":',
        ("$['\x7f/\"\\b']", b"4"),
        b"}",
    )
    yield fields_vector("the whole document", ["$"], b" ", ("$", b'{"a": 1}'), b"\n")
    yield fields_vector(
        "two members of one name",
        ["$.a"],
        b'{"a":',
        ("$['a']", b"1"),
        b',"a":',
        ("$['a']", b"2"),
        b"}",
    )
    yield fields_vector(
        "behind a schema registry's prefix",
        ["$[0]"],
        b"[",
        ("$[0]", b'"secret"'),
        b',"wax","wax1"," wax1:","Wax1:"]',
        prefix=b"\0\0\0\1\x02",
    )
    lean = fields_vector(
        "lean, behind a whole value",
        ["$.a"],
        b'{"a":',
        ("$['a']", b"1"),
        b"}",
        counter=1,
        lean_after=vector("", b"whole", topic="customers"),
    )
    yield lean
    yield from failing_fields(card, lean)


def failing_fields(card, lean):
    yield failing(lean, "an id that nobody named", header="0181" + "00" * 8)
    yield failing(card, "another topic", topic="customers2")
    yield failing(card, "said to be a whole value", header="0111" + card["header"][4:])
    yield failing(card, "fields and compression", header="01b1" + card["header"][4:])
    yield failing(card, "no document", value=("00" * 40))
    yield failing(card, "an empty value", value="")
    whole = vector("", b"1", topic="customers", flags=0x80)
    yield failing(card, "a whole value said to be a document", value=whole["value"])
    texts = [part for part in bytes.fromhex(card["value"]).split(b'"') if part[:5] == b"wax1:"]

    def swapped(value):
        return value.replace(texts[0], b"?").replace(texts[1], texts[0]).replace(b"?", texts[1])

    yield respelled(card, "two fields exchanged", swapped)
    yield respelled(card, "a member renamed", lambda value: value.replace(b"email", b"Email"))
    yield respelled(card, "a document cut short", lambda value: value[:-1])
    yield respelled(card, "bytes behind the document", lambda value: value + b"{}")
    yield respelled(card, "a document that is not UTF-8", lambda value: value + b"\xff")
    for name, change in {
        "a padded text": texts[0] + b"=",
        "a text with a bit behind its end": texts[0][:-1] + bytes([texts[0][-1] ^ 1]),
        "an escaped beginning": b"\\u0077" + texts[0][1:],
        "an escaped letter": texts[0][:-1] + b"\\u00%02x" % texts[0][-1],
        "a short text": b"wax1:AAAA",
        "a text without anything sealed": b"wax1:",
        "a changed letter": texts[0][:20] + (b"A" if texts[0][20] != 65 else b"B") + texts[0][21:],
    }.items():
        yield respelled(card, name, lambda value, change=change: value.replace(texts[0], change))
    yield respelled(
        card,
        "a sealed text that nobody sealed",
        lambda value: value.replace(b'"visa"', b'"wax1:visa"'),
    )


FILES = {
    "format-v1.json": vectors,
    "format-v1-compressed.json": compressed_vectors,
    "format-v1-fields.json": fields_vectors,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare with the files")
    is_check = parser.parse_args().check
    differing = 0
    for name, made in FILES.items():
        record = {"format": 1, "vectors": list(made())}
        content = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        file = FOLDER / name
        if not is_check:
            file.write_text(content, encoding="utf-8")
        elif file.read_text(encoding="utf-8") == content:
            print(f"{name}: as committed")
        else:
            print(f"{name}: differs from the file")
            differing += 1
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
