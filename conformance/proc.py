"""Child processes that always stop, and free loopback ports for them."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# Below the kernel's ephemeral range, so that no outgoing connection takes a port between the moment
# when it was found free and the moment when the process that shall have it binds it.
PORT_FIRST = 12_000
PORT_LAST = 31_000

_handed_out: set[int] = set()
_children: list["Child"] = []
_directories: list[Path] = []


class Failed(Exception):
    """A step of a test did not do what it must. The text says what and where."""


class Skipped(Exception):
    """A test cannot run on this machine. The text says what is missing."""


def _is_free(port: int) -> bool:
    if port in _handed_out:
        return False
    for address in ("127.0.0.1", "0.0.0.0"):
        with socket.socket() as probe:
            # As servers do: a port in TIME_WAIT counts as free, one that is listened on does not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def free_port() -> int:
    """A port that is free now and that this process has not handed out before."""
    return free_base([0])


def free_base(offsets: list[int]) -> int:
    """A port `b` such that every `b + offset` is free now."""
    for _ in range(10_000):
        base = random.randint(PORT_FIRST, PORT_LAST - max(offsets))
        if all(_is_free(base + offset) for offset in offsets):
            _handed_out.update(base + offset for offset in offsets)
            return base
    raise Failed("no free ports between %d and %d" % (PORT_FIRST, PORT_LAST))


def temp_dir(prefix: str) -> Path:
    """A new directory that is removed when this process ends."""
    path = Path(tempfile.mkdtemp(prefix="waxwing-%s-" % prefix))
    _directories.append(path)
    return path


class Child:
    """One child process in a process group of its own; its output goes to a file.

    It dies with this process whatever happens: `atexit` kills it, and the kernel does when this
    process is killed (`setpriv --pdeathsig`, util-linux).
    """

    def __init__(
        self,
        argv: list[str],
        log: Path | None = None,
        env: dict[str, str] | None = None,
        name: str | None = None,
        stdin=subprocess.DEVNULL,
        stdout=None,
    ):
        self.name = name or Path(argv[0]).name
        self.log = log
        guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        sink = open(log, "ab") if log else subprocess.DEVNULL
        try:
            self.popen = subprocess.Popen(
                guard + argv,
                stdin=stdin,
                stdout=stdout if stdout is not None else sink,
                stderr=sink,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        finally:
            if log:
                sink.close()
        _children.append(self)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def signal(self, number: int) -> None:
        if self.running:
            try:
                os.killpg(self.popen.pid, number)
            except ProcessLookupError:
                pass

    def wait(self, timeout: float) -> int | None:
        """The exit status (negative: the signal that ended it), None when it still runs."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, grace: float = 0) -> int:
        """SIGTERM and `grace` seconds, then SIGKILL. Returns the exit status."""
        if grace > 0:
            self.signal(signal.SIGTERM)
            self.wait(grace)
        self.signal(signal.SIGKILL)
        status = self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream:
                stream.close()
        if self in _children:
            _children.remove(self)
        return status

    def log_tail(self, lines: int = 30) -> str:
        if not self.log or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def run(
    argv: list[str],
    input: bytes | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 180,
    check: bool = True,
) -> subprocess.CompletedProcess:
    """Runs a command to its end; `timeout` is a guard against hangs, not a measurement."""
    guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    try:
        done = subprocess.run(
            guard + argv,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            env={**os.environ, **(env or {})},
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as hang:
        output = (hang.stderr or b"").decode(errors="replace")[-1000:]
        raise Failed("%s did not end within %d s: %s" % (argv[0], timeout, output)) from None
    if check and done.returncode != 0:
        text = (done.stderr or done.stdout).decode(errors="replace")[-1500:]
        raise Failed("%s ended with status %d: %s" % (argv[0], done.returncode, text))
    return done


def wait_for_port(host: str, port: int, child: Child, timeout: float = 90) -> float:
    """Waits until something accepts on the port; returns the seconds that took."""
    start = time.monotonic()
    while time.monotonic() - start < timeout:
        if not child.running:
            raise Failed(
                "%s ended with status %s before it listened:\n%s"
                % (child.name, child.popen.returncode, child.log_tail())
            )
        try:
            socket.create_connection((host, port), 1).close()
            return time.monotonic() - start
        except OSError:
            time.sleep(0.01)
    raise Failed(
        "%s does not listen on %s:%d after %d s:\n%s"
        % (child.name, host, port, timeout, child.log_tail())
    )


def eventually(what: str, condition, timeout: float = 60, pause: float = 0.05):
    """Polls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed("still not so after %d s: %s" % (timeout, what))
        time.sleep(pause)


def rss_bytes(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def keep_directories() -> None:
    """Leaves the temporary directories where they are, for a look after a failure."""
    _directories.clear()


@atexit.register
def _clean_up() -> None:
    for child in list(_children):
        child.stop()
    for directory in _directories:
        shutil.rmtree(directory, ignore_errors=True)


def _ended_by_signal(number, _frame) -> None:
    raise SystemExit(128 + number)


signal.signal(signal.SIGTERM, _ended_by_signal)
signal.signal(signal.SIGHUP, _ended_by_signal)
