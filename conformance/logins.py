"""Who a client is, as each client wants to be told it."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field

from aiokafka.abc import AbstractTokenProvider
from kafka.net.sasl.oauth import AbstractTokenProvider as KafkaPythonTokenProvider

from conformance.sasl import java_property

SECURITY = "org.apache.kafka.common.security."
# The claim that has the groups, here and in Waxwing's configuration.
GROUPS = "groups"
TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class Login:
    """A user of a SASL mechanism. Without a mechanism, a client that does not log in."""

    mechanism: str
    name: str = ""
    password: str = ""
    groups: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return "%s as %s" % (self.mechanism or "nobody", self.name) if self.mechanism else "nobody"

    def token(self) -> str:
        """An unsigned JSON Web Token (RFC 7519 section 6)."""
        now = int(time.time())
        claims = {"sub": self.name, "iat": now, "exp": now + TOKEN_SECONDS}
        if self.groups:
            claims[GROUPS] = list(self.groups)
        return "%s.%s." % (_base64({"alg": "none"}), _base64(claims))

    def librdkafka(self) -> dict:
        """Settings of confluent-kafka."""
        if not self.mechanism:
            return {}
        settings: dict = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": self.mechanism}
        if self.mechanism == "OAUTHBEARER":
            settings["oauth_cb"] = lambda _: (self.token(), time.time() + TOKEN_SECONDS)
            return settings
        return settings | {"sasl.username": self.name, "sasl.password": self.password}

    def kcat(self) -> list[str]:
        settings = self.librdkafka()
        if settings.pop("oauth_cb", None):
            settings["enable.sasl.oauthbearer.unsecure.jwt"] = "true"
            text = "principal=%s" % self.name
            if self.groups:
                text += " scopeClaimName=%s scope=%s" % (GROUPS, ",".join(self.groups))
            settings["sasl.oauthbearer.config"] = text
        return [part for item in settings.items() for part in ("-X", "%s=%s" % item)]

    def kafka_python(self) -> dict:
        if not self.mechanism:
            return {}
        settings = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": self.mechanism}
        if self.mechanism == "OAUTHBEARER":
            return settings | {"sasl_oauth_token_provider": _KafkaPythonToken(self)}
        return settings | {
            "sasl_plain_username": self.name, "sasl_plain_password": self.password,
        }  # fmt: skip

    def aiokafka(self) -> dict:
        settings = self.kafka_python()
        if "sasl_oauth_token_provider" in settings:
            settings["sasl_oauth_token_provider"] = _AIOKafkaToken(self)
        return settings

    def java(self, is_delegation_token: bool = False) -> str:
        """A properties file for Kafka's tools."""
        if not self.mechanism:
            return ""
        if self.mechanism == "OAUTHBEARER":
            module = "oauthbearer.OAuthBearerLoginModule"
            options = {"unsecuredLoginStringClaim_sub": self.name}
            if self.groups:
                options["unsecuredLoginListClaim_" + GROUPS] = "".join("," + g for g in self.groups)
        else:
            family = "plain.Plain" if self.mechanism == "PLAIN" else "scram.Scram"
            module = family + "LoginModule"
            options = {"username": self.name, "password": self.password}
        if is_delegation_token:
            options["tokenauth"] = "true"
        text = "".join(" %s=%s" % (name, _quoted(value)) for name, value in options.items())
        lines = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": self.mechanism,
            "sasl.jaas.config": "%s%s required%s;" % (SECURITY, module, text),
        }
        return "".join(java_property(name, value) for name, value in lines.items())


NOBODY = Login("")


class _KafkaPythonToken(KafkaPythonTokenProvider):
    def __init__(self, login: Login):
        super().__init__()
        self._login = login

    def token(self) -> str:
        return self._login.token()


class _AIOKafkaToken(AbstractTokenProvider):
    def __init__(self, login: Login):
        self._login = login

    async def token(self) -> str:
        return self._login.token()


def _quoted(text: str) -> str:
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def _base64(part: dict) -> str:
    text = json.dumps(part, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
