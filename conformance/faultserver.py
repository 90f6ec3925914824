"""A key service's front on loopback: it passes calls on, counts them, and misbehaves as told."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conformance import proc


@dataclass(frozen=True)
class Fault:
    """How calls are answered; `seconds` is a delay before that."""

    kind: str = "none"
    seconds: float = 0


HEALTHY = Fault()
GARBAGE = b'{"data": {"ciphertext": "vault:v1:', b"\x00\xff\xfe not JSON at all", b""
REFUSALS = {
    "error": (500, {"errors": ["1 error occurred: internal error"]}, {}),
    "busy": (
        429,
        {"errors": ['request path "transit": rate limit quota exceeded']},
        {"Retry-After": "1"},
    ),
    "unavailable": (503, {"errors": ["Vault is sealed"]}, {}),
}


class Front:
    """Listens for one key service. What is asked for is counted by operation, as in `datakey`."""

    def __init__(self, target: int):
        """`target` is the port of a key service on loopback without TLS."""
        self.target = target
        self.fault = HEALTHY
        self.counts: Counter[str] = Counter()
        # When each data key was asked for, by `time.monotonic`.
        self.data_keys: list[float] = []
        self._turn = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.port = proc.free_port()
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_) -> None:
                pass

            def do_POST(self) -> None:
                front.handle(self)

            do_GET = do_PUT = do_POST

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            # A client that gives up is what faults are for.
            def handle_error(self, *_) -> None:
                pass

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return "http://127.0.0.1:%d" % self.port

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    # A call.

    def handle(self, call: BaseHTTPRequestHandler) -> None:
        body = call.rfile.read(int(call.headers.get("Content-Length") or 0))
        with self._lock:
            self.counts[operation(call.path)] += 1
            if operation(call.path) == "datakey":
                self.data_keys.append(time.monotonic())
            self._turn += 1
            fault, turn = self.fault, self._turn
        self._closed.wait(fault.seconds)
        if fault.kind == "none":
            status, headers, answer = self._pass_on(call, body)
            return self._send(call, status, headers, answer)
        if fault.kind == "hang":
            # Until the fault is over; then still without an answer.
            while self.fault is fault and not self._closed.wait(0.1):
                pass
        elif fault.kind == "garbage":
            self._send(call, 200, {}, GARBAGE[turn % len(GARBAGE)])
        elif fault.kind == "truncated":
            status, headers, answer = self._pass_on(call, body)
            self._send(call, status, headers, answer, answer[: len(answer) // 2])
        elif fault.kind in REFUSALS:
            status, content, headers = REFUSALS[fault.kind]
            return self._send(call, status, headers, json.dumps(content).encode())
        call.close_connection = True

    def _pass_on(self, call: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=30)
        try:
            headers = {
                name: value
                for name, value in call.headers.items()
                if name.lower().startswith("x-vault-") or name.lower() == "content-type"
            }
            connection.request(call.command, call.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, {}, answer.read()
        finally:
            connection.close()

    @staticmethod
    def _send(
        call: BaseHTTPRequestHandler, status: int, headers: dict, answer: bytes,
        sent: bytes | None = None,
    ) -> None:  # fmt: skip
        """`sent` is what really goes out, where that is less than was announced."""
        call.send_response(status)
        call.send_header("Content-Type", "application/json")
        call.send_header("Content-Length", str(len(answer)))
        for name, value in headers.items():
            call.send_header(name, value)
        call.end_headers()
        call.wfile.write(answer if sent is None else sent)
        call.wfile.flush()


def operation(path: str) -> str:
    """What a path asks for: `datakey`, `decrypt`, `keys`, `login`, `lookup-self`, …"""
    for name in ("datakey", "decrypt", "keys"):
        if "/%s/" % name in path:
            return name
    return path.rsplit("/", 1)[-1]


class TokenReviews:
    """Stands in for the one call of Kubernetes that a log-in makes: it says whose a token is."""

    def __init__(self, token: str, namespace: str, account: str, uid: str):
        self.asked = 0
        self.port = proc.free_port()
        reviews = self
        user = {
            "username": "system:serviceaccount:%s:%s" % (namespace, account),
            "uid": uid,
            "groups": ["system:serviceaccounts", "system:serviceaccounts:" + namespace],
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_) -> None:
                pass

            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reviews.asked += 1
                good = review["spec"]["token"] == token and self.path.endswith("/tokenreviews")
                review["status"] = {"authenticated": good}
                if good:
                    audiences = review["spec"].get("audiences", [])
                    review["status"] |= {"user": user, "audiences": audiences}
                answer = json.dumps(review).encode()
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
