"""Key services that misbehave or go away while producers and consumers work."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import Consumer, TopicPartition

from conformance import proc
from conformance.cases.protection import fetch_error
from conformance.cases.vault_scene import (
    KEY,
    NOT_ENOUGH_REPLICAS,
    PATIENCE_MS,
    SERVICE,
    STORAGE_ERROR,
    Scene,
    Steady,
    environment,
    produce_error,
    wait_for_more,
)
from conformance.clients.java import Java
from conformance.faultserver import HEALTHY, Fault
from conformance.openbao import OpenBao
from conformance.proc import Failed
from conformance.records import make_text, new_marker
from conformance.waxwing import Way

# -- faults

FAULTS = {
    "slow": Fault("none", 0.3),
    "hanging": Fault("hang"),
    "garbage": Fault("garbage"),
    "errors": Fault("error"),
    "busy": Fault("busy"),
    "sealed": Fault("unavailable"),
    "truncated": Fault("truncated"),
    "resetting": Fault("reset"),
}
FAULT_SECONDS = 14


def faults(scene: Scene) -> None:
    """Each fault has its key service, topic and producer; all at the same time."""
    fronts = {name: scene.front() for name in FAULTS}
    keys = {
        name: scene.vault(front.address, timeout="1s", connectTimeout="500ms")
        for name, front in fronts.items()
    }
    protect = [{"topics": [name + "-*"], "key": "%s/%s" % (name, KEY)} for name in FAULTS]
    way = scene.through(
        keys, protect, dataKeys={"age": "8s", "cacheAge": "2s"}, limits={"keyWait": "1s"}
    )
    topics = {name: scene.new_topic(name) for name in FAULTS}
    plain_topic = scene.new_topic("plain")
    plain = Steady(way, plain_topic, 50)
    flows = {name: Steady(way, topic, 20) for name, topic in topics.items()}
    wait_for_more([plain, *flows.values()])
    begin = time.monotonic()
    for name, front in fronts.items():
        front.fault = FAULTS[name]
    # The live data keys go on.
    wait_for_more([*flows.values()], 10)
    while time.monotonic() < begin + FAULT_SECONDS:
        plain.wait_for_more()
    with ThreadPoolExecutor(len(FAULTS)) as pool:
        list(pool.map(lambda name: expect_away(way, name, topics[name]), FAULTS))
    if (error := produce_error(way.waxwing, plain_topic, value=b"by hand")[0]) != 0:
        raise Failed("a plain topic: error %d" % error)
    plain.wait_for_more()
    for front in fronts.values():
        front.fault = HEALTHY
    wait_for_more([plain, *flows.values()])
    for name, flow in flows.items():
        flow.stop()
        got = scene.consume(way, topics[name], flow.sent)
        flow.expect_all([one for one in got if one.value.startswith(flow.marker)])
        scene.expect_no_plaintext(topics[name], flow.marker)
        if name != "slow" and "key service is out service=%s " % name not in way.waxwing.log:
            raise Failed("the log does not say that %s was out" % name)
    plain.stop()
    way.check()
    way.close()


def expect_away(way: Way, name: str, topic: str) -> None:
    """Both ways a partition has an error that clients try again; a slow service is none."""
    error, message = produce_error(way.waxwing, topic, value=b"by hand")
    fetched, data = fetch_error(way.waxwing, topic)
    if name == "slow":
        if error or fetched or not data:
            raise Failed("slow: errors %d and %d" % (error, fetched))
    elif error != NOT_ENOUGH_REPLICAS or topic not in message or fetched != STORAGE_ERROR or data:
        raise Failed(
            "%s: Produce error %d (%s), Fetch error %d with %d B"
            % (name, error, message, fetched, len(data))
        )


# -- an outage


class JavaFlow:
    """The verifiable producer, idempotent, and a verifiable consumer in a group."""

    def __init__(self, scene: Scene, way: Way, topic: str, seconds: int, per_second: int = 40):
        self.client = Java(scene.cluster.home)
        self.count = seconds * per_second
        directory = proc.temp_dir("flow")
        config = directory / "producer.properties"
        config.write_text(
            "enable.idempotence=true\nretries=2147483647\nacks=all\nretry.backoff.max.ms=500\n"
            "delivery.timeout.ms=%d\n" % PATIENCE_MS
        )
        argv = [str(self.client.home / "bin" / "kafka-verifiable-producer.sh")]
        argv += ["--bootstrap-server", way.bootstrap, "--topic", topic]
        argv += ["--max-messages", str(self.count), "--throughput", str(per_second)]
        argv += ["--command-config", str(config)]
        self.output = directory / "acknowledged"
        with open(self.output, "wb") as sink:
            self.child = proc.Child(
                argv, log=directory / "producer.log", env=environment(self.client), stdout=sink
            )
        self.member = self.client.member(way.bootstrap, topic, "java-" + topic)

    def acknowledged(self) -> list[str]:
        """The values, in the order of their acknowledgements."""
        values = []
        for line in self.output.read_bytes().splitlines():
            event = json.loads(line)
            if event["name"] == "producer_send_error":
                raise Failed("the Java producer: %s" % line)
            if event["name"] == "producer_send_success":
                values.append(event["value"])
        return values

    def started(self) -> None:
        proc.eventually("the Java producer has sent", lambda: len(self.acknowledged()) > 20)
        proc.eventually("the Java consumer has read", lambda: len(self.member.received()) > 20)

    def finish(self) -> None:
        """All that was sent was acknowledged, and is read once."""
        if (status := self.child.wait(180)) != 0:
            raise Failed("the Java producer: status %s: %s" % (status, self.child.log_tail()))
        self.child.stop()
        if len(self.acknowledged()) != self.count:
            raise Failed("Java: %d of %d acknowledged" % (len(self.acknowledged()), self.count))
        proc.eventually(
            "the Java consumer has all", lambda: len(self.member.received()) >= self.count
        )
        values = [int(one.value) for one in self.member.received()]
        self.member.stop()
        if values != list(range(self.count)):
            raise Failed(
                "Java: %d records of %d, or in another order" % (len(set(values)), self.count)
            )


class Reader:
    """A consumer that goes back to the start of a topic again and again."""

    def __init__(self, way: Way, topic: str, values: list[bytes]):
        self.values = values
        self.place = TopicPartition(topic, 0, 0)
        self.consumer = Consumer(
            {"bootstrap.servers": way.bootstrap, "group.id": "unused", "log_level": 0}
        )
        self.consumer.assign([self.place])

    def read(self) -> None:
        got: list[bytes] = []
        until = time.monotonic() + 60
        while len(got) < len(self.values):
            if time.monotonic() > until:
                raise Failed("%d of %d cached records" % (len(got), len(self.values)))
            for message in self.consumer.consume(1000, 0.2):
                if message.error():
                    raise Failed("reading what is cached: %s" % message.error())
                got.append(message.value())
        if got != self.values:
            raise Failed("other records than were written")
        self.consumer.seek(self.place)


AGE = 15
# The server hangs, is gone, and is back but sealed: when each begins.
GONE, SEALED, OVER = 20, 32, 40


def outage(scene: Scene) -> None:
    """The ten-minute outage with everything shorter: the key service hangs, dies, comes back
    sealed, and works again."""
    bao = OpenBao()
    bao.start()
    bao.create_key(KEY)
    bao.create_key("kek-unread")
    bao.write_policy("waxwing")
    token = bao.write_file("token", bao.token(["waxwing"]))
    service = scene.vault(bao.address, auth={"tokenFile": str(token)}, timeout="1s")
    way = scene.through(
        {SERVICE: service},
        [
            {"topics": ["out-*"], "key": "%s/%s" % (SERVICE, KEY)},
            {"topics": ["unread-*"], "key": SERVICE + "/kek-unread"},
        ],
        dataKeys={"age": "%ds" % AGE, "cacheAge": "5m"},
        limits={"keyWait": "2s"},
    )
    topics = [scene.new_topic("out") for _ in range(4)]
    cached, java_topic = topics[2:]
    # Its data keys are not cached, having opened nothing yet.
    unread = scene.new_topic("unread")
    plain = Steady(way, scene.new_topic("plain"))
    sent = make_text(new_marker(), 100)
    for topic in (cached, unread):
        scene.client.produce(way.bootstrap, topic, sent, "none")
    reader = Reader(way, cached, [one.value for one in sent])
    reader.read()
    java = JavaFlow(scene, way, java_topic, seconds=OVER + 8)
    java.started()
    flows = [Steady(way, topic) for topic in topics[:2]]
    wait_for_more([plain, *flows])
    begin = time.monotonic()
    bao.freeze()
    # The live data keys go on, and so does what needs none.
    wait_for_more([plain, *flows])
    reader.read()
    expect_outage(way, unread, plain, begin + GONE)
    if (error := produce_error(way.waxwing, topics[0])[0]) != NOT_ENOUGH_REPLICAS:
        raise Failed("after the age of every data key: error %d" % error)
    reader.read()
    bao.child.stop()
    expect_outage(way, unread, plain, begin + SEALED)
    bao.start()
    expect_outage(way, unread, plain, begin + OVER)
    reader.read()
    bao.unseal()
    begin = time.monotonic()
    wait_for_more(flows)
    scene.notes.append("resumed %.0f s after the outage" % (time.monotonic() - begin))
    for flow in [plain, *flows]:
        flow.stop()
        flow.expect_all(scene.consume(way, flow.topic, flow.sent))
    scene.expect_no_plaintext(topics[0], flows[0].marker)
    java.finish()
    stored = [one.value.decode() for one in scene.consume(way, java_topic, java.count)]
    if stored != java.acknowledged():
        raise Failed("Java: %d stored, %d acknowledged" % (len(stored), java.count))
    if (error := fetch_error(way.waxwing, unread)[0]) != 0:
        raise Failed("what could not be opened in the outage: error %d" % error)
    reader.consumer.close()
    way.check()
    way.close()
    bao.stop()


def expect_outage(way: Way, unread: str, plain: Steady, until: float) -> None:
    """To that time: plain topics go on, what is not cached is refused for now."""
    while True:
        plain.wait_for_more()
        error, data = fetch_error(way.waxwing, unread)
        if error != STORAGE_ERROR or data:
            raise Failed("what is not cached: error %d with %d B" % (error, len(data)))
        if time.monotonic() > until:
            return
        time.sleep(0.2)
