"""Results: one line per case, and the counts that a whole run adds up."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections import Counter

from conformance.proc import Failed, Skipped

COUNTS_FILE = "WAXWING_CONFORMANCE_COUNTS"
COLOURS = {"PASS": "32", "FAIL": "31", "SKIP": "33"}


def paint(text: str, colour: str) -> str:
    """Coloured on a terminal, plain everywhere else."""
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        return "\033[%sm%s\033[0m" % (colour, text)
    return text


class Suite:
    """Runs cases one after the other; a failure does not end the run."""

    def __init__(self, title: str):
        self.title = title.split(",")[0]
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        print(paint("== " + title, "1"), flush=True)

    def result(self, status: str, name: str, detail: str = "", seconds: float | None = None):
        self.counts[status] += 1
        if status == "FAIL":
            self.failures.append(name)
        took = "" if seconds is None else " (%.1f s)" % seconds
        text = "%s  %s%s" % (paint(status, COLOURS[status]), name, took)
        if detail:
            text += ": " + detail
        print(text, flush=True)

    @contextlib.contextmanager
    def case(self, name: str):
        """`with suite.case("…"):` turns what is raised inside into this case's result."""
        start = time.monotonic()
        try:
            yield
        except Skipped as reason:
            self.result("SKIP", name, str(reason))
        except Failed as reason:
            self.result("FAIL", name, str(reason), time.monotonic() - start)
        except Exception:  # a defect of the suite or of a client: never a pass
            where = "".join(traceback.format_exc(limit=-3))
            self.result("FAIL", name, where, time.monotonic() - start)
        else:
            self.result("PASS", name, "", time.monotonic() - start)

    def finish(self) -> int:
        """Hands the counts over to the run that this suite is part of; returns the exit status."""
        if path := os.environ.get(COUNTS_FILE):
            with open(path, "a") as file:
                file.write("%d %d %d\n" % tuple(self.counts[kind] for kind in COLOURS))
        else:
            print(closing_line(self.counts), flush=True)
        return 1 if self.failures else 0


def closing_line(counts: Counter[str]) -> str:
    numbers = tuple(counts[kind] for kind in COLOURS)
    return "%d passed, %d failed, %d skipped" % numbers


def expect(problems: list[str], what: str = "") -> None:
    """Fails with the differences that a comparison found."""
    if problems:
        raise Failed((what + ": " if what else "") + "; ".join(problems))


def print_matrix(cells: list, kind: str, modes: tuple[str, ...], codecs) -> None:
    """Prints the cells of one kind of topic as a table: client and mode down, codecs across."""
    print("\n%s topics" % kind)
    print("%-16s %-14s" % ("client", "mode") + "".join("%-8s" % codec for codec in codecs))
    notes: dict[str, int] = {}
    for cell in sorted(cells, key=lambda cell: (cell.client.name, modes.index(cell.mode))):
        if cell.kind != kind:
            continue
        row = "%-16s %-14s" % (cell.client.name, cell.mode)
        for codec in codecs:
            if codec not in cell.codecs:
                row += "%-8s" % "-"
                continue
            status, detail = cell.results[codec]
            if status == "PASS":
                row += paint("%-8s" % "PASS", "32")
            else:
                number = notes.setdefault(status + ": " + detail, len(notes) + 1)
                row += paint("%-8s" % ("%s[%d]" % (status, number)), COLOURS[status])
        print(row)
    for note, number in notes.items():
        print("  [%d] %s" % (number, note))
