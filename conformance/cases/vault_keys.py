"""Log-in by every method, rotation, what a start refuses, and what is told of keys."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from pathlib import Path

from conformance import proc
from conformance.cases.vault_scene import (
    KEY,
    POLICY,
    SERVICE,
    Scene,
    Steady,
    expect_no_secret,
    wait_for_more,
)
from conformance.faultserver import TokenReviews
from conformance.openbao import MOUNT, service_account_token
from conformance.proc import Failed
from conformance.records import compare_with_sent, make_binary, new_marker
from conformance.report import expect
from conformance.waxwing import Waxwing, binary

# Each data key is used for so short, and each token is valid for so short, that several of both
# are needed while a case runs.
SHORT_SECONDS = 1
SHORT = {"age": "%ds" % SHORT_SECONDS, "cacheAge": "%ds" % SHORT_SECONDS}
TOKEN_SECONDS = 4


# -- logging in


class LogIns:
    """One Waxwing with a key service for each way to log in, and a producer for each."""

    METHODS = ("token", "approle", "jwt", "kubernetes", "tls", "space")

    def __init__(self, scene: Scene):
        self.scene, bao = scene, scene.bao
        self.secure = scene.secure
        self.secure.create_key(KEY)
        self.secure.write_policy(POLICY)
        self.renewable = bao.token([POLICY], ttl="%ds" % TOKEN_SECONDS, renewable=True)
        self.login_token = bao.write_file("login-token", self.renewable)
        auth = {"token": {"tokenFile": str(self.login_token)}}
        ttl = "%ds" % TOKEN_SECONDS
        role_id, secret_id = bao.set_up_approle([POLICY], ttl)
        auth["approle"] = {"appRole": {"roleId": role_id, "secretIdFile": str(secret_id)}}
        self.jwt = bao.set_up_jwt([POLICY], ttl)
        auth["jwt"] = {"jwt": {"role": "waxwing", "tokenFile": str(self.jwt)}}
        auth["kubernetes"] = self._kubernetes(ttl)
        role_id, secure_secret_id = self.secure.set_up_approle([POLICY], ttl, "team/approle")
        auth["tls"] = {
            "appRole": {
                "mount": "team/approle",
                "roleId": role_id,
                "secretIdFile": str(secure_secret_id),
            }
        }
        auth["space"] = {"tokenFile": str(self._namespace())}
        self.secrets = [self.renewable, secret_id, secure_secret_id, self.jwt, self.pod_token]
        keys = {name: scene.vault(auth=auth[name]) for name in self.METHODS}
        keys["space"]["vault"] |= {"namespace": "payments", "mount": "team/transit"}
        keys["tls"]["vault"] |= {"address": self.secure.address, "tls": self.certificates()}
        self.topics = {name: scene.new_topic(name) for name in self.METHODS}
        protect = [
            {"topics": [topic], "key": "%s/%s" % (name, KEY)} for name, topic in self.topics.items()
        ]
        self.way = scene.through(keys, protect, dataKeys=SHORT)
        self.flows = {name: Steady(self.way, topic) for name, topic in self.topics.items()}

    def _namespace(self) -> Path:
        """A transit engine, a policy and a token in a namespace; returns the token's file."""
        bao = self.scene.bao
        bao.create_namespace("payments")
        bao.enable("mounts", "team/transit", "transit", namespace="payments")
        # A path may begin with its namespace.
        bao.create_key(KEY, mount="payments/team/transit")
        policy = {"policy": bao.policy("team/transit")}
        bao.call("POST", "sys/policies/acl/" + POLICY, policy, namespace="payments")
        body = {"policies": [POLICY], "ttl": "%ds" % TOKEN_SECONDS}
        made = bao.call("POST", "auth/token/create", body, namespace="payments")
        return bao.write_file("space-token", made["auth"]["client_token"])

    def _kubernetes(self, ttl: str) -> dict:
        account, uid = ("payments", "waxwing"), "0a1b2c3d"
        token = service_account_token(account, uid)
        self.reviews = TokenReviews(token, *account, uid)
        reviewer = "http://127.0.0.1:%d" % self.reviews.port
        self.scene.bao.set_up_kubernetes([POLICY], reviewer, account, ttl)
        self.pod_token = self.scene.bao.write_file("pod-token", token)
        return {"kubernetes": {"role": "waxwing", "tokenFile": str(self.pod_token)}}

    def certificates(self) -> dict:
        return {
            "ca": str(self.secure.ca),
            "certificate": str(self.secure.client_certificate),
            "key": str(self.secure.client_key),
            "serverName": "vault.test",
        }

    def run(self) -> None:
        """Tokens change, are taken away and run out while records are sent."""
        bao = self.scene.bao
        wait_for_more([*self.flows.values()])
        # No log-in of before counts any more.
        bao.call("PUT", "sys/leases/revoke-prefix/auth/jwt/login")
        # For a while there is no good token, until somebody writes one.
        bao.revoke(self.renewable)
        time.sleep(2 * SHORT_SECONDS)
        replaced = bao.token([POLICY])
        self.secrets.append(replaced)
        bao.write_file("login-token", replaced)
        time.sleep(2.5 * TOKEN_SECONDS)

    def check(self, name: str) -> None:
        """Nothing was refused or lost, and data keys of many ages open."""
        flow = self.flows[name]
        flow.wait_for_more()
        flow.stop()
        topic = self.topics[name]
        # Refusals are only for those whose credentials were taken away.
        if name not in ("token", "jwt") and " topic=%s " % topic in self.way.waxwing.log:
            raise Failed("records were refused:\n" + self.way.waxwing.child.log_tail(5))
        flow.expect_all(self.scene.consume(self.way, topic, flow.sent))
        ids = {header.data_key_id for header in self.scene.headers(topic)}
        if len(ids) < TOKEN_SECONDS:
            raise Failed("only %d data keys were used" % len(ids))
        self.scene.expect_no_plaintext(topic, flow.marker)

    def stop(self) -> None:
        self.way.check()
        expect_no_secret(self.way.waxwing.log.encode(), self.secrets, "the log")
        self.way.close()
        self.reviews.close()


