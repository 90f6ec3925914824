"""A Kafka client by hand, for what no real client would send."""

from __future__ import annotations

import socket
import struct

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS = 0, 1, 2, 3, 18


def string(text: str | None) -> bytes:
    if text is None:
        return struct.pack(">h", -1)
    raw = text.encode()
    return struct.pack(">h", len(raw)) + raw


def request(key: int, version: int, correlation: int, body: bytes) -> bytes:
    """A frame with request header v1, which every version used here has."""
    header = struct.pack(">hhi", key, version, correlation) + string("by-hand")
    return struct.pack(">i", len(header) + len(body)) + header + body


def produce(
    topic: str, partition: int, batch: bytes, acks: int = -1, version: int = 8,
    correlation: int = 1, timeout_ms: int = 30_000,
) -> bytes:  # fmt: skip
    """Produce of one batch, versions 0 to 8."""
    body = string(None) if version >= 3 else b""
    body += struct.pack(">hi", acks, timeout_ms) + struct.pack(">i", 1) + string(topic)
    body += struct.pack(">iii", 1, partition, len(batch)) + batch
    return request(PRODUCE, version, correlation, body)


def fetch(
    topic: str, partition: int, offset: int, max_bytes: int = 64 << 20, correlation: int = 1,
    wait_ms: int = 500,
) -> bytes:  # fmt: skip
    """Fetch version 11 of one partition without a session."""
    body = struct.pack(">iiiib", -1, wait_ms, 1, max_bytes, 0) + struct.pack(">ii", 0, -1)
    body += struct.pack(">i", 1) + string(topic) + struct.pack(">i", 1)
    body += struct.pack(">iiqqi", partition, -1, offset, -1, max_bytes)
    body += struct.pack(">i", 0) + string("")
    return request(FETCH, 11, correlation, body)


def metadata(topics: list[str] | None, correlation: int = 1) -> bytes:
    """Metadata version 4: no topic is created by asking."""
    body = struct.pack(">i", -1 if topics is None else len(topics))
    body += b"".join(string(topic) for topic in topics or []) + b"\x00"
    return request(METADATA, 4, correlation, body)


def api_versions(correlation: int = 1) -> bytes:
    return request(API_VERSIONS, 0, correlation, b"")


class Connection:
    """One connection to a broker, or to what stands in for one."""

    def __init__(self, address: tuple[str, int], timeout: float = 30):
        self.socket = socket.create_connection(address, timeout)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_error) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_frame(self) -> bytes | None:
        """The next response without its size; None when the peer closed the connection."""
        size = self._read(4)
        if size is None:
            return None
        return self._read(struct.unpack(">i", size)[0])

    def _read(self, count: int) -> bytes | None:
        data = bytearray()
        while len(data) < count:
            try:
                part = self.socket.recv(min(1 << 20, count - len(data)))
            except ConnectionError:
                return None
            if not part:
                return None
            data += part
        return bytes(data)

    def exchange(self, frame: bytes) -> "Reader | None":
        """Sends a request and returns its response after the correlation id; None when closed."""
        try:
            self.send(frame)
        except ConnectionError:
            pass
        answer = self.read_frame()
        return Reader(answer, 4) if answer is not None else None


class Reader:
    """Fields of a response, one after the other."""

    def __init__(self, data: bytes, at: int = 0):
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        if len(part) != count:
            raise ValueError("the response ends at %d" % len(self.data))
        self.at += count
        return part

    def int8(self) -> int:
        return struct.unpack(">b", self.take(1))[0]

    def int16(self) -> int:
        return struct.unpack(">h", self.take(2))[0]

    def int32(self) -> int:
        return struct.unpack(">i", self.take(4))[0]

    def int64(self) -> int:
        return struct.unpack(">q", self.take(8))[0]

    def string(self) -> str | None:
        length = self.int16()
        return None if length < 0 else self.take(length).decode()

    def bytes(self) -> bytes | None:
        length = self.int32()
        return None if length < 0 else self.take(length)


def produce_answer(reader: Reader, version: int = 8) -> tuple[int, int, str | None]:
    """Error code, base offset and message of the one partition that was asked for."""
    reader.int32(), reader.string(), reader.int32(), reader.int32()
    error, base_offset = reader.int16(), reader.int64()
    message = None
    if version >= 2:
        reader.int64()
    if version >= 5:
        reader.int64()
    if version >= 8:
        for _ in range(reader.int32()):
            reader.int32(), reader.string()
        message = reader.string()
    return error, base_offset, message


def fetch_answer(reader: Reader) -> tuple[int, int, bytes]:
    """Error code, high watermark and record set of the one partition that was asked for."""
    reader.int32()
    error = reader.int16()
    reader.int32()
    if reader.int32() == 0:
        return error, -1, b""
    reader.string(), reader.int32(), reader.int32()
    error = reader.int16()
    high = reader.int64()
    reader.int64(), reader.int64()
    for _ in range(max(0, reader.int32())):
        reader.int64(), reader.int64()
    reader.int32()
    return error, high, reader.bytes() or b""


def metadata_answer(reader: Reader) -> tuple[dict[int, tuple[str, int]], dict[str, dict[int, int]]]:
    """Node addresses by id, and the leader of each partition of each topic."""
    reader.int32()
    nodes = {}
    for _ in range(reader.int32()):
        id, host, port = reader.int32(), reader.string(), reader.int32()
        reader.string()
        nodes[id] = (host, port)
    reader.string(), reader.int32()
    topics = {}
    for _ in range(reader.int32()):
        reader.int16()
        name = reader.string()
        reader.int8()
        leaders = topics.setdefault(name, {})
        for _ in range(reader.int32()):
            reader.int16()
            partition, leader = reader.int32(), reader.int32()
            for _ in range(2):
                reader.take(4 * reader.int32())
            leaders[partition] = leader
    return nodes, topics
