"""A TCP relay between two peers that can record what passes, and cut it."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Callable

# Called with what passes, in order, from one thread per direction of a connection.
Observer = Callable[["Link", bytes], None]


class Link:
    """One connection that came in, and the one that goes on from it."""

    def __init__(self, relay: "Relay", near: socket.socket, far: socket.socket):
        self.relay, self.near, self.far = relay, near, far
        # For observers: what they keep per connection.
        self.notes: dict = {}

    def cut(self) -> None:
        """Resets both connections, so that both peers see an error and not an end."""
        for end in (self.near, self.far):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        for end in (self.near, self.far):
            end.close()


class Relay:
    """Listens on one address and relays every connection to another."""

    def __init__(
        self,
        listen: tuple[str, int],
        target: tuple[str, int],
        on_request: Observer | None = None,
        on_response: Observer | None = None,
    ):
        self.listen, self.target = listen, target
        self.on_request, self.on_response = on_request, on_response
        self.bytes_passed = 0
        self.links: set[Link] = set()
        self.cuts = 0
        self._lock = threading.Lock()
        self._closed = False
        self._socket = socket.create_server(listen, backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target, 10)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(self, near, far)
            with self._lock:
                self.links.add(link)
            up = threading.Thread(target=self._pump, args=(link, True), daemon=True)
            down = threading.Thread(target=self._pump, args=(link, False), daemon=True)
            up.start(), down.start()
            threading.Thread(target=self._reap, args=(link, up, down), daemon=True).start()

    def _pump(self, link: Link, upward: bool) -> None:
        source, sink = (link.near, link.far) if upward else (link.far, link.near)
        observer = self.on_request if upward else self.on_response
        try:
            while data := source.recv(1 << 18):
                if observer:
                    observer(link, data)
                sink.sendall(data)
                self.bytes_passed += len(data)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _reap(self, link: Link, up: threading.Thread, down: threading.Thread) -> None:
        up.join()
        down.join()
        link.close()
        with self._lock:
            self.links.discard(link)

    def cut(self) -> int:
        """Cuts every connection that is open now; returns how many."""
        with self._lock:
            links = list(self.links)
        for link in links:
            link.cut()
        self.cuts += len(links)
        return len(links)

    def close(self) -> None:
        self._closed = True
        self._socket.close()
        self.cut()


class Cutter:
    """Cuts relays whenever so many more bytes have passed, until it is stopped."""

    def __init__(self, relays: list[Relay], every_bytes: int):
        self._relays, self._every = relays, every_bytes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        next_cut = self._every
        while not self._stop.wait(0.005):
            if sum(relay.bytes_passed for relay in self._relays) >= next_cut:
                for relay in self._relays:
                    relay.cut()
                next_cut = sum(relay.bytes_passed for relay in self._relays) + self._every

    @property
    def cuts(self) -> int:
        return sum(relay.cuts for relay in self._relays)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