def log_in_cases(scene: Scene, suite) -> None:
    made: list[LogIns] = []
    with suite.case("OpenBao: six log-ins, tokens that change, end and are revoked"):
        made.append(LogIns(scene))
        made[0].run()
    if not made:
        return
    names = {
        "token": "log-in by token file, replaced while running",
        "approle": "log-in by AppRole",
        "jwt": "log-in by JWT, its tokens revoked while running",
        "kubernetes": "log-in by Kubernetes (a stand-in reviews its tokens)",
        "space": "a token of a namespace, renewed, and a mount path",
        "tls": "log-in over TLS with CA, client certificate, server name and mount path",
    }
    for method, name in names.items():
        with suite.case(name):
            made[0].check(method)
    with suite.case("no credential is in the log; it ends cleanly"):
        made[0].stop()


# -- rotation


def rotation(scene: Scene) -> None:
    """A rotated key is in use after the age of data keys, without a restart; old records open."""
    age = 3
    way = scene.through(
        {SERVICE: scene.vault()},
        [{"topics": ["rotated*"], "key": "%s/%s" % (SERVICE, KEY)}],
        dataKeys={"age": "%ds" % age, "cacheAge": "1s"},
    )
    topic = scene.new_topic("rotated")
    flow = Steady(way, topic, 100)
    flow.wait_for_more()
    old = scene.bao.key(KEY)["latest_version"]
    new = scene.bao.rotate_key(KEY)
    rotated = time.time()
    proc.eventually("records are sealed under the new version",
                    lambda: scene.key_versions(topic)[-1][1] == new)  # fmt: skip
    time.sleep(age)
    flow.wait_for_more()
    flow.stop()
    stored = scene.key_versions(topic)
    versions = [version for _, version in stored]
    if versions != sorted(versions) or set(versions) != {old, new}:
        raise Failed("versions %s" % sorted(set(versions)))
    # A second is for the answer that was on its way.
    late = [
        one.timestamp / 1000 - rotated
        for one, version in stored
        if version == old and one.timestamp / 1000 > rotated + age + 1
    ]
    if late:
        raise Failed("the old version was in use %.1f s after the rotation" % max(late))
    flow.expect_all(scene.consume(way, topic, flow.sent))
    scene.expect_no_plaintext(topic, flow.marker)
    opened = scene.open_stored(topic)
    if opened != [flow.value(number) for number in range(flow.sent)]:
        raise Failed("the independent opener, with OpenBao's decrypt, opens something else")
    way.close()


# -- the start


