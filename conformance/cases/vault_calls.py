"""How often a key service is called, and that nobody waits for it when data keys change."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from conformance import batches, wire
from conformance.cases.protection import fetch_error
from conformance.cases.vault_scene import KEY, SERVICE, Scene
from conformance.faultserver import Fault
from conformance.proc import Failed
from conformance.waxwing import Way

from confluent_kafka import Producer

PER_CONNECTION = 1000
MANY = 30


def produce(way: Way, topic: str, partition: int) -> None:
    producer = Producer({"bootstrap.servers": way.bootstrap, "log_level": 0, "linger.ms": 5})
    errors: list[str] = []

    def delivered(error, _message) -> None:
        if error:
            errors.append(str(error))

    for number in range(PER_CONNECTION):
        producer.produce(topic, b"%06d" % number, partition=partition, on_delivery=delivered)
    if producer.flush(120) or errors:
        raise Failed("%s/%d: %s" % (topic, partition, errors[:1]))


def read(way: Way, topic: str, partition: int) -> None:
    """All of a partition, on connections of its own."""
    offset = 0
    while offset < PER_CONNECTION:
        error, data = fetch_error(way.waxwing, topic, partition, offset)
        values = [one.value for found in batches.read_batches(data) for one in found.records()]
        if error or not values or values[0] != b"%06d" % offset:
            raise Failed("%s/%d: error %d, %d values" % (topic, partition, error, len(values)))
        offset += len(values)


def calls(scene: Scene, connections: int, threads: int) -> dict[str, int]:
    """What a fresh Waxwing asks its key service while so many connections write and read."""
    front = scene.front()
    way = scene.through(
        {SERVICE: scene.vault(front.address)},
        [{"topics": ["calls-*"], "key": "%s/%s" % (SERVICE, KEY)}],
        threads=threads,
    )
    topic = scene.new_topic("calls", connections)
    started = front.counts.copy()
    with ThreadPoolExecutor(connections) as pool:
        for work in (produce, read):
            list(pool.map(lambda partition: work(way, topic, partition), range(connections)))
    way.close()
    made = front.counts - started
    made.pop("lookup-self", None)
    return dict(made)


def counted(scene: Scene) -> None:
    """One connection with 1,000 records and 30 with 30,000 make the same calls."""
    few, many = calls(scene, 1, 1), calls(scene, MANY, 1)
    if few != {"datakey": 1, "decrypt": 1} or many != few:
        raise Failed("one loop: %s for 1 connection, %s for %d" % (few, many, MANY))
    loops = 2
    spread = calls(scene, MANY, loops)
    # A data key for each loop, each opened by each loop; equal calls at one time are one.
    if not (
        1 <= spread.pop("datakey", 0) <= loops
        and 1 <= spread.pop("decrypt", 0) <= loops * loops
        and not spread
    ):
        raise Failed("%d loops: other calls than these: %s" % (loops, spread))
    scene.notes.append("calls for 1,000 and for 30,000 records: %s, %s" % (few, many))


class Trips:
    """Round trips of one connection that sends one small record after the other."""

    def __init__(self, way: Way, topic: str):
        self.connection = wire.Connection(("127.0.0.1", way.waxwing.ports[1]))
        self.frame = wire.produce(topic, 0, batches.build_batch([(None, bytes(1000), ())]))
        self.seconds: list[float] = []

    def go(self) -> None:
        begin = time.perf_counter()
        answer = self.connection.exchange(self.frame)
        self.seconds.append(time.perf_counter() - begin)
        if answer is None or wire.produce_answer(answer)[0]:
            raise Failed("a Produce was not answered well")

    def text(self) -> str:
        parts = statistics.quantiles(self.seconds, n=100, method="inclusive")
        numbers = (parts[49], parts[98], max(self.seconds))
        return "p50 %.2f ms, p99 %.2f ms, most %.1f ms" % tuple(1e3 * one for one in numbers)


SLOW, CHANGES = 0.6, 3


def unnoticed(scene: Scene) -> None:
    """Data keys change while a key service takes its time: nobody waits for it."""
    front = scene.front()
    trips: dict[str, Trips] = {}
    ways = []
    for name, age in (("changing", "5s"), ("lasting", "1h")):
        way = scene.through(
            {SERVICE: scene.vault(front.address)},
            [{"topics": ["trips-*"], "key": "%s/%s" % (SERVICE, KEY)}],
            dataKeys={"age": age},
        )
        ways.append(way)
        trips[name] = Trips(way, scene.new_topic("trips"))
        # The first data key is waited for.
        trips[name].go()
        trips[name].seconds.clear()
    front.fault = Fault("none", SLOW)
    before = front.counts["datakey"]
    while front.counts["datakey"] < before + CHANGES:
        for one in trips.values():
            one.go()
        time.sleep(0.005)
    for name, one in trips.items():
        scene.notes.append("%s data keys: %d trips, %s" % (name, len(one.seconds), one.text()))
    # Compared with what the same machine did beside it, so that a pause of all counts for neither.
    waited = {name: sum(one > SLOW / 2 for one in each.seconds) for name, each in trips.items()}
    if waited["changing"] > waited["lasting"] + 1:
        raise Failed("%s round trips of half the key service's time" % waited)
    for name, way in zip(trips, ways):
        trips[name].connection.socket.close()
        way.close()
