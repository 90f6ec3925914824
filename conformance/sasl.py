"""A listener of a test cluster on which clients log in: users, mechanisms, properties."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)


@dataclass
class Sasl:
    """A listener on which clients log in, beside the one that asks nothing."""

    # Names and passwords, for PLAIN and both kinds of SCRAM. OAUTHBEARER takes any unsigned token.
    users: dict[str, str]
    # Mechanism to the milliseconds after which a client has to log in again.
    lifetimes_ms: dict[str, int] = field(default_factory=dict)
    # What all nodes derive delegation tokens from.
    token_secret: str = field(default_factory=lambda: uuid.uuid4().hex)

    def properties(self) -> dict[str, str]:
        security = "org.apache.kafka.common.security."
        plain = "".join(' %s=%s' % (_quote("user_" + name), _quote(password))
                        for name, password in self.users.items())  # fmt: skip
        modules = {
            "PLAIN": "plain.PlainLoginModule required%s;" % plain,
            "SCRAM-SHA-256": "scram.ScramLoginModule required;",
            "SCRAM-SHA-512": "scram.ScramLoginModule required;",
            "OAUTHBEARER": "oauthbearer.OAuthBearerLoginModule required;",
        }
        lines = {
            "sasl.enabled.mechanisms": ",".join(modules),
            "delegation.token.secret.key": self.token_secret,
        }
        for mechanism, text in modules.items():
            prefix = "listener.name.sasl.%s." % mechanism.lower()
            lines[prefix + "sasl.jaas.config"] = security + text
            if mechanism in self.lifetimes_ms:
                lifetime = str(self.lifetimes_ms[mechanism])
                lines[prefix + "connections.max.reauth.ms"] = lifetime
        return lines

    def create_scram(self, cluster) -> None:
        """Makes the users known for SCRAM, and waits until every node knows them."""
        # Kafka takes one change of a user per request, and ASCII names alone for SCRAM.
        users = [(name, password) for name, password in self.users.items() if name.isascii()]
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            wanted = [
                UserScramCredentialUpsertion(
                    name, ScramCredentialInfo(mechanism, 4096), password.encode()
                )
                for name, password in users
            ]
            for future in cluster.admin().alter_user_scram_credentials(wanted).values():
                future.result(60)
        name, password = users[-1]
        for node in cluster.nodes.values():
            settings = {
                "bootstrap.servers": "127.0.0.1:%d" % node.sasl_port, "log_level": 0,
                "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": name, "sasl.password": password,
                "reconnect.backoff.max.ms": 200, "error_cb": lambda _error: None,
            }  # fmt: skip
            AdminClient(settings).list_topics(timeout=60)


def _quote(text: str) -> str:
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def java_property(name: str, value: str) -> str:
    """A line of a Java properties file, which is read as Latin-1."""
    value = value.replace("\\", "\\\\")
    letters = (one if one.isascii() else "\\u%04x" % ord(one) for one in value)
    return "%s=%s\n" % (name, "".join(letters))