class Refusals:
    """Configurations that must not start, and what is said of each."""

    def __init__(self, scene: Scene):
        self.scene = scene
        self.topic = "start"

    def said(self, keys: dict, names: list[str], wait: str = "10s") -> str:
        """The log of a start that must be refused; `names` are keys with their services."""
        protect = [
            {"topics": ["%s%d" % (self.topic, index)], "key": name}
            for index, name in enumerate(names)
        ]
        settings = self.scene.settings(keys, protect, dataKeys={"startWait": wait})
        try:
            waxwing = Waxwing(self.scene.cluster, settings)
        except Failed as reason:
            text = str(reason)
            # 2 where another start would end in the same way, 1 where it may pass.
            if not re.search("ended with status [12] before", text):
                raise
            return text
        waxwing.stop()
        raise Failed("it started with %s" % names)

    def expect(
        self, what: str, names: list[str], *sentences: str, wait: str = "10s", **vault
    ) -> None:
        """All `sentences` are in what is said when the service has these settings."""
        text = self.said({SERVICE: self.scene.vault(**vault)}, names, wait)
        for sentence in (*sentences, *names):
            if sentence not in text:
                raise Failed("%s: `%s` is not said:\n%s" % (what, sentence, text))
        expect_no_secret(text.encode(), [self.scene.token, self.scene.bao.root_token], what)


def start_refused(scene: Scene) -> None:
    bao, one = scene.bao, ["%s/%s" % (SERVICE, KEY)]
    refusals = Refusals(scene)
    bao.enable("mounts", "secret", "kv")
    bao.enable("mounts", "other", "transit")
    bao.create_key("kek-rsa", "rsa-2048")
    bao.create_key("kek-sign", "ed25519")
    bao.create_key("kek-derived", derived=True)
    bao.create_key("kek-gone")
    bao.soft_delete_key("kek-gone")
    bao.write_policy("half", 'path "transit/datakey/*" { capabilities = ["update"] }')

    def file(name: str, text: str) -> dict:
        return {"auth": {"tokenFile": str(bao.write_file(name, text))}}

    refusals.expect(
        "no mount", one, "no secrets engine is mounted at nowhere", mount="nowhere",
        **file("root", bao.root_token),
    )  # fmt: skip
    refusals.expect(
        "another engine", one, "what is mounted at secret is not a transit engine", mount="secret",
        **file("root", bao.root_token),
    )  # fmt: skip
    refusals.expect("a mount that the policy does not name", one, "policy", "other", mount="other")
    refusals.expect(
        "a policy without decrypt", one, "the policy of the token does not allow",
        **file("half", bao.token(["half"])),
    )  # fmt: skip
    refusals.expect(
        "a token that never was", one, "the token is not valid", **file("bad", "s.neverwasatoken")
    )
    ended = bao.token([POLICY], ttl="1s")
    time.sleep(1.5)
    refusals.expect("a token that has ended", one, "the token is not valid", **file("ended", ended))
    refusals.expect(
        "no token file", one, "no-such-file", auth={"tokenFile": "/nonexistent/no-such-file"}
    )
    refusals.expect(
        "a namespace that is not there", one, "namespace", namespace="nowhere",
    )  # fmt: skip
    refusals.expect(
        "a wrong secret id", one, "log-in at auth/approle was refused",
        auth={"appRole": {"roleId": "no-role", "secretIdFile": str(bao.write_file("no", "no"))}},
    )  # fmt: skip
    # All that is wrong is said at once, each key on its own.
    names = ["kek-rsa", "kek-sign", "kek-derived", "kek-gone", "kek-none"]
    refusals.expect(
        "keys that cannot be used", ["%s/%s" % (SERVICE, name) for name in names],
        "there is no such key at %s" % MOUNT, "the key's type must be", "derived",
        "the key is marked as deleted",
    )  # fmt: skip


