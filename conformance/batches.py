"""Record batches as Kafka stores them: an own reader and writer, independent of any client."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import cramjam
import crc32c
import lz4.frame
import zstandard

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
XERIAL = b"\x82SNAPPY\x00"

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Stored:
    """One record of a batch."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def header(self, name: str) -> bytes | None:
        return dict(self.headers).get(name)


@dataclass
class Batch:
    """The header of a batch and its records area as it is stored."""

    base_offset: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int
    payload: bytes = field(repr=False)
    crc_is_right: bool = True
    size: int = 0

    @property
    def codec(self) -> str:
        number = self.attributes & 7
        return CODECS[number] if number < len(CODECS) else "unknown"

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & 0x20)

    def plain(self) -> bytes:
        """The records area, decompressed."""
        return decompress(self.codec, self.payload)

    def records(self) -> Iterator[Stored]:
        data = self.plain()
        at = 0
        append_time = self.attributes & 8
        for _ in range(self.count):
            length, at = read_varint(data, at)
            end = at + length
            at += 1
            delta_time, at = read_varint(data, at)
            delta_offset, at = read_varint(data, at)
            key, at = _read_bytes(data, at)
            value, at = _read_bytes(data, at)
            headers, at = _read_headers(data, at)
            if at != end:
                raise ValueError("a record's length does not fit its fields")
            stamp = self.max_timestamp if append_time else self.base_timestamp + delta_time
            yield Stored(self.base_offset + delta_offset, stamp, key, value, headers)
        if at != len(data):
            raise ValueError("%d bytes after the last record" % (len(data) - at))


def read_batches(data: bytes) -> Iterator[Batch]:
    """The complete batches of a segment or a fetched record set; stops at a truncated tail."""
    at = 0
    while at + 61 <= len(data):
        (
            base_offset, length, _epoch, magic, crc, attributes, last_delta, base_time, max_time,
            producer_id, producer_epoch, base_sequence, count,
        ) = struct.unpack_from(">qiibIhiqqqhii", data, at)  # fmt: skip
        if length <= 0 or at + 12 + length > len(data):
            return
        if magic != 2:
            raise ValueError("magic %d at %d" % (magic, at))
        end = at + 12 + length
        yield Batch(
            base_offset, attributes, last_delta, base_time, max_time, producer_id,
            producer_epoch, base_sequence, count, data[at + 61 : end],
            crc_is_right=crc32c.crc32c(data[at + 21 : end]) == crc, size=12 + length,
        )  # fmt: skip
        at = end


def read_segments(paths: list[Path]) -> Iterator[Batch]:
    for path in paths:
        yield from read_batches(path.read_bytes())


def contains(paths: list[Path], needle: bytes) -> str | None:
    """Where `needle` stands in the segments, raw or decompressed; None if nowhere."""
    for path in paths:
        data = path.read_bytes()
        if needle in data:
            return "%s/%s, raw" % (path.parent.name, path.name)
        for batch in read_batches(data):
            if batch.codec != "none" and needle in batch.plain():
                where = (path.parent.name, batch.base_offset, batch.codec)
                return "%s, batch at offset %d, after %s" % where
    return None


# -- writing


def build_batch(
    records: list[tuple[bytes | None, bytes | None, Headers]],
    codec: str = "none",
    base_timestamp: int = 1_700_000_000_000,
    producer: tuple[int, int, int] = (-1, -1, -1),
    transactional: bool = False,
    payload: bytes | None = None,
    count: int | None = None,
    attributes: int | None = None,
    crc_xor: int = 0,
    magic: int = 2,
) -> bytes:
    """A batch as a producer sends it. The last five parameters make it wrong on purpose."""
    body = bytearray()
    for index, (key, value, headers) in enumerate(records):
        one = bytearray(b"\x00") + varint(index) + varint(index)
        one += _write_bytes(key) + _write_bytes(value) + varint(len(headers))
        for name, content in headers:
            one += _write_bytes(name.encode()) + _write_bytes(content)
        body += varint(len(one)) + one
    area = payload if payload is not None else compress(codec, bytes(body))
    number = len(records) if count is None else count
    flags = CODECS.index(codec) | (0x10 if transactional else 0)
    covered = (
        struct.pack(
            ">hiqqqhii",
            flags if attributes is None else attributes,
            number - 1,
            base_timestamp,
            base_timestamp + max(0, len(records) - 1),
            *producer,
            number,
        )
        + area
    )
    crc = crc32c.crc32c(covered) ^ crc_xor
    return struct.pack(">qiibI", 0, 9 + len(covered), -1, magic, crc) + covered


def build_legacy(key: bytes | None, value: bytes | None, magic: int) -> bytes:
    """A message set of one message, as clients wrote it before Kafka 0.11."""
    stamp = struct.pack(">q", 1_700_000_000_000) if magic == 1 else b""
    body = struct.pack(">bb", magic, 0) + stamp
    for part in (key, value):
        body += struct.pack(">i", -1) if part is None else struct.pack(">i", len(part)) + part
    return struct.pack(">qiI", 0, 4 + len(body), zlib.crc32(body)) + body


# -- codecs


def compress(codec: str, data: bytes) -> bytes:
    if codec == "none":
        return data
    if codec == "gzip":
        return gzip.compress(data, mtime=0)
    if codec == "snappy":
        return bytes(cramjam.snappy.compress_raw(data))
    if codec == "lz4":
        return lz4.frame.compress(data, block_linked=False)
    return zstandard.ZstdCompressor().compress(data)


def decompress(codec: str, data: bytes) -> bytes:
    if codec == "none":
        return data
    if codec == "gzip":
        return gzip.decompress(data)
    if codec == "snappy":
        if not data.startswith(XERIAL):
            return bytes(cramjam.snappy.decompress_raw(data))
        at, parts = 16, []
        while at < len(data):
            (length,) = struct.unpack_from(">i", data, at)
            parts.append(bytes(cramjam.snappy.decompress_raw(data[at + 4 : at + 4 + length])))
            at += 4 + length
        return b"".join(parts)
    if codec == "lz4":
        return lz4.frame.decompress(data)
    if codec == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    raise ValueError("no such codec: %s" % codec)


# -- varints


def varint(value: int) -> bytes:
    """Zig-zag LEB128."""
    value = (value << 1) ^ (value >> 63)
    return uvarint(value & 0xFFFF_FFFF_FFFF_FFFF)


def uvarint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The value and the index after it."""
    raw = shift = 0
    while True:
        byte = data[at]
        at += 1
        raw |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (raw >> 1) ^ -(raw & 1), at


def _read_bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = read_varint(data, at)
    if length < 0:
        return None, at
    if at + length > len(data):
        raise ValueError("a field reaches past its batch")
    return data[at : at + length], at + length


def _read_headers(data: bytes, at: int) -> tuple[Headers, int]:
    count, at = read_varint(data, at)
    headers = []
    for _ in range(count):
        name, at = _read_bytes(data, at)
        value, at = _read_bytes(data, at)
        headers.append(((name or b"").decode(), value))
    return tuple(headers), at


def _write_bytes(part: bytes | None) -> bytes:
    return varint(-1) if part is None else varint(len(part)) + part
