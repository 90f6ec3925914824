"""All checks in one run, with one closing line: what `make test` starts.

python -m conformance.run [--only WORD,…] [--list]
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from conformance.report import COUNTS_FILE, closing_line, paint

REPOSITORY = Path(__file__).resolve().parent.parent
PYTHON = sys.executable

# A guard against hangs, far above what any step takes.
STEP_SECONDS_MAX = 1500

SWIFT = [
    ("format", ["swift", "format", "lint", "--strict", "--recursive", "Sources", "Tests",
                "Package.swift"]),
    ("build", ["swift", "build", "--build-tests"]),
    ("unit", ["swift", "test"]),
    ("release", ["swift", "build", "-c", "release", "--product", "waxwing"]),
]  # fmt: skip

OPENER = [PYTHON, "conformance/opener/open.py", "--check"]
VECTORS = ["conformance/vectors/format-v1%s.json" % form for form in ("", "-compressed", "-fields")]


def module(name: str, *arguments: str) -> list[str]:
    return [PYTHON, "-m", "conformance." + name, *arguments]


CONFORMANCE = [
    ("opener", [*OPENER, *VECTORS]),
    ("smoke", module("cases.smoke")),
    ("smoke-embedded", module("cases.smoke", "--embedded")),
    ("roundtrip", module("cases.roundtrip")),
    ("protection", module("cases.protection")),
    ("views", module("cases.views")),
    ("badinput", module("cases.badinput")),
    ("flatout", module("cases.flatout")),
    ("vault", module("cases.vault")),
    ("commands", module("cases.commands")),
    ("addresses", module("cases.addresses")),
    ("matrix", module("matrix")),
    ("matrix-3.9", module("matrix", "--kafka", "3",
                          "--clients", "confluent-kafka,kcat,kafka-python",
                          "--modes", "plain,transactional,group,compacted")),
]  # fmt: skip


class Run:
    def __init__(self):
        self.counts: Counter[str] = Counter()
        self.failed_steps: list[str] = []

    def step(self, name: str, argv: list[str]) -> None:
        """Runs one step in a process group of its own and adds its counts up."""
        print("\n" + paint("-- %s: %s" % (name, " ".join(argv)), "2"), flush=True)
        start = time.monotonic()
        with tempfile.NamedTemporaryFile("r") as counts:
            environment = {**os.environ, COUNTS_FILE: counts.name, "PYTHONUNBUFFERED": "1"}
            environment["PYTHONPATH"] = str(REPOSITORY)
            text, status = self._stream(argv, environment)
            told = [tuple(map(int, line.split())) for line in counts if line.strip()]
        if name == "unit":
            told += swift_counts(text)
        if not told:
            # A step that counts nothing itself is one check.
            told = [(1, 0, 0) if status == 0 else (0, 1, 0)]
        for passed, failed, skipped in told:
            self.counts += Counter(PASS=passed, FAIL=failed, SKIP=skipped)
        if status != 0:
            self.failed_steps.append(name)
            if not any(failed for _, failed, _ in told):
                self.counts["FAIL"] += 1
        took = time.monotonic() - start
        word = paint("ok", "32") if status == 0 else paint("FAILED (status %d)" % status, "31")
        print("-- %s: %s after %.0f s" % (name, word, took), flush=True)

    def _stream(self, argv: list[str], environment: dict[str, str]) -> tuple[str, int]:
        """Passes the output on while it comes; the last part of it is returned."""
        try:
            child = subprocess.Popen(
                argv, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            print("cannot run %s: %s" % (argv[0], error), flush=True)
            return "", 127
        previous = signal.signal(signal.SIGALRM, lambda *_: os.killpg(child.pid, signal.SIGTERM))
        signal.alarm(STEP_SECONDS_MAX)
        lines: list[str] = []
        try:
            for raw in child.stdout:
                line = raw.decode(errors="replace")
                lines.append(line)
                del lines[:-400]
                # The unit tests and the compiler say a line per test and per file.
                if argv[0] != "swift" or is_worth_showing(line):
                    sys.stdout.write(line)
                    sys.stdout.flush()
            return "".join(lines), child.wait()
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)
            try:
                os.killpg(child.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass


def is_worth_showing(line: str) -> bool:
    """What went wrong, and how it ended; not every test that starts and file that compiles."""
    return bool(re.search(r"^[✘↳]|error:|warning:|Build complete|Test run with|Fatal", line))


def swift_counts(text: str) -> list[tuple[int, int, int]]:
    """The counts of Swift Testing's closing line."""
    found = re.search(r"Test run with (\d+) tests? .*?(passed|failed)", text)
    if not found:
        return []
    total = int(found[1])
    failed = len(set(re.findall(r"✘ Test (.+?) failed after", text)))
    skipped = len(re.findall(r"Test .+? skipped", text))
    if found[2] == "failed":
        failed = max(1, failed)
    return [(total - failed - skipped, failed, skipped)]


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--only", default="", help="step names, separated by commas")
    options.add_argument("--conformance", action="store_true", help="without the Swift steps")
    options.add_argument("--list", action="store_true", help="print the step names")
    chosen = options.parse_args()
    steps = CONFORMANCE if chosen.conformance else SWIFT + CONFORMANCE
    if chosen.only:
        steps = [step for step in steps if step[0] in chosen.only.split(",")]
    if chosen.list:
        print("\n".join(name for name, _ in steps))
        return 0
    run = Run()
    start = time.monotonic()
    try:
        for name, argv in steps:
            run.step(name, argv)
            if name in ("build", "release") and name in run.failed_steps:
                print("without a build there is nothing to run", flush=True)
                break
    except KeyboardInterrupt:
        run.failed_steps.append("interrupted")
        run.counts["FAIL"] += 1
    minutes, seconds = divmod(int(time.monotonic() - start), 60)
    print("\n%d steps in %d min %02d s" % (len(steps), minutes, seconds))
    if run.failed_steps:
        print("failed: " + ", ".join(run.failed_steps))
    print(closing_line(run.counts), flush=True)
    return 1 if run.failed_steps or run.counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