def start_waits(scene: Scene) -> None:
    """Unreachable, sealed or not to be trusted: the start waits, gives up and says why."""
    bao, one = scene.bao, ["%s/%s" % (SERVICE, KEY)]
    refusals = Refusals(scene)
    refusals.expect(
        "unreachable", one, "nobody accepts it", "tries", wait="1s",
        address="http://127.0.0.1:%d" % proc.free_port(),
    )  # fmt: skip
    bao.seal()
    try:
        refusals.expect("sealed", one, "the key service is sealed", "tries", wait="1s")
    finally:
        bao.unseal()
    bao.freeze()
    try:
        refusals.expect("hanging", one, "tries", wait="1s", timeout="300ms")
    finally:
        bao.thaw()
    secure = scene.secure
    for what, sentence, tls in (
        ("a CA that is not trusted", "authority that is not trusted", {}),
        ("another name", "certificate is for another name", {"serverName": "vault.other"}),
        (
            "no client certificate",
            "it may ask for a client certificate",
            {"serverName": "vault.test"},
        ),
    ):
        more = {"tls": {"ca": str(secure.ca), **tls}} if tls else {}
        refusals.expect(what, one, sentence, wait="0s", address=secure.address, **more)


def start_late(scene: Scene) -> None:
    """A key service that comes while the start waits for it is used."""
    bao = scene.bao
    bao.seal()
    before = time.monotonic()

    def unseal() -> None:
        time.sleep(2)
        bao.unseal()

    later = threading.Thread(target=unseal)
    later.start()
    try:
        way = scene.through(
            {SERVICE: scene.vault()},
            [{"topics": ["late*"], "key": "%s/%s" % (SERVICE, KEY)}],
            dataKeys={"startWait": "60s"},
        )
    finally:
        later.join()
    if time.monotonic() - before < 2:
        raise Failed("it started before its key service was unsealed")
    sent = make_binary(new_marker(), 20, 1)
    topic = scene.new_topic("late")
    scene.client.produce(way.bootstrap, topic, sent, "none")
    expect(compare_with_sent(sent, scene.consume(way, topic, len(sent))))
    way.close()


# -- what is told


def status(scene: Scene) -> None:
    """`waxwing keys status` lists data keys with version, age, records and bytes; no secret."""
    directory = proc.temp_dir("admin")
    socket = directory / "admin.sock"
    way = scene.through(
        {SERVICE: scene.vault()},
        [{"topics": ["told*"], "key": "%s/$(topic)" % SERVICE}],
        admin={"socket": str(socket)},
    )
    if os.stat(socket).st_mode & 0o077:
        raise Failed("others may use the admin socket")
    sent: dict[str, int] = {}
    for count in (30, 70):
        topic = scene.new_topic("told")
        scene.bao.create_key(topic)
        scene.bao.rotate_key(topic)
        records = make_binary(new_marker(), count, 1)
        scene.client.produce(way.bootstrap, topic, records, "none")
        scene.consume(way, topic, count)
        sent[topic] = sum(one.value is not None for one in records)

    def ask(*options: str) -> bytes:
        argv = [str(binary()), "keys", "status", "--config", str(way.waxwing.config), *options]
        return proc.run(argv).stdout

    table, lines = ask().decode(), ask("--json")
    told = list(map(json.loads, lines.splitlines()))
    for topic, count in sent.items():
        reference = "%s/%s" % (SERVICE, topic)
        mine = [one for one in told if one.get("kek") == reference]
        sealing = [one for one in mine if one["use"] == "sealing"]
        ids = {header.data_key_id for header in scene.headers(topic)}
        if {int(one["id"], 16) for one in sealing} != ids:
            raise Failed("%s: other data keys are told than are stored" % reference)
        if [one["version"] for one in sealing] != [2] * len(sealing):
            raise Failed("%s: versions %s" % (reference, sealing))
        if sum(one["records"] for one in sealing) < count:
            raise Failed("%s: %s, but %d records are sealed" % (reference, sealing, count))
        if not all(one["bytes"] > 0 and one["ageSeconds"] < 600 for one in sealing):
            raise Failed("%s: %s" % (reference, sealing))
        if not any(one["use"] == "opening" for one in mine):
            raise Failed("%s: no opening key is told" % reference)
        if reference not in table:
            raise Failed("%s is not in the table:\n%s" % (reference, table))
        scene.open_stored(topic)
    service = [one for one in told if one["type"] == "service"]
    if [one["name"] for one in service] != [SERVICE] or service[0]["breaker"] != "closed":
        raise Failed("services: %s" % service)
    secrets = [scene.token, scene.bao.root_token, *scene.unwrapped.values()]
    for text, where in ((table.encode(), "the table"), (lines, "the JSON"),
                        (way.waxwing.log.encode(), "the log")):  # fmt: skip
        expect_no_secret(text, secrets, where)
    way.close()
    if socket.exists():
        raise Failed("the admin socket is left behind")
