"""The commands beside the proxy, held against what real clients send, store and read.

python -m conformance.cases.commands [--path waxwing]
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from conformance import batches, cluster, proc, report
from conformance.cases import end, options
from conformance.clients.confluent import Confluent
from conformance.cluster import Topic
from conformance.proc import Failed, Skipped
from conformance.records import Got, Record, by_place, compare_with_sent, make_binary, new_marker
from conformance.report import expect
from conformance.waxwing import Settings, Waxwing, Way, binary, make_keyring

READER = "User:conformance"
FIELDS = ["$.card.number", "$.email", "$.born", "$.note"]
RULES = """\
tokenKey: %s
protect:
  - {topics: ["sealed*"], key: local/customers}
  - {topics: ["fields*"], key: local/customers, fields: %s}
  - {topics: ["large*"], key: local/customers, compress: zstd}
read:
  - {principals: ["*"], topics: ["sealed*", "large*"], show: clear}
  - principals: ["%s"]
    topics: ["fields*"]
    mask:
      $.card.number: {keepLast: 4}
      $.email: token
      $.born: {dateTruncate: year}
      $.note: drop
"""


class Scene:
    def __init__(self):
        self.cluster = cluster.start()
        directory = proc.temp_dir("commands")
        keyring = make_keyring(directory)
        token = self._token(directory, keyring)
        rules = RULES % (json.dumps(token), json.dumps(FIELDS), READER)
        settings = Settings(sealed=[], grants=[], extra=rules)
        waxwing = Waxwing(self.cluster, settings, keyring=keyring)
        self.way = Way(self.cluster, waxwing.bootstrap, seals=True, waxwing=waxwing)
        self.config = str(waxwing.config)
        self.directory = directory
        self.client = Confluent()

    def _token(self, directory: Path, keyring: Path) -> dict:
        """What `keys token` prints, read as the YAML that it is."""
        config = directory / "keys.yaml"
        config.write_text(
            "cluster: {bootstrap: ['k:1']}\nlisteners: [{name: a, bind: 127.0.0.1, ports:"
            " {bootstrap: 1, brokers: 2-3}}]\nkeys: {local: {file: %s}}\n" % keyring
        )
        printed = run("keys", "token", "--config", str(config), "local/customers")
        first, *rest = printed.decode().splitlines()
        if first != "tokenKey:":
            raise Failed("`keys token` printed %r" % printed)
        return dict(line.strip().replace('"', "").split(": ") for line in rest)

    def new_topic(self, kind: str, partitions: int = 1, config: dict | None = None) -> str:
        topic = "%s-%s" % (kind, new_marker().decode()[-8:])
        self.way.create_topics({topic: Topic(partitions, config=config or {})})
        return topic

    def write(self, topic: str, records: list[Record], codec: str = "none") -> None:
        self.client.produce(self.way.bootstrap, topic, records, codec)

    def kcat(self, topic: str) -> bytes:
        """The dump that docs/OPERATING.md describes."""
        if shutil.which("kcat") is None:
            raise Skipped("no kcat at hand")
        argv = ["kcat", "-C", "-J", "-e", "-q", "-b", self.cluster.bootstrap, "-t", topic]
        return proc.run([*argv, "-o", "beginning"]).stdout

    def file(self, name: str, content: bytes) -> str:
        path = self.directory / name
        path.write_bytes(content)
        return str(path)


def run(*arguments: str, input: bytes | None = None, status: int = 0) -> bytes:
    """What the command prints; it must end with `status`."""
    done = finish(*arguments, input=input)
    if done.returncode != status:
        raise Failed(
            "waxwing %s: status %d instead of %d: %s"
            % (arguments[0], done.returncode, status, done.stderr.decode()[-500:])
        )
    return done.stdout


def finish(*arguments: str, input: bytes | None = None) -> subprocess.CompletedProcess:
    return proc.run([str(binary()), *arguments], input=input, check=False)


def opened(output: bytes, partition: int | None = None) -> list[Got]:
    """The records that `open` printed."""

    def part(item: dict, name: str) -> bytes | None:
        coded = item.get(name + "Base64")
        if coded is not None:
            return base64.b64decode(coded)
        return None if item[name] is None else item[name].encode()

    found = []
    for line in output.splitlines():
        item = json.loads(line)
        headers = tuple((part(one, "key").decode(), part(one, "value")) for one in item["headers"])
        place = item.get("partition", partition)
        found.append(
            Got(place, item["offset"], item["timestamp"], part(item, "key"), part(item, "value"),
                headers)
        )  # fmt: skip
    return found


def same_as_clients_read(found: list[Got], topic: str, scene: Scene) -> None:
    """`open` gives what a client that may read all gets through Waxwing, byte for byte."""
    read = scene.client.consume(scene.way.bootstrap, topic, len(found))
    for one, other in zip(by_place(found), by_place(read), strict=True):
        if one != other:
            raise Failed("opened %r, a client reads %r" % (one, other))


def open_kcat(scene: Scene, kind: str) -> None:
    topic = scene.new_topic(kind, 2)
    partitions = 4 if scene.cluster.embedded else 2
    sent = make_binary(new_marker(), 150, partitions)
    scene.write(topic, sent, "lz4")
    dump = scene.kcat(topic)
    # Piped, and from a file with the topic said; both whatever the order of partitions.
    found = opened(run("open", "--config", scene.config, input=dump))
    expect(compare_with_sent(sent, found))
    same_as_clients_read(found, topic, scene)
    again = run("open", "--config", scene.config, "--topic", topic, scene.file("dump", dump))
    if opened(again) != found:
        raise Failed("a file and a pipe differ")


def open_segments(scene: Scene, config: dict[str, str], count: int = 150) -> None:
    if scene.cluster.embedded:
        raise Skipped("the embedded cluster has no segments")
    topic = scene.new_topic("sealed", 1, config)
    sent = make_binary(new_marker(), count, 1)
    for start in range(0, count, 50):
        scene.write(topic, sent[start : start + 50], "zstd")
    segments = scene.cluster.segments(topic)
    if "segment.bytes" in config and len(segments) < 2:
        raise Failed("there is one segment only")
    wanted = config.get("compression.type", "producer").replace("producer", "none")
    stored = {batch.codec for batch in batches.read_segments(segments)}
    if stored != {wanted}:
        raise Failed("the broker stored codecs %s" % stored)
    arguments = ["open", "--config", scene.config, "--topic", topic]
    found = [one for path in segments for one in opened(run(*arguments, str(path)), 0)]
    expect(compare_with_sent(sent, found))
    same_as_clients_read(found, topic, scene)
    # The tail of a segment that is being written may be cut.
    whole = segments[0].read_bytes()
    cut = opened(run(*arguments, scene.file("cut.log", whole[:-7])), 0)
    if not cut or cut != found[: len(cut)]:
        raise Failed("a cut segment gives other records")


def raw(scene: Scene) -> None:
    topic = scene.new_topic("sealed")
    sent = [Record(None, new_marker(), partition=0) for _ in range(20)]
    scene.write(topic, sent)
    output = run("open", "--config", scene.config, "--raw", input=scene.kcat(topic))
    if output != b"".join(one.value + b"\n" for one in sent):
        raise Failed("--raw printed %r" % output[:200])


def damaged(scene: Scene) -> None:
    """A changed record is named and left out; the others open."""
    topic = scene.new_topic("sealed")
    marker = new_marker()
    sent = [Record(b"k%d" % index, marker + b"%d" % index, partition=0) for index in range(10)]
    scene.write(topic, sent)
    lines = scene.kcat(topic).splitlines(keepends=True)
    at = next(place for place, line in enumerate(lines) if b'"key":"k4"' in line)
    lines[at] = lines[at].replace(b'"payload":"', b'"payload":"\\u0000')
    done = finish("open", "--config", scene.config, input=b"".join(lines))
    values = [one.value for one in opened(done.stdout)]
    if done.returncode != 1 or values != [one.value for one in sent if one.key != b"k4"]:
        raise Failed("status %d, %r" % (done.returncode, values))
    said = done.stderr.decode()
    if "offset 4: " not in said or "9 opened, 0 not sealed, 1 not opened" not in said:
        raise Failed("not named: %s" % said)
    if marker.decode() in said:
        raise Failed("plaintext on standard error")


def without_key(scene: Scene) -> None:
    """Another keyring opens nothing, and says which key is missing."""
    topic = scene.new_topic("sealed")
    marker = new_marker()
    scene.write(topic, [Record(None, marker, partition=0)])
    other = make_keyring(proc.temp_dir("other"))
    config = Path(scene.config).read_text().replace(str(scene.way.waxwing.keyring), str(other))
    path = scene.file("other.yaml", config.encode())
    done = finish("open", "--config", path, input=scene.kcat(topic))
    if done.returncode != 1 or done.stdout or b"key customers: corrupt" not in done.stderr:
        raise Failed("status %d: %s %s" % (done.returncode, done.stdout, done.stderr))


def inspect(scene: Scene) -> None:
    topic = scene.new_topic("sealed")
    marker = new_marker()
    sent = [Record(None, marker + b"x" * index, partition=0) for index in range(40)]
    sent += [Record(b"gone", None, partition=0)]
    scene.write(topic, sent)
    large = scene.new_topic("large")
    scene.write(large, [Record(None, marker * 50, partition=0)] * 3)
    dump = scene.kcat(topic)
    for more in ([], ["--json"], ["--summary"], ["--summary", "--json"]):
        if marker in run("inspect", *more, input=dump):
            raise Failed("plaintext in what `inspect` prints")
    rows = [json.loads(line) for line in run("inspect", "--json", input=dump).splitlines()]
    sizes = [row.get("plainBytes") for row in rows]
    if sizes != [None if one.value is None else len(one.value) for one in sent]:
        raise Failed("sizes %s" % sizes)
    if {row.get("kek") for row in rows} != {"local/customers", None}:
        raise Failed("keys %s" % {row.get("kek") for row in rows})
    # The topic is not compacted, so the first record of a batch names the key for the others.
    lean = sum(row.get("wrappedKey") is False for row in rows)
    if not scene.cluster.embedded and not 0 < lean < len(rows) - 1:
        raise Failed("%d of %d records are lean" % (lean, len(rows)))
    both = dump + scene.kcat(large)
    sums = [
        json.loads(line) for line in run("inspect", "--summary", "--json", input=both).splitlines()
    ]
    wanted = {"records": 44, "whole": 43, "null": 1, "fields": 0, "plain": 0, "invalid": 0}
    if {name: sums[0][name] for name in wanted} != wanted or sums[1]["compressed"] != 3:
        raise Failed("sums %s" % sums)


def document(marker: bytes, index: int) -> bytes:
    """A customer; every protected value holds the marker."""
    text = marker.decode()
    return json.dumps(
        {"id": index, "card": {"number": text + "1111"}, "email": text + "@corp.example",
         "born": "1980-0%d-17" % (index % 9 + 1), "note": [text, {"deep": text}]}
    ).encode()  # fmt: skip


def explained(scene: Scene) -> None:
    """`explain` shows exactly what a client then reads, and nothing that the broker may not see."""
    topic = scene.new_topic("fields")
    marker = new_marker()
    sent = [Record(b"k%d" % index, document(marker, index), partition=0) for index in range(9)]
    scene.write(topic, sent)
    read = by_place(scene.client.consume(scene.way.bootstrap, topic, len(sent)))
    base = ["explain", "--config", scene.config, "--topic", topic, "--json", "--value", "-"]
    for record, got in zip(sent, read, strict=True):
        key = ["--record-key", record.key.decode()]
        told = json.loads(run(*base, *key, "--principal", READER, input=record.value))
        if told["seen"]["value"].encode() != got.value or "note" in told:
            raise Failed("explained %r, a client reads %r" % (told["seen"], got.value))
        if marker.decode() in told["stored"]["value"]:
            raise Failed("plaintext in what is said to be stored")
        nobody = run(*base, *key, "--principal", "unknown", input=record.value)
        if marker in nobody:
            raise Failed("an unknown client is shown plaintext: %r" % nobody)
    dump = scene.kcat(topic)
    if marker in dump:
        raise Failed("plaintext in the stored documents")
    values = [one.value for one in opened(run("open", "--config", scene.config, input=dump))]
    if values != [one.value for one in sent]:
        raise Failed("documents do not open byte for byte")


def checked(scene: Scene) -> None:
    """`check` looks into the keyring, makes the start's probe, and holds rules against samples."""
    run("check", "--config", scene.config, "--keys")
    sample = scene.file("sample", b'{"card":{"number":4111},"email":"x","born":"1980-01-01"}\n')
    said = run("check", "--config", scene.config, "--sample", "fields=" + sample).decode()
    for text in ("nothing is selected by $.note", "mask `keepLast` does not fit"):
        if text not in said:
            raise Failed("`%s` is not said: %s" % (text, said))
    config = Path(scene.config).read_text().replace("local/customers, fields", "local/none, fields")
    path = scene.file("missing.yaml", config.encode())
    done = finish("check", "--config", path)
    if done.returncode != 2 or b"key `local/none`: there is no such key in" not in done.stderr:
        raise Failed("a missing key: status %d, %s" % (done.returncode, done.stderr))
    run("check", "--offline", "--config", path)


def main() -> int:
    options(__doc__).parse_args()
    suite = report.Suite("Commands")
    scene = Scene()
    print("      " + scene.cluster.label)
    cases = {
        "open: a dump of kcat": partial(open_kcat, scene, "sealed"),
        "open: a dump of kcat, values compressed": partial(open_kcat, scene, "large"),
        "open: values alone": partial(raw, scene),
        "open: a changed record": partial(damaged, scene),
        "open: another keyring": partial(without_key, scene),
        "inspect": partial(inspect, scene),
        "explain: what a client then reads": partial(explained, scene),
        "check: keys and samples": partial(checked, scene),
    }
    for codec in ("producer", "gzip", "snappy", "lz4", "zstd"):
        cases["open: segments, compression.type=" + codec] = partial(
            open_segments, scene, {"compression.type": codec}
        )
    cases["open: several segments"] = partial(
        open_segments, scene, {"segment.bytes": "1048576"}, 3000
    )
    for name, work in cases.items():
        with suite.case("commands: " + name):
            work()
            scene.way.check()
    end(suite, scene.way)
    scene.cluster.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
