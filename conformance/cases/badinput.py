"""What no honest client sends: an error or a closed connection, a log line; nobody else notices.

python -m conformance.cases.badinput [--path waxwing]
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time
import zlib
from functools import partial

import cramjam
import lz4.frame
import zstandard

from conformance import batches, proc, report, wire
from conformance.batches import CODECS, build_batch, build_legacy, uvarint, varint
from conformance.cases import end, options
from conformance.cases.addresses import flexible
from conformance.cases.scene import (
    BIG,
    MEBIBYTE,
    TOPIC,
    Scene,
    expect_closed,
    refuses,
    says_why,
)
from conformance.proc import Failed, Skipped

# Error codes of the protocol.
UNKNOWN, CORRUPT, INVALID_REQUEST, UNSUPPORTED_VERSION, INVALID_RECORD = -1, 2, 42, 35, 87
UNSUPPORTED_CODEC, UNSUPPORTED_FORMAT, TOO_LARGE = 76, 43, 10

# What the log says of a frame that is too large.
SIZE = "size out of bounds"


def random_garbage(scene: Scene) -> None:
    for size in (1, 3, 4, 7, 8, 100, 5000):
        for attempt in range(5):
            with wire.Connection(scene.address) as connection:
                try:
                    connection.send(os.urandom(size))
                    connection.socket.shutdown(socket.SHUT_WR)
                    expect_closed(connection)
                except OSError:
                    pass


def produce(scene: Scene, batch: bytes, topic: str = TOPIC, version: int = 8):
    """(error code or None when closed, message)."""
    with wire.Connection(scene.address) as connection:
        answer = connection.exchange(wire.produce(topic, 0, batch, version=version))
    if answer is None:
        return None, None
    error, _, message = wire.produce_answer(answer, version)
    return error, message


def refuses_batch(
    scene: Scene, batch: bytes, errors: tuple[int, ...], version: int = 8, may_close: bool = False,
    topic: str = TOPIC,
) -> None:  # fmt: skip
    """The batch is answered with one of these errors, a line is logged, and nothing is stored."""
    before = scene.stored(topic)
    error, message = produce(scene, batch, topic, version)
    if error is None and not may_close:
        raise Failed("the connection was closed instead of an answer")
    if error is not None and error not in errors:
        raise Failed("error %d (%s) instead of one of %s" % (error, message, errors))
    if scene.stored(topic) != before:
        raise Failed("something was stored")
    says_why(scene, "refused")


def lying_requests(scene: Scene) -> None:
    """Produce and Metadata requests whose counts and lengths promise more than there is."""
    good = wire.produce(TOPIC, 0, build_batch([(b"k", b"v", ())]))
    body_at = 4 + 8 + 2 + len("by-hand")
    topics_at = body_at + 2 + 2 + 4
    name_at = topics_at + 4
    partitions_at = name_at + 2 + len(TOPIC)
    records_at = partitions_at + 4 + 4
    positions = [topics_at, partitions_at, records_at]
    frames = []
    for position in positions:
        for lie in (-2, 1000, 0x7FFF_FFFF, -0x8000_0000):
            frames.append(good[:position] + struct.pack(">i", lie) + good[position + 4 :])
    for lie in (-2, 0x7FFF):
        frames.append(good[:name_at] + struct.pack(">h", lie) + good[name_at + 2 :])
    for length in range(body_at, len(good), 7):
        cut = good[:length]
        frames.append(struct.pack(">i", len(cut) - 4) + cut[4:])
    frames.append(wire.request(wire.METADATA, 4, 1, struct.pack(">i", 0x7FFF_FFFF)))
    frames.append(wire.request(wire.PRODUCE, 99, 1, b""))
    frames.append(wire.request(9999, 0, 1, b""))
    # A flexible Produce with a length of 5 bytes that never ends, and one of 4 GiB.
    for lie in (b"\xff\xff\xff\xff\xff\xff", b"\xff\xff\xff\xff\x0f"):
        frames.append(flexible(0, 9, b"\x00" + struct.pack(">hi", -1, 1000) + lie))
    before = scene.stored(TOPIC)
    for number, frame in enumerate(frames):
        with wire.Connection(scene.address) as connection:
            connection.send(frame)
            connection.socket.shutdown(socket.SHUT_WR)
            try:
                expect_closed(connection)
            except Failed:
                raise Failed("frame %d: the connection stays open" % number) from None
    if scene.stored(TOPIC) != before:
        raise Failed("something was stored")


def lying_batches(scene: Scene) -> None:
    """Batches whose own counts and lengths do not fit, each with a CRC that is right."""
    good = build_batch([(b"k", b"v" * 20, (("h", b"1"),))] * 3)
    body = next(batches.read_batches(good)).payload
    wrong = {
        "count too high": build_batch([], payload=body, count=4),
        "count too low": build_batch([], payload=body, count=2),
        "count of 2^31-1": build_batch([], payload=body, count=0x7FFF_FFFF),
        "negative count": build_batch([], payload=body, count=-5),
        "no record": build_batch([], payload=b"", count=0),
        "record longer than the batch": build_batch([], payload=varint(10_000) + body, count=1),
        "negative record length": build_batch([], payload=varint(-3) + body, count=1),
        "key longer than the record": build_batch(
            [], payload=varint(20) + b"\0\0\0" + varint(100) + bytes(16), count=1
        ),
        "2^31-1 headers": build_batch(
            [], payload=varint(20) + b"\0\0\0\1\1" + varint(0x7FFF_FFFF) + bytes(10), count=1
        ),
        "endless varint": build_batch([], payload=b"\xff" * 40, count=1),
        "bytes after the last record": build_batch([], payload=body + bytes(9), count=3),
        "truncated batch": good[:-10],
        "header only": good[:61],
        "half a header": good[:30],
        "batch length of 2^31-1": good[:8] + struct.pack(">i", 0x7FFF_FFFF) + good[12:],
        "batch length of -1": good[:8] + struct.pack(">i", -1) + good[12:],
        "two batches": good + good,
        "control batch": build_batch([(b"\0\0\0\1", b"\0" * 6, ())], attributes=0x20),
        "no batch": b"",
    }
    problems = []
    for name, batch in wrong.items():
        try:
            refuses_batch(
                scene, batch, (UNKNOWN, CORRUPT, INVALID_REQUEST, INVALID_RECORD), may_close=True
            )
        except Failed as problem:
            problems.append("%s: %s" % (name, problem))
    report.expect(problems)


def bomb(codec: str) -> bytes:
    """A small batch of one record of 1 GiB of zeros, as much of it as fits into 900 KiB."""
    head = b"\x00\x00\x00\x01" + varint(1 << 30)
    prefix = varint(len(head) + (1 << 30) + 1) + head
    block = bytes(MEBIBYTE)
    if codec == "gzip":

        def member(content: bytes) -> bytes:
            stream = zlib.compressobj(9, zlib.DEFLATED, 31)
            return stream.compress(content) + stream.flush()

        # One member after another, so that this is quick to make.
        payload = member(prefix) + member(block) * 800
    elif codec == "snappy":

        def chunk(content: bytes) -> bytes:
            one = bytes(cramjam.snappy.compress_raw(content))
            return struct.pack(">i", len(one)) + one

        payload = batches.XERIAL + struct.pack(">ii", 1, 1) + chunk(prefix) + chunk(block) * 15
    elif codec == "bare snappy":
        # The length alone promises 2 GiB.
        payload = uvarint(0x7FFF_FFFF) + bytes(64)
    elif codec == "lz4":
        payload = lz4.frame.compress(prefix + bytes(200 * MEBIBYTE), block_linked=False)
    else:
        stream = zstandard.ZstdCompressor(level=3).compressobj()
        payload = stream.compress(prefix)
        payload += b"".join(stream.compress(block) for _ in range(1024)) + stream.flush()
    codec = codec.removeprefix("bare ")
    return build_batch([], codec, payload=payload[: 900 * 1024], count=1)


def bombs(scene: Scene, codec: str) -> None:
    """Refused, and memory stays where it was."""
    before = scene.waxwing.rss_bytes()
    batch = bomb(codec)
    for _ in range(5):
        refuses_batch(scene, batch, (UNKNOWN, CORRUPT, INVALID_RECORD, TOO_LARGE), may_close=True)
    grown = scene.rss_most - before
    if grown > 200 * MEBIBYTE:
        raise Failed("a batch of %d B made memory grow by %d MB" % (len(batch), grown >> 20))


def reserved_header(scene: Scene) -> None:
    """Nobody can send what looks like a sealed record."""
    batch = build_batch([(b"k", b"v", ()), (b"k", b"v", (("a", b"1"), ("wax", b"\x01")))])
    error, message = produce(scene, batch)
    if error != INVALID_RECORD or not message or "wax" not in message:
        raise Failed("error %s, message %r" % (error, message))
    says_why(scene, "wax")
    for codec in CODECS[1:]:
        error, _ = produce(scene, build_batch([(b"k", b"v", (("wax", None),))], codec))
        if error != INVALID_RECORD:
            raise Failed("compressed with %s: error %s" % (codec, error))


def legacy_magic(scene: Scene) -> None:
    """Message sets of old clients cannot be sealed, so they are refused by magic and version."""
    for magic in (0, 1):
        refuses_batch(
            scene, build_legacy(b"k", b"v", magic), (UNSUPPORTED_FORMAT, INVALID_RECORD, CORRUPT),
            version=3, may_close=True,
        )  # fmt: skip
    for version, magic in ((0, 0), (1, 0), (2, 1)):
        before = scene.stored(TOPIC)
        body = struct.pack(">hi", -1, 1000) + struct.pack(">i", 1) + wire.string(TOPIC)
        batch = build_legacy(b"k", b"v", magic)
        body += struct.pack(">iii", 1, 0, len(batch)) + batch
        with wire.Connection(scene.address) as connection:
            connection.exchange(wire.request(wire.PRODUCE, version, 1, body))
        if scene.stored(TOPIC) != before:
            raise Failed("Produce v%d stored a message of magic %d" % (version, magic))


def idle_connections(scene: Scene) -> None:
    """A thousand clients that say nothing, and a thousand that stop in the middle of a frame."""
    sockets = []
    before = scene.waxwing.rss_bytes()
    try:
        for number in range(2000):
            sockets.append(socket.create_connection(scene.address, 30))
            if number % 2:
                sockets[-1].sendall(wire.metadata([TOPIC])[:9])
        scene.bystander.check()
        grown = scene.waxwing.rss_bytes() - before
        if grown > 64 * MEBIBYTE:
            raise Failed("2,000 idle connections cost %d MB" % (grown >> 20))
        print("      2,000 idle connections: %.1f KiB each" % (grown / 2000 / 1024))
    finally:
        for one in sockets:
            one.close()
    scene.bystander.check()


def never_reads(scene: Scene) -> None:
    """A client asks for 100 MB again and again, and takes none of it."""
    value = os.urandom(900_000)
    for _ in range(20):
        error, message = produce(scene, build_batch([(None, value, ())]), BIG)
        if error:
            raise Failed("Produce: error %d %s" % (error, message))
    before = scene.waxwing.rss_bytes()
    sockets = []
    try:
        for _ in range(20):
            one = socket.create_connection(scene.address, 30)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sockets.append(one)
            one.settimeout(0.2)
            try:
                for number in range(200):
                    one.sendall(wire.fetch(BIG, 0, 0, 64 * MEBIBYTE, correlation=number))
            except (TimeoutError, OSError):
                pass  # it reads no more: that is how it defends itself
        time.sleep(3)
        scene.bystander.check()
        grown = scene.waxwing.rss_bytes() - before
        print("      20 clients that never read: memory grew by %.0f MB" % (grown / MEBIBYTE))
        if grown > 512 * MEBIBYTE:
            raise Failed("20 clients that never read cost %d MB" % (grown >> 20))
    finally:
        for one in sockets:
            one.close()
    scene.bystander.check()


def leaves_in_the_middle(scene: Scene) -> None:
    """Clients that go away in the middle of a request are forgotten at once."""
    proc.eventually("earlier connections are closed", lambda: scene.descriptors() < 200)
    before = scene.descriptors()
    half = wire.produce(TOPIC, 0, build_batch([(b"k", b"v" * 1000, ())]))[:-100]
    starts = [wire.metadata([TOPIC])[:-3], half, b"\x00", wire.metadata([TOPIC])[:9]]
    # Not more: what is announced, the broker takes from its own little heap.
    starts.append(struct.pack(">i", MEBIBYTE) + wire.metadata([TOPIC])[4:] + bytes(100_000))
    for number in range(200):
        with wire.Connection(scene.address) as connection:
            connection.send(starts[number % len(starts)])
    proc.eventually(
        "their connections are closed", lambda: scene.descriptors() <= before + 5, timeout=20
    )


def one_byte_at_a_time(scene: Scene) -> None:
    """Slow is not wrong: a request in single bytes is answered."""
    with wire.Connection(scene.address) as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in wire.produce(TOPIC, 0, build_batch([(b"k", b"slow", ())])):
            connection.send(bytes([byte]))
        answer = connection.read_frame()
    if answer is None or wire.produce_answer(wire.Reader(answer, 4))[0]:
        raise Failed("a slow request was refused")


def unread_requests(scene: Scene) -> None:
    """Thousands of pipelined requests on one connection are answered, all and in order."""
    count = 3000
    with wire.Connection(scene.address) as connection:

        def send() -> None:
            for number in range(count):
                connection.send(wire.metadata([TOPIC], correlation=number))

        sender = threading.Thread(target=send)
        sender.start()
        for number in range(count):
            answer = connection.read_frame()
            if answer is None or answer[:4] != struct.pack(">i", number):
                raise Failed("answer %d is missing or out of order" % number)
        sender.join()


def log_tells_no_secret(scene: Scene) -> None:
    """No payload stands in the log, whatever was refused."""
    for text in ("vvvvvvvvvv", "good-1"):
        if text in scene.waxwing.log:
            raise Failed("the log holds payload")
    if "Fatal error" in scene.waxwing.log:
        raise Failed("the log tells of a crash")


def main() -> int:
    chosen = options(__doc__).parse_args()
    suite = report.Suite("Bad input, %s" % chosen.path)
    if chosen.path == "direct":
        suite.result("SKIP", "bad input", "only Waxwing is attacked, not Kafka")
        return suite.finish()
    try:
        scene = Scene()
    except Skipped as reason:
        suite.result("SKIP", "bad input", str(reason))
        return suite.finish()
    hello = bytes.fromhex("1603010200010001fc0303") + os.urandom(506)
    cases = {
        "random garbage": partial(random_garbage, scene),
        "a TLS hello on a plain port": partial(refuses, scene, hello, "TLS"),
        "an HTTP request": partial(refuses, scene, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"),
        "a frame of 2 GiB": partial(refuses, scene, b"\x7f\xff\xff\xff", SIZE, True),
        "a frame of 1 GiB with a true header": partial(
            refuses, scene, struct.pack(">i", 1 << 30) + wire.metadata(None)[4:], SIZE, True
        ),
        "a frame of -1 bytes": partial(refuses, scene, b"\xff\xff\xff\xff", "size=-1"),
        "a frame of 0 bytes": partial(refuses, scene, b"\x00\x00\x00\x00", "size=0"),
        "truncated and lying requests": partial(lying_requests, scene),
        "truncated and lying batches": partial(lying_batches, scene),
        "a corrupt CRC": partial(
            refuses_batch, scene, build_batch([(b"k", b"v", ())], crc_xor=1), (CORRUPT,)
        ),
        "an unknown codec": partial(
            refuses_batch, scene, build_batch([(b"k", b"v", ())], attributes=5),
            (UNSUPPORTED_CODEC, INVALID_RECORD, UNKNOWN, CORRUPT),
        ),
        "a stream that is not of its codec": partial(
            refuses_batch, scene, build_batch([], "zstd", payload=os.urandom(100), count=1),
            (CORRUPT, INVALID_RECORD, UNKNOWN),
        ),
        "legacy message sets": partial(legacy_magic, scene),
        "the reserved header": partial(reserved_header, scene),
    }  # fmt: skip
    for codec in (*CODECS[1:], "bare snappy"):
        cases["a decompression bomb, " + codec] = partial(bombs, scene, codec)
    cases |= {
        "clients that leave in the middle": partial(leaves_in_the_middle, scene),
        "a request in single bytes": partial(one_byte_at_a_time, scene),
        "3,000 requests in one go": partial(unread_requests, scene),
        "2,000 idle connections": partial(idle_connections, scene),
        "clients that never read": partial(never_reads, scene),
    }
    for name, work in cases.items():
        with suite.case(name):
            work()
            scene.way.check()
            scene.bystander.check()
    with suite.case("the honest client lost nothing"):
        scene.bystander.stop()
    with suite.case("the log tells no secret"):
        log_tells_no_secret(scene)
    scene.end_watch()
    print("      Waxwing used %d MB at most" % (scene.rss_most >> 20))
    end(suite, scene.way)
    scene.cluster.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
