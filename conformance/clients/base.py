"""What a test can ask of a client, whichever it is."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

from conformance.proc import Failed
from conformance.records import Got, Record

# A guard against hangs: how long a client may wait for records that must be there.
PATIENCE = 90.0


class Member(ABC):
    """One consumer in a group, running until it is stopped."""

    @abstractmethod
    def assigned(self) -> set[int]:
        """The partitions that it has now."""

    @abstractmethod
    def received(self) -> list[Got]:
        """All that it has received so far. Every record is committed when it is returned here."""

    @abstractmethod
    def stop(self) -> None:
        """Leaves the group."""


class Client(ABC):
    """A producer and a consumer of one kind."""

    name: str
    # Codecs that this client can write with.
    codecs: tuple[str, ...] = ("none", "gzip", "snappy", "lz4", "zstd")
    # Whether it sends any bytes, any headers, and its own timestamps and partitions; otherwise it
    # gets `records.make_text` with headers that are the same for all records of one call.
    binary = True
    # Whether it can send a header without a value.
    null_headers = True
    # Whether its consumer tells each record's key, headers, timestamp and place.
    sees_all = True

    def unavailable(self) -> str | None:
        """Why this client cannot run here, or None."""
        return None

    @abstractmethod
    def produce(
        self, bootstrap: str, topic: str, records: list[Record], codec: str,
        idempotent: bool = False,
    ) -> None:  # fmt: skip
        """Sends all and waits for every acknowledgement; raises `Failed` on any error."""

    @abstractmethod
    def transact(
        self, bootstrap: str, topic: str, steps: list[tuple[list[Record], bool]], codec: str,
    ) -> None:  # fmt: skip
        """Transactions one after the other; True commits, False aborts."""

    @abstractmethod
    def consume(self, bootstrap: str, topic: str, count: int, committed: bool = False) -> list[Got]:
        """Reads a topic from its start to its end, where at least `count` records must be."""

    def member(self, bootstrap: str, topic: str, group: str, protocol: str = "classic") -> Member:
        raise Failed("%s has no consumer groups here" % self.name)

    def share(self, bootstrap: str, topic: str, group: str, count: int) -> list[Got]:
        """Reads `count` records with a share group and accepts each."""
        raise Failed("%s has no share groups" % self.name)


def deadline() -> float:
    return time.monotonic() + PATIENCE


def give_up(client: str, topic: str, have: int, wanted: int) -> Failed:
    return Failed("%s: %d of %d records of %s after %d s" % (client, have, wanted, topic, PATIENCE))
