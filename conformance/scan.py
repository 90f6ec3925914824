"""Watches the raw bytes between a client and Waxwing for addresses that must not be in them."""

from __future__ import annotations

import struct
import threading
from collections import Counter

from conformance.relay import Link, Relay

METADATA, FIND_COORDINATOR, DESCRIBE_CLUSTER = 3, 10, 60


class Scanner:
    """Takes the place of the network between clients and Waxwing, and reads every response.

    A host name that must not appear is looked for in every response; a port, which is only four
    bytes, as text everywhere and as a number in the responses that list nodes.
    """

    def __init__(
        self, outside: str, inside: str, ports: list[int], upstream: dict[int, tuple],
        more: list[bytes] = [],
    ):  # fmt: skip
        """Relays `ports` from the address `outside` to `inside`. `upstream` holds the nodes'
        addresses, and `more` other text that must not be seen."""
        hosts = {host for host, _ in upstream.values()}
        self.needles = [host.encode() for host in hosts] + more
        self.needles += [b":%d" % port for _, port in upstream.values()]
        self.port_numbers = [struct.pack(">i", port) for _, port in upstream.values()]
        # Responses by API key, and the findings as (API key, needle).
        self.seen: Counter[int] = Counter()
        self.found: Counter[tuple[int, str]] = Counter()
        self.bytes = 0
        self._lock = threading.Lock()
        self.relays = [
            Relay((outside, port), (inside, port), self._request, self._response) for port in ports
        ]

    def _request(self, link: Link, data: bytes) -> None:
        for frame in _frames(link, "requests", data):
            if len(frame) >= 8:
                key, _, correlation = struct.unpack_from(">hhi", frame)
                link.notes.setdefault("keys", {})[correlation] = key

    def _response(self, link: Link, data: bytes) -> None:
        for frame in _frames(link, "responses", data):
            correlation = int.from_bytes(frame[:4], "big")
            key = link.notes.get("keys", {}).pop(correlation, -1)
            self._look(key, frame)

    def _look(self, key: int, frame: bytes) -> None:
        needles = self.needles
        if key in (METADATA, FIND_COORDINATOR, DESCRIBE_CLUSTER):
            needles = needles + self.port_numbers
        with self._lock:
            self.seen[key] += 1
            self.bytes += len(frame)
            for needle in needles:
                if needle in frame:
                    self.found[key, repr(needle)] += 1

    def close(self) -> None:
        for relay in self.relays:
            relay.close()


def _frames(link: Link, name: str, data: bytes) -> list[bytes]:
    """The frames that `data` completes; the rest waits for more."""
    buffer: bytearray = link.notes.setdefault(name, bytearray())
    buffer += data
    frames = []
    while len(buffer) >= 4:
        (size,) = struct.unpack_from(">i", buffer)
        # Not Kafka, when it is negative: nothing more can be told apart.
        if size < 0 or len(buffer) < 4 + size:
            break
        frames.append(bytes(buffer[4 : 4 + size]))
        del buffer[: 4 + size]
    return frames
