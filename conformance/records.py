"""What is sent and what came back, and how the two are compared."""

from __future__ import annotations

import os
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass

from conformance.batches import Headers

STORED_HEADER = "wax"
# Nonce and tag, which stand with the ciphertext in a sealed value (docs/FORMAT.md).
SEALING_BYTES = 28


@dataclass(frozen=True)
class Record:
    """A record to send. `timestamp` (ms) and `partition` are None where no client can choose."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int | None = None
    partition: int | None = None

    @property
    def content(self) -> tuple:
        return (self.key, self.value, self.headers)


@dataclass(frozen=True)
class Got:
    """A record as a client received it."""

    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def content(self) -> tuple:
        return (self.key, self.value, self.headers)

    @property
    def envelope(self) -> tuple:
        """All that sealing may not change."""
        kept = tuple(item for item in self.headers if item[0] != STORED_HEADER)
        return (self.partition, self.offset, self.timestamp, self.key, kept)


def new_marker() -> bytes:
    """Text that stands nowhere else; every value of one run carries it and more."""
    return b"wx" + os.urandom(12).hex().encode()


def make_binary(
    marker: bytes, count: int, partitions: int, null_headers: bool = True
) -> list[Record]:
    """Records with everything that a binary-safe client can send."""
    random_bytes = random.Random(count)
    now = int(time.time() * 1000) - 60_000
    records = []
    for index in range(count):
        filler = random_bytes.randbytes(random_bytes.choice((0, 1, 30, 300, 3000)))
        value: bytes | None = marker + b"-%06d-" % index + filler
        if index % 11 == 5:
            value = b""
        elif index % 13 == 7:
            value = None
        key = None if index % 7 == 3 else b"key-%d-\x00\xff" % (index % 5)
        if value is None:
            key = b"tombstone-%d" % index
        headers: Headers = (
            (),
            (("trace", b"\x00\x01\xfe"),),
            (("a", b"1"), ("a", b"2"), ("b", None if null_headers else b"b"), ("c", b"")),
        )[index % 3]
        records.append(Record(key, value, headers, now + index * 7, index % partitions))
    return records


def make_text(marker: bytes, count: int, headers: Headers = ()) -> list[Record]:
    """Records that a line-based client can send: no two have the same key and value."""
    filler = random.Random(count)
    records = []
    for index in range(count):
        text = "".join(
            filler.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=filler.randint(1, 400))
        )
        value = marker + b"-%06d-" % index + text.encode()
        records.append(Record(b"key-%d" % (index % 5), value, headers))
    return records


def by_place(got: list[Got]) -> list[Got]:
    return sorted(got, key=lambda one: (one.partition, one.offset))


def describe(content: tuple) -> str:
    """A record's content, short enough for one line. Test data only: there is nothing secret."""
    return repr(
        tuple(part if len(repr(part)) < 60 else repr(part)[:57] + "..." for part in content)
    )


def compare_with_sent(sent: list[Record], got: list[Got], ordered: bool = True) -> list[str]:
    """Differences between what was sent and what came back; empty when there is none.

    Exact contents, each as often as it was sent, in the order of sending within a partition.
    """
    problems = []
    lost = Counter(one.content for one in sent)
    lost.subtract(one.content for one in got)
    for content, number in lost.items():
        if number > 0:
            problems.append("missing %d times: %s" % (number, describe(content)))
        elif number < 0:
            problems.append("not sent, or came twice: %s" % describe(content))
    if problems:
        return problems[:5] + ["and %d more" % (len(problems) - 5)] * (len(problems) > 5)
    if not ordered:
        return []
    places = defaultdict(list)
    for index, one in enumerate(sent):
        places[one.content].append(index)
    last: dict[int, int] = {}
    for one in by_place(got):
        candidates = places[one.content]
        index = next((i for i in candidates if sent[i].partition in (None, one.partition)), None)
        if index is None:
            return ["in partition %d by mistake: %s" % (one.partition, describe(one.content))]
        candidates.remove(index)
        if index < last.get(one.partition, -1):
            return ["out of order at %d/%d" % (one.partition, one.offset)]
        last[one.partition] = index
        stamp = sent[index].timestamp
        if stamp is not None and one.timestamp != stamp:
            return ["timestamp %s instead of %d at %d/%d"
                    % (one.timestamp, stamp, one.partition, one.offset)]  # fmt: skip
    return []


def compare_with_direct(got: list[Got], stored: list[Got], sealed: bool) -> list[str]:
    """Differences between a reading through Waxwing and a reading of the same records direct.

    Values too: the same for a plain topic; for a sealed one the direct reading must show
    ciphertext, each with the stored header, and nulls as nulls.
    """
    left, right = by_place(got), by_place(stored)
    if len(left) != len(right):
        return ["%d records through Waxwing, %d direct" % (len(left), len(right))]
    for one, other in zip(left, right):
        where = "at %d/%d" % (one.partition, one.offset)
        if one.envelope != other.envelope:
            return ["%s: %r, direct %r" % (where, one.envelope, other.envelope)]
        if any(name == STORED_HEADER for name, _ in one.headers):
            return ["%s: the stored header reaches a client that may read in clear" % where]
        marks = [content for name, content in other.headers if name == STORED_HEADER]
        if not sealed or one.value is None:
            if marks or one.value != other.value:
                return ["%s: an untouched value differs" % where]
        elif len(marks) != 1 or not marks[0]:
            return ["%s: stored with %d `wax` headers" % (where, len(marks))]
        elif other.value is None or len(other.value) != len(one.value) + SEALING_BYTES:
            return ["%s: stored in %s B, plaintext has %d B"
                    % (where, other.value and len(other.value), len(one.value))]  # fmt: skip
        elif len(one.value) >= 8 and one.value in other.value:
            return ["%s: the plaintext stands in the stored value" % where]
    return []
